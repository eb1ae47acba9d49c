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
import io.sluiceway.job.JobRef;
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
import java.util.concurrent.Callable;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every adapter of {@link FlinkCluster} promises; the fake promises it too. */
public abstract class FlinkClusterContract {
    protected static final Duration PATIENCE = Duration.ofMinutes(2);
    protected static final JobName NAME = new JobName("contract-job");

    private static final List<InPlaceChange> RESCALING =
            List.of(new InPlaceChange.InProgress(), new InPlaceChange.Completed(3));

    @TempDir
    protected Path directory;

    protected Path jarFile;
    protected JarDigest jar;

    /** The cluster under test. */
    protected abstract FlinkCluster cluster();

    /** Arguments that let {@link io.sluiceway.testjob.TestJob} behave in some way. */
    protected List<String> arguments(String... words) {
        return List.of(words);
    }

    /** The jar of {@link io.sluiceway.testjob.TestJob}. */
    protected JarReference jarReference() {
        return new JarReference(JarUri.parse("s3://jars/contract.jar"), null, null);
    }

    /** How long a start, a stop or a savepoint may take. */
    protected Duration patience() {
        return PATIENCE;
    }

    /** What the cluster calls the job {@link #NAME}. */
    protected String shownName() {
        return NAME.value();
    }

    /** Waits until a job that was started can be saved. */
    protected abstract void awaitUpAndRunning(FlinkJobId id);

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
                cluster().cancelJob(ref(job.id()), soon());
                awaitState(job.id(), JobState.CANCELED);
            }
        }
    }

    @Test
    void findJob_unknown_isEmpty() {
        assertThat(cluster().findJob(ref(newId()), soon())).isEmpty();
    }

    @Test
    void runJob_endless_runsUnderItsIdAndName() {
        FlinkJobId id = newId();

        assertThat(cluster().runJob(launch(id, spec("endless")), Instant.MAX, soon()))
                .isInstanceOf(RunAnswer.Started.class);

        awaitState(id, JobState.RUNNING);
        await().atMost(patience()).untilAsserted(() -> {
            JobStatus status = find(id);
            assertThat(status.overview().name()).isEqualTo(shownName());
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
    void runJob_behindItsFence_isTooLateAndNothingRuns() {
        FlinkJobId id = newId();

        assertThat(cluster().runJob(launch(id, spec("endless")), Instant.EPOCH, soon()))
                .isInstanceOf(RunAnswer.TooLate.class);
        assertThat(cluster().findJob(ref(id), soon())).isEmpty();
    }

    @Test
    void incarnation_askedTwice_isTheSame() {
        assertThat(cluster().incarnation(soon()))
                .isNotBlank()
                .isEqualTo(cluster().incarnation(soon()));
    }

    @Test
    void findSavepoint_unknownTrigger_isEmpty() {
        FlinkJobId id = startEndless();

        assertThat(cluster().findSavepoint(ref(id), TriggerId.of(newOperation()), soon()))
                .isEmpty();
    }

    @Test
    void triggerSavepoint_twiceWithOneTrigger_leavesOneInItsDirectory() {
        FlinkJobId id = startEndless();
        OperationId operation = newOperation();
        TriggerId trigger = TriggerId.of(operation);
        StoragePath target = cluster().savepointDirectory(NAME, operation);

        cluster().triggerSavepoint(ref(id), trigger, target, soon());
        cluster().triggerSavepoint(ref(id), trigger, target, soon());

        StoragePath path = awaitSavepoint(id, trigger);
        assertThat(path.isWithin(target)).isTrue();
        assertThat(find(id).overview().state()).isEqualTo(JobState.RUNNING);
    }

    @Test
    void disposeSavepoint_ofAJobThatRuns_isGoneForGoodAndTheJobGoesOn() {
        FlinkJobId id = startEndless();
        OperationId operation = newOperation();
        TriggerId trigger = TriggerId.of(operation);
        cluster().triggerSavepoint(ref(id), trigger, cluster().savepointDirectory(NAME, operation), soon());
        StoragePath path = awaitSavepoint(id, trigger);

        await().atMost(patience()).until(() -> cluster().disposeSavepoint(NAME, path, soon()));

        assertThat(cluster().disposeSavepoint(NAME, path, soon())).isTrue();
        assertThat(find(id).overview().state()).isEqualTo(JobState.RUNNING);
        cluster().cancelJob(ref(id), soon());
        awaitState(id, JobState.CANCELED);
        assertNobodyStartsFrom(path);
    }

    private void assertNobodyStartsFrom(StoragePath path) {
        FlinkJobId next = newId();
        JobSpec spec = spec(null, new RestorePoint.Savepoint(path, false), "endless");
        try {
            cluster().runJob(launch(next, spec), Instant.MAX, soon());
        } catch (RefusedException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.RESTORE_FAILED);
            return;
        }
        awaitState(next, JobState.FAILED);
    }

    @Test
    void disposeSavepoint_thatWasNeverThere_countsAsRemoved() {
        assertThat(cluster().disposeSavepoint(NAME, missingSavepoint(), soon())).isTrue();
    }

    /** Where a savepoint could be and is none. */
    protected StoragePath missingSavepoint() {
        return cluster().savepointDirectory(NAME, newOperation()).child("savepoint-000000-0123456789ab");
    }

    @Test
    void triggerStop_endsTheJobWithASavepointThatAnotherStartsFrom() {
        FlinkJobId id = startEndless();
        OperationId operation = newOperation();
        TriggerId trigger = TriggerId.of(operation);

        cluster().triggerStop(ref(id), trigger, cluster().savepointDirectory(NAME, operation), false, soon());

        StoragePath path = awaitStop(id, trigger);
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
    void findStop_ofAJobThatRuns_isEmpty() {
        FlinkJobId id = startEndless();

        assertThat(cluster().findStop(ref(id), TriggerId.of(newOperation()), Instant.EPOCH, soon()))
                .isEmpty();
    }

    @Test
    void findSavepointAtEnd_ofAJobThatRuns_isEmpty() {
        assertThat(cluster().findSavepointAtEnd(ref(startEndless()), soon())).isEmpty();
    }

    @Test
    void listJobs_showsThoseThatLive() {
        FlinkJobId living = startEndless();

        assertThat(cluster().listJobs(soon()))
                .extracting(JobStatus.JobOverview::id)
                .contains(living);
    }

    @Test
    void cancelJob_twice_endsItOnce() {
        FlinkJobId id = startEndless();

        cluster().cancelJob(ref(id), soon());
        awaitState(id, JobState.CANCELED);
        cluster().cancelJob(ref(id), soon());

        await().atMost(patience())
                .untilAsserted(() -> assertThat(find(id).overview().endedAt()).isNotNull());
        assertThat(find(id).overview().state()).isEqualTo(JobState.CANCELED);
    }

    @Test
    void cancelJob_unknown_isRefused() {
        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> cluster().cancelJob(ref(newId()), soon()));
    }

    @Test
    void findParallelism_rescaled_isWhatItWasAskedFor() {
        FlinkJobId id = start(2, "endless");
        assertThat(cluster().findParallelism(ref(id), soon()).orElseThrow().asked())
                .isEqualTo(2);
        Instant asked = Instant.now();

        cluster().rescaleJob(ref(id), 3, soon());

        awaitRescale(id, 3, asked);
        assertThat(cluster().findParallelism(ref(id), soon()).orElseThrow().asked())
                .isEqualTo(3);
        assertThat(cluster().findParallelism(ref(newId()), soon())).isEmpty();
    }

    @Test
    void rescaleJob_twice_isTheSameAttemptWithThatParallelism() {
        FlinkJobId id = start(2, "endless");
        Instant asked = Instant.now();

        assertThat(cluster().rescaleJob(ref(id), 3, soon())).isIn(RESCALING);
        assertThat(cluster().rescaleJob(ref(id), 3, soon())).isIn(RESCALING);

        awaitRescale(id, 3, asked);
        awaitState(id, JobState.RUNNING);
        assertThat(cluster().findRescale(ref(id), 2, asked, soon())).isEmpty();
        assertThat(cluster().rescaleJob(ref(id), 3, soon())).isEqualTo(new InPlaceChange.Completed(3));
        assertThat(cluster().listJobs(soon()))
                .filteredOn(job -> !job.state().terminal())
                .extracting(JobStatus.JobOverview::id)
                .containsExactly(id);
    }

    @Test
    void findRescale_neverAskedFor_isEmpty() {
        FlinkJobId id = start(2, "endless");

        assertThat(cluster().findRescale(ref(id), 3, Instant.now(), soon())).isEmpty();
    }

    @Test
    void rescaleJob_unknown_isRefused() {
        JobRef unknown = ref(newId());

        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> cluster().rescaleJob(unknown, 2, soon()));
        assertThat(cluster().findRescale(unknown, 2, Instant.now(), soon())).isEmpty();
    }

    @Test
    void rescaleJob_ended_isRefused() {
        FlinkJobId id = start(2, "endless");
        cluster().cancelJob(ref(id), soon());
        awaitState(id, JobState.CANCELED);

        assertRefused(ErrorCode.JOB_NOT_RUNNING, () -> cluster().rescaleJob(ref(id), 3, soon()));
        assertThat(cluster().findRescale(ref(id), 3, Instant.now(), soon()).orElseThrow())
                .isInstanceOf(InPlaceChange.Failed.class);
    }

    @Test
    void rollBackJob_nothingWasChanged_isNotPossible() {
        FlinkJobId id = start(2, "endless");

        assertThat(cluster().rollBackJob(ref(id), soon())).isInstanceOf(InPlaceChange.NotPossible.class);
        awaitState(id, JobState.RUNNING);
    }

    protected void awaitRescale(FlinkJobId id, int parallelism, Instant asked) {
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(cluster().findRescale(ref(id), parallelism, asked, soon()))
                        .contains(new InPlaceChange.Completed(parallelism)));
    }

    protected FlinkJobId startEndless() {
        return start(1, "endless");
    }

    /** Starts a job that behaves in some way, and waits until it can be saved. */
    protected FlinkJobId start(int parallelism, String... words) {
        return start(parallelism, new RestorePoint.None(), words);
    }

    /** The same, with the state of another. */
    protected FlinkJobId start(int parallelism, RestorePoint restore, String... words) {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec(null, parallelism, restore, words)), Instant.MAX, soon());
        awaitUpAndRunning(id);
        return id;
    }

    protected JobLaunch launch(FlinkJobId id, JobSpec spec) {
        StoragePath restoreFrom = spec.restore() instanceof RestorePoint.Savepoint point ? point.path() : null;
        return new JobLaunch(id, spec, jar, spec.jar().versionId(), restoreFrom);
    }

    protected JobSpec spec(String... arguments) {
        return spec(null, new RestorePoint.None(), arguments);
    }

    protected JobSpec spec(EntryClass entryClass, RestorePoint restore, String... arguments) {
        return spec(entryClass, 1, restore, arguments);
    }

    private JobSpec spec(EntryClass entryClass, int parallelism, RestorePoint restore, String... arguments) {
        return new JobSpec(
                NAME,
                JobKind.STREAM,
                cluster().name(),
                jarReference(),
                entryClass,
                arguments(arguments),
                parallelism,
                restore,
                JobSpec.OnUnknown.REFUSE);
    }

    protected FlinkJobId newId() {
        return FlinkJobId.derive(
                cluster().name(), NAME, new RequestId(UUID.randomUUID().toString()), 1);
    }

    protected static JobRef ref(FlinkJobId id) {
        return new JobRef(NAME, id);
    }

    protected static OperationId newOperation() {
        return new OperationId(UUID.randomUUID().toString().replace("-", ""));
    }

    protected JobStatus find(FlinkJobId id) {
        return cluster().observeJob(ref(id), soon()).orElseThrow();
    }

    protected void awaitState(FlinkJobId id, JobState state) {
        await().atMost(patience())
                .untilAsserted(() -> assertThat(
                                cluster().findJob(ref(id), soon()).orElseThrow().state())
                        .isEqualTo(state));
    }

    protected StoragePath awaitSavepoint(FlinkJobId id, TriggerId trigger) {
        return awaitCompletion(() -> cluster().findSavepoint(ref(id), trigger, soon()));
    }

    protected StoragePath awaitStop(FlinkJobId id, TriggerId trigger) {
        return awaitCompletion(() -> cluster().findStop(ref(id), trigger, Instant.EPOCH, soon()));
    }

    private StoragePath awaitCompletion(Callable<Optional<SavepointProgress>> look) {
        Optional<SavepointProgress> progress = await().atMost(patience())
                .until(
                        look,
                        found -> found.filter(p -> !(p instanceof SavepointProgress.InProgress))
                                .isPresent());
        assertThat(progress.orElseThrow()).isInstanceOf(SavepointProgress.Completed.class);
        return ((SavepointProgress.Completed) progress.orElseThrow()).path();
    }

    protected static void assertRefused(ErrorCode code, ThrowingCallable call) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(call)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    protected static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(30), Clock.systemUTC());
    }
}
