package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.cluster.FakeFlinkCluster.Fault;
import io.sluiceway.control.Answer.OperationObserved;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobState;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OperationsTest extends VerbFixture {
    private final TakeSavepoint takeSavepoint = new TakeSavepoint(clusters);
    private final StopJob stopJob = new StopJob(clusters);
    private final ObserveJob observeJob = new ObserveJob(clusters);

    @Test
    void take_repeated_isTheSameOperationAndOneSavepoint() {
        FlinkJobId job = submitEndless();

        Triggered first = takeSavepoint.take(request("save", 1), CLUSTER, job, soon());
        Triggered second = takeSavepoint.take(request("save", 1), CLUSTER, job, soon());

        assertThat(first.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(second.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(second.operation().id()).isEqualTo(first.operation().id());
        assertThat(second.operation().state()).isEqualTo(OperationState.COMPLETED);
        assertThat(cluster.effects()).containsOnlyOnce("triggerSavepoint");
    }

    @Test
    void take_anotherRequestOrTry_isAnotherOperation() {
        FlinkJobId job = submitEndless();

        assertThat(takeSavepoint
                        .take(request("save", 1), CLUSTER, job, soon())
                        .operation()
                        .id())
                .isNotEqualTo(takeSavepoint
                        .take(request("save", 2), CLUSTER, job, soon())
                        .operation()
                        .id())
                .isNotEqualTo(takeSavepoint
                        .take(request("other", 1), CLUSTER, job, soon())
                        .operation()
                        .id());
    }

    @Test
    void take_answerLost_isSettledByTheTriggerId() {
        FlinkJobId job = submitEndless();
        cluster.failNextEffect(Fault.ANSWER_LOST);

        Triggered answer = takeSavepoint.take(request("save", 1), CLUSTER, job, soon());

        assertThat(answer.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(answer.operation().savepoint()).isNotNull();
    }

    @Test
    void take_callLost_saysSo() {
        FlinkJobId job = submitEndless();
        cluster.failNextEffect(Fault.CALL_LOST);

        assertRefused(ErrorCode.CLUSTER_TIMEOUT, () -> takeSavepoint.take(request("save", 1), CLUSTER, job, soon()));
    }

    @Test
    void take_jobThatIsUnknown_isRefused() {
        assertRefused(
                ErrorCode.JOB_NOT_FOUND,
                () -> takeSavepoint.take(request("save", 1), CLUSTER, new FlinkJobId("0".repeat(32)), soon()));
    }

    @Test
    void take_jobThatHasEnded_isRefused() {
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.FAILED);

        assertRefused(ErrorCode.JOB_NOT_RUNNING, () -> takeSavepoint.take(request("save", 1), CLUSTER, job, soon()));
    }

    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"SAVEPOINT", "DRAIN"})
    void stop_withSavepoint_isCompletedWhenTheJobIsFinished(Mode mode) {
        FlinkJobId job = submitEndless();

        OperationId id = stopJob.stop(request("stop", 1), CLUSTER, job, mode, soon())
                .operation()
                .id();

        OperationObserved observed = observeJob.observe(id, soon());
        assertThat(observed.operation().state()).isEqualTo(OperationState.COMPLETED);
        assertThat(observed.operation().savepoint()).isNotNull();
        assertThat(observed.job().status().overview().state()).isEqualTo(JobState.FINISHED);
    }

    @Test
    void stop_savepointCompleteAndJobStillRunning_isInProgress() {
        FlinkJobId job = submitEndless();
        OperationId id = stop(job);
        cluster.setState(job, JobState.RUNNING);

        assertThat(observeJob.observe(id, soon()).operation().state()).isEqualTo(OperationState.IN_PROGRESS);
    }

    @Test
    void stop_savepointCompleteAndJobFailed_isFailedAndNamesTheSavepoint() {
        FlinkJobId job = submitEndless();
        OperationId id = stop(job);
        cluster.setState(job, JobState.FAILED);

        assertThat(observeJob.observe(id, soon()).operation()).satisfies(operation -> {
            assertThat(operation.state()).isEqualTo(OperationState.FAILED);
            assertThat(operation.savepoint()).isNotNull();
            assertThat(operation.failure()).contains("FAILED");
        });
    }

    @Test
    void stop_savepointFailed_isFailedWithTheReason() {
        FlinkJobId job = submitEndless();
        OperationId id = stop(job);
        cluster.setSavepoint(id.trigger(), new SavepointProgress.Failed("The disk is full.", null));

        assertThat(observeJob.observe(id, soon()).operation()).satisfies(operation -> {
            assertThat(operation.state()).isEqualTo(OperationState.FAILED);
            assertThat(operation.failure()).isEqualTo("The disk is full.");
        });
    }

    @Test
    void cancel_livingJob_isCompletedWhenItHasEnded() {
        FlinkJobId job = submitEndless();

        Triggered first = stopJob.stop(request("stop", 1), CLUSTER, job, Mode.CANCEL, soon());
        Triggered second = stopJob.stop(request("stop", 1), CLUSTER, job, Mode.CANCEL, soon());

        assertThat(first.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(second.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(observeJob
                        .observe(first.operation().id(), soon())
                        .operation()
                        .state())
                .isEqualTo(OperationState.COMPLETED);
    }

    @Test
    void cancel_whileTheJobIsCancelled_isAReplay() {
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.CANCELLING);

        Triggered answer = stopJob.stop(request("stop", 1), CLUSTER, job, Mode.CANCEL, soon());

        assertThat(answer.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(cluster.effects()).doesNotContain("cancel");
    }

    @Test
    void cancel_jobForgottenSince_isRefused() {
        FlinkJobId job = submitEndless();
        OperationId id = stopJob.stop(request("stop", 1), CLUSTER, job, Mode.CANCEL, soon())
                .operation()
                .id();
        cluster.forgetEverything();

        assertRefused(ErrorCode.OPERATION_NOT_FOUND, () -> observeJob.observe(id, soon()));
    }

    @Test
    void stop_repeatedWhileTheJobStillRuns_isInProgress() {
        FlinkJobId job = submitEndless();
        stop(job);
        cluster.setState(job, JobState.RUNNING);

        Triggered again = stopJob.stop(request("stop", 1), CLUSTER, job, Mode.SAVEPOINT, soon());

        assertThat(again.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(again.operation().state()).isEqualTo(OperationState.IN_PROGRESS);
    }

    @Test
    void take_repeatedAfterTheTriggerIsForgotten_findsTheSavepointInItsDirectory() {
        FlinkJobId job = submitEndless();
        takeSavepoint.take(request("save", 1), CLUSTER, job, soon());
        cluster.forgetTriggers();

        Triggered again = takeSavepoint.take(request("save", 1), CLUSTER, job, soon());

        assertThat(again.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(again.operation().state()).isEqualTo(OperationState.COMPLETED);
        assertThat(cluster.effects()).containsOnlyOnce("triggerSavepoint");
    }

    @Test
    void observe_triggerForgottenButJobTellsItsSavepoint_isCompleted() {
        FlinkJobId job = submitEndless();
        OperationId id = takeSavepoint
                .take(request("save", 1), CLUSTER, job, soon())
                .operation()
                .id();
        StoragePath path = observeJob.observe(id, soon()).operation().savepoint();
        cluster.forgetTriggers();

        assertThat(observeJob.observe(id, soon()).operation().savepoint()).isEqualTo(path);
    }

    @Test
    void observe_triggerAndJobForgotten_isRefusedAndNamesTheDirectory() {
        FlinkJobId job = submitEndless();
        OperationId id = stop(job);
        cluster.forgetEverything();

        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> observeJob.observe(id, soon()))
                .withMessageContaining(
                        cluster.savepointDirectory(job, id.trigger()).toString())
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.OPERATION_NOT_FOUND));
    }

    @Test
    void observe_jobThatIsUnknown_isRefused() {
        assertRefused(
                ErrorCode.JOB_NOT_FOUND, () -> observeJob.observe(CLUSTER, new FlinkJobId("0".repeat(32)), soon()));
    }

    private OperationId stop(FlinkJobId job) {
        return stopJob.stop(request("stop", 1), CLUSTER, job, Mode.SAVEPOINT, soon())
                .operation()
                .id();
    }
}
