package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.cluster.FakeFlinkCluster.Fault;
import io.sluiceway.cluster.FakeFlinkCluster.SavepointEnd;
import io.sluiceway.cluster.FakeManagedCluster;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.control.UpgradeJob.Terms;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.Upgrade.AfterCommit;
import io.sluiceway.operation.Upgrade.Step;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A stop arrives behind another that has failed, where stops have no triggers, as on Managed Flink. */
class LateStopTest extends VerbFixture {
    @Override
    FakeFlinkCluster newCluster() {
        return new FakeManagedCluster(CLUSTER, clock, store, Duration.ZERO);
    }

    @BeforeEach
    void putTheVersion() {
        jars.putNewest(JAR_URI, "v1", jarFile);
        cluster.beSlow();
        // Nobody can list snapshots as a directory.
        store.makeUnreadable(true);
    }

    @Test
    void upgrade_stopFailsAndAnotherArrivesSoon_goesOnWithItsSnapshot() {
        FlinkJobId old = submitEndless();
        OperationId id = new UpgradeJob(ports, jars())
                .upgrade(
                        request("up", 1),
                        spec("endless", JAR_URI, null, 2, LATEST),
                        new Terms(
                                io.sluiceway.operation.Upgrade.Mode.SAVEPOINT,
                                AfterCommit.REFUSE,
                                UpgradeJob.DEFAULT_JUDGEMENT,
                                null),
                        soon())
                .operation()
                .id();
        cluster.endSavepoints(SavepointEnd.FAIL);
        assertThat(upgradeOf(operation(id)).step()).isEqualTo(Step.STOPPING);

        arriveLate(old);

        Operation further = operation(id);
        assertThat(upgradeOf(further).step()).isEqualTo(Step.JUDGING);
        assertThat(attempt(upgradeOf(further).next()).restoredFrom())
                .isEqualTo(cluster.stopped().get(old));
        assertThat(ledger.savepoints()).extracting(Savepoint::origin).containsExactly(SavepointOrigin.UPGRADE);
    }

    @Test
    void stop_anotherArrivesWhenItHasFailed_leavesASnapshotToGoOnFrom() {
        FlinkJobId job = submitEndless();
        Operation failed = failToStop(job);

        arriveLate(job);

        assertGoesOnFromWhatWasLeft(job, failed);
        assertThat(stored(failed.id())).isEqualTo(failed);
    }

    @Test
    void cancel_anotherStopArrivesFirst_leavesASnapshotToGoOnFrom() {
        FlinkJobId job = submitEndless();
        failToStop(job);
        cluster.failNextEffect(Fault.CALL_LOST);
        assertRefused(ErrorCode.CLUSTER_TIMEOUT, () -> stop("cancel", job, Mode.CANCEL));
        Operation cancel = stored(attempt(job).stop());

        arriveLate(job);

        assertThat(operation(cancel.id()).state()).isEqualTo(OperationState.COMPLETED);
        assertGoesOnFromWhatWasLeft(job, cancel);
    }

    private void assertGoesOnFromWhatWasLeft(FlinkJobId job, Operation by) {
        StoragePath left = cluster.stopped().get(job);
        observeJob.observe(job(job), soon());
        assertThat(attempt(job).state()).isEqualTo(AttemptState.FINISHED);
        assertThat(ledger.savepoints()).singleElement().satisfies(savepoint -> {
            assertThat(savepoint.path()).isEqualTo(left);
            assertThat(savepoint.operation()).isEqualTo(by.id());
            assertThat(savepoint.origin()).isEqualTo(SavepointOrigin.STOP);
        });
        assertThat(submit("again", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isEqualTo(left);
    }

    private Operation failToStop(FlinkJobId job) {
        OperationId id = stop("stop", job, Mode.SAVEPOINT).id();
        cluster.endSavepoints(SavepointEnd.FAIL);
        assertThat(operation(id).state()).isEqualTo(OperationState.IN_PROGRESS);
        clock.move(LIMITS.settleAfter());
        Operation failed = operation(id);
        assertThat(failed.state()).isEqualTo(OperationState.FAILED);
        return failed;
    }

    private Operation stop(String request, FlinkJobId job, Mode mode) {
        return ((Triggered) stopJob.stop(request(request, 1), job(job), null, mode, soon())).operation();
    }

    private void arriveLate(FlinkJobId job) {
        ((FakeManagedCluster) cluster).arriveLate(job);
    }
}
