package io.sluiceway.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.health.Health;
import io.sluiceway.health.Health.State;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.EntryClass;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.Observation;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.ready.SinkView;
import io.sluiceway.ready.SinkView.Watermark;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testjob.TestJob;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.junit.jupiter.api.Test;

/** What a session cluster promises beyond {@link FlinkClusterContract}; the fake, which plays one, promises it too. */
public abstract class SessionClusterContract extends FlinkClusterContract {
    /** Settles soon enough for a test. */
    protected static final HealthPolicy SOON =
            new HealthPolicy(Duration.ofSeconds(1), 3, Duration.ofHours(1), 3, null, null, null);

    /** How many task slots it has. */
    protected abstract int slots();

    /** A savepoint needs all tasks running, which the job's state doesn't tell. */
    @Override
    protected void awaitUpAndRunning(FlinkJobId id) {
        await().atMost(PATIENCE)
                .until(() -> cluster()
                        .observeJob(ref(id), soon())
                        .flatMap(status -> status.checkpoints().last().told())
                        .isPresent());
    }

    @Test
    void triggerSavepoint_complete_isTheJobsLast() {
        FlinkJobId id = startEndless();
        OperationId operation = newOperation();
        TriggerId trigger = TriggerId.of(operation);

        cluster().triggerSavepoint(ref(id), trigger, cluster().savepointDirectory(NAME, operation), soon());

        StoragePath path = awaitSavepoint(id, trigger);
        // Flink shows a job's statistics with some delay.
        await().atMost(PATIENCE)
                .untilAsserted(() ->
                        assertThat(cluster().findLastSavepoint(ref(id), soon())).contains(path));
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(find(id).lastSavepoint().told())
                        .get()
                        .extracting(JobStatus.CompletedCheckpoint::path)
                        .isEqualTo(path));
    }

    @Test
    void hasJar_digestNeverAdded_isFalse() {
        assertThat(cluster().hasJar(new JarDigest("0".repeat(64)), soon())).isFalse();
    }

    @Test
    void addJar_twice_isHarmless() {
        cluster().addJar(jar, jarFile, soon());

        assertThat(cluster().hasJar(jar, soon())).isTrue();
        assertThat(cluster().runJob(launch(newId(), spec("endless")), Instant.MAX, soon()))
                .isInstanceOf(RunAnswer.Started.class);
    }

    @Test
    void fixedSlots_isTheNumberOfTaskSlots() {
        assertThat(cluster().fixedSlots(soon())).hasValue(slots());
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
        assertThat(cluster().findJob(ref(id), soon())).isEmpty();
    }

    @Test
    void runJob_programThrows_isRefusedWithItsCauseAndNothingRuns() {
        FlinkJobId id = newId();

        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> cluster().runJob(launch(id, spec("refusing", "hunter2")), Instant.MAX, soon()))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.PROGRAM_FAILED))
                .withMessageContaining("There is no such day: ….")
                .withMessageNotContaining("hunter2");
        assertThat(cluster().findJob(ref(id), soon())).isEmpty();
    }

    @Test
    void runJob_programThrowsBehindItsSubmission_isRefusedAndTheJobIsThere() {
        FlinkJobId id = newId();

        assertRefused(
                ErrorCode.PROGRAM_FAILED, () -> cluster().runJob(launch(id, spec("stumbling")), Instant.MAX, soon()));

        assertThat(cluster().findJob(ref(id), soon())).isPresent();
    }

    @Test
    void runJob_jarThatTheClusterLacks_isUnsettled() {
        JobLaunch launch = new JobLaunch(newId(), spec("endless"), new JarDigest("0".repeat(64)), null, null);

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
    void triggerStop_drain_endsTheJobWithASavepoint() {
        FlinkJobId id = startEndless();
        OperationId operation = newOperation();
        TriggerId trigger = TriggerId.of(operation);

        cluster().triggerStop(ref(id), trigger, cluster().savepointDirectory(NAME, operation), true, soon());

        awaitStop(id, trigger);
        awaitState(id, JobState.FINISHED);
    }

    @Test
    void rescaleJob_wholeJobHasAParallelismOfOne_isNotPossibleInPlace() {
        FlinkJobId id = startEndless();

        assertThat(cluster().rescaleJob(ref(id), 2, soon())).isInstanceOf(InPlaceChange.NotPossible.class);
        assertThat(cluster().findRescale(ref(id), 2, Instant.now(), soon())).isEmpty();
    }

    @Test
    void findRollBack_isNotPossible() {
        assertThat(cluster().findRollBack(ref(newId()), Instant.now(), soon()).orElseThrow())
                .isInstanceOf(InPlaceChange.NotPossible.class);
    }

    @Test
    void cancelJob_finished_isHarmless() {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec("bounded")), Instant.MAX, soon());
        awaitState(id, JobState.FINISHED);

        cluster().cancelJob(ref(id), soon());

        assertThat(find(id).overview().state()).isEqualTo(JobState.FINISHED);
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

    @Test
    void observeJob_runsAndSaves_settlesAndIsStable() {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec("endless")), Instant.MAX, soon());

        awaitHealth(id, SOON, State.SETTLING);
        awaitHealth(id, SOON, State.STABLE);

        assertThat(Health.of(find(id), HealthPolicy.DEFAULT))
                .get()
                .satisfies(health -> assertThat(health.state()).isEqualTo(State.SETTLING))
                .satisfies(health -> assertThat(health.runningSince())
                        .isBetween(find(id).overview().startedAt(), Instant.now()));
    }

    @Test
    void countAtEnd_jobThatSavedRightBeforeItsEnd_isNeverToldWithoutThat() {
        FlinkJobId id = startEndless();
        awaitUpAndRunning(id);
        assertThat(cluster().countAtEnd(ref(id), soon())).isEqualTo(new CheckpointsAtEnd.NotToldYet());
        OperationId operation = newOperation();
        TriggerId trigger = TriggerId.of(operation);
        long before = find(id).checkpoints().completed().told().orElseThrow();
        cluster().triggerSavepoint(ref(id), trigger, cluster().savepointDirectory(NAME, operation), soon());
        awaitSavepoint(id, trigger);

        cluster().cancelJob(ref(id), soon());

        assertThat(awaitCountAtEnd(id))
                .isInstanceOfSatisfying(
                        CheckpointsAtEnd.Counted.class,
                        count -> assertThat(count.completed()).isGreaterThan(before));
    }

    @Test
    void countAtEnd_jobThatTakesNoCheckpoints_saysSo() {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec("careless")), Instant.MAX, soon());
        awaitState(id, JobState.RUNNING);

        cluster().cancelJob(ref(id), soon());

        assertThat(awaitCountAtEnd(id)).isEqualTo(new CheckpointsAtEnd.TakesNone());
    }

    private CheckpointsAtEnd awaitCountAtEnd(FlinkJobId id) {
        return await().atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .until(
                        () -> cluster().countAtEnd(ref(id), soon()),
                        told -> !told.equals(new CheckpointsAtEnd.NotToldYet()));
    }

    @Test
    void countAtEnd_jobThatIsNotThere_isNotTold() {
        assertThat(cluster().countAtEnd(ref(newId()), soon())).isEqualTo(new CheckpointsAtEnd.NotTold());
    }

    @Test
    void observeJob_ended_hasNoVitals() {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec("bounded")), Instant.MAX, soon());
        awaitState(id, JobState.FINISHED);

        assertThat(find(id).vitals()).isEqualTo(new Observation.NothingYet<>());
    }

    /** Waits until a job is so, by thresholds of its own. */
    protected Health awaitHealth(FlinkJobId id, HealthPolicy policy, State state) {
        return await().atMost(PATIENCE)
                .until(
                        () -> Health.of(find(id), policy),
                        health ->
                                health.filter(judged -> judged.state() == state).isPresent())
                .orElseThrow();
    }

    @Test
    void savepointDirectory_isOfTheJobAndTheOperation() {
        OperationId operation = newOperation();

        assertThat(cluster().savepointDirectory(NAME, operation).value()).endsWith("/contract-job/" + operation);
    }

    @Test
    void observeSink_running_showsWatermarkAndCheckpoints() {
        FlinkJobId id = startEndless();

        // Flink fetches metrics when it is asked for them, every ten seconds at the most.
        SinkView sink = await().atMost(PATIENCE)
                .until(
                        () -> cluster()
                                .observeSink(ref(id), TestJob.SINK, soon())
                                .orElseThrow(),
                        seen -> seen.watermark() instanceof Watermark.Lowest
                                && seen.checkpoints() != null
                                && seen.checkpoints().execution() != null);

        Watermark.Lowest watermark = (Watermark.Lowest) sink.watermark();
        assertThat(watermark.lowest()).isBetween(TestJob.START.minusSeconds(1), TestJob.START.plusSeconds(100_000));
        assertThat(watermark.subtask()).isBetween(0, 2);
        assertThat(sink.at()).isCloseTo(Instant.now(), within(1, ChronoUnit.MINUTES));
        assertThat(sink.pendingCommittables()).isNull();
        assertThat(sink.checkpoints().restored()).isNull();
        assertThat(sink.checkpoints().completed()).isNotEmpty().allSatisfy(checkpoint -> {
            assertThat(checkpoint.id()).isBetween(1L, sink.checkpoints().triggered());
            assertThat(checkpoint.savepoint()).isFalse();
            assertThat(checkpoint.triggeredAt()).isCloseTo(sink.at(), within(5, ChronoUnit.MINUTES));
        });
    }

    @Test
    void observeSink_sinkThatTheJobLacks_isNotKnown() {
        FlinkJobId id = startEndless();

        assertThat(cluster().observeSink(ref(id), "nowhere", soon()))
                .get()
                .extracting(SinkView::watermark)
                .isEqualTo(new Watermark.Unknown(Watermark.Why.NO_SUCH_SINK));
    }

    @Test
    void observeSink_unknownJob_isEmpty() {
        assertThat(cluster().observeSink(ref(newId()), TestJob.SINK, soon())).isEmpty();
    }
}
