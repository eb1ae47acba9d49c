package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.control.Answer.JobsMonitored;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.ClusterMonitored.Moved;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.health.Health;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Policies;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestartPolicy;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.FakeJobLedger.Fault;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.metrics.FakeMetricsSink;
import io.sluiceway.metrics.Measurement;
import io.sluiceway.metrics.Measurement.Value;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.savepoint.FakeSavepointStore;
import io.sluiceway.testing.MovableClock;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.testing.Processes;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class MonitorJobsTest extends VerbFixture {
    private static final ClusterName OTHER = new ClusterName("other");
    private static final Duration A_DAY = Duration.ofDays(1);
    private static final Duration A_MINUTE = Duration.ofMinutes(1);

    private final FakeMetricsSink metrics = new FakeMetricsSink();
    private final Moody other = new Moody(OTHER, clock, store);
    private final Ports both = new Ports(new Clusters(List.of(cluster, other)), ledger, store, LIMITS);
    private SubmitJob submitToBoth;

    /** A cluster that can be down, slow, or fail for some jobs. */
    private static final class Moody extends FakeFlinkCluster {
        private final MovableClock clock;
        private final Set<FlinkJobId> broken = new HashSet<>();
        private final Set<FlinkJobId> observed = new HashSet<>();
        private int looks;
        private RuntimeException breakage = new RefusedException(ErrorCode.CLUSTER_REFUSED, "Refused.");
        private boolean down;
        private Duration delay = Duration.ZERO;
        private Duration checkpointAge = Duration.ZERO;

        private Moody(ClusterName name, MovableClock clock, FakeSavepointStore store) {
            super(name, 3, clock, store);
            this.clock = clock;
        }

        @Override
        public synchronized List<JobOverview> listJobs(Deadline deadline) {
            clock.move(delay);
            if (down) {
                throw new RefusedException(ErrorCode.CLUSTER_UNREACHABLE, "No connection could be made.");
            }
            return super.listJobs(deadline);
        }

        @Override
        public synchronized Optional<JobOverview> findJob(JobRef job, Deadline deadline) {
            if (broken.contains(job.id())) {
                throw breakage;
            }
            return super.findJob(job, deadline);
        }

        @Override
        public synchronized Optional<JobStatus> observeJob(JobRef job, Deadline deadline) {
            clock.move(delay);
            observed.add(job.id());
            looks++;
            return super.observeJob(job, deadline)
                    .map(status -> new JobStatus(
                            status.overview(),
                            status.restarts(),
                            Checkpoints.counted(
                                    1,
                                    0,
                                    new CompletedCheckpoint(1, clock.instant().minus(checkpointAge), null)),
                            status.lastSavepoint(),
                            status.firstFailure(),
                            status.vitals()));
        }
    }

    @BeforeEach
    void submitToBoth() {
        submitToBoth = new SubmitJob(both, new Jars(jars, Set.of("jars"), workDirectory));
    }

    @Test
    void monitor_nothingChanged_writesNothingAndAsksTheClusterForNoChange() {
        FlinkJobId job = submitEndless();
        take("done", job);
        cluster.beSlow();
        take("slow", job);
        submitRun("run", "endless");
        sweep();
        int commits = ledger.commits();
        List<String> effects = cluster.effects();

        for (int i = 0; i < 3; i++) {
            clock.move(Duration.ofMinutes(1));
            assertThat(sweep().operations()).isEqualTo(new Moved(1, 0, 0, 0, 0));
        }

        assertThat(ledger.commits()).isEqualTo(commits);
        assertThat(cluster.effects()).isEqualTo(effects);
    }

    @ParameterizedTest
    @EnumSource(JobKind.class)
    void monitor_submissionWhoseCallerDiedBehindThePost_isRecorded(JobKind kind) {
        dieBehindThePost(kind);

        ClusterMonitored swept = sweep();

        assertThat(onlyAttempt().state()).isEqualTo(AttemptState.SUBMITTED);
        assertThat(swept.operations()).isEqualTo(new Moved(0, 0, 1, 0, 0));
        assertThat(swept.states()).isEqualTo(Map.of(JobState.RUNNING, 1));
        assertThat(swept.unmanaged()).isZero();
    }

    @ParameterizedTest
    @EnumSource(JobKind.class)
    void monitor_submissionWhoseCallerDiedBeforeThePost_isGivenUpInTime(JobKind kind) {
        dieBeforeThePost(kind);
        assertThat(sweep().operations()).isEqualTo(new Moved(1, 0, 0, 0, 0));

        clock.move(LIMITS.giveUpAfter());

        assertThat(sweep().operations()).isEqualTo(new Moved(0, 0, 0, 1, 0));
        assertThat(onlyAttempt().state()).isEqualTo(AttemptState.REFUSED);
        assertThat(cluster.runs()).isEmpty();
    }

    @Test
    void monitor_jobThatIsSeenAfterItWasGivenUp_isCancelled() {
        dieBeforeThePost(JobKind.RUN);
        clock.move(LIMITS.giveUpAfter());
        sweep();
        cluster.putJob(onlyAttempt().id(), JobState.RUNNING);

        ClusterMonitored swept = sweep();

        assertThat(cluster.effects()).contains("cancel");
        assertThat(swept.unmanaged()).isZero();
    }

    @Test
    void monitor_savepointWhoseCallerWentAway_isCompletedAndRecorded() {
        cluster.beSlow();
        OperationId savepoint = take("save", submitEndless());
        cluster.endSavepoints(FakeFlinkCluster.SavepointEnd.COMPLETE);

        assertThat(sweep().operations()).isEqualTo(new Moved(0, 0, 1, 0, 0));

        assertThat(state(savepoint)).isEqualTo(OperationState.COMPLETED);
        assertThat(ledger.savepoints()).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource(
            value = FakeFlinkCluster.Fault.class,
            names = {"ANSWER_LOST", "CALL_LOST"})
    void monitor_savepointWhoseTriggerWasLost_isTriggeredOnce(FakeFlinkCluster.Fault fault) {
        FlinkJobId job = submitEndless();
        cluster.beSlow();
        cluster.failNextEffect(fault);
        OperationId savepoint = take("save", job);

        assertThat(sweep().operations()).isEqualTo(new Moved(1, 1, 0, 0, 0));
        cluster.endSavepoints(FakeFlinkCluster.SavepointEnd.FAIL);

        assertThat(sweep().operations()).isEqualTo(new Moved(0, 0, 0, 1, 0));
        assertThat(state(savepoint)).isEqualTo(OperationState.FAILED);
        assertThat(cluster.triggers()).hasSize(1);
    }

    @Test
    void monitor_savepointBehindManyLinesOfOldHistory_isFound() {
        FlinkJobId job = submitEndless();
        cluster.beSlow();
        OperationId first = take("first", job);
        cluster.endSavepoints(FakeFlinkCluster.SavepointEnd.COMPLETE);
        takeMany(job, 120);
        clock.move(A_DAY.multipliedBy(3));

        sweep();

        assertThat(state(first)).isEqualTo(OperationState.COMPLETED);
    }

    @Test
    void monitor_stopWhoseCallerWentAway_isCompletedAndFreesTheSlot() {
        cluster.beSlow();
        FlinkJobId job = submitEndless();
        OperationId stop = stop(job);
        cluster.endSavepoints(FakeFlinkCluster.SavepointEnd.COMPLETE);

        sweep();

        assertThat(state(stop)).isEqualTo(OperationState.COMPLETED);
        assertThat(attempt(job).state()).isEqualTo(AttemptState.FINISHED);
        assertThat(ledger.jobs().getFirst().active()).isNull();
    }

    @Test
    void monitor_stopOfAJobWhoseEndIsRecorded_isCompleted() {
        cluster.beSlow();
        FlinkJobId job = submitEndless();
        OperationId stop = stop(job);
        cluster.endSavepoints(FakeFlinkCluster.SavepointEnd.COMPLETE);
        observeJob.observe(named(), soon());
        assertThat(ledger.jobs().getFirst().active()).isNull();
        clock.move(A_DAY.multipliedBy(3));

        sweep();

        assertThat(state(stop)).isEqualTo(OperationState.COMPLETED);
    }

    @Test
    void monitor_stopThatCameBeforeItsJob_isTriggeredWhenTheJobIsThere() {
        dieBehindThePost(JobKind.STREAM);
        FlinkJobId job = onlyAttempt().id();
        cluster.setState(job, JobState.CREATED);
        OperationId stop = stop(job);
        assertThat(state(stop)).isEqualTo(OperationState.PENDING);
        cluster.setState(job, JobState.RUNNING);

        sweep();
        sweep();

        assertThat(state(stop)).isEqualTo(OperationState.COMPLETED);
        assertThat(attempt(job).state()).isEqualTo(AttemptState.FINISHED);
    }

    @Test
    void monitor_runThatHasEnded_isRecordedBeforeTheClusterForgetsIt() {
        FlinkJobId job = submitRun("run", "endless");
        cluster.setState(job, JobState.FAILED);

        ClusterMonitored swept = sweep();
        cluster.forgetEndedJobs();
        sweep();

        assertThat(attempt(job).state()).isEqualTo(AttemptState.FAILED);
        assertThat(swept.states()).isEqualTo(Map.of(JobState.FAILED, 1));
    }

    @ParameterizedTest
    @EnumSource(JobKind.class)
    void monitor_jobThatTheClusterForgot_isUnknown(JobKind kind) {
        FlinkJobId job = submit(kind);
        cluster.forgetEverything();

        assertThat(sweep().unknown()).isEqualTo(1);
        int commits = ledger.commits();

        assertThat(attempt(job).state()).isEqualTo(AttemptState.UNKNOWN);
        assertThat(sweep().unknown()).isEqualTo(1);
        assertThat(ledger.commits()).isEqualTo(commits);
    }

    @Test
    void monitor_unknownJobThatIsSeenAfterAll_isSubmittedAgain() {
        FlinkJobId job = submitEndless();
        cluster.forgetEverything();
        sweep();
        cluster.putJob(job, JobState.RUNNING);

        assertThat(sweep().unknown()).isZero();
        assertThat(attempt(job).state()).isEqualTo(AttemptState.SUBMITTED);
    }

    @Test
    void monitor_severalRunsOfOneName_areAllLookedAt() {
        List<FlinkJobId> runs = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            runs.add(submitRun("run-" + i, "endless"));
        }
        clock.move(A_DAY.multipliedBy(2));
        runs.forEach(run -> cluster.setState(run, JobState.FINISHED));

        sweep();

        assertThat(runs).allSatisfy(run -> assertThat(attempt(run).state()).isEqualTo(AttemptState.FINISHED));
    }

    @Test
    void monitor_jobsOfOthers_areCountedAndNotTouched() {
        FlinkJobId theirs = new FlinkJobId("1".repeat(32));
        cluster.putJob(theirs, JobState.RUNNING);
        cluster.putJob(new FlinkJobId("2".repeat(32)), JobState.FINISHED);

        ClusterMonitored swept = sweep();

        assertThat(swept.unmanaged()).isEqualTo(1);
        assertThat(swept.states()).isEmpty();
        assertThat(cluster.effects()).isEmpty();
        assertThat(ledger.commits()).isZero();
    }

    @Test
    void monitor_manyJobsOfOthers_leaveTimeForOurs() {
        FlinkJobId job = submitTo(OTHER, "a");
        other.setState(job, JobState.FINISHED);
        for (int i = 0; i < 20_000; i++) {
            other.putJob(new FlinkJobId("%032x".formatted(i)), JobState.RUNNING);
        }

        ClusterMonitored swept = new MonitorJobs(both, metrics, jars(), 1)
                .monitor(null, List.of(OTHER), Deadline.in(Duration.ofSeconds(25), new Ticking(clock)))
                .clusters()
                .getFirst();

        assertThat(swept.unmanaged()).isBetween(1, 19_999);
        assertThat(swept.left()).isZero();
        assertThat(otherAttempt(job).state()).isEqualTo(AttemptState.FINISHED);
    }

    /** A clock that moves whenever it is read. */
    private static final class Ticking extends Clock {
        private final MovableClock clock;

        private Ticking(MovableClock clock) {
            this.clock = clock;
        }

        @Override
        public Instant instant() {
            clock.move(Duration.ofMillis(50));
            return clock.instant();
        }

        @Override
        public ZoneId getZone() {
            return clock.getZone();
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    @Test
    void monitor_clusterThatIsDown_isNamedAndDoesNotHinderTheOthers() {
        submitTo(OTHER, "a");
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.FINISHED);
        other.down = true;

        JobsMonitored answer = sweepBoth(Duration.ofSeconds(25));

        assertThat(of(OTHER, answer)).satisfies(down -> {
            assertThat(down.reachable()).isFalse();
            assertThat(down.left()).isEqualTo(1);
            assertThat(down.looked()).isZero();
            assertThat(down.problems()).singleElement().satisfies(problem -> {
                assertThat(problem.job()).isNull();
                assertThat(problem.refusal().code()).isEqualTo(ErrorCode.CLUSTER_UNREACHABLE);
            });
        });
        assertThat(of(CLUSTER, answer).problems()).isEmpty();
        assertThat(attempt(job).state()).isEqualTo(AttemptState.FINISHED);
        assertThat(metrics.newest(Map.of("cluster", "other")))
                .containsEntry("ClusterUnreachable", 1.0)
                .containsEntry("JobsLeft", 1.0)
                .doesNotContainKey("JobsRunning");
        assertThat(metrics.newest(Map.of("cluster", "fake"))).containsEntry("ClusterUnreachable", 0.0);
    }

    @Test
    void monitor_ledgerThatFailsForOneCluster_isNamedAndDoesNotHinderTheOther() {
        submitEndless();
        submitTo(OTHER, "a");
        ledger.failReadsAfter(0);

        JobsMonitored answer = sweepBoth(Duration.ofSeconds(25));

        assertThat(answer.clusters())
                .extracting(swept -> swept.problems().size())
                .containsExactlyInAnyOrder(0, 1);
        assertThat(answer.clusters()).extracting(ClusterMonitored::looked).containsExactlyInAnyOrder(0, 1);
        assertThat(answer.clusters())
                .allSatisfy(swept -> assertThat(
                                metrics.newest(Map.of("cluster", swept.cluster().value()))
                                        .containsKey("JobsRunning"))
                        .isEqualTo(swept.problems().isEmpty()));
    }

    @Test
    void monitor_jobThatFails_isNamedAndDoesNotHinderTheOthers() {
        List<FlinkJobId> jobs = submitMany(3);
        OperationId savepoint = takeOn(other, jobs.get(0));
        jobs.forEach(job -> other.setState(job, JobState.FINISHED));
        other.broken.add(jobs.get(1));

        ClusterMonitored swept = of(OTHER, sweepBoth(Duration.ofSeconds(25)));

        assertThat(swept.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.job()).isEqualTo(new JobName("job-1"));
            assertThat(problem.attempt()).isEqualTo(jobs.get(1));
            assertThat(problem.refusal().code()).isEqualTo(ErrorCode.CLUSTER_REFUSED);
        });
        assertThat(swept.looked()).isEqualTo(3);
        assertThat(swept.left()).isZero();
        assertThat(List.of(jobs.get(0), jobs.get(2)))
                .allSatisfy(job -> assertThat(otherAttempt(job).state()).isEqualTo(AttemptState.FINISHED));
        assertThat(state(savepoint).terminal()).isTrue();
    }

    @Test
    void monitor_jobThatFailsByADefect_isNamedAndDoesNotHinderTheOthers() {
        List<FlinkJobId> jobs = submitMany(2);
        jobs.forEach(job -> other.setState(job, JobState.FINISHED));
        other.breakage = new IllegalStateException("hunter2");
        other.broken.add(jobs.getFirst());

        ClusterMonitored swept = of(OTHER, sweepBoth(Duration.ofSeconds(25)));

        assertThat(swept.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.refusal().code()).isEqualTo(ErrorCode.INTERNAL_ERROR);
            assertThat(problem.refusal().sentence())
                    .isEqualTo("The job's sweep failed: IllegalStateException.")
                    .doesNotContain("hunter2");
            assertThat(problem.refusal()).hasCause(other.breakage);
        });
        assertThat(otherAttempt(jobs.get(1)).state()).isEqualTo(AttemptState.FINISHED);
    }

    @Test
    void monitor_operationThatFails_doesNotHinderTheOthersOfItsJob() {
        cluster.beSlow();
        FlinkJobId job = submitEndless();
        take("first", job);
        take("second", job);
        cluster.endSavepoints(FakeFlinkCluster.SavepointEnd.COMPLETE);
        ledger.failNextCommit(Fault.CALL_LOST);

        ClusterMonitored swept = sweep();

        assertThat(swept.operations()).isEqualTo(new Moved(1, 0, 1, 0, 0));
        assertThat(swept.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.operation()).isNotNull();
            assertThat(problem.refusal().code()).isEqualTo(ErrorCode.LEDGER_UNAVAILABLE);
        });
        assertThat(sweep().operations()).isEqualTo(new Moved(0, 0, 1, 0, 0));
    }

    @Test
    void monitor_timeThatSufficesForSomeJobs_isTakenUpElsewhereByTheNextSweeps() {
        List<FlinkJobId> jobs = submitMany(12);
        other.delay = Duration.ofSeconds(3);

        ClusterMonitored first = of(OTHER, sweepOther());

        assertThat(first.looked()).isPositive();
        assertThat(first.left()).isEqualTo(12 - first.looked()).isPositive();
        assertThat(first.problems()).isEmpty();
        assertThat(other.observed).hasSizeLessThan(12);
        for (int i = 0; i < 9; i++) {
            clock.move(Duration.ofSeconds(60));
            sweepOther();
        }
        assertThat(other.observed).containsExactlyInAnyOrderElementsOf(jobs);
    }

    @Test
    void monitor_timeThatIsUp_answersBeforeItsDeadline() {
        submitMany(12);
        other.delay = Duration.ofSeconds(3);
        Deadline deadline = Deadline.in(Duration.ofSeconds(25), clock);

        new MonitorJobs(both, metrics, jars(), 1).monitor(null, List.of(OTHER), deadline);

        assertThat(deadline.remaining()).isPositive();
    }

    @Test
    void monitor_restartAmongManySlowJobs_isGivenItsTime() {
        submitMany(20);
        FlinkJobId job = submitTo(OTHER, "restarted", OnlyPolicy.of(RestartPolicy.DEFAULT));
        store.put(other.checkpointDirectory(job).orElseThrow().child("chk-7"), clock.instant());
        other.fail(job);
        other.delay = Duration.ofSeconds(2);

        for (int i = 0; i < 20; i++) {
            sweepOther();
            clock.move(Duration.ofMinutes(1));
        }

        assertThat(other.runs()).hasSize(22);
    }

    @Test
    void monitor_slowCluster_leavesTheOthersTheirShare() {
        submitMany(12);
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.FINISHED);
        other.delay = Duration.ofSeconds(2);

        JobsMonitored answer = sweepBoth(Duration.ofSeconds(25));

        assertThat(answer.clustersLeft()).isEmpty();
        assertThat(of(OTHER, answer).left()).isPositive();
        assertThat(of(OTHER, answer).looked()).isPositive();
        assertThat(of(CLUSTER, answer).left()).isZero();
        assertThat(attempt(job).state()).isEqualTo(AttemptState.FINISHED);
    }

    @Test
    void monitor_clusterThatTakesAllTheTime_isFirstInSomeSweepsOnly() {
        submitEndless();
        other.delay = Duration.ofMinutes(1);
        Set<List<ClusterName>> left = new HashSet<>();

        for (int i = 0; i < 5; i++) {
            left.add(sweepBoth(Duration.ofSeconds(25)).clustersLeft());
            clock.move(Duration.ofMinutes(1));
        }

        assertThat(left).containsExactlyInAnyOrder(List.of(CLUSTER), List.of());
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 1", "7, 1", "100, 1", "1000, 1", "1000, 5", "1000, 15", "1000, 60"})
    void inTurn_sweepsThatSufficeForAFifth_reachAllSoonAndFairly(int count, int minutes) {
        List<Integer> all = IntStream.range(0, count).boxed().toList();
        int fifth = Math.ceilDiv(count, 5);
        int[] reached = new int[count];
        Instant at = clock.instant();
        for (int sweep = 1; sweep <= 100; sweep++) {
            MonitorJobs.inTurn(all, at).subList(0, fifth).forEach(item -> reached[item]++);
            at = at.plus(Duration.ofMinutes(minutes));
            if (sweep == 25) {
                assertThat(reached).doesNotContain(0);
            }
        }
        int expected = 100 * fifth / count;
        assertThat(reached)
                .satisfies(counts -> assertThat(IntStream.of(counts).boxed())
                        .allSatisfy(n -> assertThat(n).isBetween(expected / 2, expected * 2)));
    }

    @Test
    void inTurn_always_holdsEachOnceInItsOrderRoundAnd() {
        for (int minute = 0; minute < 60; minute++) {
            List<Integer> turned =
                    MonitorJobs.inTurn(List.of(0, 1, 2, 3, 4), clock.instant().plus(Duration.ofMinutes(minute)));

            assertThat(turned).hasSize(5);
            for (int i = 1; i < 5; i++) {
                assertThat(turned.get(i)).isEqualTo((turned.get(0) + i) % 5);
            }
        }
        assertThat(MonitorJobs.inTurn(List.of(), clock.instant())).isEmpty();
    }

    @Test
    void monitor_namedClusters_areSweptAlone() {
        JobsMonitored answer = new MonitorJobs(both, metrics, jars(), 1)
                .monitor(new RequestId("firing"), List.of(OTHER), Deadline.in(Duration.ofSeconds(25), clock));

        assertThat(answer.request()).isEqualTo(new RequestId("firing"));
        assertThat(answer.clusters()).extracting(ClusterMonitored::cluster).containsExactly(OTHER);
    }

    @Test
    void monitor_unknownCluster_isRefusedBeforeAnythingIsRead() {
        assertRefused(
                ErrorCode.CLUSTER_UNKNOWN,
                () -> new MonitorJobs(both, metrics, jars(), 1)
                        .monitor(null, List.of(OTHER, new ClusterName("elsewhere")), soon()));
        assertThat(ledger.reads()).isZero();
    }

    @Test
    void monitor_jobsThatAreWellAndUnchanged_areLookedAtOnceARound() {
        List<FlinkJobId> jobs = submitMany(30);
        clock.move(HealthPolicy.DEFAULT.settlingTime());
        MonitorJobs monitorJobs = new MonitorJobs(both, metrics, jars(), 1);
        sweepOther(monitorJobs);
        assertThat(other.observed).containsExactlyInAnyOrderElementsOf(jobs);
        int commits = ledger.commits();
        clock.move(Looks.ROUND);
        sweepOther(monitorJobs);
        other.looks = 0;
        Set<Integer> looksOfASweep = new HashSet<>();

        for (int round = 0; round < 3; round++) {
            other.observed.clear();
            for (int minute = 0; minute < Looks.ROUND.toMinutes(); minute++) {
                clock.move(A_MINUTE);
                int before = other.looks;
                assertThat(of(OTHER, sweepOther(monitorJobs))).satisfies(swept -> {
                    assertThat(swept.health()).isEqualTo(Map.of(Health.State.STABLE, 30));
                    assertThat(swept.states()).isEqualTo(Map.of(JobState.RUNNING, 30));
                    assertThat(swept.looked()).isEqualTo(30);
                    assertThat(swept.left()).isZero();
                });
                looksOfASweep.add(other.looks - before);
            }
            assertThat(other.observed).containsExactlyInAnyOrderElementsOf(jobs);
        }

        assertThat(other.looks).isEqualTo(3 * 30);
        assertThat(looksOfASweep).allSatisfy(looks -> assertThat(looks).isLessThan(20));
        assertThat(ledger.commits()).isEqualTo(commits);
    }

    @ParameterizedTest
    @ValueSource(ints = {5, 15, 60})
    void monitor_sweepsThatAreFarApart_lookAtEachJobEachTime(int minutes) {
        submitMany(10);
        clock.move(HealthPolicy.DEFAULT.settlingTime());
        MonitorJobs monitorJobs = new MonitorJobs(both, metrics, jars(), 1);

        for (int sweep = 1; sweep <= 4; sweep++) {
            sweepOther(monitorJobs);
            clock.move(Duration.ofMinutes(minutes));
            assertThat(other.looks).isEqualTo(sweep * 10);
        }
    }

    @Test
    void monitor_jobsThatAreWellAndUnchanged_costNoReadOfTheirOwn() {
        List<Integer> reads = new ArrayList<>();
        for (int jobs : List.of(3, 20)) {
            for (int i = jobs == 3 ? 0 : 3; i < jobs; i++) {
                submitTo(OTHER, "job-" + i);
            }
            clock.move(HealthPolicy.DEFAULT.settlingTime());
            MonitorJobs monitorJobs = new MonitorJobs(both, metrics, jars(), 1);
            sweepOther(monitorJobs);
            int before = ledger.reads();

            sweepOther(monitorJobs);

            reads.add(ledger.reads() - before);
        }

        assertThat(reads).containsExactly(3, 3);
    }

    @Test
    void monitor_jobThatWasRestartedSinceTheLastSweep_isLookedAtUntilItIsStable() {
        List<FlinkJobId> jobs = submitMany(3);
        clock.move(HealthPolicy.DEFAULT.settlingTime());
        MonitorJobs monitorJobs = new MonitorJobs(both, metrics, jars(), 1);
        sweepOther(monitorJobs);
        other.failAndRestart(jobs.get(1));
        clock.move(Duration.ofSeconds(1));

        for (Duration since = Duration.ZERO;
                since.compareTo(HealthPolicy.DEFAULT.settlingTime()) < 0;
                since = since.plus(A_MINUTE)) {
            other.observed.clear();
            assertThat(of(OTHER, sweepOther(monitorJobs)).health())
                    .isEqualTo(Map.of(Health.State.STABLE, 2, Health.State.SETTLING, 1));
            assertThat(other.observed).contains(jobs.get(1));
            clock.move(A_MINUTE);
        }

        assertThat(of(OTHER, sweepOther(monitorJobs)).health()).isEqualTo(Map.of(Health.State.STABLE, 3));
        other.observed.clear();
        sweepOther(monitorJobs);
        assertThat(other.observed).isEmpty();
    }

    @Test
    void monitor_jobWhoseListedStateChanged_isLookedAt() {
        List<FlinkJobId> jobs = submitMany(3);
        clock.move(HealthPolicy.DEFAULT.settlingTime());
        MonitorJobs monitorJobs = new MonitorJobs(both, metrics, jars(), 1);
        sweepOther(monitorJobs);
        other.observed.clear();
        other.setState(jobs.get(0), JobState.RESTARTING);
        other.setState(jobs.get(2), JobState.FAILED);

        sweepOther(monitorJobs);

        assertThat(other.observed).containsExactlyInAnyOrder(jobs.get(0), jobs.get(2));
        assertThat(otherAttempt(jobs.get(2)).state()).isEqualTo(AttemptState.FAILED);
    }

    @Test
    void monitor_jobThatTheClusterForgot_isSeenHoweverWellItWas() {
        FlinkJobId job = submitTo(OTHER, "a");
        clock.move(HealthPolicy.DEFAULT.settlingTime());
        MonitorJobs monitorJobs = new MonitorJobs(both, metrics, jars(), 1);
        sweepOther(monitorJobs);
        other.forgetEverything();

        sweepOther(monitorJobs);

        assertThat(otherAttempt(job).state()).isEqualTo(AttemptState.UNKNOWN);
    }

    @Test
    void monitor_jobThatIsUnhealthy_isLookedAtInEachSweep() {
        List<FlinkJobId> jobs = submitMany(2);
        clock.move(HealthPolicy.DEFAULT.settlingTime());
        other.checkpointAge = Duration.ofHours(1);
        MonitorJobs monitorJobs = new MonitorJobs(both, metrics, jars(), 1);

        for (int sweep = 1; sweep <= 3; sweep++) {
            assertThat(of(OTHER, sweepOther(monitorJobs)).health()).isEqualTo(Map.of(Health.State.UNHEALTHY, 2));
            assertThat(other.looks).isEqualTo(sweep * jobs.size());
        }
    }

    @Test
    void monitor_anotherProcess_looksAtEverythingOnce() {
        submitMany(5);
        clock.move(HealthPolicy.DEFAULT.settlingTime());
        sweepOther(new MonitorJobs(both, metrics, jars(), 1));

        sweepOther(new MonitorJobs(both, metrics, jars(), 1));

        assertThat(other.looks).isEqualTo(10);
    }

    @Test
    void monitor_activeAttemptThatTheLedgerHasLost_isNamed() throws LedgerConflictException {
        Job lost = new Job(OTHER, new JobName("lost"), JobKind.STREAM, new FlinkJobId("1".repeat(32)), null);
        ledger.commit(List.of(new LedgerChange.PutJob(lost, LedgerChange.ABSENT)), soon());

        assertThat(of(OTHER, sweepOther()).problems()).singleElement().satisfies(problem -> {
            assertThat(problem.job()).isEqualTo(lost.name());
            assertThat(problem.refusal().code()).isEqualTo(ErrorCode.LEDGER_INVALID);
        });
    }

    /** Each waits until all are looked at: one after the other, none would come to its end. */
    @Test
    void monitor_slowAnswers_areAwaitedAtOnce() {
        CountDownLatch allAreLookedAt = new CountDownLatch(4);
        FakeFlinkCluster slow = new FakeFlinkCluster(OTHER, 4, clock, store) {
            // Who waits mustn't hold what the others need.
            @SuppressWarnings("UnsynchronizedOverridesSynchronized")
            @Override
            public Optional<JobStatus> observeJob(JobRef job, Deadline deadline) {
                allAreLookedAt.countDown();
                try {
                    assertThat(allAreLookedAt.await(20, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                return super.observeJob(job, deadline);
            }
        };
        Ports there = new Ports(new Clusters(List.of(slow)), ledger, store, LIMITS);
        submitToBoth = new SubmitJob(there, new Jars(jars, Set.of("jars"), workDirectory));
        submitMany(4);

        ClusterMonitored swept = of(
                OTHER,
                new MonitorJobs(there, metrics, jars(), 4)
                        .monitor(null, List.of(), Deadline.in(Duration.ofSeconds(25), clock)));

        assertThat(swept.problems()).isEmpty();
        assertThat(swept.looked()).isEqualTo(4);
        assertThat(swept.health().values().stream().mapToInt(Integer::intValue).sum())
                .isEqualTo(4);
    }

    @Test
    void monitor_streamsThatHaveEnded_areReadOnceInFiveMinutes() {
        List<FlinkJobId> jobs = submitMany(40);
        jobs.forEach(job -> other.setState(job, JobState.FINISHED));
        MonitorJobs monitorJobs = new MonitorJobs(both, metrics, jars(), 1);
        sweepOther(monitorJobs);
        other.forgetEndedJobs();
        sweepOther(monitorJobs);
        int before = ledger.reads();
        sweepOther(monitorJobs);
        int atRest = ledger.reads() - before;

        clock.move(Looks.ROUND);
        sweepOther(monitorJobs);

        assertThat(ledger.reads() - before - atRest).isEqualTo(atRest + 1);
    }

    @Test
    void monitor_manyAtOnce_countsAsOneAfterTheOther() {
        List<FlinkJobId> jobs = submitMany(40);
        clock.move(HealthPolicy.DEFAULT.settlingTime());
        jobs.subList(0, 7).forEach(job -> other.setState(job, JobState.FINISHED));
        other.broken.addAll(jobs.subList(7, 12));

        ClusterMonitored swept = of(OTHER, sweepOther(new MonitorJobs(both, metrics, jars(), 8)));

        assertThat(swept.looked()).isEqualTo(40);
        assertThat(swept.problems()).hasSize(5);
        assertThat(swept.health()).isEqualTo(Map.of(Health.State.STABLE, 28));
        assertThat(jobs.subList(0, 7))
                .allSatisfy(job -> assertThat(otherAttempt(job).state()).isEqualTo(AttemptState.FINISHED));
        assertThat(metrics.published()).hasSize(28 + 1);
    }

    @Test
    void publish_stream_hasItsAgesAndRestarts() {
        FlinkJobId job = submitTo(OTHER, "a");
        takeOn(other, job);
        new ObserveJob(both).observe(new Target(OTHER, null, job), soon());
        sweepOther();
        clock.move(Duration.ofSeconds(90));
        other.setRestarts(job, 2);
        other.checkpointAge = Duration.ofMillis(12_500);

        sweepOther();

        assertThat(metrics.newest(Map.of("cluster", "other", "job", "a")))
                .isEqualTo(Map.of("Restarts", 2.0, "LastCheckpointAge", 12.5, "LastSavepointAge", 90.0));
        assertThat(metrics.newest(Map.of("cluster", "other")))
                .containsEntry("JobsRunning", 1.0)
                .containsEntry("OpenOperations", 0.0);
    }

    @Test
    void publish_clocksThatDiffer_makeNoNegativeAge() {
        submitTo(OTHER, "a");
        other.checkpointAge = Duration.ofMinutes(-1);

        sweepOther();

        assertThat(metrics.newest(Map.of("cluster", "other", "job", "a"))).containsEntry("LastCheckpointAge", 0.0);
    }

    @Test
    void publish_runsAndEndedStreams_haveNoMetricsOfTheirOwn() {
        submitRun("run", "endless");
        sweep();
        FlinkJobId stream = submitTo(OTHER, "a");
        other.setState(stream, JobState.FINISHED);
        sweepOther();

        assertThat(metrics.published())
                .hasSize(2)
                .allSatisfy(measurement ->
                        assertThat(measurement.dimensions().keySet()).containsExactly("cluster"));
    }

    @Test
    void publish_states_areCounted() {
        List<FlinkJobId> jobs = submitMany(6);
        other.setState(jobs.get(0), JobState.RESTARTING);
        other.setState(jobs.get(1), JobState.FAILING);
        other.setState(jobs.get(2), JobState.FAILED);
        other.setState(jobs.get(3), JobState.CREATED);
        other.setState(jobs.get(4), JobState.CANCELLING);
        other.putJob(new FlinkJobId("1".repeat(32)), JobState.RUNNING);

        sweepOther();

        assertThat(metrics.newest(Map.of("cluster", "other")))
                .isEqualTo(new TreeMap<>(Map.ofEntries(
                        Map.entry("ClusterUnreachable", 0.0),
                        Map.entry("JobsLeft", 0.0),
                        Map.entry("SweepErrors", 0.0),
                        Map.entry("EventsPending", 0.0),
                        Map.entry("JobsRunning", 1.0),
                        Map.entry("JobsRestarting", 1.0),
                        Map.entry("JobsFailing", 1.0),
                        Map.entry("JobsFailed", 1.0),
                        Map.entry("JobsInTransition", 2.0),
                        Map.entry("JobsStable", 0.0),
                        Map.entry("JobsUnhealthy", 0.0),
                        Map.entry("JobsUnknown", 0.0),
                        Map.entry("UnmanagedJobs", 1.0),
                        Map.entry("OpenOperations", 0.0),
                        Map.entry("FailedOperations", 0.0))));
    }

    @Test
    void publish_health_isCountedOfJobsThatLive() {
        List<FlinkJobId> jobs = submitMany(5);
        clock.move(HealthPolicy.DEFAULT.settlingTime());
        other.setState(jobs.get(0), JobState.FINISHED);
        for (int i = 0; i < HealthPolicy.DEFAULT.restarts(); i++) {
            other.failAndRestart(jobs.get(1));
        }
        other.failAndRestart(jobs.get(2));

        ClusterMonitored swept = of(OTHER, sweepOther());

        assertThat(swept.health())
                .isEqualTo(Map.of(Health.State.STABLE, 2, Health.State.SETTLING, 1, Health.State.UNHEALTHY, 1));
        assertThat(metrics.newest(Map.of("cluster", "other")))
                .containsEntry("JobsStable", 2.0)
                .containsEntry("JobsUnhealthy", 1.0);
    }

    @Test
    void publish_operationsThatFailedOrWereAbandoned_areCountedInTheirSweepAlone() {
        FlinkJobId job = submitEndless();
        cluster.beSlow();
        take("fails", job);
        cluster.endSavepoints(FakeFlinkCluster.SavepointEnd.FAIL);
        cluster.setState(job, JobState.INITIALIZING);
        take("pends", job);
        clock.move(LIMITS.giveUpAfter());

        sweep();
        Map<String, Double> first = metrics.newest(Map.of("cluster", "fake"));
        sweep();

        assertThat(first).containsEntry("FailedOperations", 2.0);
        assertThat(metrics.newest(Map.of("cluster", "fake"))).containsEntry("FailedOperations", 0.0);
    }

    /** The document's tables name each metric with its unit and dimensions, and no other. */
    @Test
    void publish_everyMetric_isInTheDocument() throws IOException {
        FlinkJobId job = submitTo(OTHER, "a");
        takeOn(other, job);
        new ObserveJob(both).observe(new Target(OTHER, null, job), soon());
        sweepOther();
        sweepOther();
        Set<String> published = new TreeSet<>();
        for (Measurement measurement : metrics.published()) {
            for (Value value : measurement.values()) {
                published.add("| `%s` | %s | `%s` |"
                        .formatted(
                                value.metric(),
                                value.unit().name(),
                                String.join("`, `", measurement.dimensions().keySet())));
            }
        }

        Set<String> documented = new TreeSet<>();
        Pattern row = Pattern.compile("(?m)^(\\| `\\w+` \\| )(Count|Seconds)( \\| `cluster`(?:, `job`)? \\|)");
        row.matcher(Files.readString(Processes.root().resolve("docs/metrics.md")))
                .results()
                .forEach(found -> documented.add(
                        found.group(1) + found.group(2).toUpperCase(java.util.Locale.ROOT) + found.group(3)));
        assertThat(documented).isEqualTo(published);
    }

    private void dieBeforeThePost(JobKind kind) {
        ledger.afterNextCommit(() -> {
            throw new IllegalStateException("The process is killed.");
        });
        assertThatIllegalStateException().isThrownBy(() -> submit(kind));
        assertThat(onlyAttempt().state()).isEqualTo(AttemptState.PREPARING);
    }

    private void dieBehindThePost(JobKind kind) {
        cluster.beforeNextRun(() -> ledger.beforeNextCommit(() -> {
            throw new IllegalStateException("The process is killed.");
        }));
        assertThatIllegalStateException().isThrownBy(() -> submit(kind));
        assertThat(onlyAttempt().state()).isEqualTo(AttemptState.POSTING);
    }

    private FlinkJobId submit(JobKind kind) {
        return switch (kind) {
            case STREAM -> submitEndless();
            case RUN -> submitRun("start", "endless");
        };
    }

    private FlinkJobId submitRun(String request, String behaviour) {
        return submitJob
                .submit(request(request, 1), runNamed(behaviour), false, soon())
                .attempt()
                .id();
    }

    private static JobSpec runNamed(String behaviour) {
        JobSpec run = run(behaviour, OnUnknown.REFUSE);
        return new JobSpec(
                new JobName("daily"),
                run.kind(),
                run.cluster(),
                run.jar(),
                run.entryClass(),
                run.arguments(),
                run.parallelism(),
                run.restore(),
                run.onUnknown());
    }

    private List<FlinkJobId> submitMany(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> submitTo(OTHER, "job-" + i))
                .toList();
    }

    private FlinkJobId submitTo(ClusterName where, String name) {
        return submitTo(where, name, Policies.NONE);
    }

    private FlinkJobId submitTo(ClusterName where, String name, Policies policies) {
        JobSpec spec = new JobSpec(
                new JobName(name),
                JobKind.STREAM,
                where,
                new JarReference(JarUri.parse(JAR_URI), null, null),
                null,
                List.of("endless"),
                1,
                new RestorePoint.None(),
                OnUnknown.REFUSE,
                policies);
        return submitToBoth
                .submit(request("start-" + name, 1), spec, false, soon())
                .attempt()
                .id();
    }

    private OperationId take(String request, FlinkJobId job) {
        return takeSavepoint
                .take(request(request, 1), job(job), false, soon())
                .operation()
                .id();
    }

    private OperationId takeOn(FakeFlinkCluster where, FlinkJobId job) {
        return new TakeSavepoint(both)
                .take(request("save", 1), new Target(where.name(), null, job), false, soon())
                .operation()
                .id();
    }

    /** Takes savepoints, each to its end, until there are so many more lines of history. */
    private void takeMany(FlinkJobId job, int lines) {
        int before = ledger.history(CLUSTER, NAME).size();
        for (int i = 0; ledger.history(CLUSTER, NAME).size() < before + lines; i++) {
            OperationId savepoint = take("more-" + i, job);
            cluster.endSavepoints(FakeFlinkCluster.SavepointEnd.COMPLETE);
            assertThat(operation(savepoint).state()).isEqualTo(OperationState.COMPLETED);
        }
    }

    private OperationId stop(FlinkJobId job) {
        return ((Triggered) stopJob.stop(request("stop", 1), job(job), null, Mode.SAVEPOINT, soon()))
                .operation()
                .id();
    }

    private OperationState state(OperationId id) {
        return ledger.findOperation(id, soon()).orElseThrow().value().state();
    }

    private Attempt onlyAttempt() {
        assertThat(ledger.attempts()).hasSize(1);
        return ledger.attempts().getFirst();
    }

    private Attempt otherAttempt(FlinkJobId id) {
        return ledger.findAttempt(OTHER, id, soon()).orElseThrow().value();
    }

    private ClusterMonitored sweep() {
        return of(
                CLUSTER,
                new MonitorJobs(ports, metrics, jars(), 1)
                        .monitor(null, List.of(), Deadline.in(Duration.ofSeconds(25), clock)));
    }

    private JobsMonitored sweepOther() {
        return new MonitorJobs(both, metrics, jars(), 1)
                .monitor(null, List.of(OTHER), Deadline.in(Duration.ofSeconds(25), clock));
    }

    private JobsMonitored sweepOther(MonitorJobs monitorJobs) {
        return monitorJobs.monitor(null, List.of(OTHER), Deadline.in(Duration.ofSeconds(25), clock));
    }

    private JobsMonitored sweepBoth(Duration time) {
        return new MonitorJobs(both, metrics, jars(), 1).monitor(null, List.of(), Deadline.in(time, clock));
    }

    private static ClusterMonitored of(ClusterName name, JobsMonitored answer) {
        return answer.clusters().stream()
                .filter(swept -> swept.cluster().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
