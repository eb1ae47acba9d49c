package io.sluiceway.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.DataReadyPolicy.Every;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.testing.OnlyPolicy;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class JobSpecTest {
    private static final JarDigest JAR = new JarDigest("ab".repeat(32));
    private static final DataReadyPolicy HOURLY = DataReadyPolicy.of("results", Every.PT1H, null, null, null);

    /** Of SHA-256 over the length-prefixed parts, made by other means: what ledgers hold already has to stay valid. */
    @Test
    void hashes_withoutPolicies_areThoseOfSpecificationsThatKnewNone() {
        assertThat(spec(Policies.NONE).payloadHash())
                .isEqualTo("f27a695600fed9f5ea050127e2b19ee0f832154d7230b60983092bda5dd8d694");
        assertThat(spec(Policies.NONE).specHash(JAR))
                .isEqualTo("cbe9eb8e7bc5702715b0be9ab0e9074d69a55e48088fd3ffb03d11ebc5a7c56b");
    }

    @Test
    void hashes_policiesThatDiffer_differ() {
        List<JobSpec> specs = Stream.of(
                        HOURLY,
                        DataReadyPolicy.of("others", Every.PT1H, null, null, null),
                        DataReadyPolicy.of("results", Every.P1D, null, null, null),
                        DataReadyPolicy.of("results", Every.PT1H, "Europe/Berlin", null, null),
                        DataReadyPolicy.of("results", Every.PT1H, null, "2013-01-05T10:00:00Z", null),
                        DataReadyPolicy.of("results", Every.PT1H, null, null, "2013-01-05T10:00:00Z"),
                        null)
                .map(policy -> spec(OnlyPolicy.of(policy)))
                .toList();

        assertThat(specs).map(JobSpec::payloadHash).doesNotHaveDuplicates();
        assertThat(specs).map(spec -> spec.specHash(JAR)).doesNotHaveDuplicates();
    }

    @Test
    void hashes_thresholdsOfHealthThatDiffer_differ() {
        List<JobSpec> specs = Stream.of(
                        HealthPolicy.DEFAULT,
                        HealthPolicy.of("PT1M", null, null, null, null, null, null),
                        HealthPolicy.of(null, 4, null, null, null, null, null),
                        HealthPolicy.of(null, null, "PT1M", null, null, null, null),
                        HealthPolicy.of(null, null, null, 4, null, null, null),
                        HealthPolicy.of(null, null, null, null, "PT1M", null, null),
                        HealthPolicy.of(null, null, null, null, null, 4, null),
                        HealthPolicy.of(null, null, null, null, null, null, "PT1M"),
                        null)
                .map(policy -> spec(health(policy)))
                .toList();

        assertThat(specs).map(JobSpec::payloadHash).doesNotHaveDuplicates();
        assertThat(specs).map(spec -> spec.specHash(JAR)).doesNotHaveDuplicates();
    }

    @Test
    void hashes_savepointsAndRetentionThatDiffer_differ() {
        List<JobSpec> specs = Stream.of(
                        Policies.NONE,
                        savepoints(SavepointsPolicy.of("PT6H", null, null)),
                        savepoints(SavepointsPolicy.of("PT12H", null, null)),
                        savepoints(SavepointsPolicy.of(null, "0 4 * * *", null)),
                        savepoints(SavepointsPolicy.of(null, "0 5 * * *", null)),
                        savepoints(SavepointsPolicy.of(null, "0 4 * * *", "Europe/Berlin")),
                        retention(RetentionPolicy.of(null, null)),
                        retention(RetentionPolicy.of(9, null)),
                        retention(RetentionPolicy.of(null, "P8D")))
                .map(JobSpecTest::spec)
                .toList();

        assertThat(specs).map(JobSpec::payloadHash).doesNotHaveDuplicates();
        assertThat(specs).map(spec -> spec.specHash(JAR)).doesNotHaveDuplicates();
    }

    @Test
    void hashes_restartsThatDiffer_differ() {
        List<JobSpec> specs = Stream.of(
                        RestartPolicy.DEFAULT,
                        RestartPolicy.of(4, null, null, null),
                        RestartPolicy.of(null, "PT31S", null, null),
                        RestartPolicy.of(null, null, "PT16M", null),
                        RestartPolicy.of(null, null, null, "PT2H"),
                        null)
                .map(policy -> spec(OnlyPolicy.of(policy)))
                .toList();

        assertThat(specs).map(JobSpec::payloadHash).doesNotHaveDuplicates();
        assertThat(specs).map(spec -> spec.specHash(JAR)).doesNotHaveDuplicates();
    }

    @Test
    void hashes_restartsThatAreTheDefaults_areTheSameHoweverTheyAreWritten() {
        assertThat(RestartPolicy.of(3, "PT30S", "PT15M", "PT1H"))
                .isEqualTo(RestartPolicy.of(null, null, null, null))
                .isEqualTo(RestartPolicy.DEFAULT);
    }

    @Test
    void delay_restartsInARow_doublesUpToTheMost() {
        RestartPolicy policy = RestartPolicy.of(100, "PT30S", "PT3M", null);

        assertThat(Stream.of(1, 2, 3, 4, 100).map(policy::delay))
                .containsExactly(
                        Duration.ofSeconds(30),
                        Duration.ofMinutes(1),
                        Duration.ofMinutes(2),
                        Duration.ofMinutes(3),
                        Duration.ofMinutes(3));
    }

    @Test
    void restartPolicy_backoffLongerThanTheDefaultOfTheMost_isItsOwnMost() {
        assertThat(RestartPolicy.of(null, "PT1H", null, null).delay(5)).isEqualTo(Duration.ofHours(1));
    }

    @Test
    void spec_runThatIsToBeStartedAgain_isRefused() {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> spec(JobKind.RUN, OnlyPolicy.of(RestartPolicy.DEFAULT)))
                .withMessageContaining("STREAM")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.FIELD_INVALID));
    }

    @Test
    void hashes_thresholdsThatAreTheDefaults_areTheSameHoweverTheyAreWritten() {
        HealthPolicy written = HealthPolicy.of("PT5M", 3, "PT10M", 3, null, null, null);

        assertThat(spec(health(written)).payloadHash())
                .isEqualTo(spec(health(HealthPolicy.of(null, null, null, null, null, null, null)))
                        .payloadHash());
    }

    @Test
    void hashes_sameTimesWrittenOtherwise_areTheSameSpecification() {
        assertThat(spec(savepoints(SavepointsPolicy.of("P1D", null, null))).payloadHash())
                .isEqualTo(spec(savepoints(SavepointsPolicy.of("PT24H", null, null)))
                        .payloadHash());
        assertThat(spec(retention(RetentionPolicy.of(null, null))).payloadHash())
                .isEqualTo(spec(retention(RetentionPolicy.of(10, "PT168H"))).payloadHash());
    }

    private static Policies health(HealthPolicy policy) {
        return OnlyPolicy.of(policy);
    }

    private static Policies savepoints(SavepointsPolicy policy) {
        return OnlyPolicy.of(policy);
    }

    private static Policies retention(RetentionPolicy policy) {
        return OnlyPolicy.of(policy);
    }

    @Test
    void hashes_timeZoneThatIsTheDefault_isTheSameSpecification() {
        DataReadyPolicy named = DataReadyPolicy.of("results", Every.PT1H, "UTC", null, null);

        assertThat(named).isEqualTo(HOURLY);
        assertThat(named.timeZoneText()).isEqualTo("UTC");
        assertThat(spec(OnlyPolicy.of(named)).payloadHash())
                .isEqualTo(spec(OnlyPolicy.of(HOURLY)).payloadHash());
    }

    @Test
    void dataReadyPolicy_everyPeriod_dividesADay() {
        assertThat(Every.values()).allMatch(every -> 86_400 % every.duration().toSeconds() == 0);
    }

    @Test
    void spec_runThatTellsItsDataWithoutAnEnd_isRefused() {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> spec(JobKind.RUN, OnlyPolicy.of(HOURLY)))
                .withMessageContaining("'end'")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.FIELD_MISSING));
    }

    private static JobSpec spec(Policies policies) {
        return spec(JobKind.STREAM, policies);
    }

    private static JobSpec spec(JobKind kind, Policies policies) {
        return new JobSpec(
                new JobName("flight-delays"),
                kind,
                new ClusterName("local"),
                new JarReference(JarUri.parse("s3://jars/a.jar"), null, null),
                new EntryClass("a.B"),
                List.of("--x"),
                2,
                new RestorePoint.Latest(false),
                OnUnknown.REFUSE,
                policies);
    }
}
