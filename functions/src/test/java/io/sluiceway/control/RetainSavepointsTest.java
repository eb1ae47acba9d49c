package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.Policies;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.job.RetentionPolicy;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.ledger.HistoryEntry.Event;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.metrics.FakeMetricsSink;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RetainSavepointsTest extends VerbFixture {
    /** One for all sweeps, as in a process that is warm. */
    private @Nullable MonitorJobs monitorJobs;

    private static final RetentionPolicy TWO = new RetentionPolicy(2, Duration.ofDays(7));
    private static final RestorePoint LATEST = new RestorePoint.Latest(false);

    private int number;

    @Test
    void sweep_moreThanTheCount_removesTheOldestFromClusterAndLedger() {
        FlinkJobId job = start(TWO);
        List<StoragePath> paths = take(job, 4);

        assertThat(sweep().problems()).isEmpty();

        assertThat(cluster.disposals()).containsExactly(paths.get(0), paths.get(1));
        assertThat(known()).containsExactly(paths.get(3), paths.get(2));
        assertThat(ledger.history(CLUSTER, NAME))
                .filteredOn(line -> line.event() == Event.SAVEPOINT_DISPOSED)
                .hasSize(2)
                .first()
                .satisfies(
                        line -> assertThat(line.detail()).contains(paths.get(0).value()))
                .satisfies(line -> assertThat(line.attempt()).isEqualTo(job));
    }

    @Test
    void sweep_nothingExceedsThePolicy_writesNothing() {
        FlinkJobId job = start(TWO);
        take(job, 2);
        sweep();
        int commits = ledger.commits();

        for (int i = 0; i < 3; i++) {
            clock.move(Duration.ofHours(1));
            sweep();
        }

        assertThat(ledger.commits()).isEqualTo(commits);
        assertThat(cluster.disposals()).isEmpty();
    }

    @Test
    void sweep_olderThanTheAge_removesAllButTheLastGoodOne() {
        FlinkJobId job = start(new RetentionPolicy(10, Duration.ofDays(7)));
        List<StoragePath> paths = take(job, 3);
        clock.move(Duration.ofDays(8));

        sweep();
        int commits = ledger.commits();
        sweep();

        assertThat(known()).containsExactly(paths.get(2));
        assertThat(ledger.commits()).isEqualTo(commits);
    }

    @Test
    void sweep_noPolicy_removesNothingEver() {
        FlinkJobId job = submitEndless();
        take(job, 20);
        clock.move(Duration.ofDays(400));

        sweep();

        assertThat(known()).hasSize(20);
    }

    @Test
    void sweep_stoppedJob_goesByWhatRanLastAndKeepsWhatItWasStoppedWith() {
        FlinkJobId job = start(new RetentionPolicy(1, Duration.ofHours(1)));
        take(job, 2);
        StoragePath stop = stop(job);
        clock.move(Duration.ofDays(1));

        sweep();

        assertThat(known()).containsExactly(stop);
        assertThat(submit("again", 1, spec(TWO, LATEST)).attempt().restoredFrom())
                .isEqualTo(stop);
    }

    @Test
    void sweep_pinned_staysAndDoesntCount() {
        FlinkJobId job = start(TWO);
        StoragePath pinned = take(job, true);
        List<StoragePath> paths = take(job, 3);
        clock.move(Duration.ofDays(1));

        sweep();

        assertThat(known()).containsExactly(paths.get(2), paths.get(1), pinned);
    }

    @Test
    void sweep_whatTheLivingAttemptBeganWith_stays() {
        StoragePath start = stop(start(TWO));
        FlinkJobId job = submit("again", 1, spec(TWO, LATEST)).attempt().id();
        List<StoragePath> paths = take(job, 5);

        sweep();

        assertThat(known()).containsExactly(paths.get(4), paths.get(3), start);
    }

    @Test
    void sweep_pathSpelledOtherwise_isInUseAllTheSame() {
        FlinkJobId first = start(TWO);
        List<StoragePath> old = take(first, 3);
        cluster.setState(first, JobState.FAILED);
        observeJob.observe(job(first), soon());
        StoragePath metadata = old.get(0).child("_metadata");
        store.put(metadata, clock.instant());
        FlinkJobId job = submit("again", 1, spec(TWO, new RestorePoint.Savepoint(metadata, false)))
                .attempt()
                .id();
        List<StoragePath> paths = take(job, 2);

        sweep();

        assertThat(known()).containsExactly(paths.get(1), paths.get(0), old.get(0));
    }

    @Test
    void sweep_jobWasRestartedBehindAllOfItsSavepoints_removesNoneUntilThereIsAnother() {
        FlinkJobId job = start(TWO);
        List<StoragePath> paths = take(job, 4);
        cluster.setRestarts(job, 1);

        sweep();
        assertThat(known()).hasSize(4);

        StoragePath good = take(job, false);
        sweep();
        assertThat(known()).containsExactly(good, paths.get(3));
    }

    @Test
    void sweep_lastGoodOneIsGone_keepsTheOneBefore() {
        FlinkJobId job = start(new RetentionPolicy(1, Duration.ofHours(1)));
        List<StoragePath> paths = take(job, 3);
        store.remove(paths.get(2));
        clock.move(Duration.ofDays(1));

        sweep();

        assertThat(cluster.disposals()).containsExactly(paths.get(0), paths.get(2));
        assertThat(known()).containsExactly(paths.get(1));
    }

    @Test
    void sweep_storeCantBeReadAtTheMoment_removesNothingAndSaysSo() {
        take(start(TWO), 4);
        store.makeUnreadable(false);

        assertThat(sweep().problems())
                .singleElement()
                .satisfies(
                        problem -> assertThat(problem.refusal().code()).isEqualTo(ErrorCode.RESTORE_POINT_UNREADABLE));
        assertThat(known()).hasSize(4);
    }

    @Test
    void sweep_storeCantBeReadAtAll_goesByTheLedger() {
        take(start(TWO), 4);
        store.makeUnreadable(true);

        sweep();

        assertThat(known()).hasSize(2);
    }

    @Test
    void sweep_manyExceed_removesSomeEachTime() {
        take(start(new RetentionPolicy(1, Duration.ofDays(1))), 20);

        sweep();
        assertThat(known()).hasSize(20 - RetainSavepoints.MOST_A_SWEEP);
        sweep();
        sweep();
        assertThat(known()).hasSize(1);
    }

    @Test
    void sweep_clusterTakesItsTime_forgetsWhenItIsGone() {
        FlinkJobId job = start(TWO);
        List<StoragePath> paths = take(job, 3);
        cluster.beSlow();

        sweep();
        assertThat(ledger.savepoints()).hasSize(3);
        assertThat(savepoint(paths.get(0)).disposal()).isNotNull();
        int commits = ledger.commits();
        sweep();
        assertThat(ledger.commits()).isEqualTo(commits);

        cluster.beFast();
        sweep();
        assertThat(known()).containsExactly(paths.get(2), paths.get(1));
    }

    @Test
    void sweep_clusterRefuses_isToldAndTriedAgainMoreAndMoreSeldom() {
        FlinkJobId job = start(TWO);
        StoragePath oldest = take(job, 3).getFirst();
        cluster.refuseDisposals(true);
        List<Long> failures = new ArrayList<>();
        for (long minute = 0; minute < 300; minute++) {
            List<ClusterMonitored.Problem> problems = sweep().problems();
            if (!problems.isEmpty()) {
                failures.add(minute);
                assertThat(problems.getFirst().operation())
                        .isEqualTo(savepoint(oldest).operation());
                assertThat(problems.getFirst().refusal().code()).isEqualTo(ErrorCode.CLUSTER_REFUSED);
            }
            clock.move(Duration.ofMinutes(1));
        }
        assertThat(failures).containsExactly(0L, 1L, 3L, 7L, 15L, 31L, 63L, 123L, 183L, 243L);

        cluster.refuseDisposals(false);
        clock.move(Duration.ofHours(1));
        assertThat(sweep().problems()).isEmpty();
        assertThat(known()).doesNotContain(oldest);
    }

    @Test
    void sweep_removedByHand_isForgotten() {
        FlinkJobId job = start(TWO);
        List<StoragePath> paths = take(job, 3);
        store.remove(paths.getFirst());

        assertThat(sweep().problems()).isEmpty();

        assertThat(known()).containsExactly(paths.get(2), paths.get(1));
    }

    /** Kills the sweep before and behind each of its writes, and loses each answer. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7})
    void sweep_interruptedAnywhere_isFinishedByTheNext(int where) {
        FlinkJobId job = start(TWO);
        List<StoragePath> paths = take(job, 3);
        sweepInterrupted(where);

        assertThat(known()).contains(paths.get(2), paths.get(1));
        assertThat(store.contains(paths.get(2)) && store.contains(paths.get(1))).isTrue();
        clock.move(Duration.ofMinutes(1));
        sweep();
        clock.move(Duration.ofMinutes(1));
        sweep();

        assertThat(known()).containsExactly(paths.get(2), paths.get(1));
        assertThat(store.contains(paths.get(0))).isFalse();
        assertThat(sweep().problems()).isEmpty();
    }

    private void sweepInterrupted(int where) {
        switch (where) {
            case 0 -> ledger.beforeNextCommit(RetainSavepointsTest::kill);
            case 1 -> ledger.afterNextCommit(RetainSavepointsTest::kill);
            case 2 -> ledger.afterNextCommit(() -> ledger.beforeNextCommit(RetainSavepointsTest::kill));
            case 3 -> ledger.afterNextCommit(() -> ledger.afterNextCommit(RetainSavepointsTest::kill));
            case 4 -> ledger.failNextCommit(FakeJobLedger.Fault.ANSWER_LOST);
            case 5 -> ledger.failNextCommit(FakeJobLedger.Fault.CALL_LOST);
            case 6 -> cluster.failNextEffect(FakeFlinkCluster.Fault.ANSWER_LOST);
            default -> cluster.failNextEffect(FakeFlinkCluster.Fault.CALL_LOST);
        }
        sweep();
    }

    private static void kill() {
        throw new IllegalStateException("The process is killed.");
    }

    @Test
    void sweep_policyIsGoneMeanwhile_finishesWhatWasBegun() {
        FlinkJobId first = start(TWO);
        List<StoragePath> paths = take(first, 3);
        sweepInterrupted(1);
        cluster.setState(first, JobState.FAILED);
        sweep();
        submit("again", 1, spec("endless", LATEST));

        sweep();

        assertThat(store.contains(paths.get(0))).isFalse();
        assertThat(known()).containsExactly(paths.get(2), paths.get(1));
    }

    @Test
    void sweep_anotherSweepAtTheSameTime_bothAreFine() {
        FlinkJobId job = start(TWO);
        List<StoragePath> paths = take(job, 4);
        ledger.beforeNextCommit(this::sweep);

        assertThat(sweep().problems()).isEmpty();

        assertThat(known()).containsExactly(paths.get(3), paths.get(2));
    }

    @Test
    void submit_betweenTheLookAndTheIntent_keepsWhatItBeginsWith() {
        FlinkJobId first = start(TWO);
        List<StoragePath> paths = take(first, 4);
        cluster.setState(first, JobState.FAILED);
        sweep();
        FlinkJobId second = submit("again", 1, spec(TWO, LATEST)).attempt().id();
        take(second, 2);
        cluster.setState(second, JobState.FAILED);
        observeJob.observe(job(second), soon());
        clock.move(Duration.ofDays(8));
        StoragePath old = known().get(1);
        ledger.beforeNextCommit(() -> submit("third", 1, spec(TWO, new RestorePoint.Savepoint(old, false))));

        sweep();
        sweep();

        assertThat(paths).doesNotContain(old);
        assertThat(ledger.attempts().getLast().restoredFrom()).isEqualTo(old);
        assertThat(ledger.attempts().getLast().state()).isEqualTo(AttemptState.SUBMITTED);
        assertThat(known()).contains(old);
        assertThat(store.contains(old)).isTrue();
    }

    @Test
    void submit_whatRetentionMarksAtTheSameTime_isRefused() {
        FlinkJobId first = start(TWO);
        List<StoragePath> paths = take(first, 3);
        cluster.setState(first, JobState.FAILED);
        observeJob.observe(job(first), soon());
        cluster.beSlow();
        ledger.beforeNextCommit(this::sweep);

        assertRefused(
                ErrorCode.RESTORE_POINT_NOT_FOUND,
                () -> submit("again", 1, spec(TWO, new RestorePoint.Savepoint(paths.get(0), false))));
        assertThat(ledger.attempts()).hasSize(1);
    }

    @Test
    void submit_latestWhileItsPointIsMarked_takesAnother() {
        FlinkJobId first = start(TWO);
        List<StoragePath> paths = take(first, 3);
        sweepInterrupted(1);
        // Whatever becomes of those that stay, the one that is to go isn't taken.
        store.remove(paths.get(2));
        store.remove(paths.get(1));
        cluster.setState(first, JobState.FAILED);

        assertThat(store.contains(paths.get(0))).isTrue();
        assertRefused(ErrorCode.RESTORE_POINT_NOT_FOUND, () -> submit("again", 1, spec(TWO, LATEST)));
    }

    @ParameterizedTest
    @EnumSource
    void submit_savepointOfAnotherJob_isPinned(JobKind kind) {
        FlinkJobId job = start(TWO);
        List<StoragePath> paths = take(job, 2);
        submitOther("fork", kind, paths.get(0));
        take(job, 3);

        sweep();

        assertThat(savepoint(paths.get(0)).pinned()).isTrue();
        assertThat(known()).contains(paths.get(0)).doesNotContain(paths.get(1));
    }

    @Test
    void submit_savepointOfAnotherJobThatIsBeingRemoved_isRefused() {
        FlinkJobId job = start(TWO);
        List<StoragePath> paths = take(job, 3);
        cluster.beSlow();
        sweep();

        assertRefused(ErrorCode.RESTORE_POINT_NOT_FOUND, () -> submitOther("fork", JobKind.STREAM, paths.get(0)));
    }

    @Test
    void submit_savepointOfAnotherJobMarkedAtTheSameTime_isRefused() {
        FlinkJobId job = start(TWO);
        List<StoragePath> paths = take(job, 3);
        cluster.beSlow();
        ledger.beforeNextCommit(this::sweep);

        assertRefused(ErrorCode.RESTORE_POINT_NOT_FOUND, () -> submitOther("fork", JobKind.RUN, paths.get(0)));
    }

    @Test
    void sweep_anotherJobBeginsWithItAtTheSameTime_keepsIt() {
        FlinkJobId job = start(TWO);
        List<StoragePath> paths = take(job, 3);
        ledger.beforeNextCommit(() -> submitOther("fork", JobKind.STREAM, paths.get(0)));

        sweep();
        sweep();

        assertThat(known()).contains(paths.get(0));
        assertThat(store.contains(paths.get(0))).isTrue();
    }

    @Test
    void submit_savepointThatNobodyRecorded_isntClaimed() {
        StoragePath external = FakeFlinkCluster.SAVEPOINTS.child("by-hand").child("savepoint-1");
        store.put(external, clock.instant());

        assertThat(submit("start", 1, spec(TWO, new RestorePoint.Savepoint(external, false)))
                        .attempt()
                        .restoredFrom())
                .isEqualTo(external);
        take(ledger.attempts().getLast().id(), 5);
        clock.move(Duration.ofDays(30));
        sweep();

        assertThat(store.contains(external)).isTrue();
    }

    private FlinkJobId start(RetentionPolicy policy) {
        return submit("start", 1, spec(policy, new RestorePoint.None()))
                .attempt()
                .id();
    }

    private static JobSpec spec(RetentionPolicy policy, RestorePoint restore) {
        return specOf(NAME, JobKind.STREAM, restore, OnlyPolicy.of(policy));
    }

    private void submitOther(String name, JobKind kind, StoragePath path) {
        submitJob.submit(
                request("start-" + name, 1),
                specOf(new JobName(name), kind, new RestorePoint.Savepoint(path, false), Policies.NONE),
                false,
                soon());
    }

    private static JobSpec specOf(JobName name, JobKind kind, RestorePoint restore, Policies policies) {
        JobSpec plain = spec("endless", restore);
        return new JobSpec(
                name, kind, CLUSTER, plain.jar(), null, plain.arguments(), 1, restore, plain.onUnknown(), policies);
    }

    private List<StoragePath> take(FlinkJobId job, int count) {
        List<StoragePath> paths = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            paths.add(take(job, false));
        }
        return paths;
    }

    private StoragePath take(FlinkJobId job, boolean pinned) {
        clock.move(Duration.ofMinutes(1));
        StoragePath path = operation(takeSavepoint
                        .take(request("save-" + ++number, 1), job(job), pinned, soon())
                        .operation()
                        .id())
                .savepoint();
        assertThat(path).isNotNull();
        return path;
    }

    private StoragePath stop(FlinkJobId job) {
        clock.move(Duration.ofMinutes(1));
        return operation(((Triggered) stopJob.stop(request("stop", 1), job(job), null, Mode.SAVEPOINT, soon()))
                        .operation()
                        .id())
                .savepoint();
    }

    /** Where the savepoints lie that the ledger knows, the newest first. */
    private List<StoragePath> known() {
        return ledger.savepoints(CLUSTER, NAME, soon()).stream()
                .map(Savepoint::path)
                .toList();
    }

    private Savepoint savepoint(StoragePath path) {
        return ledger.savepoints().stream()
                .filter(savepoint -> savepoint.path().equals(path))
                .findFirst()
                .orElseThrow();
    }

    private ClusterMonitored sweep() {
        if (monitorJobs == null) {
            monitorJobs = new MonitorJobs(ports, new FakeMetricsSink(), jars());
        }
        return monitorJobs
                .monitor(null, List.of(), Deadline.in(Duration.ofSeconds(25), clock))
                .clusters()
                .getFirst();
    }
}
