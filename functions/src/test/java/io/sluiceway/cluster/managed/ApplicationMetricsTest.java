package io.sluiceway.cluster.managed;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluiceway.health.Health;
import io.sluiceway.health.Health.State;
import io.sluiceway.health.Reason;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Observation.NothingYet;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.testing.MovableClock;
import io.sluiceway.testing.StubServer;
import io.sluiceway.time.Deadline;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the adapter asks CloudWatch, and what it makes of each of its answers. */
class ApplicationMetricsTest {
    private static final Instant NOW = Instant.parse("2026-11-23T10:30:20Z");
    private static final String LONG_AGO = "2026-11-23T08:00:00Z";

    private final ScriptedService service = new ScriptedService();
    private final ApplicationMetrics metrics = new ApplicationMetrics(service::metrics, ManagedCluster.METRICS_PERIOD);

    @AfterEach
    void close() {
        service.close();
    }

    @Test
    void measure_runningJob_asksOnceForItsApplicationsLastMinutes() {
        service.answerForm("GetMetricData", answer());

        measure(running(LONG_AGO));

        assertThat(service.requests("GetMetricData")).hasSize(1);
        JsonNode asked = service.requests("GetMetricData").getFirst();
        assertThat(asked.path("StartTime").asText()).isEqualTo("2026-11-23T09:15:20Z");
        assertThat(asked.path("EndTime").asText()).isEqualTo("2026-11-23T10:30:20Z");
        assertThat(metric(asked, 1, "Metric.MetricName")).isEqualTo("numRestarts");
        assertThat(metric(asked, 2, "Metric.MetricName")).isEqualTo("fullRestarts");
        assertThat(metric(asked, 3, "Metric.MetricName")).isEqualTo("numberOfFailedCheckpoints");
        for (int query = 1; query <= 3; query++) {
            assertThat(metric(asked, query, "Metric.Namespace")).isEqualTo("AWS/KinesisAnalytics");
            assertThat(metric(asked, query, "Metric.Dimensions.member.1.Name")).isEqualTo("Application");
            assertThat(metric(asked, query, "Metric.Dimensions.member.1.Value")).isEqualTo("team-delays");
            assertThat(metric(asked, query, "Period")).isEqualTo("60");
            assertThat(metric(asked, query, "Stat")).isEqualTo("Maximum");
        }
    }

    @Test
    void measure_severalMinutes_takesTheNewestWhateverTheirOrder() {
        service.answerForm(
                "GetMetricData",
                answer(
                        result("failed", "Complete", "2026-11-23T10:27:00Z", 3, "2026-11-23T10:26:00Z", 1),
                        result("restarts", "Complete", "2026-11-23T10:26:00Z", 4, "2026-11-23T10:28:00Z", 5)));

        JobStatus measured = measure(running(LONG_AGO));

        assertThat(measured.restarts()).isEqualTo(known(5, "2026-11-23T10:28:00Z"));
        assertThat(measured.checkpoints().failed()).isEqualTo(known(3, "2026-11-23T10:27:00Z"));
        assertThat(measured.checkpoints().completed()).isEqualTo(new NotObservable<>("Nobody tells."));
    }

    @Test
    void measure_countedBeforeItsStart_isNotItsOwn() {
        service.answerForm(
                "GetMetricData",
                answer(
                        // It was started in the minute of 10:20, whose first second can have been an earlier start's.
                        result("restarts", "Complete", "2026-11-23T10:20:00Z", 7, "2026-11-23T10:19:00Z", 7),
                        result("failed", "Complete", "2026-11-23T10:21:00Z", 0, "2026-11-23T10:20:00Z", 9)));

        JobStatus measured = measure(running("2026-11-23T10:20:01Z"));

        assertThat(measured.restarts()).isEqualTo(new NothingYet<>());
        assertThat(measured.checkpoints().failed()).isEqualTo(known(0, "2026-11-23T10:21:00Z"));
    }

    @Test
    void measure_valuesOfOverAnHourAgo_areAskedForAndNotShown() {
        service.answerForm(
                "GetMetricData",
                answer(
                        result("restarts", "Complete", "2026-11-23T10:14:00Z", 7),
                        result("failed", "Complete", "2026-11-23T10:14:00Z", 7)));

        JobStatus measured = measure(running(LONG_AGO));

        assertThat(measured.restarts()).isEqualTo(new NothingYet<>());
        assertThat(measured.vitals()).isEqualTo(new NothingYet<>());
    }

    @Test
    void measure_countersThatStay_areThoseOfAStableJob() {
        service.answerForm(
                "GetMetricData",
                answer(
                        result("restarts", "Complete", minutes("10:22", 2, 3, 3, 3, 3, 3, 3)),
                        result("failed", "Complete", minutes("10:20", 4, 5, 5, 5, 5, 5, 5, 5))));

        JobStatus measured = measure(running(LONG_AGO));
        Vitals vitals = measured.vitals().told().orElseThrow();

        // The failed checkpoints are known up to the minute of 10:27.
        assertThat(vitals.at()).isEqualTo(Instant.parse("2026-11-23T10:28:00Z"));
        assertThat(vitals.runningSince()).isEqualTo(Observation.now(Instant.parse("2026-11-23T10:24:00Z")));
        assertThat(vitals.failures()).isEqualTo(Observation.now(List.of(Instant.parse("2026-11-23T10:24:00Z"))));
        assertThat(vitals.checkpointing())
                .isEqualTo(new Checkpointing.Counted(
                        List.of(Instant.parse("2026-11-23T10:22:00Z")), Instant.parse("2026-11-23T10:21:00Z")));
        assertThat(health(measured, "PT4M").state()).isEqualTo(State.STABLE);
        assertThat(health(measured, "PT5M").state()).isEqualTo(State.SETTLING);
    }

    @Test
    void measure_restartsThatGrow_areALoop() {
        service.answerForm(
                "GetMetricData",
                answer(
                        result("restarts", "Complete", minutes("10:26", 0, 1, 3, 3)),
                        result("failed", "Complete", minutes("10:26", 0, 0, 0, 0))));

        Health health = health(measure(running(LONG_AGO)), "PT5M");

        assertThat(health.state()).isEqualTo(State.UNHEALTHY);
        assertThat(health.reasons().getFirst().message())
                .isEqualTo("It failed 3 times within 10 min; 3 times are a restart loop.");
    }

    @ParameterizedTest
    @CsvSource({"10:24, NOT_OBSERVABLE", "10:25, JUST_STARTED"})
    void measure_valuesThatCameToAnEnd_tellNothingOfNow(String minute, Reason.Code code) {
        service.answerForm(
                "GetMetricData",
                answer(
                        result("restarts", "Complete", minutes(minute, 0)),
                        result("failed", "Complete", minutes(minute, 0))));

        assertThat(health(measure(running(LONG_AGO)), "PT5M").reasons())
                .extracting(Reason::code)
                .contains(code);
    }

    @Test
    void measure_olderFlink_takesItsNameOfRestarts() {
        service.answerForm(
                "GetMetricData",
                answer(result("restarts", "Complete"), result("before", "Complete", "2026-11-23T10:28:00Z", 2)));

        assertThat(measure(running(LONG_AGO)).restarts()).isEqualTo(known(2, "2026-11-23T10:28:00Z"));
    }

    @Test
    void measure_endedJob_asksForItsLastMinutes() {
        service.answerForm("GetMetricData", answer());

        measure(status(LONG_AGO, "2026-11-23T09:00:30Z"));

        JsonNode asked = service.requests("GetMetricData").getFirst();
        assertThat(asked.path("StartTime").asText()).isEqualTo("2026-11-23T08:46:30Z");
        assertThat(asked.path("EndTime").asText()).isEqualTo("2026-11-23T09:01:30Z");
    }

    @Test
    void measure_startedInAMomentByClocksThatDiffer_asksNobody() {
        assertThat(measure(running("2026-11-23T10:30:21Z")).restarts()).isEqualTo(new NothingYet<>());
        assertThat(service.requests("GetMetricData")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Forbidden", "InternalError"})
    void measure_oneMetricIsKept_tellsTheOther(String code) {
        service.answerForm(
                "GetMetricData",
                answer(result("restarts", code), result("failed", "PartialData", "2026-11-23T10:28:00Z", 1)));

        JobStatus measured = measure(running(LONG_AGO));

        assertThat(measured.restarts())
                .isEqualTo(new NotObservable<>("CloudWatch, which measures it, answered %s.".formatted(code)));
        assertThat(measured.checkpoints().failed()).isEqualTo(known(1, "2026-11-23T10:28:00Z"));
    }

    @ParameterizedTest
    @CsvSource({"400, Throttling", "403, AccessDenied", "500, InternalFailure", "503, ServiceUnavailable"})
    void measure_refused_saysSoAtOnceAndFailsNothing(int status, String code) {
        service.failForm("GetMetricData", status, code);

        assertNotObservable("CloudWatch, which measures it, answered %s.".formatted(code), measure(running(LONG_AGO)));
        assertThat(service.requests("GetMetricData")).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"no XML", "<a>", ""})
    void measure_answerThatMakesNoSense_failsNothing(String body) {
        service.handle(
                "GetMetricData", exchange -> StubServer.answer(exchange, 200, body.getBytes(StandardCharsets.UTF_8)));

        JobStatus measured = measure(running(LONG_AGO));

        assertThat(measured.restarts()).isNotInstanceOf(Known.class);
        assertThat(measured.overview().state()).isEqualTo(JobState.RUNNING);
    }

    @ParameterizedTest
    @ValueSource(strings = {"NaN", "-1", "1e300", "Infinity"})
    void measure_valueThatIsNoCount_isPassedOver(String value) {
        service.answerForm(
                "GetMetricData",
                answer(result("restarts", "Complete", "2026-11-23T10:28:00Z", value, "2026-11-23T10:27:00Z", 1)));

        assertThat(measure(running(LONG_AGO)).restarts()).isEqualTo(known(1, "2026-11-23T10:27:00Z"));
    }

    @Test
    void measure_connectionBreaks_saysSo() {
        service.handle("GetMetricData", exchange -> {
            throw new IllegalStateException("The connection ends here.");
        });

        assertNotObservable("CloudWatch, which measures it, couldn't be reached.", measure(running(LONG_AGO)));
    }

    @Test
    void measure_noAnswer_isGivenUpInTime() {
        CountDownLatch ended = new CountDownLatch(1);
        service.handle("GetMetricData", exchange -> ended.await());
        Instant begun = Instant.now();

        JobStatus measured = metrics.measure(
                "team-delays", running(LONG_AGO), Deadline.in(Duration.ofMillis(300), Clock.systemUTC()));

        assertThat(Duration.between(begun, Instant.now())).isLessThan(Duration.ofSeconds(2));
        assertNotObservable("CloudWatch, which measures it, gave no answer in time.", measured);
        ended.countDown();
    }

    @Test
    void measure_shorterPeriod_asksByIt() {
        service.answerForm("GetMetricData", answer());

        new ApplicationMetrics(service::metrics, Duration.ofSeconds(1))
                .measure("team-delays", running(LONG_AGO), soon());

        assertThat(metric(service.requests("GetMetricData").getFirst(), 1, "Period"))
                .isEqualTo("1");
    }

    @Test
    void measure_noClient_saysSo() {
        ApplicationMetrics without = new ApplicationMetrics(
                () -> {
                    throw new IllegalStateException("There is no region.");
                },
                ManagedCluster.METRICS_PERIOD);

        assertNotObservable(
                "CloudWatch, which measures it, couldn't be asked.",
                without.measure("team-delays", running(LONG_AGO), soon()));
    }

    private static void assertNotObservable(String why, JobStatus measured) {
        assertThat(measured.restarts()).isEqualTo(new NotObservable<>(why));
        assertThat(measured.checkpoints().failed()).isEqualTo(new NotObservable<>(why));
        assertThat(measured.vitals()).isEqualTo(new NotObservable<>(why));
        assertThat(measured.overview().state()).isEqualTo(JobState.RUNNING);
    }

    private static Health health(JobStatus status, String settlingTime) {
        return Health.of(status, HealthPolicy.of(settlingTime, null, null, null, null, null, null))
                .orElseThrow();
    }

    /** One value for each minute from this one on. */
    private static Object[] minutes(String first, int... values) {
        Instant begin = Instant.parse("2026-11-23T%s:00Z".formatted(first));
        return IntStream.range(0, values.length)
                .boxed()
                .flatMap(i -> Stream.of(begin.plus(Duration.ofMinutes(i)), values[i]))
                .toArray();
    }

    private JobStatus measure(JobStatus status) {
        return metrics.measure("team-delays", status, soon());
    }

    private static Observation<Long> known(long value, String asOf) {
        return new Known<>(value, Instant.parse(asOf));
    }

    private static String metric(JsonNode asked, int query, String member) {
        return asked.path("MetricDataQueries.member.%d.MetricStat.%s".formatted(query, member))
                .asText();
    }

    private static JobStatus running(String startedAt) {
        return status(startedAt, null);
    }

    private static JobStatus status(String startedAt, String endedAt) {
        return new JobStatus(
                new JobOverview(
                        new FlinkJobId("0123456789abcdef0123456789abcdef"),
                        "team-delays",
                        endedAt == null ? JobState.RUNNING : JobState.FINISHED,
                        Instant.parse(startedAt),
                        endedAt == null ? null : Instant.parse(endedAt),
                        new TreeMap<>()),
                new NothingYet<>(),
                new Checkpoints(new NotObservable<>("Nobody tells."), new NothingYet<>(), new NothingYet<>()),
                new NothingYet<>(),
                null);
    }

    /** @param minutesAndValues alternating */
    private static String result(String id, String code, Object... minutesAndValues) {
        StringBuilder minutes = new StringBuilder();
        StringBuilder values = new StringBuilder();
        for (int i = 0; i < minutesAndValues.length; i += 2) {
            minutes.append("<member>").append(minutesAndValues[i]).append("</member>");
            values.append("<member>").append(minutesAndValues[i + 1]).append("</member>");
        }
        return """
                <member><Id>%s</Id><Label>%s</Label><Timestamps>%s</Timestamps><Values>%s</Values>
                <StatusCode>%s</StatusCode></member>
                """.formatted(id, id, minutes, values, code);
    }

    private static String answer(String... results) {
        return """
                <GetMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><GetMetricDataResult>
                <Messages/><MetricDataResults>%s</MetricDataResults></GetMetricDataResult>
                <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetMetricDataResponse>
                """.formatted(String.join("", results));
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(10), new MovableClock(NOW));
    }
}
