package io.sluiceway.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.EntryClass;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.time.Deadline;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every adapter of {@link FlinkCluster} promises; the fake promises it too. */
public abstract class FlinkClusterContract {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final JobName NAME = new JobName("contract-job");

    @TempDir
    Path directory;

    private Path jarFile;
    private JarDigest jar;

    /** The cluster under test. */
    protected abstract FlinkCluster cluster();

    /** How many task slots it has. */
    protected abstract int slots();

    @BeforeEach
    void bringTheJar() {
        jarFile = TestJobJar.write(directory.resolve("job.jar"), 0);
        jar = TestJobJar.digest(jarFile);
        cluster().addJar(jar, jarFile, soon());
    }

    @AfterEach
    void leaveNothingRunning() {
        for (JobStatus.JobOverview job : cluster().listJobs(soon())) {
            if (!job.state().terminal()) {
                cluster().cancelJob(job.id(), soon());
                awaitState(job.id(), JobState.CANCELED);
            }
        }
    }

    @Test
    void hasJar_digestNeverAdded_isFalse() {
        assertThat(cluster().hasJar(new JarDigest("0".repeat(64)), soon())).isFalse();
    }

    @Test
    void addJar_twice_isHarmless() {
        cluster().addJar(jar, jarFile, soon());

        assertThat(cluster().hasJar(jar, soon())).isTrue();
        assertThat(run("endless")).isInstanceOf(RunAnswer.Started.class);
    }

    @Test
    void fixedSlots_isTheNumberOfTaskSlots() {
        assertThat(cluster().fixedSlots(soon())).hasValue(slots());
    }

    @Test
    void findJob_unknown_isEmpty() {
        assertThat(cluster().findJob(newId(), soon())).isEmpty();
    }

    @Test
    void runJob_endless_runsUnderItsIdAndNameAndCheckpoints() {
        FlinkJobId id = newId();

        assertThat(cluster().runJob(launch(id, spec("endless")), Instant.MAX, soon()))
                .isInstanceOf(RunAnswer.Started.class);

        awaitState(id, JobState.RUNNING);
        await().atMost(PATIENCE).untilAsserted(() -> {
            JobStatus status = find(id);
            assertThat(status.overview().name()).isEqualTo("contract-job");
            assertThat(status.checkpoints().last()).isNotNull();
            assertThat(status.overview().endedAt()).isNull();
            assertThat(status.firstFailure()).isNull();
        });
    }

    @Test
    void runJob_sameIdWhileItLives_isADuplicate() {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec("endless")), Instant.MAX, soon());
        awaitState(id, JobState.RUNNING);

        assertThat(cluster().runJob(launch(id, spec("endless")), Instant.MAX, soon()))
                .isInstanceOf(RunAnswer.DuplicateId.class);
        assertThat(cluster().listJobs(soon()))
                .filteredOn(job -> job.id().equals(id))
                .hasSize(1);
    }

    @Test
    void runJob_sameIdAfterItFinished_isADuplicate() {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec("bounded")), Instant.MAX, soon());
        awaitState(id, JobState.FINISHED);

        assertThat(cluster().runJob(launch(id, spec("bounded")), Instant.MAX, soon()))
                .isInstanceOf(RunAnswer.DuplicateId.class);
        assertThat(find(id).overview().state()).isEqualTo(JobState.FINISHED);
    }

    @Test
    void runJob_entryClassThatTheJarLacks_isRefusedAndNothingRuns() {
        FlinkJobId id = newId();
        JobSpec spec = spec(new EntryClass("io.sluiceway.testjob.NoSuchJob"), new RestorePoint.None(), "endless");

        assertRefused(ErrorCode.ENTRY_CLASS_NOT_FOUND, () -> cluster().runJob(launch(id, spec), Instant.MAX, soon()));
        assertThat(cluster().findJob(id, soon())).isEmpty();
    }

    @Test
    void runJob_programThrows_isRefusedWithItsCauseAndNothingRuns() {
        FlinkJobId id = newId();

        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> cluster().runJob(launch(id, spec("refusing", "hunter2")), Instant.MAX, soon()))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.PROGRAM_FAILED))
                .withMessageContaining("There is no such day: ….")
                .withMessageNotContaining("hunter2");
        assertThat(cluster().findJob(id, soon())).isEmpty();
    }

    @Test
    void runJob_programThrowsBehindItsSubmission_isRefusedAndTheJobIsThere() {
        FlinkJobId id = newId();

        assertRefused(
                ErrorCode.PROGRAM_FAILED, () -> cluster().runJob(launch(id, spec("stumbling")), Instant.MAX, soon()));

        assertThat(cluster().findJob(id, soon())).isPresent();
    }

    @Test
    void runJob_jarThatTheClusterLacks_isUnsettled() {
        JobLaunch launch = new JobLaunch(newId(), spec("endless"), new JarDigest("0".repeat(64)), null);

        assertRefused(ErrorCode.SUBMISSION_UNSETTLED, () -> cluster().runJob(launch, Instant.MAX, soon()));
    }

    @Test
    void findJob_failed_tellsTheRootCause() {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec("failing")), Instant.MAX, soon());

        awaitState(id, JobState.FAILED);
        assertThat(find(id).firstFailure().rootCause()).isEqualTo("java.lang.ArithmeticException: No such runway.");
    }

    @Test
    void runJob_restoreFromNothing_failsAndTellsTheRootCause() {
        FlinkJobId id = newId();
        StoragePath missing = cluster().savepointDirectory(NAME, newOperation()).child("savepoint-missing");
        JobSpec spec = spec(null, new RestorePoint.Savepoint(missing, false), "endless");

        // Flink notices while it takes the job, or while it starts it.
        try {
            cluster().runJob(launch(id, spec), Instant.MAX, soon());
            awaitState(id, JobState.FAILED);
            assertThat(find(id).firstFailure().rootCause()).contains("Cannot find checkpoint or savepoint");
        } catch (RefusedException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.RESTORE_FAILED);
            assertThat(e).hasMessageContaining("Cannot find checkpoint or savepoint");
        }
    }

    @Test
    void runJob_behindItsFence_isTooLateAndNothingRuns() {
        FlinkJobId id = newId();

        assertThat(cluster().runJob(launch(id, spec("endless")), Instant.EPOCH, soon()))
                .isInstanceOf(RunAnswer.TooLate.class);
        assertThat(cluster().findJob(id, soon())).isEmpty();
    }

    @Test
    void incarnation_askedTwice_isTheSame() {
        assertThat(cluster().incarnation(soon()))
                .isNotBlank()
                .isEqualTo(cluster().incarnation(soon()));
    }

    @Test
    void savepointDirectory_isOfTheJobAndTheOperation() {
        OperationId operation = newOperation();

        assertThat(cluster().savepointDirectory(NAME, operation).value()).endsWith("/contract-job/" + operation);
    }

    @Test
    void findSavepoint_unknownTrigger_isEmpty() {
        FlinkJobId id = startEndless();

        assertThat(cluster().findSavepoint(id, TriggerId.of(newOperation()), soon()))
                .isEmpty();
    }

    @Test
    void triggerSavepoint_twiceWithOneTrigger_leavesOneInItsDirectory() {
        FlinkJobId id = startEndless();
        OperationId operation = newOperation();
        TriggerId trigger = TriggerId.of(operation);
        StoragePath target = cluster().savepointDirectory(NAME, operation);

        cluster().triggerSavepoint(id, trigger, target, soon());
        cluster().triggerSavepoint(id, trigger, target, soon());

        StoragePath path = awaitSavepoint(id, trigger);
        assertThat(path.isWithin(target)).isTrue();
        // Flink shows a job's statistics with some delay.
        await().atMost(PATIENCE)
                .untilAsserted(() ->
                        assertThat(cluster().findLastSavepoint(id, soon())).contains(path));
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(find(id).lastSavepoint())
                        .isNotNull()
                        .extracting(JobStatus.CompletedCheckpoint::path)
                        .isEqualTo(path));
        assertThat(find(id).overview().state()).isEqualTo(JobState.RUNNING);
    }

    @Test
    void triggerStop_endsTheJobWithASavepointThatAnotherStartsFrom() {
        FlinkJobId id = startEndless();
        OperationId operation = newOperation();
        TriggerId trigger = TriggerId.of(operation);

        cluster().triggerStop(id, trigger, cluster().savepointDirectory(NAME, operation), false, soon());

        StoragePath path = awaitSavepoint(id, trigger);
        awaitState(id, JobState.FINISHED);
        FlinkJobId next = newId();
        cluster()
                .runJob(
                        launch(next, spec(null, new RestorePoint.Savepoint(path, false), "endless")),
                        Instant.MAX,
                        soon());
        awaitState(next, JobState.RUNNING);
    }

    @Test
    void triggerStop_drain_endsTheJobWithASavepoint() {
        FlinkJobId id = startEndless();
        OperationId operation = newOperation();
        TriggerId trigger = TriggerId.of(operation);

        cluster().triggerStop(id, trigger, cluster().savepointDirectory(NAME, operation), true, soon());

        awaitSavepoint(id, trigger);
        awaitState(id, JobState.FINISHED);
    }

    @Test
    void cancelJob_twice_endsItOnce() {
        FlinkJobId id = startEndless();

        cluster().cancelJob(id, soon());
        awaitState(id, JobState.CANCELED);
        cluster().cancelJob(id, soon());

        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(find(id).overview().endedAt()).isNotNull());
        assertThat(find(id).overview().state()).isEqualTo(JobState.CANCELED);
    }

    @Test
    void cancelJob_finished_isHarmless() {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec("bounded")), Instant.MAX, soon());
        awaitState(id, JobState.FINISHED);

        cluster().cancelJob(id, soon());

        assertThat(find(id).overview().state()).isEqualTo(JobState.FINISHED);
    }

    @Test
    void cancelJob_unknown_isRefused() {
        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> cluster().cancelJob(newId(), soon()));
    }

    @Test
    void listJobs_showsLivingAndEndedJobs() {
        FlinkJobId living = startEndless();
        FlinkJobId ended = newId();
        cluster().runJob(launch(ended, spec("bounded")), Instant.MAX, soon());
        awaitState(ended, JobState.FINISHED);

        assertThat(cluster().listJobs(soon()))
                .extracting(JobStatus.JobOverview::id)
                .contains(living, ended);
    }

    private FlinkJobId startEndless() {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec("endless")), Instant.MAX, soon());
        // A savepoint needs all tasks running, which the job's state doesn't tell.
        await().atMost(PATIENCE)
                .until(() -> cluster()
                        .observeJob(id, soon())
                        .map(JobStatus::checkpoints)
                        .filter(checkpoints -> checkpoints.last() != null)
                        .isPresent());
        return id;
    }

    private RunAnswer run(String behaviour) {
        return cluster().runJob(launch(newId(), spec(behaviour)), Instant.MAX, soon());
    }

    private JobLaunch launch(FlinkJobId id, JobSpec spec) {
        StoragePath restoreFrom = spec.restore() instanceof RestorePoint.Savepoint point ? point.path() : null;
        return new JobLaunch(id, spec, jar, restoreFrom);
    }

    private JobSpec spec(String... arguments) {
        return spec(null, new RestorePoint.None(), arguments);
    }

    private JobSpec spec(EntryClass entryClass, RestorePoint restore, String... arguments) {
        return new JobSpec(
                NAME,
                JobKind.STREAM,
                cluster().name(),
                new JarReference(JarUri.parse("s3://jars/contract.jar"), null, null),
                entryClass,
                List.of(arguments),
                1,
                restore,
                JobSpec.OnUnknown.REFUSE);
    }

    private FlinkJobId newId() {
        return FlinkJobId.derive(
                cluster().name(), NAME, new RequestId(UUID.randomUUID().toString()), 1);
    }

    private static OperationId newOperation() {
        return new OperationId(UUID.randomUUID().toString().replace("-", ""));
    }

    private JobStatus find(FlinkJobId id) {
        return cluster().observeJob(id, soon()).orElseThrow();
    }

    private void awaitState(FlinkJobId id, JobState state) {
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(
                                cluster().findJob(id, soon()).orElseThrow().state())
                        .isEqualTo(state));
    }

    private StoragePath awaitSavepoint(FlinkJobId id, TriggerId trigger) {
        Optional<SavepointProgress> progress = await().atMost(PATIENCE)
                .until(
                        () -> cluster().findSavepoint(id, trigger, soon()),
                        found -> found.filter(p -> !(p instanceof SavepointProgress.InProgress))
                                .isPresent());
        assertThat(progress.orElseThrow()).isInstanceOf(SavepointProgress.Completed.class);
        return ((SavepointProgress.Completed) progress.orElseThrow()).path();
    }

    private static void assertRefused(ErrorCode code, ThrowingCallable call) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(call)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(30), Clock.systemUTC());
    }
}
