package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.cluster.FakeFlinkCluster.RescaleEnd;
import io.sluiceway.cluster.FakeFlinkCluster.SavepointEnd;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.RescaleJob.Terms;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.Policies;
import io.sluiceway.job.Request;
import io.sluiceway.job.RestartPolicy;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.FakeJobLedger.Fault;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.Rescale;
import io.sluiceway.operation.Upgrade.AfterCommit;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.operation.Upgrade.Mode;
import io.sluiceway.operation.Upgrade.Step;
import io.sluiceway.savepoint.StoragePath;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RescaleJobTest extends VerbFixture {
    private static final Duration JUDGEMENT = UpgradeJob.DEFAULT_JUDGEMENT;

    private RescaleJob rescaleJob;
    private FlinkJobId job;

    @BeforeEach
    void makeTheVerb() {
        rescaleJob = new RescaleJob(ports, jars());
    }

    @Test
    void rescale_inPlace_isTheSameAttemptWithItsNewParallelism() {
        start(2);

        Triggered asked = rescale("wide", 3);

        assertThat(asked.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(asked.operation().type()).isEqualTo(OperationType.RESCALE_JOB);
        OperationId id = asked.operation().id();
        assertThat(step(id)).isEqualTo(Step.JUDGING);
        assertThat(job().upgrade()).isEqualTo(id);
        assertThat(attempt(job).parallelism()).isEqualTo(2);
        clock.move(SETTLING);

        Operation done = operation(id);

        assertThat(done.state()).isEqualTo(OperationState.COMPLETED);
        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.RESCALED);
        assertThat(rescaleOf(done).inPlace()).isTrue();
        assertRuns(job, 3);
        assertThat(attempt(job).spec().parallelism()).isEqualTo(2);
        assertThat(cluster.runs()).hasSize(1);
        assertThat(job().upgrade()).isNull();
    }

    @Test
    void rescale_inPlace_healthFromBeforeIsNotTakenForIt() {
        start(2);
        clock.move(SETTLING);
        clock.move(SETTLING);
        OperationId id = rescale("wide", 3).operation().id();

        assertThat(step(id)).isEqualTo(Step.JUDGING);
        clock.move(SETTLING.minusSeconds(1));
        assertThat(step(id)).isEqualTo(Step.JUDGING);
        clock.move(Duration.ofSeconds(1));

        assertThat(ending(id)).isEqualTo(Ending.RESCALED);
    }

    @Test
    void rescale_inPlaceOfAJobInARestartLoop_isJudgedByWhatComesOfIt() {
        start(2);
        loop(job);
        OperationId id = rescale("wide", 3).operation().id();

        assertThat(step(id)).isEqualTo(Step.JUDGING);
        clock.move(SETTLING);

        assertThat(ending(id)).isEqualTo(Ending.RESCALED);
    }

    @Test
    void rescale_notPossibleInPlace_goesOnFromASavepointAsTheSameSpecification() {
        start(1);

        Operation begun = rescale("wide", 3).operation();
        assertThat(upgradeOf(begun).step()).isEqualTo(Step.JUDGING);
        assertThat(rescaleOf(begun).inPlace()).isFalse();
        clock.move(SETTLING);
        Operation done = operation(begun.id());

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.RESCALED);
        FlinkJobId next = upgradeOf(done).next();
        assertRuns(next, 3);
        assertThat(attempt(next).restoredFrom()).isEqualTo(cluster.stopped().get(job));
        assertThat(attempt(next).spec().parallelism()).isEqualTo(1);
        assertThat(attempt(next).specHash()).isEqualTo(attempt(job).specHash());
        assertThat(attempt(next).owner()).isEqualTo(attempt(job).owner());
        assertThat(attempt(job).state()).isEqualTo(AttemptState.FINISHED);
    }

    @Test
    void rescale_byRestart_isStillWhatItsSubmissionAskedFor() {
        start(1);
        OperationId id = rescale("wide", 3).operation().id();
        clock.move(SETTLING);
        FlinkJobId next = upgradeOf(operation(id)).next();

        assertThat(submit("start", 1, spec(1)).attempt().id()).isEqualTo(next);
        assertThat(submit("start", 2, spec(1)).outcome()).isEqualTo(Outcome.ADOPTED);
        assertThat(submit("other", 1, spec(1)).attempt().id()).isEqualTo(next);
        assertRuns(next, 3);
    }

    @Test
    void restart_ofARescaledJob_keepsItsParallelism() {
        RestartPolicy restart =
                new RestartPolicy(3, Duration.ofSeconds(10), Duration.ofMinutes(1), Duration.ofHours(1));
        start(with(spec(2), restart));
        OperationId id = rescale("wide", 3).operation().id();
        clock.move(SETTLING);
        assertThat(ending(id)).isEqualTo(Ending.RESCALED);
        StoragePath checkpoint = checkpoint(job, 9);
        cluster.fail(job);

        finish(() -> {});

        FlinkJobId again = living().getFirst();
        assertThat(again).isNotEqualTo(job);
        assertThat(attempt(again).restoredFrom()).isEqualTo(checkpoint);
        assertRuns(again, 3);
    }

    @Test
    void upgrade_ofARescaledJob_runsWithWhatItsSpecificationSaysAndComesBackWithWhatItHad() {
        start(2);
        rescale("wide", 3);
        clock.move(SETTLING);
        assertThat(sweepOnce()).isEmpty();
        UpgradeJob upgradeJob = new UpgradeJob(ports, jars());
        UpgradeJob.Terms terms = new UpgradeJob.Terms(Mode.SAVEPOINT, AfterCommit.REFUSE, JUDGEMENT, null);

        OperationId bad = upgradeJob
                .upgrade(request("bad", 1), spec("refusing", JAR_URI, null, 2, LATEST), terms, soon())
                .operation()
                .id();
        clock.move(SETTLING);
        Operation back = operation(bad);
        assertThat(upgradeOf(back).ending()).isEqualTo(Ending.ROLLED_BACK);
        assertRuns(upgradeOf(back).back(), 3);

        OperationId good = upgradeJob
                .upgrade(request("good", 1), spec("stalled", JAR_URI, null, 2, LATEST), terms, soon())
                .operation()
                .id();
        assertRuns(upgradeOf(operation(good)).next(), 2);
    }

    @Test
    void rescale_sameParallelism_isUnchanged() {
        start(2);

        Triggered asked = rescale("same", 2);

        assertThat(asked.outcome()).isEqualTo(Outcome.UNCHANGED);
        assertThat(asked.operation().state()).isEqualTo(OperationState.COMPLETED);
        assertThat(upgradeOf(asked.operation()).ending()).isEqualTo(Ending.RESCALED);
        assertThat(cluster.effects()).doesNotContain("rescale");
        assertThat(job().upgrade()).isNull();
        assertThat(rescale("same", 2).outcome()).isEqualTo(Outcome.REPLAYED);
    }

    @Test
    void rescale_backToWhatIsSpecified_leavesNothingToRemember() {
        start(2);
        rescale("wide", 3);
        clock.move(SETTLING);
        assertThat(sweepOnce()).isEmpty();
        assertThat(attempt(job).rescaledTo()).isEqualTo(3);

        OperationId id = rescale("narrow", 2).operation().id();
        clock.move(SETTLING);

        assertThat(ending(id)).isEqualTo(Ending.RESCALED);
        assertRuns(job, 2);
        assertThat(attempt(job).rescaledTo()).isNull();
    }

    @Test
    void rescale_jobThatSomebodyElseRescaled_isRememberedAsItRuns() {
        start(2);
        cluster.setParallelism(job, 3);

        Triggered asked = rescale("same", 3);

        assertThat(asked.outcome()).isEqualTo(Outcome.UNCHANGED);
        assertThat(attempt(job).parallelism()).isEqualTo(3);
        assertThat(rescaleOf(rescale("narrow", 2).operation()).from()).isEqualTo(3);
    }

    @Test
    void rescale_thatCannotBe_isRefusedBeforeAnythingIsDone() {
        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> rescale("early", 3));
        start(2);
        cluster.limitParallelism(2);
        assertRefused(ErrorCode.FIELD_INVALID, () -> rescale("beyond-state", 3));
        cluster.limitParallelism(128);
        assertRefused(ErrorCode.PARALLELISM_EXCEEDS_SLOTS, () -> rescale("beyond-slots", 4));
        assertRefused(ErrorCode.FIELD_INVALID, () -> new Terms(0, AfterCommit.REFUSE, JUDGEMENT));
        assertRefused(ErrorCode.FIELD_INVALID, () -> new Terms(32_769, AfterCommit.REFUSE, JUDGEMENT));
        assertRefused(ErrorCode.FIELD_INVALID, () -> rescale("hasty", 1, new Terms(3, AfterCommit.REFUSE, SETTLING)));
        assertRefused(
                ErrorCode.STALE_OWNER,
                () -> rescaleJob.rescale(request("owned", 1), CLUSTER, NAME, request("x", 1), terms(3), soon()));
        cluster.fail(job);
        assertRefused(ErrorCode.JOB_NOT_RUNNING, () -> rescale("late", 3));
        // A refusal is final.
        assertRefused(ErrorCode.PARALLELISM_EXCEEDS_SLOTS, () -> rescale("beyond-slots", 4));

        assertThat(cluster.effects()).doesNotContain("rescale");
        assertThat(job().upgrade()).isNull();
    }

    @Test
    void rescale_ofARun_isRefused() {
        submit("start", 1, run("endless", JobSpec.OnUnknown.REFUSE));

        assertRefused(ErrorCode.JOB_KIND_MISMATCH, () -> rescale("wide", 3));
    }

    @Test
    void rescale_onBehalfOfItsOwner_isDone() {
        start(2);

        Triggered asked = rescaleJob.rescale(request("owned", 1), CLUSTER, NAME, request("start", 1), terms(3), soon());

        assertThat(asked.outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void rescale_clusterHasTooLittle_endsWithTheJobUntouched() {
        start(2);
        cluster.endRescales(RescaleEnd.TOO_WIDE);

        Operation done = rescale("wide", 3).operation();

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure())
                .contains("PARALLELISM_EXCEEDS_SLOTS")
                .contains("There are no KPUs left.")
                .contains("Nothing was changed: the job runs on with a parallelism of 2.");
        assertRuns(job, 2);
        assertThat(job().upgrade()).isNull();
    }

    @Test
    void submitStopAndUpgrade_duringARescaling_areRefused() {
        start(2);
        cluster.endRescales(RescaleEnd.HANG);
        rescale("wide", 3);

        assertRefused(
                ErrorCode.JOB_BUSY,
                () -> stopJob.stop(request("stop", 1), job(job), null, StopJob.Mode.CANCEL, soon()));
        assertRefused(ErrorCode.JOB_BUSY, () -> rescale("other", 1));
        assertRefused(
                ErrorCode.JOB_BUSY,
                () -> new UpgradeJob(ports, jars())
                        .upgrade(
                                request("up", 1),
                                spec("stalled", JAR_URI, null, 2, LATEST),
                                new UpgradeJob.Terms(Mode.SAVEPOINT, AfterCommit.REFUSE, JUDGEMENT, null),
                                soon()));
    }

    @Test
    void rescale_notDoneInItsTime_isRescaledBack() {
        start(2);
        cluster.endRescales(RescaleEnd.HANG);
        OperationId id = rescale("wide", 3).operation().id();
        assertThat(step(id)).isEqualTo(Step.RESCALING);
        clock.move(JUDGEMENT.minusSeconds(1));
        assertThat(step(id)).isEqualTo(Step.RESCALING);
        clock.move(Duration.ofSeconds(1));
        assertThat(step(id)).isEqualTo(Step.RESCALING_BACK);
        assertThat(step(id)).isEqualTo(Step.JUDGING_RETURN);
        clock.move(SETTLING);

        Operation done = operation(id);

        assertRolledBackInPlace(done);
        assertThat(done.failure())
                .contains("didn't come to a parallelism of 3 within PT15M")
                .contains("It runs with a parallelism of 2 again.");
    }

    @Test
    void rescale_updateHangs_isRolledBackAsAWhole() {
        start(2);
        cluster.rollBack();
        cluster.endRescales(RescaleEnd.HANG);
        OperationId id = rescale("wide", 3).operation().id();
        clock.move(JUDGEMENT);
        assertThat(step(id)).isEqualTo(Step.ROLLING_BACK);
        assertThat(step(id)).isEqualTo(Step.JUDGING_RETURN);
        clock.move(SETTLING);

        assertRolledBackInPlace(operation(id));
        assertThat(cluster.effects()).containsOnlyOnce("rollBack").containsOnlyOnce("rescale");
    }

    @Test
    void rescale_updateComesThroughBeforeItIsRolledBack_isRescaledBackFromWhereItIs() {
        start(2);
        cluster.rollBack();
        cluster.endRescales(RescaleEnd.HANG);
        OperationId id = rescale("wide", 3).operation().id();
        clock.move(JUDGEMENT);
        ledger.afterNextCommit(() -> cluster.setParallelism(job, 3));

        operation(id);
        clock.move(SETTLING);
        operation(id);
        clock.move(SETTLING);

        assertRolledBackInPlace(operation(id));
        assertThat(cluster.effects()).doesNotContain("rollBack");
    }

    @Test
    void rescale_updateFailsAndTheJobIsDown_isStartedAgainFromWhatTheUpdateSaved() {
        start(2);
        cluster.endRescales(RescaleEnd.FAIL);

        OperationId id = rescale("wide", 3).operation().id();
        operation(id);
        clock.move(SETTLING);
        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(done.failure()).contains("The update failed.");
        FlinkJobId back = upgradeOf(done).back();
        assertThat(back).isNotEqualTo(job);
        assertThat(attempt(back).restoredFrom()).isEqualTo(done.savepoint());
        assertThat(done.savepoint())
                .isEqualTo(FakeFlinkCluster.SAVEPOINTS
                        .child("update")
                        .child(job.value().substring(0, 6)));
        assertRuns(back, 2);
    }

    @Test
    void rescale_jobFailsBehindIt_goesOnFromItsNewestCheckpointWithTheOldParallelism() {
        start(2);
        StoragePath checkpoint = checkpoint(job, 7);
        cluster.endRescales(RescaleEnd.BREAK);

        OperationId id = rescale("wide", 3).operation().id();
        operation(id);
        clock.move(SETTLING);
        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(attempt(upgradeOf(done).back()).restoredFrom()).isEqualTo(checkpoint);
        assertThat(upgradeOf(done).repeated()).isNull();
        assertRuns(upgradeOf(done).back(), 2);
    }

    @Test
    void rescale_jobFailsAndLeavesOnlyAnOldSavepoint_staysDownUnlessRepeatingIsAccepted() {
        for (AfterCommit afterCommit : AfterCommit.values()) {
            RescaleJobTest world = another();
            world.start(2);
            world.operation(world.takeSavepoint
                    .take(request("save", 1), job(world.job), false, world.soon())
                    .operation()
                    .id());
            world.cluster.endRescales(RescaleEnd.BREAK);
            Terms terms = new Terms(3, afterCommit, JUDGEMENT);

            OperationId id = world.rescale("wide", 1, terms).operation().id();
            world.operation(id);
            world.clock.move(SETTLING);
            Operation done = world.operation(id);

            StoragePath savepoint = world.ledger.savepoints().getFirst().path();
            assertThat(done.savepoint()).isEqualTo(savepoint);
            switch (afterCommit) {
                case REFUSE -> {
                    assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
                    assertThat(done.failure())
                            .contains("The job is down")
                            .contains("would be emitted again")
                            .contains(savepoint.value());
                    assertThat(world.living()).isEmpty();
                }
                case ACCEPT_DUPLICATES -> {
                    assertThat(upgradeOf(done).ending()).isEqualTo(Ending.ROLLED_BACK);
                    assertThat(upgradeOf(done).repeated()).isNotNull();
                    world.assertRuns(upgradeOf(done).back(), 2);
                }
            }
            assertThat(world.job().upgrade()).isNull();
        }
    }

    @Test
    void rescale_jobIsUnhealthyBehindIt_isRescaledBack() {
        start(2);
        OperationId id = rescale("wide", 3).operation().id();
        clock.move(SETTLING);
        loop(job);

        assertThat(step(id)).isEqualTo(Step.RESCALING_BACK);
        assertThat(step(id)).isEqualTo(Step.JUDGING_RETURN);
        clock.move(SETTLING);

        assertRolledBackInPlace(operation(id));
    }

    @Test
    void rescale_jobDoesNotKeepItsSlots_isRescaledBackWhenItsTimeIsUp() {
        start(2);
        OperationId id = rescale("wide", 3).operation().id();
        cluster.setState(job, JobState.CREATED);
        clock.move(SETTLING);
        assertThat(step(id)).isEqualTo(Step.JUDGING);
        cluster.setState(job, JobState.RUNNING);
        cluster.setParallelism(job, 2);
        assertThat(step(id)).isEqualTo(Step.JUDGING);
        clock.move(JUDGEMENT);

        assertThat(step(id)).isEqualTo(Step.JUDGING_RETURN);
        clock.move(SETTLING);
        assertRolledBackInPlace(operation(id));
    }

    @Test
    void rescale_wayBackIsNotPossibleInPlace_goesByARestart() {
        start(2);
        OperationId id = rescale("narrow", 1).operation().id();
        clock.move(SETTLING);
        loop(job);

        assertThat(step(id)).isEqualTo(Step.JUDGING_RETURN);
        Operation withdrawal = stored(upgradeOf(operation(id)).withdrawal());
        assertThat(withdrawal.type()).isEqualTo(OperationType.STOP_WITH_SAVEPOINT);
        assertThat(withdrawal.state()).isEqualTo(OperationState.COMPLETED);
        clock.move(SETTLING);
        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.ROLLED_BACK);
        FlinkJobId back = upgradeOf(done).back();
        assertThat(back).isNotEqualTo(job);
        assertThat(attempt(back).restoredFrom()).isEqualTo(cluster.stopped().get(job));
        assertRuns(back, 2);
    }

    @Test
    void rescale_wayBackIsNotPossibleAndNoSavepointComes_leavesTheJobAsItIs() {
        start(2);
        OperationId id = rescale("narrow", 1).operation().id();
        clock.move(SETTLING);
        loop(job);
        cluster.beSlow();
        operation(id);
        cluster.endSavepoints(SavepointEnd.FAIL);

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("It couldn't be stopped, and runs on: The savepoint was not completed.");
        assertRuns(job, 1);
        assertThat(job().upgrade()).isNull();
    }

    @Test
    void rescale_restartedJobIsBadBehindACheckpoint_goesOnFromThatCheckpointWithTheOldParallelism() {
        start(1);
        OperationId id = rescale("wide", 3).operation().id();
        FlinkJobId next = upgradeOf(operation(id)).next();
        StoragePath checkpoint = checkpoint(next, 4);
        loop(next);

        operation(id);
        clock.move(SETTLING);
        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(attempt(next).state()).isEqualTo(AttemptState.CANCELED);
        assertThat(stored(upgradeOf(done).withdrawal()).state()).isEqualTo(OperationState.COMPLETED);
        assertThat(attempt(upgradeOf(done).back()).restoredFrom()).isEqualTo(checkpoint);
        assertRuns(upgradeOf(done).back(), 1);
    }

    @Test
    void rescale_restartIsRefused_comesBackFromTheSavepoint() {
        start(1);
        cluster.refuseNextRun(ErrorCode.PROGRAM_FAILED);

        OperationId id = rescale("wide", 3).operation().id();
        clock.move(SETTLING);
        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(attempt(upgradeOf(done).back()).restoredFrom())
                .isEqualTo(cluster.stopped().get(job));
        assertRuns(upgradeOf(done).back(), 1);
    }

    @Test
    void rescale_jarHasChanged_isNotStopped() throws java.io.IOException {
        start(1);
        cluster.forgetAllButLivingJobs();
        jars.put(JAR_URI, io.sluiceway.testing.TestJobJar.write(directory.resolve("other.jar"), 1000));

        Operation done = rescale("wide", 3).operation();

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("nothing was changed");
        assertRuns(job, 1);
        assertThat(cluster.triggers()).isEmpty();
    }

    @Test
    void rescale_somebodyEndsTheJob_isNotStartedAgain() {
        start(2);
        OperationId id = rescale("wide", 3).operation().id();
        cluster.setState(job, JobState.CANCELED);

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("isn't started again");
        assertThat(living()).isEmpty();
    }

    @Test
    void rescale_clusterForgetsAll_endsAsFailed() {
        start(2);
        OperationId id = rescale("wide", 3).operation().id();
        cluster.forgetEverything();

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("Nobody can tell whether");
        assertThat(job().upgrade()).isNull();
    }

    @Test
    void rescale_repeated_findsTheSame() {
        start(2);
        OperationId id = rescale("wide", 3).operation().id();

        assertThat(rescale("wide", 3).outcome()).isEqualTo(Outcome.REPLAYED);
        assertRefused(ErrorCode.REQUEST_CONFLICT, () -> rescale("wide", 1));
        clock.move(SETTLING);
        Triggered again = rescaleJob.rescale(request("wide", 2), CLUSTER, NAME, null, terms(3), soon());

        assertThat(again.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(again.operation().id()).isEqualTo(id);
        assertThat(again.operation().state()).isEqualTo(OperationState.COMPLETED);
        assertThat(cluster.effects()).containsOnlyOnce("rescale");
    }

    @Test
    void rescale_beginningAndEnd_areInTheHistory() {
        start(2);
        OperationId id = rescale("wide", 3).operation().id();
        clock.move(SETTLING);
        operation(id);

        assertThat(ledger.history(CLUSTER, NAME))
                .filteredOn(line -> id.equals(line.operation()))
                .extracting(HistoryEntry::detail)
                .contains(
                        "RESCALE_JOB PENDING: %s from a parallelism of 2 to 3".formatted(job),
                        "RESCALE_JOB COMPLETED: %s from a parallelism of 2 to 3, RESCALED, in place".formatted(job));
    }

    /** What a cluster can make of a rescaling, and how it ends then. */
    enum Case {
        WELL(2, Ending.RESCALED),
        HANGS(2, Ending.ROLLED_BACK),
        HANGS_AND_ROLLS_BACK(2, Ending.ROLLED_BACK),
        FAILS(2, Ending.ROLLED_BACK),
        BREAKS(2, Ending.ROLLED_BACK),
        RESTARTED(1, Ending.RESCALED),
        RESTART_REFUSED(1, Ending.ROLLED_BACK);

        private final int from;
        private final Ending ending;

        Case(int from, Ending ending) {
            this.from = from;
            this.ending = ending;
        }
    }

    private void happens(Case what) {
        switch (what) {
            case WELL, RESTARTED -> {}
            case HANGS -> cluster.endRescales(RescaleEnd.HANG);
            case HANGS_AND_ROLLS_BACK -> {
                cluster.rollBack();
                cluster.endRescales(RescaleEnd.HANG);
            }
            case FAILS -> cluster.endRescales(RescaleEnd.FAIL);
            case BREAKS -> {
                checkpoint(job, 7);
                cluster.endRescales(RescaleEnd.BREAK);
            }
            case RESTART_REFUSED -> cluster.refuseRunsWith(3);
        }
    }

    @ParameterizedTest
    @EnumSource
    void rescale_killedAtAnyCommit_comesToTheSameEnd(Case what) {
        int commits = another().run(what);
        assertThat(commits).isGreaterThan(3);
        for (int i = 0; i < commits; i++) {
            int at = i;
            assertEnds(what, "killed before commit " + i, world -> world.atCommit(at, true, DIES));
            assertEnds(what, "killed behind commit " + i, world -> world.atCommit(at, false, DIES));
        }
    }

    @ParameterizedTest
    @EnumSource
    void rescale_killedAroundAnyCallOfTheCluster_comesToTheSameEnd(Case what) {
        RescaleJobTest counting = another();
        counting.run(what);
        int moments = 2 * counting.cluster.effects().size();
        assertThat(moments).isPositive();
        for (int i = 0; i < moments; i++) {
            int at = i;
            assertEnds(what, "killed at moment " + i, world -> {
                AtomicInteger left = new AtomicInteger(at);
                world.cluster.aroundEffects(() -> {
                    if (left.getAndDecrement() == 0) {
                        DIES.run();
                    }
                });
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void rescale_anyAnswerIsLost_comesToTheSameEnd(Case what) {
        int commits = another().run(what);
        for (int i = 0; i < commits; i++) {
            int at = i;
            for (Fault fault : List.of(Fault.ANSWER_LOST, Fault.CALL_LOST)) {
                assertEnds(
                        what,
                        fault + " of the ledger at commit " + i,
                        world -> world.atCommit(at, true, () -> world.ledger.failNextCommit(fault)));
            }
            for (FakeFlinkCluster.Fault fault :
                    List.of(FakeFlinkCluster.Fault.ANSWER_LOST, FakeFlinkCluster.Fault.CALL_LOST)) {
                assertEnds(
                        what,
                        fault + " of the cluster behind commit " + i,
                        world -> world.atCommit(at, false, () -> world.cluster.failNextEffect(fault)));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void rescale_clusterForgetsAllAtAnyCommit_endsWithAtMostOneLivingAttempt(Case what) {
        int commits = another().run(what);
        for (int i = 0; i < commits; i++) {
            RescaleJobTest world = another();
            int at = i;
            world.begin(what);
            world.atCommit(at, true, world.cluster::forgetEverything);
            world.askAndFinish();
            String where = what + ", forgotten at commit " + i;
            assertThat(world.living()).as(where).hasSizeLessThanOrEqualTo(1);
            assertThat(world.job().upgrade()).as(where).isNull();
            assertThat(world.ledger.operations())
                    .as(where)
                    .allSatisfy(operation ->
                            assertThat(operation.state().terminal()).isTrue());
        }
    }

    private void assertEnds(Case what, String where, Consumer<RescaleJobTest> trouble) {
        RescaleJobTest world = another();
        world.begin(what);
        trouble.accept(world);
        world.askAndFinish();
        world.assertEnded(what, what + ", " + where);
    }

    private void assertEnded(Case what, String where) {
        Operation done = ledger.operations().stream()
                .filter(operation -> operation.rescale() != null)
                .findFirst()
                .orElseThrow();
        assertThat(upgradeOf(done).ending()).as(where).isEqualTo(what.ending);
        assertThat(job().upgrade()).as(where).isNull();
        assertThat(living()).as(where).hasSize(1);
        int runs = what.ending == Ending.RESCALED ? 3 : what.from;
        assertThat(cluster.parallelism(living().getFirst())).as(where).isEqualTo(runs);
        assertThat(attempt(living().getFirst()).parallelism()).as(where).isEqualTo(runs);
        assertThat(ledger.operations())
                .as(where)
                .allSatisfy(
                        operation -> assertThat(operation.state().terminal()).isTrue());
    }

    /** The answer counts commits. */
    private int run(Case what) {
        begin(what);
        int commits = ledger.commits();
        askAndFinish();
        assertEnded(what, what + ", undisturbed");
        return ledger.commits() - commits;
    }

    private void begin(Case what) {
        start(what.from);
        happens(what);
    }

    private void askAndFinish() {
        for (int tries = 0; tries < 3; tries++) {
            try {
                rescale("wide", 3);
                break;
            } catch (KilledException e) {
                clock.move(LIMITS.prepareWithin());
            } catch (RefusedException e) {
                assertThat(e.code().retryable() || e.code() == ErrorCode.JOB_NOT_RUNNING)
                        .as(e.sentence())
                        .isTrue();
                clock.move(LIMITS.prepareWithin());
            }
        }
        finish(() -> {});
    }

    /** Fails as often as makes a restart loop. */
    private void loop(FlinkJobId id) {
        for (int i = 0; i < HealthPolicy.DEFAULT.restarts(); i++) {
            cluster.failAndRestart(id);
        }
    }

    /** A world of its own, with the same jar. */
    private RescaleJobTest another() {
        RescaleJobTest world = new RescaleJobTest();
        world.directory = directory;
        world.jarFile = jarFile;
        world.workDirectory = workDirectory;
        world.jars.put(JAR_URI, jarFile);
        world.submitJob = new SubmitJob(world.ports, world.jars());
        world.makeTheVerb();
        return world;
    }

    private void start(int parallelism) {
        start(spec(parallelism));
    }

    private void start(JobSpec spec) {
        job = submit("start", 1, spec).attempt().id();
    }

    private static JobSpec spec(int parallelism) {
        return spec("endless", JAR_URI, null, parallelism, LATEST);
    }

    private static JobSpec with(JobSpec spec, RestartPolicy restart) {
        return new JobSpec(
                spec.name(),
                spec.kind(),
                spec.cluster(),
                spec.jar(),
                spec.entryClass(),
                spec.arguments(),
                spec.parallelism(),
                spec.restore(),
                spec.onUnknown(),
                new Policies(null, null, null, null, restart));
    }

    private static Terms terms(int parallelism) {
        return new Terms(parallelism, AfterCommit.REFUSE, JUDGEMENT);
    }

    private Triggered rescale(String request, int parallelism) {
        return rescale(request, 1, terms(parallelism));
    }

    private Triggered rescale(String request, int tryNumber, Terms terms) {
        Request asks = request(request, tryNumber);
        return rescaleJob.rescale(asks, CLUSTER, NAME, null, terms, soon());
    }

    private Step step(OperationId id) {
        Operation operation = operation(id);
        assertThat(operation.state().terminal()).as(operation.failure()).isFalse();
        return upgradeOf(operation).step();
    }

    private Ending ending(OperationId id) {
        return upgradeOf(operation(id)).ending();
    }

    private void assertRolledBackInPlace(Operation done) {
        assertThat(done.state()).isEqualTo(OperationState.FAILED);
        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.ROLLED_BACK);
        assertRuns(job, 2);
        assertThat(cluster.runs()).hasSize(1);
        assertThat(job().upgrade()).isNull();
    }

    private void assertRuns(FlinkJobId id, int parallelism) {
        assertThat(living()).containsExactly(id);
        assertThat(cluster.parallelism(id)).isEqualTo(parallelism);
        Attempt attempt = attempt(id);
        assertThat(attempt.parallelism()).isEqualTo(parallelism);
    }

    private static Rescale rescaleOf(Operation operation) {
        Rescale rescale = operation.rescale();
        assertThat(rescale).isNotNull();
        return rescale;
    }
}
