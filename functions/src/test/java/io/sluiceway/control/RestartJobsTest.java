package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.ClusterMonitored.Problem;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.JobState;
import io.sluiceway.job.Policies;
import io.sluiceway.job.Request;
import io.sluiceway.job.RestartPolicy;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.FakeJobLedger.Fault;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.metrics.MetricsSink;
import io.sluiceway.operation.OperationState;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Jobs that have failed for good and whose policy has them started again, by sweeps. */
class RestartJobsTest extends VerbFixture {
    /** One for all sweeps, as in a process that is warm. */
    private @Nullable MonitorJobs monitorJobs;

    private static final Duration BACKOFF = Duration.ofSeconds(30);
    private static final RestorePoint NONE = new RestorePoint.None();

    /** Longer than any of the fixture's limits but the last. */
    private static final Duration LONG = Duration.ofMinutes(2);

    @Test
    void sweep_failedJobWhoseBackoffIsOver_goesOnFromItsCheckpointOnBehalfOfItsOwner() {
        FlinkJobId first = start(kept(NONE));
        StoragePath checkpoint = checkpoint(first, 7);
        cluster.fail(first);
        sweep();
        clock.move(BACKOFF);

        assertThat(sweep()).isEmpty();

        Attempt again = newest();
        assertThat(again.id()).isNotEqualTo(first);
        assertThat(again.state()).isEqualTo(AttemptState.SUBMITTED);
        assertThat(again.restoredFrom()).isEqualTo(checkpoint);
        assertThat(again.spec()).isEqualTo(attempt(first).spec());
        assertThat(again.specHash()).isEqualTo(attempt(first).specHash());
        assertThat(again.owner()).isEqualTo(request("start", 1));
        assertThat(again.request().value()).isEqualTo("sluiceway/restart/1/" + first);
        assertThat(ledger.history(CLUSTER, NAME))
                .filteredOn(line -> line.event() == HistoryEntry.Event.ATTEMPT_INTENDED)
                .last()
                .extracting(HistoryEntry::detail)
                .isEqualTo("Restart 1 in a row, of %s, from %s.".formatted(first, checkpoint));
        assertThat(cluster.runs()).hasSize(2);
    }

    @Test
    void sweep_backoffIsNotOver_writesNothingAndAsksNothingOfTheCluster() {
        FlinkJobId job = failed(NONE);
        sweep();
        int commits = ledger.commits();
        List<String> effects = cluster.effects();

        clock.move(BACKOFF.minusMillis(1));
        sweep();

        assertThat(ledger.commits()).isEqualTo(commits);
        assertThat(cluster.effects()).isEqualTo(effects);
        assertThat(newest().id()).isEqualTo(job);
        clock.move(Duration.ofMillis(1));
        sweep();
        assertThat(newest().id()).isNotEqualTo(job);
    }

    @Test
    void sweep_clusterForgetsTheFailedJobBeforeItsBackoffIsOver_startsItAgainAllTheSame() {
        FlinkJobId job = failed(NONE);
        sweep();
        cluster.forgetEndedJobs();

        clock.move(BACKOFF);
        sweep();

        assertThat(newest().id()).isNotEqualTo(job);
        assertThat(cluster.runs()).hasSize(2);
    }

    @Test
    void sweep_noPolicy_startsNothing() {
        FlinkJobId job = start(spec("endless", LATEST));
        checkpoint(job, 7);
        cluster.fail(job);

        sweepLong();

        assertThat(newest().id()).isEqualTo(job);
        assertThat(cluster.runs()).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource(
            value = JobState.class,
            names = {"FINISHED", "CANCELED"})
    void sweep_endThatIsNoFailure_startsNothing(JobState end) {
        FlinkJobId job = start(kept(LATEST));
        checkpoint(job, 7);
        cluster.setState(job, end);

        sweepLong();

        assertThat(cluster.runs()).hasSize(1);
    }

    @Test
    void sweep_restartsThatFailAtOnce_comeLaterAndLaterUpToTheLimitAndThenAreToldInEachSweep() {
        FlinkJobId first = failed(NONE);
        sweep();
        Duration backoff = BACKOFF;
        for (int i = 1; i <= 3; i++) {
            FlinkJobId before = newest().id();
            clock.move(backoff.minusMillis(1));
            assertThat(sweep()).isEmpty();
            assertThat(newest().id()).isEqualTo(before);
            clock.move(Duration.ofMillis(1));
            assertThat(sweep()).isEmpty();
            assertThat(newest().request().value()).isEqualTo("sluiceway/restart/%d/%s".formatted(i, before));
            checkpoint(newest().id(), 7 + i);
            cluster.fail(newest().id());
            sweep();
            backoff = backoff.multipliedBy(2);
        }
        List<FlinkJobId> runs = runs();

        for (int i = 0; i < 3; i++) {
            clock.move(Duration.ofHours(1));
            assertThat(sweep())
                    .singleElement()
                    .satisfies(problem -> assertThat(problem.refusal().code()).isEqualTo(ErrorCode.RESTARTS_EXHAUSTED))
                    .satisfies(problem -> assertThat(problem.attempt()).isEqualTo(newest().id()));
        }

        assertThat(runs).hasSize(4).startsWith(first);
        assertThat(runs()).isEqualTo(runs);
        assertThat(newest().state()).isEqualTo(AttemptState.FAILED);
    }

    @Test
    void sweep_restartThatRanLong_isCountedAnew() {
        failed(NONE);
        sweepLong();
        FlinkJobId second = newest().id();
        sweep();
        checkpoint(second, 8);
        clock.move(Duration.ofHours(1));
        cluster.fail(second);
        sweep();
        clock.move(BACKOFF);

        sweep();

        assertThat(newest().request().value()).isEqualTo("sluiceway/restart/1/" + second);
    }

    @Test
    void sweep_restartOfANewTryOfTheOwner_isCountedAnew() {
        failed(LATEST);
        sweepLong();
        checkpoint(newest().id(), 8);
        cluster.fail(newest().id());
        FlinkJobId third = submit("start", 2, kept(LATEST)).attempt().id();
        checkpoint(third, 9);
        cluster.fail(third);

        sweepLong();

        assertThat(newest().request().value()).isEqualTo("sluiceway/restart/1/" + third);
    }

    @Test
    void sweep_failedJobThatCompletedNoCheckpoint_beginsAsItsSpecificationSays() {
        submit("start", 1, kept("failing", LATEST));

        sweepLong();

        assertThat(runs()).hasSize(2);
        assertThat(newest().restoredFrom()).isNull();
    }

    @Test
    void sweep_failedJobThatHadCheckpointsAndRetainedNone_isRefusedRatherThanToBeginAnew() {
        FlinkJobId job = start(kept(NONE));
        observeJob.observe(job(job), soon());
        cluster.fail(job);

        List<Problem> problems = sweepLong();

        assertThat(problems)
                .singleElement()
                .satisfies(
                        problem -> assertThat(problem.refusal().code()).isEqualTo(ErrorCode.RESTORE_POINT_NOT_FOUND));
        assertThat(runs()).containsExactly(job);
    }

    @Test
    void sweep_failedJobOfWhichAnotherJobManagerCountsNothing_isRefused() {
        FlinkJobId job = start(kept("failing", NONE));
        sweep();
        cluster.forgetEverything();
        cluster.putJob(job, JobState.FAILED);

        List<Problem> problems = sweepLong();

        assertThat(problems).hasSize(1);
        assertThat(problems.getFirst().refusal().code()).isEqualTo(ErrorCode.RESTORE_POINT_NOT_FOUND);
    }

    @Test
    void sweep_jobThatTakesNoCheckpoints_beginsWithoutStateAgain() {
        FlinkJobId job = start(kept("careless", NONE));
        cluster.fail(job);

        assertThat(sweepLong()).isEmpty();

        assertThat(newest().id()).isNotEqualTo(job);
        assertThat(newest().restoredFrom()).isNull();
    }

    @Test
    void sweep_clusterMayStillShowTheJobAsItWasBeforeItsEnd_waitsWithItsRestart() {
        FlinkJobId job = start(kept("stalled", NONE));
        cluster.fail(job);
        cluster.answerFromMemory(true);

        List<Problem> problems = sweepLong();

        assertThat(problems).hasSize(1);
        assertThat(problems.getFirst().refusal().code()).isEqualTo(ErrorCode.RESTORE_POINT_UNREADABLE);
        assertThat(newest().id()).isEqualTo(job);
        cluster.answerFromMemory(false);
        assertThat(sweepLong()).isEmpty();
        assertThat(newest().id()).isNotEqualTo(job);
    }

    @Test
    void sweep_jobThatBeganWithASavepointAndLeftNothing_beginsWithItAgain() {
        StoragePath savepoint = new StoragePath("s3://state/savepoints/old/savepoint-1");
        store.put(savepoint, clock.instant());
        FlinkJobId job = start(kept(new RestorePoint.Savepoint(savepoint, false)));
        cluster.fail(job);

        sweepLong();

        assertThat(newest().id()).isNotEqualTo(job);
        assertThat(newest().restoredFrom()).isEqualTo(savepoint);
    }

    @Test
    void sweep_jarThatHasChanged_isNeitherGivenToTheClusterNorRun() {
        FlinkJobId job = failed(NONE);
        sweep();
        clock.move(BACKOFF);
        jars.put(JAR_URI, TestJobJar.write(directory.resolve("other.jar"), 1));
        List<String> effects = cluster.effects();

        List<Problem> problems = sweep();

        assertThat(problems).hasSize(1);
        assertThat(problems.getFirst().refusal().code()).isEqualTo(ErrorCode.JAR_CHANGED);
        assertThat(problems.getFirst().refusal().sentence()).contains(JAR_URI, job.value());
        assertThat(cluster.effects()).isEqualTo(effects);
        assertThat(ledger.jobs().getFirst().active()).isNull();
    }

    @Test
    void sweep_restartsThatAreRefused_countAndTheLastIsNamed() {
        failed(NONE);
        jars.put(JAR_URI, TestJobJar.write(directory.resolve("other.jar"), 1));
        for (int i = 0; i < 3; i++) {
            clock.move(Duration.ofMinutes(10));
            sweep();
        }

        List<Problem> problems = sweepLong();

        assertThat(problems).hasSize(1);
        assertThat(problems.getFirst().refusal().code()).isEqualTo(ErrorCode.RESTARTS_EXHAUSTED);
        assertThat(problems.getFirst().refusal().sentence()).contains("JAR_CHANGED");
        assertThat(jars.fetches()).isEqualTo(4);
    }

    @Test
    void sweep_restartThatWasRefusedOnce_isFollowedByTheNextWhenThatIsDue() {
        FlinkJobId job = failed(NONE);
        sweep();
        clock.move(BACKOFF);
        cluster.refuseNextRun(ErrorCode.PROGRAM_FAILED);
        assertThat(sweep()).hasSize(1);
        clock.move(BACKOFF);
        assertThat(sweep()).isEmpty();
        assertThat(runs()).containsExactly(job);

        clock.move(BACKOFF);
        assertThat(sweep()).isEmpty();

        assertThat(newest().request().value()).isEqualTo("sluiceway/restart/2/" + job);
        assertThat(newest().state()).isEqualTo(AttemptState.SUBMITTED);
    }

    @Test
    void sweep_unknownJobThatMayRunAgain_isStartedAgainWhenItsBackoffIsOver() {
        FlinkJobId job = start(new JobSpecs(kept(NONE)).onUnknown(OnUnknown.RERUN));
        StoragePath checkpoint = checkpoint(job, 7);
        cluster.forgetEverything();
        sweep();
        assertThat(attempt(job).state()).isEqualTo(AttemptState.UNKNOWN);
        clock.move(BACKOFF.minusMillis(1));
        sweep();
        assertThat(newest().id()).isEqualTo(job);

        clock.move(Duration.ofMillis(1));
        sweep();

        assertThat(newest().id()).isNotEqualTo(job);
        assertThat(newest().restoredFrom()).isEqualTo(checkpoint);
    }

    @Test
    void sweep_unknownJobThatMayNotRunAgain_isLeft() {
        FlinkJobId job = start(kept(NONE));
        checkpoint(job, 7);
        cluster.forgetEverything();

        sweepLong();
        sweepLong();

        assertThat(newest().id()).isEqualTo(job);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void stop_failedJobThatWouldBeStartedAgain_keepsItDown(Mode mode) {
        FlinkJobId job = failed(NONE);
        sweep();

        Triggered stop = (Triggered) stopJob.stop(request("stop", 1), named(), null, mode, soon());

        assertThat(stop.operation().state())
                .isEqualTo(mode == Mode.CANCEL ? OperationState.COMPLETED : OperationState.FAILED);
        assertThat(sweepLong()).isEmpty();
        assertThat(newest().id()).isEqualTo(job);
        assertThat(runs()).hasSize(1);
        assertThat(((Triggered) stopJob.stop(request("stop", 1), named(), null, mode, soon())).operation())
                .isEqualTo(stop.operation());
    }

    @Test
    void stop_ofTheOwnerBehindARefusedRestart_keepsTheJobDown() {
        failed(NONE);
        sweep();
        clock.move(BACKOFF);
        cluster.refuseNextRun(ErrorCode.PROGRAM_FAILED);
        sweep();

        stopJob.stop(request("stop", 1), named(), request("start", 1), Mode.SAVEPOINT, soon());

        sweepLong();
        assertThat(runs()).hasSize(1);
    }

    @Test
    void stop_comesJustBeforeTheRestartIsRecorded_wins() {
        FlinkJobId job = failed(NONE);
        sweep();
        clock.move(BACKOFF);
        ledger.beforeNextCommit(() -> stopJob.stop(request("stop", 1), job(job), null, Mode.CANCEL, soon()));

        List<Problem> problems = sweep();

        assertThat(problems).hasSize(1);
        assertThat(problems.getFirst().refusal().code()).isEqualTo(ErrorCode.JOB_BUSY);
        assertThat(sweepLong()).isEmpty();
        assertThat(runs()).containsExactly(job);
    }

    @Test
    void stop_restartThatIsBeingPrepared_keepsTheJobDown() {
        FlinkJobId job = failed(NONE);
        sweep();
        clock.move(BACKOFF);
        jars.beforeNextFetch(() -> stopJob.stop(request("stop", 1), named(), null, Mode.CANCEL, soon()));

        sweep();

        sweepLong();
        sweepLong();
        assertThat(runs()).containsExactly(job);
    }

    @Test
    void stop_failedStopWithSavepointBehindWhichTheJobFails_isAStopAllTheSame() {
        FlinkJobId job = start(kept(NONE));
        checkpoint(job, 7);
        cluster.beSlow();
        stopJob.stop(request("stop", 1), job(job), null, Mode.SAVEPOINT, soon());
        cluster.endSavepoints(FakeFlinkCluster.SavepointEnd.FAIL_TO_STOP);

        sweepLong();
        sweepLong();

        assertThat(runs()).containsExactly(job);
    }

    @Test
    void stop_ofTheOwnerWhileTheRestartedJobRuns_stopsIt() {
        failed(NONE);
        sweepLong();

        Triggered stop =
                (Triggered) stopJob.stop(request("stop", 1), named(), request("start", 1), Mode.SAVEPOINT, soon());

        assertThat(stop.operation().attempt()).isEqualTo(newest().id());
        assertThat(operation(stop.operation().id()).state()).isEqualTo(OperationState.COMPLETED);
        sweepLong();
        assertThat(runs()).hasSize(2);
    }

    @Test
    void submit_sameTryWhileTheRestartedJobRuns_isReplayedWithIt() {
        failed(NONE);
        sweepLong();

        Submitted answer = submit("start", 1, kept(NONE));

        assertThat(answer.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(answer.attempt().id()).isEqualTo(newest().id());
        assertThat(answer.attempt().state()).isEqualTo(AttemptState.SUBMITTED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"start", "another"})
    void submit_sameSpecificationWhileTheRestartedJobRuns_adoptsIt(String id) {
        StoragePath savepoint = new StoragePath("s3://state/savepoints/old/savepoint-1");
        store.put(savepoint, clock.instant());
        RestorePoint begun = new RestorePoint.Savepoint(savepoint, false);
        failed(begun);
        sweepLong();
        FlinkJobId again = newest().id();

        Submitted answer = submit(id, 2, kept(begun));

        assertThat(answer.outcome()).isEqualTo(Outcome.ADOPTED);
        assertThat(answer.attempt().id()).isEqualTo(again);
        assertThat(answer.attempt().owner()).isEqualTo(request(id, 2));
        assertThat(runs()).hasSize(2);
    }

    @Test
    void submit_fromASavepointThatTheRestartedJobDidNotBeginWith_isRefused() {
        failed(NONE);
        sweepLong();
        RestorePoint other =
                new RestorePoint.Savepoint(new StoragePath("s3://state/savepoints/other/savepoint-1"), false);

        assertRefused(ErrorCode.JOB_ALREADY_RUNNING, () -> submit("another", 1, kept(other)));
    }

    @Test
    void submit_whileTheRestartIsAwaited_winsAndIsLeftAlone() {
        failed(LATEST);
        sweep();

        FlinkJobId own = submit("start", 2, kept(LATEST)).attempt().id();

        assertThat(sweepLong()).isEmpty();
        assertThat(newest().id()).isEqualTo(own);
        assertThat(newest().owner()).isEqualTo(request("start", 2));
        assertThat(runs()).hasSize(2);
    }

    @Test
    void submit_comesJustBeforeTheRestartIsRecorded_wins() {
        failed(LATEST);
        sweep();
        clock.move(BACKOFF);
        ledger.beforeNextCommit(() -> submit("another", 1, kept(LATEST)));

        List<Problem> problems = sweep();

        assertThat(problems).hasSize(1);
        assertThat(problems.getFirst().refusal().code()).isEqualTo(ErrorCode.JOB_BUSY);
        assertThat(newest().request()).isEqualTo(request("another", 1).id());
        assertThat(newest().owner()).isEqualTo(request("another", 1));
        assertThat(sweepLong()).isEmpty();
        assertThat(runs()).hasSize(2);
    }

    @Test
    void submit_underTheIdOfARestart_isRefused() {
        Request restart = new Request(new Restart(1, new FlinkJobId("0".repeat(32))).request(), 1);

        assertRefused(ErrorCode.FIELD_INVALID, () -> submitJob.submit(restart, kept(NONE), false, soon()));
        assertThat(ledger.requests()).isEmpty();
    }

    @Test
    void sweep_anotherSweepComesBetween_oneJobIsRun() {
        failed(NONE);
        sweep();
        clock.move(BACKOFF);
        ledger.beforeNextCommit(this::sweep);

        sweep();
        sweepLong();

        assertThat(runs()).hasSize(2);
        assertThat(newest().state()).isEqualTo(AttemptState.SUBMITTED);
    }

    @Test
    void sweep_anotherSweepComesBetweenTheIntentAndTheRun_oneJobIsRun() {
        failed(NONE);
        sweep();
        clock.move(BACKOFF);
        cluster.beforeNextRun(this::sweep);

        sweep();
        sweepLong();

        assertThat(runs()).hasSize(2);
    }

    /** Each commit of the sweep that starts a job again: the process dies before or behind it. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void sweep_killedAtAnyCommit_isGoneOnWithByLaterSweepsToOneJob(boolean before) {
        int commits = commitsOfARestart();
        assertThat(commits).isGreaterThan(2);
        for (int i = 0; i < commits; i++) {
            RestartJobsTest world = another();
            FlinkJobId first = world.failed(NONE);
            StoragePath checkpoint = world.checkpointOf(first, 7);
            world.sweep();
            world.clock.move(BACKOFF);
            world.atCommit(i, before, DIES);

            world.sweepAndDie();

            for (int round = 0; round < 3; round++) {
                world.clock.move(LONG);
                world.sweep();
            }
            assertThat(world.runs()).as("killed at commit %d", i).hasSize(2);
            assertThat(world.newest().state()).isEqualTo(AttemptState.SUBMITTED);
            assertThat(world.newest().restoredFrom()).isEqualTo(checkpoint);
            assertThat(world.newest().request().value()).isEqualTo("sluiceway/restart/1/" + first);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"ANSWER_LOST", "CALL_LOST"})
    void sweep_ledgersAnswerIsLost_comesToOneJob(Fault fault) {
        failed(NONE);
        sweep();
        clock.move(BACKOFF);
        ledger.failNextCommit(fault);

        assertThat(sweep()).hasSize(1);

        for (int round = 0; round < 3; round++) {
            sweepLong();
        }
        assertThat(runs()).hasSize(2);
        assertThat(newest().state()).isEqualTo(AttemptState.SUBMITTED);
    }

    @ParameterizedTest
    @EnumSource(
            value = FakeFlinkCluster.Fault.class,
            names = {"ANSWER_LOST", "CALL_LOST"})
    void sweep_clustersAnswerIsLost_comesToOneJob(FakeFlinkCluster.Fault fault) {
        failed(NONE);
        sweep();
        clock.move(BACKOFF);
        cluster.failNextEffect(fault);

        sweep();

        for (int round = 0; round < 3; round++) {
            sweepLong();
        }
        assertThat(runs()).hasSize(2);
        assertThat(newest().state()).isEqualTo(AttemptState.SUBMITTED);
    }

    @Test
    void sweep_jarThatComesTooSlowly_isGoneOnWithByTheNextSweepUnderTheSameId() {
        failed(NONE);
        sweep();
        clock.move(BACKOFF);
        jars.beforeNextFetch(() -> clock.move(Duration.ofSeconds(22)));

        List<Problem> problems = sweep();

        assertThat(problems).hasSize(1);
        assertThat(problems.getFirst().refusal().code()).isEqualTo(ErrorCode.CLUSTER_TIMEOUT);
        FlinkJobId intended = newest().id();
        assertThat(newest().state()).isEqualTo(AttemptState.PREPARING);
        assertThat(sweepLong()).isEmpty();
        assertThat(newest().id()).isEqualTo(intended);
        assertThat(newest().state()).isEqualTo(AttemptState.SUBMITTED);
    }

    @Test
    void sweep_restartThatWasLeftForLong_isGivenUpAndFollowedByTheNext() {
        FlinkJobId job = failed(NONE);
        sweep();
        clock.move(BACKOFF);
        atCommit(0, false, DIES);
        sweepAndDie();
        assertThat(newest().state()).isEqualTo(AttemptState.PREPARING);

        clock.move(LIMITS.giveUpAfter());
        sweep();
        sweepLong();

        assertThat(newest().request().value()).isEqualTo("sluiceway/restart/2/" + job);
        assertThat(newest().state()).isEqualTo(AttemptState.SUBMITTED);
    }

    private int commitsOfARestart() {
        RestartJobsTest world = another();
        world.failed(NONE);
        world.sweep();
        world.clock.move(BACKOFF);
        int before = world.ledger.commits();
        world.sweep();
        return world.ledger.commits() - before;
    }

    /** A world of its own, with the same jar. */
    private RestartJobsTest another() {
        RestartJobsTest world = new RestartJobsTest();
        world.directory = directory;
        world.jarFile = jarFile;
        world.workDirectory = workDirectory;
        world.jars.put(JAR_URI, jarFile);
        world.submitJob = new SubmitJob(world.ports, world.jars());
        return world;
    }

    /** A dead process has no answer; what a sweep makes of a defect isn't asked for here. */
    private void sweepAndDie() {
        List<Problem> problems = sweep();
        assertThat(problems)
                .singleElement()
                .satisfies(problem -> assertThat(problem.refusal()).hasCauseInstanceOf(KilledException.class));
    }

    private static JobSpec kept(RestorePoint restore) {
        return kept("endless", restore);
    }

    private static JobSpec kept(String behaviour, RestorePoint restore) {
        return new JobSpecs(spec(behaviour, restore)).policies(OnlyPolicy.of(RestartPolicy.DEFAULT));
    }

    /** Specifications that differ in one thing. */
    private record JobSpecs(JobSpec from) {
        JobSpec policies(Policies policies) {
            return new JobSpec(
                    from.name(),
                    from.kind(),
                    from.cluster(),
                    from.jar(),
                    from.entryClass(),
                    from.arguments(),
                    from.parallelism(),
                    from.restore(),
                    from.onUnknown(),
                    policies);
        }

        JobSpec onUnknown(OnUnknown onUnknown) {
            return new JobSpec(
                    from.name(),
                    from.kind(),
                    from.cluster(),
                    from.jar(),
                    from.entryClass(),
                    from.arguments(),
                    from.parallelism(),
                    from.restore(),
                    onUnknown,
                    from.policies());
        }
    }

    private FlinkJobId start(JobSpec spec) {
        return submit("start", 1, spec).attempt().id();
    }

    /** A job that has left a checkpoint and failed, and that no sweep has seen since. */
    private FlinkJobId failed(RestorePoint restore) {
        FlinkJobId job = start(kept(restore));
        checkpoint(job, 7);
        cluster.fail(job);
        return job;
    }

    private StoragePath checkpointOf(FlinkJobId job, int number) {
        return cluster.checkpointDirectory(job).orElseThrow().child("chk-" + number);
    }

    /** The attempt that holds the slot, or the newest that the cluster had. */
    private Attempt newest() {
        io.sluiceway.ledger.Job job = ledger.jobs().getFirst();
        return attempt(job.active() == null ? job.last() : job.active());
    }

    private List<FlinkJobId> runs() {
        return cluster.runs().stream().map(run -> run.launch().id()).toList();
    }

    private List<Problem> sweepLong() {
        sweep();
        clock.move(LONG);
        return sweep();
    }

    private List<Problem> sweep() {
        if (monitorJobs == null) {
            monitorJobs = new MonitorJobs(ports, MetricsSink.none(), jars());
        }
        return monitorJobs
                .monitor(null, List.of(), Deadline.in(Duration.ofSeconds(25), clock))
                .clusters()
                .getFirst()
                .problems();
    }
}
