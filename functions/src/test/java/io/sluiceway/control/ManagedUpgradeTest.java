package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.cluster.FakeFlinkCluster.SavepointEnd;
import io.sluiceway.cluster.FakeManagedCluster;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.control.UpgradeJob.Terms;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.operation.Upgrade.AfterCommit;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.operation.Upgrade.Mode;
import io.sluiceway.operation.Upgrade.Step;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.TestJobJar;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Upgrades where nobody counts checkpoints and what is measured comes late, as on Managed Flink. */
class ManagedUpgradeTest extends VerbFixture {
    private static final Duration LATE = Duration.ofMinutes(3);

    private UpgradeJob upgradeJob;

    @Override
    FakeFlinkCluster newCluster() {
        return new FakeManagedCluster(CLUSTER, clock, store, LATE);
    }

    @BeforeEach
    void makeTheVerb() {
        jars.putNewest(JAR_URI, "v1", jarFile);
        upgradeJob = new UpgradeJob(ports, jars());
    }

    @Test
    void upgrade_versionThatIsWell_staysWhenItsMeasurementsHaveCome() {
        FlinkJobId old = submitEndless();
        OperationId id = upgrade("endless", Mode.SAVEPOINT, AfterCommit.REFUSE);
        FlinkJobId next = upgradeOf(operation(id)).next();
        assertThat(attempt(next).restoredFrom())
                .isNotNull()
                .isEqualTo(cluster.stopped().get(old));

        clock.move(SETTLING.plus(LATE).minusSeconds(1));
        assertThat(sweepOnce()).isEmpty();
        assertThat(upgradeOf(operation(id)).step()).isEqualTo(Step.JUDGING);
        clock.move(Duration.ofSeconds(1));
        assertThat(sweepOnce()).isEmpty();

        assertThat(ledgers(id).ending()).isEqualTo(Ending.UPGRADED);
        assertThat(living()).containsExactly(next);
    }

    @ParameterizedTest
    @EnumSource
    void upgrade_versionWhoseStartFails_isRolledBackToTheSnapshot(AfterCommit afterCommit) {
        FlinkJobId old = submitEndless();

        OperationId id = upgrade("failing", Mode.SAVEPOINT, afterCommit);
        clock.move(SETTLING.plus(LATE));

        Operation done = operation(id);
        assertRolledBack(done, old);
        assertThat(done.failure()).contains("It is FAILED. java.lang.ArithmeticException: No such runway.");
    }

    @Test
    void upgrade_versionInARestartLoop_isLeftAsItIsAndTheWayBackTold() {
        submitEndless();
        OperationId id = upgrade("stalled", Mode.SAVEPOINT, AfterCommit.REFUSE);
        FlinkJobId next = letItLoop(id);

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure())
                .contains("It is UNHEALTHY")
                .contains("may have completed a checkpoint")
                .contains("submit the old specification to be restored from " + done.savepoint());
        assertThat(living()).containsExactly(next);
    }

    @Test
    void upgrade_versionInARestartLoopAndDuplicatesAreAccepted_isRolledBackToTheSnapshot() {
        FlinkJobId old = submitEndless();
        OperationId id = upgrade("stalled", Mode.SAVEPOINT, AfterCommit.ACCEPT_DUPLICATES);
        FlinkJobId next = letItLoop(id);

        operation(id);
        clock.move(SETTLING.plus(LATE));

        assertRolledBack(operation(id), old);
        assertThat(attempt(next).state()).isEqualTo(AttemptState.CANCELED);
    }

    private FlinkJobId letItLoop(OperationId id) {
        FlinkJobId next = upgradeOf(operation(id)).next();
        for (int i = 0; i < HealthPolicy.DEFAULT.restarts(); i++) {
            cluster.failAndRestart(next);
        }
        assertThat(upgradeOf(operation(id)).step()).isEqualTo(Step.JUDGING);
        clock.move(LATE);
        return next;
    }

    @Test
    void upgrade_versionFailsForGoodBehindItsStart_isNotRolledBack() {
        submitEndless();
        OperationId id = upgrade("endless", Mode.SAVEPOINT, AfterCommit.REFUSE);
        cluster.fail(upgradeOf(operation(id)).next());

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure())
                .contains("may have completed a checkpoint")
                .contains(done.savepoint().value());
        assertThat(living()).isEmpty();
    }

    @Test
    void upgrade_startIsCancelledBySomebody_isNotRolledBack() {
        submitEndless();
        OperationId id = upgrade("endless", Mode.SAVEPOINT, AfterCommit.REFUSE);
        FlinkJobId next = upgradeOf(operation(id)).next();
        cluster.setState(next, JobState.INITIALIZING);
        cluster.setState(next, JobState.CANCELED);

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("It is CANCELED").contains("may have completed a checkpoint");
    }

    @Test
    void upgrade_startIsUnderWayWhenItsTimeIsUp_isLeftAsItIs() {
        submitEndless();
        OperationId id = upgrade("endless", Mode.SAVEPOINT, AfterCommit.REFUSE);
        FlinkJobId next = upgradeOf(operation(id)).next();
        cluster.setState(next, JobState.INITIALIZING);

        clock.move(UpgradeJob.DEFAULT_JUDGEMENT);

        Operation done = operation(id);
        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("It didn't become STABLE within PT15M");
        assertThat(living()).containsExactly(next);
    }

    @Test
    void upgrade_startIsUnderWayWhenItsTimeIsUpAndDuplicatesAreAccepted_isStoppedAndRolledBack() {
        FlinkJobId old = submitEndless();
        OperationId id = upgrade("endless", Mode.SAVEPOINT, AfterCommit.ACCEPT_DUPLICATES);
        cluster.setState(upgradeOf(operation(id)).next(), JobState.INITIALIZING);

        clock.move(UpgradeJob.DEFAULT_JUDGEMENT);
        operation(id);
        clock.move(SETTLING.plus(LATE));

        assertRolledBack(operation(id), old);
    }

    @Test
    void upgrade_maintenanceComesBetween_isNoFault() {
        submitEndless();
        OperationId id = upgrade("endless", Mode.SAVEPOINT, AfterCommit.REFUSE);
        FlinkJobId next = upgradeOf(operation(id)).next();

        cluster.setState(next, JobState.RECONCILING);
        clock.move(SETTLING);
        assertThat(sweepOnce()).isEmpty();
        assertThat(upgradeOf(operation(id)).step()).isEqualTo(Step.JUDGING);
        cluster.setState(next, JobState.RUNNING);
        clock.move(LATE);

        assertThat(upgradeOf(operation(id)).ending()).isEqualTo(Ending.UPGRADED);
    }

    @Test
    void upgrade_snapshotFails_leavesTheOldVersionRunning() {
        FlinkJobId old = submitEndless();
        cluster.beSlow();
        OperationId id = upgrade("endless", Mode.SAVEPOINT, AfterCommit.REFUSE);
        cluster.endSavepoints(SavepointEnd.FAIL);
        assertThat(upgradeOf(operation(id)).step()).isEqualTo(Step.STOPPING);
        clock.move(LIMITS.settleAfter());

        Operation done = operation(id);

        assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("The old version runs on");
        assertThat(living()).containsExactly(old);
        assertThat(cluster.runs()).hasSize(1);
    }

    @Test
    void upgrade_timeInWhichNothingIsMeasured_isRefusedBeforeAnythingStops() {
        FlinkJobId old = submitEndless();
        Terms hasty = new Terms(Mode.SAVEPOINT, AfterCommit.REFUSE, SETTLING.plusMinutes(9), null);

        assertRefused(
                ErrorCode.FIELD_INVALID, () -> upgradeJob.upgrade(request("up", 1), version("endless"), hasty, soon()));

        assertThat(living()).containsExactly(old);
        assertThat(cluster.triggers()).isEmpty();
    }

    @Test
    void upgrade_ageOfACheckpointThatNobodySees_isRefusedBeforeAnythingStops() {
        FlinkJobId old = submitEndless();
        Terms aged = new Terms(Mode.SAVEPOINT, AfterCommit.REFUSE, UpgradeJob.DEFAULT_JUDGEMENT, Duration.ofMinutes(5));

        assertRefused(
                ErrorCode.JOB_UNSUPPORTED,
                () -> upgradeJob.upgrade(request("up", 1), version("endless"), aged, soon()));

        assertThat(living()).containsExactly(old);
        assertThat(cluster.triggers()).isEmpty();
    }

    @Test
    void upgrade_stateless_comesBackToTheSnapshotOfTheStop() {
        FlinkJobId old = submitEndless();

        OperationId id = upgrade("failing", Mode.STATELESS, AfterCommit.REFUSE);
        clock.move(SETTLING.plus(LATE));

        Operation done = operation(id);
        assertThat(attempt(upgradeOf(done).next()).restoredFrom()).isNull();
        assertRolledBack(done, old);
        assertThat(done.savepoint()).isEqualTo(cluster.stopped().get(old));
    }

    @Test
    void upgrade_newVersionLiesInThePlaceOfTheOld_eachRunsItsOwnObject() {
        FlinkJobId old = submitEndless();
        Path another = TestJobJar.write(directory.resolve("another.jar"), 1);
        jars.putNewest(JAR_URI, "v2", another);
        // Somebody puts a third there while the new version is about to start.
        cluster.beforeNextTrigger(
                () -> jars.putNewest(JAR_URI, "v3", TestJobJar.write(directory.resolve("third.jar"), 2)));

        OperationId id = upgrade("failing", Mode.SAVEPOINT, AfterCommit.REFUSE);
        clock.move(SETTLING.plus(LATE));

        assertRolledBack(operation(id), old);
        assertThat(cluster.runs()).extracting(run -> run.launch().jarVersion()).containsExactly("v1", "v2", "v1");
        assertThat(cluster.runs())
                .extracting(run -> run.launch().jar())
                .containsExactly(TestJobJar.digest(jarFile), TestJobJar.digest(another), TestJobJar.digest(jarFile));
    }

    /** The process dies before or behind each commit; sweeps go on. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void upgrade_killedAtAnyCommit_comesToTheSameEnd(boolean before) {
        for (AfterCommit afterCommit : AfterCommit.values()) {
            String behaviour = afterCommit == AfterCommit.REFUSE ? "failing" : "stalled";
            int commits = another().run(behaviour, afterCommit, -1, before);
            assertThat(commits).isGreaterThan(5);
            for (int i = 0; i < commits; i++) {
                ManagedUpgradeTest world = another();
                world.run(behaviour, afterCommit, i, before);
                world.assertCameBack("%s, killed at commit %d".formatted(behaviour, i));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = FakeFlinkCluster.Fault.class,
            names = {"ANSWER_LOST", "CALL_LOST"})
    void upgrade_anyAnswerOfTheServiceIsLost_comesToTheSameEnd(FakeFlinkCluster.Fault fault) {
        int commits = another().run("failing", AfterCommit.REFUSE, -1, true);
        for (int i = 0; i < commits; i++) {
            ManagedUpgradeTest world = another();
            world.atCommit(i, true, () -> world.cluster.failNextEffect(fault));
            world.run("failing", AfterCommit.REFUSE, -1, true);
            world.assertCameBack("%s at commit %d".formatted(fault, i));
        }
    }

    private ManagedUpgradeTest another() {
        ManagedUpgradeTest world = new ManagedUpgradeTest();
        world.directory = directory;
        world.jarFile = jarFile;
        world.workDirectory = workDirectory;
        world.submitJob = new SubmitJob(world.ports, world.jars());
        world.makeTheVerb();
        world.submitEndless();
        return world;
    }

    /** The answer counts commits. A stalled version loops, so it is UNHEALTHY as soon as that is measured. */
    private int run(String behaviour, AfterCommit afterCommit, int diesAt, boolean before) {
        int commits = ledger.commits();
        if (diesAt >= 0) {
            atCommit(diesAt, before, DIES);
        }
        for (int tries = 0; tries < 3; tries++) {
            try {
                upgrade(behaviour, Mode.SAVEPOINT, afterCommit);
                break;
            } catch (KilledException e) {
                assertThat(diesAt).isNotNegative();
            } catch (RefusedException e) {
                assertThat(e.code().retryable()).as(e.sentence()).isTrue();
            }
            clock.move(LIMITS.prepareWithin());
        }
        finish(() -> {
            for (JobLaunch launch :
                    cluster.runs().stream().map(FakeFlinkCluster.Run::launch).toList()) {
                if (launch.spec().arguments().contains("stalled") && living().contains(launch.id())) {
                    cluster.failAndRestart(launch.id());
                }
            }
        });
        return ledger.commits() - commits;
    }

    private void assertCameBack(String what) {
        Operation done = ledger.operations().stream()
                .filter(operation -> operation.upgrade() != null)
                .findFirst()
                .orElseThrow();
        assertThat(upgradeOf(done).ending()).as(what + ": " + done.failure()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(living()).as(what).containsExactly(upgradeOf(done).back());
        assertThat(attempt(upgradeOf(done).back()).restoredFrom())
                .as(what)
                .isEqualTo(cluster.stopped().values().iterator().next());
        assertThat(cluster.runs())
                .as(what)
                .extracting(run -> run.launch().id())
                .doesNotHaveDuplicates()
                .hasSize(3);
    }

    private void assertRolledBack(Operation done, FlinkJobId old) {
        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.ROLLED_BACK);
        FlinkJobId back = upgradeOf(done).back();
        assertThat(living()).containsExactly(back);
        StoragePath left = cluster.stopped().get(old);
        assertThat(attempt(back).restoredFrom()).isNotNull().isEqualTo(left);
        assertThat(attempt(back).spec()).isEqualTo(attempt(old).specThatRan());
        JobLaunch launch = cluster.runs().getLast().launch();
        assertThat(launch.id()).isEqualTo(back);
        assertThat(launch.jarVersion()).isEqualTo("v1");
    }

    private OperationId upgrade(String behaviour, Mode mode, AfterCommit afterCommit) {
        return upgradeJob
                .upgrade(
                        request("up", 1),
                        version(behaviour),
                        new Terms(mode, afterCommit, UpgradeJob.DEFAULT_JUDGEMENT, null),
                        soon())
                .operation()
                .id();
    }

    private static JobSpec version(String behaviour) {
        return spec(behaviour, JAR_URI, null, 2, LATEST);
    }

    /** As it was written, without a look. */
    private Upgrade ledgers(OperationId id) {
        return upgradeOf(stored(id));
    }
}
