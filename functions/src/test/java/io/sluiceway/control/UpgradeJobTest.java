package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.cluster.FakeFlinkCluster.SavepointEnd;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.UpgradeJob.Terms;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.FakeJobLedger.Fault;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.Upgrade.AfterCommit;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.operation.Upgrade.Mode;
import io.sluiceway.operation.Upgrade.Repeated;
import io.sluiceway.operation.Upgrade.Step;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.TestJobJar;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class UpgradeJobTest extends VerbFixture {
    private static final Terms TERMS = terms(Mode.SAVEPOINT, AfterCommit.REFUSE);

    private UpgradeJob upgradeJob;

    @BeforeEach
    void makeTheVerb() {
        upgradeJob = new UpgradeJob(ports, jars());
    }

    @Test
    void upgrade_versionThatIsWell_goesOnFromTheSavepointAndStays() {
        FlinkJobId old = submitEndless();

        Triggered asked = upgrade("up", 1, version("endless"), TERMS);

        assertThat(asked.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(asked.operation().state()).isEqualTo(OperationState.IN_PROGRESS);
        assertThat(upgradeOf(asked.operation()).step()).isEqualTo(Step.JUDGING);
        StoragePath savepoint = cluster.stopped().get(old);
        FlinkJobId next = upgradeOf(asked.operation()).next();
        assertThat(asked.operation().savepoint()).isEqualTo(savepoint);
        assertThat(attempt(old).state()).isEqualTo(AttemptState.FINISHED);
        assertThat(attempt(next).restoredFrom()).isEqualTo(savepoint);
        assertThat(attempt(next).spec().parallelism()).isEqualTo(2);
        assertThat(attempt(next).spec().jar().expectedDigest()).isNotNull();
        assertThat(attempt(next).owner()).isEqualTo(request("up", 1));

        clock.move(SETTLING);
        Operation done = operation(asked.operation().id());

        assertThat(done.state()).isEqualTo(OperationState.COMPLETED);
        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.UPGRADED);
        assertThat(living()).containsExactly(next);
        assertThat(job().upgrade()).isNull();
        assertThat(ledger.savepoints()).extracting(Savepoint::origin).containsExactly(SavepointOrigin.UPGRADE);
    }

    @Test
    void upgrade_versionThatIsRefused_isRolledBackToTheSavepoint() {
        FlinkJobId old = submitEndless();

        OperationId id =
                upgrade("up", 1, version("refusing"), TERMS).operation().id();
        clock.move(SETTLING);
        Operation done = operation(id);

        assertRolledBack(done, old);
        assertThat(done.failure()).contains("There is no such day").contains("The old version runs again.");
        assertThat(upgradeOf(done).next()).isNull();
    }

    @Test
    void upgrade_versionThatFailsBeforeItsFirstCheckpoint_isRolledBackToTheSavepoint() {
        FlinkJobId old = submitEndless();

        OperationId id = upgrade("up", 1, version("failing"), TERMS).operation().id();
        clock.move(SETTLING);
        Operation done = operation(id);

        assertRolledBack(done, old);
        assertThat(done.failure()).contains("It is FAILED. java.lang.ArithmeticException: No such runway.");
    }

    @Test
    void upgrade_versionInARestartLoopBeforeItsFirstCheckpoint_isCancelledAndRolledBack() {
        FlinkJobId old = submitEndless();
        OperationId id = upgrade("up", 1, version("stalled"), TERMS).operation().id();
        FlinkJobId next = upgradeOf(operation(id)).next();
        for (int i = 0; i < HealthPolicy.DEFAULT.restarts(); i++) {
            cluster.failAndRestart(next);
        }

        operation(id);
        clock.move(SETTLING);
        Operation done = operation(id);

        assertRolledBack(done, old);
        assertThat(attempt(next).state()).isEqualTo(AttemptState.CANCELED);
        assertThat(done.failure()).contains("It is UNHEALTHY");
        assertThat(stored(upgradeOf(done).withdrawal()).state()).isEqualTo(OperationState.COMPLETED);
    }

    @Test
    void upgrade_versionThatNeverBecomesStable_isRolledBackWhenItsTimeIsUp() {
        FlinkJobId old = submitEndless();
        OperationId id = upgrade("up", 1, version("stalled"), TERMS).operation().id();
        cluster.setState(upgradeOf(operation(id)).next(), JobState.CREATED);

        clock.move(TERMS.judgeWithin().minusSeconds(1));
        assertThat(upgradeOf(operation(id)).step()).isEqualTo(Step.JUDGING);
        clock.move(Duration.ofSeconds(1));
        operation(id);
        clock.move(SETTLING);

        Operation done = operation(id);
        assertRolledBack(done, old);
        assertThat(done.failure()).contains("It didn't become STABLE within PT15M");
    }

    @Test
    void upgrade_versionThatTurnsBadBehindACheckpoint_isLeftAsItIs() {
        submitEndless();
        OperationId id = upgrade("up", 1, version("endless"), TERMS).operation().id();
        FlinkJobId next = upgradeOf(operation(id)).next();
        for (int i = 0; i < HealthPolicy.DEFAULT.restarts(); i++) {
            cluster.failAndRestart(next);
        }

        Operation done = operation(id);

        assertThat(done.state()).isEqualTo(OperationState.FAILED);
        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.savepoint()).isNotNull();
        assertThat(done.failure())
                .contains("It is UNHEALTHY")
                .contains("may have completed a checkpoint")
                .contains("Its newest checkpoint is");
        assertThat(living()).containsExactly(next);
        assertThat(job().upgrade()).isNull();
    }

    /** Nobody knows what of its output counts. */
    @Test
    void upgrade_versionThatTakesNoCheckpointsTurnsBad_isLeftAsItIs() {
        submitEndless();
        OperationId id =
                upgrade("up", 1, version("careless"), TERMS).operation().id();
        FlinkJobId next = upgradeOf(operation(id)).next();
        for (int i = 0; i < HealthPolicy.DEFAULT.restarts(); i++) {
            cluster.failAndRestart(next);
        }

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("It is UNHEALTHY");
        assertThat(living()).containsExactly(next);
    }

    @Test
    void upgrade_versionThatTakesNoCheckpointsFails_isNotRolledBack() {
        submitEndless();
        OperationId id =
                upgrade("up", 1, version("careless"), TERMS).operation().id();
        cluster.fail(upgradeOf(operation(id)).next());

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.savepoint()).isNotNull();
        assertThat(living()).isEmpty();
    }

    @Test
    void upgrade_versionThatTurnsBadBehindACheckpointAndDuplicatesAreAccepted_isRolledBack() {
        FlinkJobId old = submitEndless();
        // Between its start and the first look at it, it may commit.
        cluster.aroundEffects(() -> clock.move(Duration.ofSeconds(1)));
        OperationId id = upgrade("up", 1, version("endless"), terms(Mode.SAVEPOINT, AfterCommit.ACCEPT_DUPLICATES))
                .operation()
                .id();
        FlinkJobId next = upgradeOf(operation(id)).next();
        for (int i = 0; i < HealthPolicy.DEFAULT.restarts(); i++) {
            cluster.failAndRestart(next);
        }

        operation(id);
        clock.move(SETTLING);

        Operation done = operation(id);
        assertRolledBack(done, old);
        assertThat(upgradeOf(done).repeated())
                .isEqualTo(new Repeated(
                        Objects.requireNonNull(attempt(next).submittedAt()),
                        Objects.requireNonNull(attempt(next).endedAt())));
        assertThat(attempt(next).runningAt()).isAfter(attempt(next).submittedAt());
        assertThat(done.failure()).contains("It emits again what the new one committed from ");
    }

    @Test
    void upgrade_rolledBackBeforeItsFirstCheckpoint_emitsNothingAgain() {
        FlinkJobId old = submitEndless();
        OperationId id = upgrade("up", 1, version("failing"), terms(Mode.SAVEPOINT, AfterCommit.ACCEPT_DUPLICATES))
                .operation()
                .id();
        clock.move(SETTLING);

        Operation done = operation(id);

        assertRolledBack(done, old);
        assertThat(upgradeOf(done).repeated()).isNull();
    }

    @Test
    void upgrade_jarInTheSamePlace_comesBackToTheJarThatRan() throws IOException {
        FlinkJobId old = submitEndless();
        jars.put(JAR_URI, TestJobJar.write(directory.resolve("next.jar"), 1));

        OperationId id =
                upgrade("up", 1, version("refusing"), TERMS).operation().id();
        clock.move(SETTLING);
        Operation done = operation(id);

        assertRolledBack(done, old);
        assertThat(attempt(upgradeOf(done).back()).jar()).isEqualTo(attempt(old).jar());
        assertThat(upgradeOf(done).spec().jar().expectedDigest())
                .isNotEqualTo(attempt(old).jar().digest());
    }

    @Test
    void upgrade_newestCheckpointIsTooOld_isRefusedBeforeAnythingStopsAndMayComeAgain() {
        FlinkJobId old = submitEndless();
        cluster.stall(old, true);
        cluster.observeJob(attempt(old).ref(), soon());
        Terms terms =
                new Terms(Mode.SAVEPOINT, AfterCommit.REFUSE, UpgradeJob.DEFAULT_JUDGEMENT, Duration.ofMinutes(1));
        clock.move(Duration.ofMinutes(2));

        assertRefused(ErrorCode.CHECKPOINT_TOO_OLD, () -> upgrade("up", 1, version("endless"), terms));

        assertThat(living()).containsExactly(old);
        assertThat(cluster.triggers()).isEmpty();
        cluster.stall(old, false);
        assertThat(upgrade("up", 1, version("endless"), terms).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void terms_ageOfACheckpointThatIsNotUsed_isRefused() {
        assertRefused(
                ErrorCode.FIELD_INVALID,
                () -> new Terms(
                        Mode.STATELESS, AfterCommit.REFUSE, UpgradeJob.DEFAULT_JUDGEMENT, Duration.ofMinutes(5)));
        assertRefused(
                ErrorCode.FIELD_INVALID,
                () -> new Terms(
                        Mode.SAVEPOINT, AfterCommit.REFUSE, UpgradeJob.DEFAULT_JUDGEMENT, Duration.ofSeconds(59)));
    }

    @Test
    void history_upgradeThatEnded_saysFromWhichVersionToWhichFromWhichSavepoint() {
        FlinkJobId old = submitEndless();
        OperationId id = upgrade("up", 1, version("endless"), TERMS).operation().id();
        clock.move(SETTLING);

        Operation done = operation(id);

        assertThat(ledger.history(CLUSTER, done.job(), 100, null, soon()).items())
                .filteredOn(line -> id.equals(line.operation()))
                .extracting(HistoryEntry::detail)
                .first()
                .asString()
                .startsWith("UPGRADE_JOB COMPLETED: " + old + " to " + JAR_URI)
                .contains(", UPGRADED, from " + done.savepoint() + ", new version "
                        + upgradeOf(done).next());
    }

    @Test
    void upgrade_checkpointComesBeforeTheCancellation_isNotRolledBack() {
        submitEndless();
        OperationId id = upgrade("up", 1, version("stalled"), TERMS).operation().id();
        FlinkJobId next = upgradeOf(operation(id)).next();
        clock.move(TERMS.judgeWithin());
        // Between what was judged by and the end of the job it goes on.
        ledger.afterNextCommit(() -> {
            cluster.stall(next, false);
            cluster.observeJob(attempt(next).ref(), soon());
        });

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("It was cancelled.").contains("may have completed a checkpoint");
        assertThat(cluster.runs()).hasSize(2);
    }

    @ParameterizedTest
    @EnumSource
    void upgrade_clusterMayStillShowTheVersionAsItWasBeforeItsEnd_waitsForWhatItSaved(AfterCommit afterCommit) {
        submitEndless();
        OperationId id = upgrade("up", 1, version("stalled"), terms(Mode.SAVEPOINT, afterCommit))
                .operation()
                .id();
        FlinkJobId next = upgradeOf(operation(id)).next();
        clock.move(TERMS.judgeWithin());
        cluster.answerFromMemory(true);
        ledger.afterNextCommit(() -> {
            cluster.stall(next, false);
            cluster.observeJob(attempt(next).ref(), soon());
            cluster.stall(next, true);
        });

        assertThat(upgradeOf(operation(id)).step()).isEqualTo(Step.WITHDRAWING);
        assertThat(upgradeOf(operation(id)).step()).isEqualTo(Step.WITHDRAWING);
        cluster.answerFromMemory(false);
        Operation then = operation(id);

        switch (afterCommit) {
            case REFUSE -> assertThat(upgradeOf(then).ending()).isEqualTo(Ending.FAILED);
            case ACCEPT_DUPLICATES -> {
                assertThat(upgradeOf(then).step()).isEqualTo(Step.JUDGING_RETURN);
                assertThat(upgradeOf(then).repeated()).isNotNull();
            }
        }
    }

    @Test
    void upgrade_clusterNeverTellsWhatTheVersionSaved_isGivenUpAsIfItHad() {
        submitEndless();
        cluster.answerFromMemory(true);
        OperationId id = upgrade("up", 1, version("failing"), TERMS).operation().id();

        assertThat(upgradeOf(operation(id)).step()).isEqualTo(Step.JUDGING);
        clock.move(TERMS.judgeWithin().plus(ports.limits().giveUpAfter()));

        Operation done = operation(id);
        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("may have completed a checkpoint");
        assertThat(job().upgrade()).isNull();
    }

    /** Nobody has seen yet that the old version has ended. */
    @Test
    void submit_firstToSeeThatTheOldVersionIsDown_isToldToComeAgain() {
        FlinkJobId old = submitEndless();
        cluster.beSlow();
        upgrade("up", 1, version("endless"), TERMS);
        cluster.endSavepoints(SavepointEnd.COMPLETE);

        assertRefused(ErrorCode.JOB_BUSY, () -> submit("other", 1, spec("endless")));

        assertThat(attempt(old).state()).isEqualTo(AttemptState.FINISHED);
        assertThat(living()).isEmpty();
        assertThat(job().upgrade()).isNotNull();
    }

    @Test
    void stopAndSave_betweenTheVersions_areToldToComeAgain() {
        int between = 0;
        for (int commit = 0; commit < 8; commit++) {
            UpgradeJobTest world = another();
            world.submitEndless();
            world.atCommit(commit, false, DIES);
            var _ = catchThrowable(() -> world.upgrade("up", 1, version("endless"), TERMS));
            world.ledger.afterNextCommit(() -> {});
            if (world.living().isEmpty() && world.job().upgrade() != null) {
                between++;
                world.assertBusy();
            }
        }
        assertThat(between).isPositive();
    }

    @Test
    void stopAndSave_whileTheOldVersionIsBeingStopped_doNotJoinThatStop() {
        FlinkJobId old = submitEndless();
        cluster.beSlow();
        upgrade("up", 1, version("endless"), TERMS);
        assertThat(living()).containsExactly(old);

        for (StopJob.Mode mode : StopJob.Mode.values()) {
            assertRefused(
                    ErrorCode.JOB_BUSY,
                    () -> stopJob.stop(
                            request("stop-" + mode, 1), new Target(CLUSTER, job().name(), null), null, mode, soon()));
            assertRefused(ErrorCode.JOB_BUSY, () -> stop(old, mode));
        }
    }

    private void assertBusy() {
        Target byName = new Target(CLUSTER, job().name(), null);
        for (StopJob.Mode mode : StopJob.Mode.values()) {
            assertRefused(
                    ErrorCode.JOB_BUSY, () -> stopJob.stop(request("stop-" + mode, 1), byName, null, mode, soon()));
        }
        assertRefused(
                ErrorCode.JOB_BUSY, () -> new TakeSavepoint(ports).take(request("save", 1), byName, false, soon()));
    }

    @Test
    void upgrade_savepointFails_leavesTheOldVersionRunning() {
        FlinkJobId old = submitEndless();
        cluster.beSlow();
        OperationId id = upgrade("up", 1, version("endless"), TERMS).operation().id();
        cluster.endSavepoints(SavepointEnd.FAIL);

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("The old version runs on").contains("The savepoint was not completed.");
        assertThat(living()).containsExactly(old);
        assertThat(job().upgrade()).isNull();
        assertThat(cluster.runs()).hasSize(1);
        cluster.beFast();
        clock.move(SETTLING);
        OperationId again =
                upgrade("up", 2, version("endless"), TERMS).operation().id();
        clock.move(SETTLING);
        assertThat(upgradeOf(operation(again)).ending()).isEqualTo(Ending.UPGRADED);
    }

    @Test
    void upgrade_jobManagerIsReplacedBehindTheSavepointOfAJobThatGoesOn_namesTheSavepoint() {
        FlinkJobId old = submitEndless();
        cluster.beSlow();
        OperationId id = upgrade("up", 1, version("endless"), TERMS).operation().id();
        cluster.endSavepoints(SavepointEnd.COMPLETE);
        cluster.setState(old, JobState.RUNNING);
        cluster.forgetTriggers();

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("The old version runs on").contains("its JobManager was replaced");
        assertThat(done.savepoint()).isNotNull().isEqualTo(cluster.stopped().get(old));
        assertThat(living()).containsExactly(old);
    }

    @Test
    void upgrade_oldVersionFailsWhileItIsStoppedAndItsSavepointStaysInProgress_isStartedAgain() {
        FlinkJobId old = submitEndless();
        StoragePath checkpoint = checkpoint(old, 7);
        cluster.beSlow();
        OperationId id = upgrade("up", 1, version("endless"), TERMS).operation().id();
        cluster.fail(old);
        assertThat(upgradeOf(operation(id)).step()).isEqualTo(Step.STOPPING);
        clock.move(LIMITS.settleAfter());

        operation(id);
        clock.move(SETTLING);
        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(attempt(upgradeOf(done).back()).restoredFrom()).isEqualTo(checkpoint);
        assertThat(living()).containsExactly(upgradeOf(done).back());
    }

    @Test
    void upgrade_oldVersionFailsBehindItsSavepoint_isStartedAgainFromWhatItLeft() {
        FlinkJobId old = submitEndless();
        cluster.beSlow();
        OperationId id = upgrade("up", 1, version("endless"), TERMS).operation().id();
        cluster.endSavepoints(SavepointEnd.FAIL_TO_STOP);
        cluster.beFast();

        operation(id);
        clock.move(SETTLING);

        Operation done = operation(id);
        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(done.failure()).contains("The old version wasn't stopped as it should be");
        assertThat(attempt(upgradeOf(done).back()).spec())
                .isEqualTo(attempt(old).specThatRan());
        assertThat(living()).containsExactly(upgradeOf(done).back());
    }

    @Test
    void upgrade_versionThatRunsAlready_isUnchanged() {
        FlinkJobId old = submitEndless();

        Triggered asked = upgrade("up", 1, spec("endless", LATEST), TERMS);

        assertThat(asked.outcome()).isEqualTo(Outcome.UNCHANGED);
        assertThat(asked.operation().state()).isEqualTo(OperationState.COMPLETED);
        assertThat(upgradeOf(asked.operation()).ending()).isEqualTo(Ending.UPGRADED);
        assertThat(living()).containsExactly(old);
        assertThat(cluster.triggers()).isEmpty();
        assertThat(ledger.history(CLUSTER, asked.operation().job(), 1, null, soon())
                        .items())
                .extracting(HistoryEntry::detail)
                .allMatch(detail -> detail.endsWith("by SAVEPOINT, which it was already"));
    }

    @Test
    void upgrade_repeated_findsTheSame() {
        submitEndless();
        OperationId id = upgrade("up", 1, version("endless"), TERMS).operation().id();

        Triggered again = upgrade("up", 1, version("endless"), TERMS);

        assertThat(again.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(again.operation().id()).isEqualTo(id);
        assertThat(cluster.runs()).hasSize(2);
    }

    @Test
    void upgrade_whileAnotherIsAtIt_isRefusedAndMayComeAgain() {
        submitEndless();
        upgrade("up", 1, version("endless"), TERMS);

        assertRefused(ErrorCode.JOB_BUSY, () -> upgrade("other", 1, version("stalled"), TERMS));

        clock.move(SETTLING);
        assertThat(sweepOnce()).isEmpty();
        assertThat(upgrade("other", 1, version("stalled"), TERMS).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void submitAndStop_duringAnUpgrade_areRefused() {
        FlinkJobId old = submitEndless();
        cluster.beSlow();
        OperationId id = upgrade("up", 1, version("endless"), TERMS).operation().id();

        assertRefused(ErrorCode.JOB_BUSY, () -> submit("another", 1, spec("endless")));
        assertRefused(ErrorCode.JOB_BUSY, () -> stop(old, StopJob.Mode.CANCEL));

        // Between the two versions the slot is free.
        cluster.endSavepoints(SavepointEnd.COMPLETE);
        cluster.refuseNextRun(ErrorCode.CLUSTER_UNREACHABLE);
        operation(id);
        assertRefused(ErrorCode.JOB_BUSY, () -> submit("another", 1, spec("endless")));
        cluster.beFast();
        clock.move(LIMITS.prepareWithin());
        FlinkJobId next = upgradeOf(operation(id)).next();
        assertThat(living()).containsExactly(next);
        assertRefused(ErrorCode.JOB_BUSY, () -> stop(next, StopJob.Mode.CANCEL));
        assertRefused(ErrorCode.JOB_BUSY, () -> stop(next, StopJob.Mode.SAVEPOINT));
    }

    @Test
    void upgrade_jobThatDoesNotRun_isRefused() {
        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> upgrade("up", 1, version("endless"), TERMS));
        FlinkJobId old = submitEndless();
        cluster.fail(old);

        assertRefused(ErrorCode.JOB_NOT_RUNNING, () -> upgrade("up2", 1, version("endless"), TERMS));
        // It stays so for this request.
        assertRefused(ErrorCode.JOB_NOT_RUNNING, () -> upgrade("up2", 1, version("endless"), TERMS));
    }

    /** Flink refuses savepoints then. */
    @Test
    void upgrade_whileTasksStart_isRefusedAndMayComeAgain() {
        FlinkJobId old = submitEndless();
        cluster.startTasks(old, true);

        assertRefused(ErrorCode.JOB_BUSY, () -> upgrade("up", 1, version("endless"), TERMS));

        assertThat(attempt(old).stop()).isNull();
        cluster.startTasks(old, false);
        assertThat(upgrade("up", 1, version("endless"), TERMS).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void upgrade_jobInARestartLoop_canGoOnFromACheckpointAlone() {
        FlinkJobId old = submitEndless();
        StoragePath checkpoint = checkpoint(old, 7);
        cluster.setState(old, JobState.RESTARTING);

        assertRefused(ErrorCode.JOB_BUSY, () -> upgrade("up", 1, version("endless"), TERMS));
        OperationId id = upgrade("last", 1, version("endless"), terms(Mode.LAST_STATE, AfterCommit.REFUSE))
                .operation()
                .id();
        clock.move(SETTLING);
        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.UPGRADED);
        assertThat(attempt(upgradeOf(done).next()).restoredFrom()).isEqualTo(checkpoint);
    }

    @Test
    void upgrade_versionThatCannotRun_isRefusedBeforeAnythingStops() {
        FlinkJobId old = submitEndless();

        assertRefused(
                ErrorCode.PARALLELISM_EXCEEDS_SLOTS,
                () -> upgrade("wide", 1, spec("endless", JAR_URI, null, 4, LATEST), TERMS));
        assertRefused(
                ErrorCode.JAR_NOT_FOUND,
                () -> upgrade("lost", 1, spec("endless", "s3://jars/none.jar", null, 1, LATEST), TERMS));
        assertRefused(
                ErrorCode.FIELD_INVALID,
                () -> upgrade(
                        "hasty",
                        1,
                        version("endless"),
                        new Terms(Mode.SAVEPOINT, AfterCommit.REFUSE, HealthPolicy.DEFAULT.settlingTime(), null)));

        assertThat(living()).containsExactly(old);
        assertThat(cluster.triggers()).isEmpty();
        assertThat(attempt(old).stop()).isNull();
    }

    @Test
    void upgrade_lastState_goesOnFromTheNewestRetainedCheckpoint() {
        FlinkJobId old = submitEndless();
        StoragePath checkpoint = checkpoint(old, 7);

        OperationId id = upgrade("up", 1, version("endless"), terms(Mode.LAST_STATE, AfterCommit.REFUSE))
                .operation()
                .id();
        clock.move(SETTLING);

        Operation done = operation(id);
        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.UPGRADED);
        assertThat(attempt(upgradeOf(done).next()).restoredFrom()).isEqualTo(checkpoint);
        assertThat(attempt(old).state()).isEqualTo(AttemptState.CANCELED);
        assertThat(cluster.triggers()).isEmpty();
    }

    @Test
    void upgrade_lastStateOfAJobWithoutACheckpoint_isRefusedBeforeAnythingStops() {
        FlinkJobId old = submitEndless();

        assertRefused(
                ErrorCode.RESTORE_POINT_NOT_FOUND,
                () -> upgrade("up", 1, version("endless"), terms(Mode.LAST_STATE, AfterCommit.REFUSE)));

        assertThat(living()).containsExactly(old);
    }

    @Test
    void upgrade_stateless_startsWithoutStateAndComesBackToWhatTheOldVersionLeft() {
        FlinkJobId old = submitEndless();
        StoragePath checkpoint = checkpoint(old, 7);

        OperationId id = upgrade("up", 1, version("stalled"), terms(Mode.STATELESS, AfterCommit.REFUSE))
                .operation()
                .id();
        assertThat(attempt(upgradeOf(operation(id)).next()).restoredFrom()).isNull();
        clock.move(TERMS.judgeWithin());
        operation(id);
        clock.move(SETTLING);

        Operation done = operation(id);
        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(attempt(upgradeOf(done).back()).restoredFrom()).isEqualTo(checkpoint);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void upgrade_newVersionLiesInThePlaceOfTheOld_eachRunsItsOwnJar(boolean clusterLosesJars) {
        jars.putNewest(JAR_URI, "v1", jarFile);
        FlinkJobId old = submitEndless();
        jars.putNewest(JAR_URI, "v2", TestJobJar.write(directory.resolve("another.jar"), 1));

        OperationId id = upgrade("up", 1, version("stalled"), TERMS).operation().id();
        if (clusterLosesJars) {
            cluster.loseJars();
        }
        clock.move(TERMS.judgeWithin());
        operation(id);
        clock.move(SETTLING);

        assertRolledBack(operation(id), old);
        assertThat(cluster.runs())
                .extracting(run -> run.launch().jar())
                .containsExactly(
                        TestJobJar.digest(jarFile),
                        TestJobJar.digest(directory.resolve("another.jar")),
                        TestJobJar.digest(jarFile));
    }

    @Test
    void upgrade_jarOfTheOldVersionIsGoneEverywhere_saysThatItCannotComeBack() {
        submitEndless();
        OperationId id = upgrade("up", 1, version("stalled"), TERMS).operation().id();
        cluster.loseJars();
        jars.put(JAR_URI, TestJobJar.write(directory.resolve("another.jar"), 1));
        clock.move(TERMS.judgeWithin());

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure())
                .contains("The old version couldn't be started again")
                .contains("SHA-256");
    }

    @Test
    void upgrade_clusterForgetsAllWhileTheVersionIsJudged_endsAndNamesTheSavepoint() {
        submitEndless();
        OperationId id = upgrade("up", 1, version("endless"), TERMS).operation().id();
        cluster.forgetEverything();

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.savepoint()).isNotNull();
        assertThat(job().upgrade()).isNull();
        assertThat(cluster.runs()).hasSize(2);
    }

    @Test
    void upgrade_nobodyAsksForIt_isFinishedBySweeps() {
        FlinkJobId old = submitEndless();
        OperationId id = upgrade("up", 1, version("failing"), TERMS).operation().id();

        finish(() -> {});

        assertRolledBack(operation(id), old);
    }

    /** Each commit of an upgrade that is rolled back: the process dies before or behind it. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void upgrade_killedAtAnyCommit_comesToTheSameEnd(boolean before) {
        for (String behaviour : List.of("endless", "failing", "stalled", "refusing")) {
            int commits = another().run(behaviour);
            assertThat(commits).isGreaterThan(5);
            for (int i = 0; i < commits; i++) {
                UpgradeJobTest world = another();
                int at = i;
                world.run(behaviour, () -> world.atCommit(at, before, DIES));
                world.assertEnded("%s, killed at commit %d".formatted(behaviour, i), behaviour.equals("endless"));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"ANSWER_LOST", "CALL_LOST"})
    void upgrade_anyAnswerOfTheLedgerIsLost_comesToTheSameEnd(Fault fault) {
        for (String behaviour : List.of("endless", "failing", "stalled", "refusing")) {
            int commits = another().run(behaviour);
            for (int i = 0; i < commits; i++) {
                UpgradeJobTest world = another();
                int at = i;
                world.run(behaviour, () -> world.atCommit(at, true, () -> world.ledger.failNextCommit(fault)));
                world.assertEnded("%s, %s at commit %d".formatted(behaviour, fault, i), behaviour.equals("endless"));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = FakeFlinkCluster.Fault.class,
            names = {"ANSWER_LOST", "CALL_LOST"})
    void upgrade_anyAnswerOfTheClusterIsLost_comesToTheSameEnd(FakeFlinkCluster.Fault fault) {
        for (String behaviour : List.of("endless", "stalled")) {
            int commits = another().run(behaviour);
            for (int i = 0; i < commits; i++) {
                UpgradeJobTest world = another();
                int at = i;
                world.run(behaviour, () -> world.atCommit(at, true, () -> world.cluster.failNextEffect(fault)));
                world.assertEnded("%s, %s at commit %d".formatted(behaviour, fault, i), behaviour.equals("endless"));
            }
        }
    }

    /** A new JobManager knows nothing: the upgrade ends, and says so where nobody can tell what runs. */
    @Test
    void upgrade_jobManagerIsReplacedAtAnyCommit_endsWithAtMostOneLivingVersion() {
        for (String behaviour : List.of("endless", "stalled")) {
            int commits = another().run(behaviour);
            for (int i = 0; i < commits; i++) {
                UpgradeJobTest world = another();
                int at = i;
                world.run(behaviour, () -> world.atCommit(at, true, world.cluster::forgetEverything));
                String what = "%s, replaced at commit %d".formatted(behaviour, i);
                assertThat(world.ledger.operations())
                        .as(what)
                        .allSatisfy(operation ->
                                assertThat(operation.state().terminal()).isTrue());
                assertThat(world.living()).as(what).hasSizeLessThanOrEqualTo(1);
                assertThat(world.job().upgrade()).as(what).isNull();
            }
        }
    }

    private int run(String behaviour) {
        return run(behaviour, () -> {});
    }

    /** Upgrades a running job in trouble, and lets sweeps finish it; the answer counts commits. */
    private int run(String behaviour, Runnable trouble) {
        submitEndless();
        int commits = ledger.commits();
        trouble.run();
        for (int tries = 0; tries < 3; tries++) {
            try {
                upgrade("up", 1, version(behaviour), TERMS);
                break;
            } catch (KilledException e) {
                // Somebody asks again.
            } catch (RefusedException e) {
                assertThat(e.code().retryable()).as(e.sentence()).isTrue();
            }
            clock.move(LIMITS.prepareWithin());
        }
        finish(() -> {});
        return ledger.commits() - commits;
    }

    private void assertEnded(String what, boolean upgraded) {
        Operation done = ledger.operations().stream()
                .filter(operation -> operation.upgrade() != null)
                .findFirst()
                .orElseThrow();
        assertThat(upgradeOf(done).ending()).as(what).isEqualTo(upgraded ? Ending.UPGRADED : Ending.ROLLED_BACK);
        assertThat(job().upgrade()).as(what).isNull();
        assertThat(living()).as(what).hasSize(1);
        Attempt runs = attempt(living().getFirst());
        assertThat(runs.restoredFrom())
                .as(what)
                .isEqualTo(cluster.stopped().values().iterator().next());
        assertThat(ledger.operations())
                .as(what)
                .allSatisfy(
                        operation -> assertThat(operation.state().terminal()).isTrue());
    }

    /** A world of its own, with the same jar, in which never two versions live. */
    private UpgradeJobTest another() {
        UpgradeJobTest world = new UpgradeJobTest();
        world.directory = directory;
        world.jarFile = jarFile;
        world.workDirectory = workDirectory;
        world.jars.put(JAR_URI, jarFile);
        world.submitJob = new SubmitJob(world.ports, world.jars());
        world.makeTheVerb();
        return world;
    }

    private void assertRolledBack(Operation done, FlinkJobId old) {
        assertThat(done.state()).isEqualTo(OperationState.FAILED);
        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.ROLLED_BACK);
        Attempt back = attempt(upgradeOf(done).back());
        assertThat(living()).containsExactly(back.id());
        assertThat(back.restoredFrom()).isEqualTo(cluster.stopped().get(old));
        assertThat(back.spec()).isEqualTo(attempt(old).specThatRan());
        assertThat(back.specHash()).isEqualTo(attempt(old).specHash());
        assertThat(back.owner()).isEqualTo(attempt(old).owner());
        assertThat(job().upgrade()).isNull();
    }

    private Triggered upgrade(String request, int tryNumber, JobSpec spec, Terms terms) {
        return upgradeJob.upgrade(request(request, tryNumber), spec, terms, soon());
    }

    private void stop(FlinkJobId attempt, StopJob.Mode mode) {
        stopJob.stop(request("stop-" + mode, 1), job(attempt), null, mode, soon());
    }

    private static Terms terms(Mode mode, AfterCommit afterCommit) {
        return new Terms(mode, afterCommit, UpgradeJob.DEFAULT_JUDGEMENT, null);
    }

    /** Another than what runs. */
    private static JobSpec version(String behaviour) {
        return spec(behaviour, JAR_URI, null, 2, LATEST);
    }
}
