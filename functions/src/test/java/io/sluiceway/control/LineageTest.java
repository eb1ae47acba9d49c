package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobState;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.operation.OperationId;
import io.sluiceway.savepoint.StoragePath;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Where a STREAM goes on from. */
class LineageTest extends VerbFixture {
    private static final RestorePoint LATEST = new RestorePoint.Latest(false);

    @Test
    void latest_firstStart_beginsWithoutState() {
        assertThat(submit("one", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isNull();
    }

    @Test
    void latest_afterAStopWithSavepoint_goesOnFromIt() {
        StoragePath savepoint = startAndStop("one");
        clock.move(Duration.ofMinutes(1));

        assertThat(submit("two", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isEqualTo(savepoint);
    }

    @Test
    void latest_afterAStopThatNobodyObserved_goesOnFromItsSavepoint() {
        FlinkJobId job = start("one");
        checkpoint(job, 7);
        clock.move(Duration.ofMinutes(1));
        OperationId stop = stop(job);

        StoragePath from = submit("two", 1, spec("endless", LATEST)).attempt().restoredFrom();

        assertThat(from).isNotNull().isEqualTo(operation(stop).savepoint());
    }

    @Test
    void latest_stopWithSavepointOvertookACancellation_goesOnFromItsSavepoint() {
        FlinkJobId job = start("one");
        checkpoint(job, 7);
        clock.move(Duration.ofMinutes(1));
        cluster.beSlow();
        OperationId stop = stop(job);
        ledger.afterNextCommit(() -> cluster.endSavepoints(FakeFlinkCluster.SavepointEnd.COMPLETE));
        stopJob.stop(request("kill", 1), job(job), null, Mode.CANCEL, soon());

        StoragePath from = submit("two", 1, spec("endless", LATEST)).attempt().restoredFrom();

        assertThat(from).isNotNull().isEqualTo(operation(stop).savepoint());
    }

    @Test
    void latest_afterAStopWhoseSavepointCantBeLookedForYet_isRefused() {
        stop(start("one"));
        store.makeUnreadable(false);

        assertRefused(ErrorCode.RESTORE_POINT_UNREADABLE, () -> submit("two", 1, spec("endless", LATEST)));
    }

    @Test
    void latest_stopInTheSecondOfACheckpointAndJobManagerReplaced_goesOnFromTheStop() {
        FlinkJobId job = start("one");
        checkpoint(job, 7);
        OperationId stop = stop(job);
        cluster.forgetAllButLivingJobs();

        assertThat(submit("two", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isEqualTo(operation(stop).savepoint());
    }

    @Test
    void latest_afterAFailure_goesOnFromTheNewestRetainedCheckpoint() {
        FlinkJobId job = start("one");
        checkpoint(job, 7);
        clock.move(Duration.ofMinutes(1));
        StoragePath newest = checkpoint(job, 8);
        cluster.setState(job, JobState.FAILED);

        assertThat(submit("two", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isEqualTo(newest);
    }

    @Test
    void latest_savepointThatTheJobWentOnBehind_isNoBetterThanACheckpoint() {
        FlinkJobId job = start("one");
        StoragePath checkpoint = checkpoint(job, 7);
        clock.move(Duration.ofMinutes(1));
        savepoint(job, "save");
        cluster.setState(job, JobState.FAILED);

        assertThat(submit("two", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isEqualTo(checkpoint);
    }

    @Test
    void latest_savepointAndNoCheckpoint_isTaken() {
        FlinkJobId job = start("one");
        StoragePath savepoint = savepoint(job, "save");
        cluster.setState(job, JobState.FAILED);

        assertThat(submit("two", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isEqualTo(savepoint);
    }

    @Test
    void latest_checkpointsOfTheSameSecond_takesTheHighestNumber() {
        FlinkJobId job = start("one");
        StoragePath tenth = checkpoint(job, 10);
        checkpoint(job, 9);
        cluster.setState(job, JobState.FAILED);

        assertThat(submit("two", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isEqualTo(tenth);
    }

    @Test
    void latest_jobThatWasDrained_isRefused() {
        FlinkJobId job = start("one");
        stopJob.stop(request("drain", 1), job(job), null, Mode.DRAIN, soon());

        assertRefused(ErrorCode.RESTORE_POINT_NOT_FOUND, () -> submit("two", 1, spec("endless", LATEST)));
    }

    @Test
    void latest_attemptOfUnknownFateThatLeftCheckpoints_goesOnFromThem() {
        cluster.beforeNextRun(() -> cluster.failNextEffect(FakeFlinkCluster.Fault.CALL_LOST));
        assertRefused(ErrorCode.SUBMISSION_UNSETTLED, () -> start("one"));
        FlinkJobId job = ledger.attempts().getFirst().id();
        StoragePath checkpoint = checkpoint(job, 3);
        cluster.forgetEverything();
        clock.move(LIMITS.postWithin().plus(LIMITS.settleAfter()));

        assertThat(submit("two", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isEqualTo(checkpoint);
    }

    @Test
    void latest_savepointBehindWhichTheJobFellBack_isLeftOut() {
        FlinkJobId job = start("one");
        StoragePath checkpoint = checkpoint(job, 7);
        clock.move(Duration.ofMinutes(1));
        savepoint(job, "save");
        cluster.setRestarts(job, 1);
        observeJob.observe(job(job), soon());
        cluster.setState(job, JobState.FAILED);

        assertThat(submit("two", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isEqualTo(checkpoint);
    }

    @Test
    void latest_attemptThatLeftNothing_goesOnFromWhereThatBegan() {
        StoragePath savepoint = startAndStop("one");
        FlinkJobId second = submit("two", 1, spec("endless", LATEST)).attempt().id();
        cluster.setState(second, JobState.FAILED);

        assertThat(submit("three", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isEqualTo(savepoint);
    }

    @Test
    void latest_attemptThatNeverRan_isNotItsHead() {
        StoragePath savepoint = startAndStop("one");
        assertRefused(ErrorCode.PROGRAM_FAILED, () -> submit("two", 1, spec("refusing", LATEST)));

        assertThat(submit("three", 1, spec("endless", LATEST)).attempt().restoredFrom())
                .isEqualTo(savepoint);
    }

    @Test
    void latest_nothingIsLeft_isRefusedRatherThanToBeginAnew() {
        FlinkJobId job = start("one");
        cluster.setState(job, JobState.FAILED);

        assertRefused(ErrorCode.RESTORE_POINT_NOT_FOUND, () -> submit("two", 1, spec("endless", LATEST)));
        assertThat(submit("two", 1, spec("endless")).attempt().restoredFrom()).isNull();
    }

    @Test
    void latest_savepointThatWasRemoved_isNotTaken() {
        StoragePath savepoint = startAndStop("one");
        store.remove(savepoint);

        assertRefused(ErrorCode.RESTORE_POINT_NOT_FOUND, () -> submit("two", 1, spec("endless", LATEST)));
    }

    @Test
    void latest_storeThatCantBeRead_isRefused() {
        FlinkJobId job = start("one");
        cluster.setState(job, JobState.FAILED);
        store.makeUnreadable(false);

        assertRefused(ErrorCode.RESTORE_POINT_UNREADABLE, () -> submit("two", 1, spec("endless", LATEST)));
    }

    @Test
    void none_afterAStopWithSavepoint_beginsWithoutStateAndANewLineage() {
        startAndStop("one");
        FlinkJobId fresh = submit("two", 1, spec("endless")).attempt().id();
        cluster.setState(fresh, JobState.FAILED);

        assertRefused(ErrorCode.RESTORE_POINT_NOT_FOUND, () -> submit("three", 1, spec("endless", LATEST)));
    }

    @Test
    void savepoint_given_isTakenAsItIs() {
        StoragePath savepoint = startAndStop("one");

        assertThat(submit("two", 1, spec("endless", new RestorePoint.Savepoint(savepoint, true)))
                        .job()
                        .state())
                .isEqualTo(JobState.RUNNING);
    }

    private FlinkJobId start(String request) {
        return submit(request, 1, spec("endless", LATEST)).attempt().id();
    }

    private StoragePath startAndStop(String request) {
        return operation(stop(start(request))).savepoint();
    }

    private OperationId stop(FlinkJobId job) {
        return ((Triggered) stopJob.stop(request("stop", 1), job(job), null, Mode.SAVEPOINT, soon()))
                .operation()
                .id();
    }

    private StoragePath savepoint(FlinkJobId job, String request) {
        return operation(takeSavepoint
                        .take(request(request, 1), job(job), false, soon())
                        .operation()
                        .id())
                .savepoint();
    }
}
