package io.sluiceway.cluster.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.health.Health;
import io.sluiceway.health.Health.State;
import io.sluiceway.health.Reason;
import io.sluiceway.health.Reason.Code;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.time.Deadline;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/** What a real Flink shows of jobs that aren't well, whichever of its schedulers runs them. */
abstract class SessionHealthContract {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final JobName NAME = new JobName("health");

    /** Knows a loop for long, and settles soon. */
    private static final HealthPolicy POLICY =
            new HealthPolicy(Duration.ofSeconds(8), 3, Duration.ofHours(1), 3, null, 30, Duration.ofMinutes(30));

    private static final HealthPolicy WITHOUT_FLOW =
            new HealthPolicy(Duration.ofSeconds(8), 3, Duration.ofHours(1), 3, null, null, null);

    @TempDir
    Path directory;

    private FlinkCluster cluster;
    private FlinkJobId id;

    abstract FlinkProcesses flink();

    static FlinkProcesses start(Path home, String scheduler) {
        return new FlinkProcesses(
                home,
                new FlinkProcesses.Options(
                        1, false, Map.of("jobmanager.scheduler", scheduler), Map.of(), process -> {}));
    }

    @BeforeEach
    void connect(TestInfo test) {
        cluster = new SessionCluster(
                new ClusterName("real"),
                new ClusterSettings.Session(
                        flink().url(),
                        null,
                        new StoragePath(flink().savepointRoot().toString()),
                        new StoragePath(flink().checkpointRoot().toString()),
                        List.of(),
                        Slots.FIXED),
                SessionCluster.newHttpClient());
        id = FlinkJobId.derive(cluster.name(), NAME, new RequestId(test.getDisplayName()), 1);
    }

    @AfterEach
    void cancel() {
        cluster.cancelJob(ref(), soon());
        await().atMost(PATIENCE).until(() -> observe().overview().state().terminal());
    }

    @Test
    void observeJob_restartsInALoopAndRecovers_isUnhealthyWhileItRunsAndStableAfterwards() {
        run("recovering");

        Health looping = awaitHealth(status ->
                status.overview().state() == JobState.RUNNING && health(status).state() == State.UNHEALTHY);
        assertThat(looping.reasons()).extracting(Reason::code).contains(Code.RESTART_LOOP);

        Health recovered = awaitHealth(status -> health(status).state() == State.STABLE);
        Vitals vitals = vitals();
        List<Instant> failures = vitals.failures().told().orElseThrow();
        assertThat(failures).hasSize(4).isSortedAccordingTo((a, b) -> b.compareTo(a));
        assertThat(recovered.runningSince()).isAfter(failures.getFirst());
        assertThat(Duration.between(recovered.runningSince(), vitals.at()))
                .isGreaterThanOrEqualTo(POLICY.settlingTime());
        // Flink's REST endpoint counts restarts by metrics that it fetches every 10 s: longer than this job settles.
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(observe().restarts().told()).contains(4L));
        assertThat(observe().firstFailure().rootCause()).isEqualTo("java.lang.ArithmeticException: It rains.");
        assertThat(observe().firstFailure().at()).isEqualTo(failures.getLast());
    }

    @Test
    void observeJob_checkpointsFailAndSucceedAgain_isUnhealthyAndThenStable() {
        run("lapsing");

        Health failing = awaitHealth(status -> health(status).state() == State.UNHEALTHY);
        // A look that comes late sees the next failure, too.
        assertThat(failing.reasons())
                .filteredOn(reason -> reason.code() == Code.CHECKPOINTS_FAILING)
                .singleElement()
                .extracting(Reason::message)
                .asString()
                .matches("[34] checkpoints in a row failed, the last with: Checkpoint expired before completing\\.");
        assertThat(observe().restarts().told().orElse(0L)).isZero();

        awaitHealth(status -> health(status).state() == State.STABLE);
        assertThat(vitals().checkpointing()).isEqualTo(new Checkpointing.Seen(Duration.ofMillis(500), 0, null, true));
    }

    @Test
    void observeJob_takesNoCheckpoints_isUnknown() {
        run("careless");

        Health health = awaitHealth(status -> status.overview().state() == JobState.RUNNING
                && health(status).reasons().stream().noneMatch(reason -> reason.code() == Code.JUST_STARTED));

        assertThat(health.state()).isEqualTo(State.UNKNOWN);
        assertThat(health.reasons()).extracting(Reason::code).containsExactly(Code.NO_CHECKPOINTING);
    }

    @Test
    void observeFlow_sourceThatWaitsAndAClockThatIsBehind_areUnhealthy() {
        run("late");

        await().atMost(PATIENCE).untilAsserted(() -> {
            JobStatus status = cluster.observeFlow(ref(), observe(), soon());
            assertThat(Health.of(status, POLICY).orElseThrow().reasons())
                    .extracting(Reason::code)
                    .contains(Code.BACKPRESSURED, Code.WATERMARK_LAGS);
            Vitals vitals = status.vitals().told().orElseThrow();
            assertThat(vitals.flow().backpressure().told().orElseThrow()).isBetween(0.3, 1.0);
            assertThat(Duration.between(vitals.flow().watermark().told().orElseThrow(), vitals.at()))
                    .isCloseTo(Duration.ofHours(1), Duration.ofMinutes(20));
        });
    }

    private void run(String behaviour) {
        Path file = TestJobJar.write(directory.resolve("job.jar"), 0);
        JarDigest jar = TestJobJar.digest(file);
        cluster.addJar(jar, file, soon());
        JobSpec spec = new JobSpec(
                NAME,
                JobKind.STREAM,
                cluster.name(),
                new JarReference(JarUri.parse("s3://jars/health.jar"), null, null),
                null,
                List.of(behaviour),
                1,
                new RestorePoint.None(),
                JobSpec.OnUnknown.REFUSE);
        cluster.runJob(new JobLaunch(id, spec, jar, null, null), Instant.MAX, soon());
    }

    private Health awaitHealth(Predicate<JobStatus> holds) {
        return health(await().atMost(PATIENCE).until(this::observe, holds));
    }

    private static Health health(JobStatus status) {
        return Health.of(status, WITHOUT_FLOW).orElseThrow();
    }

    private Vitals vitals() {
        return observe().vitals().told().orElseThrow();
    }

    private JobStatus observe() {
        return cluster.observeJob(ref(), soon()).orElseThrow();
    }

    private JobRef ref() {
        return new JobRef(NAME, id);
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(30), Clock.systemUTC());
    }
}
