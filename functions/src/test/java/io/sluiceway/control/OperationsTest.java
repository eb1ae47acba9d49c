package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.FakeFlinkCluster.Fault;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobState;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class OperationsTest extends VerbFixture {
    @Test
    void take_first_triggersInTheOperationsOwnDirectory() {
        FlinkJobId job = submitEndless();

        Triggered answer = take("save", 1, job);

        assertThat(answer.outcome()).isEqualTo(Outcome.STARTED);
        Operation completed = operation(answer.operation().id());
        assertThat(completed.state()).isEqualTo(OperationState.COMPLETED);
        assertThat(completed.savepoint().isWithin(cluster.savepointDirectory(NAME, completed.id())))
                .isTrue();
        assertThat(ledger.savepoints()).singleElement().satisfies(savepoint -> {
            assertThat(savepoint.verified()).isTrue();
            assertThat(savepoint.origin()).isEqualTo(SavepointOrigin.USER_REQUEST);
            assertThat(savepoint.path()).isEqualTo(completed.savepoint());
        });
    }

    @Test
    void take_repeated_isTheSameOperationAndOneSavepoint() {
        FlinkJobId job = submitEndless();

        Triggered first = take("save", 1, job);
        Triggered second = take("save", 1, job);

        assertThat(second.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(second.operation().id()).isEqualTo(first.operation().id());
        assertThat(cluster.effects()).containsOnlyOnce("triggerSavepoint");
    }

    @Test
    void take_higherTryOfACompletedOne_isTheStoredAnswer() {
        FlinkJobId job = submitEndless();
        OperationId first = take("save", 1, job).operation().id();

        assertThat(take("save", 2, job).operation().id()).isEqualTo(first);
        assertRefused(ErrorCode.STALE_TRY, () -> take("save", 1, job));
    }

    @Test
    void take_higherTryOfAFailedOne_isAnotherSavepoint() {
        FlinkJobId job = submitEndless();
        Operation first = take("save", 1, job).operation();
        cluster.setSavepoint(TriggerId.of(first.id()), new SavepointProgress.Failed("The disk is full.", null));
        assertThat(operation(first.id()).state()).isEqualTo(OperationState.FAILED);

        assertThat(take("save", 2, job).operation().id()).isNotEqualTo(first.id());
    }

    @Test
    void take_anotherRequest_isAnotherOperation() {
        FlinkJobId job = submitEndless();

        assertThat(take("save", 1, job).operation().id())
                .isNotEqualTo(take("other", 1, job).operation().id());
    }

    @Test
    void take_sameRequestOfAnotherTarget_isAConflict() {
        FlinkJobId job = submitEndless();
        take("save", 1, job);

        assertRefused(ErrorCode.REQUEST_CONFLICT, () -> takeSavepoint.take(request("save", 1), named(), false, soon()));
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"ANSWER_LOST", "CALL_LOST"})
    void take_triggerLostOnItsWay_isSettledByTheNextLook(Fault fault) {
        FlinkJobId job = submitEndless();
        cluster.failNextEffect(fault);

        Operation pending = take("save", 1, job).operation();

        assertThat(pending.state()).isEqualTo(OperationState.PENDING);
        awaitCompleted(pending.id());
        assertThat(cluster.effects()).containsOnlyOnce("triggerSavepoint");
    }

    @Test
    void take_recordOfTheTriggerLost_joinsTheFirstTrigger() {
        FlinkJobId job = submitEndless();
        cluster.beforeNextTrigger(() -> ledger.failNextCommit(FakeJobLedger.Fault.CALL_LOST));
        assertRefused(ErrorCode.LEDGER_UNAVAILABLE, () -> take("save", 1, job));

        Triggered again = take("save", 1, job);

        assertThat(again.outcome()).isEqualTo(Outcome.REPLAYED);
        awaitCompleted(again.operation().id());
        assertThat(ledger.savepoints()).hasSize(1);
    }

    @Test
    void take_jobThatIsUnknown_isRefused() {
        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> take("save", 1, new FlinkJobId("0".repeat(32))));
    }

    @Test
    void take_jobThatHasEnded_isRefused() {
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.FAILED);

        assertRefused(ErrorCode.JOB_NOT_RUNNING, () -> take("save", 1, job));
    }

    @Test
    void take_savepointThatIsNotThere_isFailedAndNotRecorded() {
        FlinkJobId job = submitEndless();
        Operation operation = take("save", 1, job).operation();
        store.remove(path(operation.id()));
        assertThat(operation(operation.id()).state()).isEqualTo(OperationState.IN_PROGRESS);
        clock.move(LIMITS.giveUpAfter());

        assertThat(operation(operation.id())).satisfies(failed -> {
            assertThat(failed.state()).isEqualTo(OperationState.FAILED);
            assertThat(failed.savepoint()).isNull();
        });
        assertThat(ledger.savepoints()).isEmpty();
    }

    @Test
    void take_storeThatCanNeverBeRead_takesTheClustersWordUnverified() {
        FlinkJobId job = submitEndless();
        store.makeUnreadable(true);

        Operation completed = operation(take("save", 1, job).operation().id());

        assertThat(completed.state()).isEqualTo(OperationState.COMPLETED);
        assertThat(ledger.savepoints()).extracting(Savepoint::verified).containsExactly(false);
    }

    @Test
    void take_storeThatCantBeReadAtTheMoment_waitsAndThenTakesTheClustersWord() {
        FlinkJobId job = submitEndless();
        store.makeUnreadable(false);
        OperationId id = take("save", 1, job).operation().id();

        assertThat(operation(id).state()).isEqualTo(OperationState.IN_PROGRESS);
        clock.move(LIMITS.giveUpAfter());
        assertThat(operation(id).state()).isEqualTo(OperationState.COMPLETED);
    }

    @Test
    void take_triggerForgottenBehindItsSavepoint_isFoundInItsDirectory() {
        FlinkJobId job = submitEndless();
        OperationId id = take("save", 1, job).operation().id();
        cluster.forgetTriggers();

        assertThat(operation(id).state()).isEqualTo(OperationState.COMPLETED);
        assertThat(operation(id).savepoint()).isEqualTo(path(id));
        assertThat(cluster.effects()).containsOnlyOnce("triggerSavepoint");
    }

    @Test
    void take_triggerForgottenBeforeItsSavepoint_isFailed() {
        FlinkJobId job = submitEndless();
        OperationId id = take("save", 1, job).operation().id();
        store.remove(path(id));
        cluster.forgetTriggers();

        assertThat(operation(id).state()).isEqualTo(OperationState.FAILED);
    }

    @Test
    void take_everythingForgottenAndTheStoreUnreadable_isAbandoned() {
        FlinkJobId job = submitEndless();
        OperationId id = take("save", 1, job).operation().id();
        store.makeUnreadable(true);
        cluster.forgetEverything();

        assertThat(operation(id)).satisfies(abandoned -> {
            assertThat(abandoned.state()).isEqualTo(OperationState.ABANDONED);
            assertThat(abandoned.failure()).contains(abandoned.directory().value());
        });
    }

    @Test
    void operation_onceItHasEnded_neverChanges() {
        FlinkJobId job = submitEndless();
        OperationId id = take("save", 1, job).operation().id();
        Operation completed = operation(id);
        cluster.forgetEverything();
        store.remove(path(id));

        assertThat(operation(id)).isEqualTo(completed);
    }

    @Test
    void take_failureThatHoldsAnArgument_isToldWithoutIt() {
        FlinkJobId job = submit("start", 1, spec("endless-hunter2")).attempt().id();
        OperationId id = take("save", 1, job).operation().id();
        cluster.setSavepoint(TriggerId.of(id), new SavepointProgress.Failed("No such runway: endless-hunter2.", null));

        assertThat(operation(id).failure()).isEqualTo("No such runway: ….");
        assertThat(ledger.history(CLUSTER, NAME).toString()).doesNotContain("hunter2");
    }

    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"SAVEPOINT", "DRAIN"})
    void stop_withSavepoint_isCompletedWhenTheJobIsFinished(Mode mode) {
        FlinkJobId job = submitEndless();

        OperationId id = stop(job, mode);

        assertThat(operation(id).state()).isEqualTo(OperationState.COMPLETED);
        assertThat(operation(id).savepoint()).isNotNull();
        assertThat(observeJob
                        .observe(id, jars(), soon())
                        .job()
                        .status()
                        .overview()
                        .state())
                .isEqualTo(JobState.FINISHED);
        assertThat(ledger.savepoints()).extracting(Savepoint::origin).containsExactly(SavepointOrigin.STOP);
    }

    @Test
    void stop_savepointCompleteAndJobStillRunning_isInProgressAndThenCompleted() {
        FlinkJobId job = submitEndless();
        OperationId id = stop(job, Mode.SAVEPOINT);
        cluster.setState(job, JobState.RUNNING);

        assertThat(operation(id).state()).isEqualTo(OperationState.IN_PROGRESS);
        assertThat(operation(id).savepoint()).isNotNull();
        cluster.setState(job, JobState.FINISHED);
        assertThat(operation(id).state()).isEqualTo(OperationState.COMPLETED);
        assertThat(ledger.savepoints()).hasSize(1);
    }

    @Test
    void stop_savepointCompleteAndJobFailed_isFailedAndNamesTheSavepoint() {
        FlinkJobId job = submitEndless();
        OperationId id = stop(job, Mode.SAVEPOINT);
        cluster.setState(job, JobState.FAILED);

        assertThat(operation(id)).satisfies(operation -> {
            assertThat(operation.state()).isEqualTo(OperationState.FAILED);
            assertThat(operation.savepoint()).isNotNull();
            assertThat(operation.failure()).contains("FAILED");
        });
    }

    @Test
    void stop_anothersTriggerEndsTheJobBetweenTwoQuestions_isCompleted() {
        FlinkJobId job = submitEndless();
        cluster.failNextEffect(Fault.CALL_LOST);
        Operation pending = stored(stop(job, Mode.SAVEPOINT));
        cluster.beforeNextLookup(
                () -> cluster.triggerStop(pending.ref(), pending.trigger(), pending.directory(), false, soon()));

        Operation completed = operation(pending.id());

        assertThat(completed.state()).as(completed.failure()).isEqualTo(OperationState.COMPLETED);
        assertThat(completed.savepoint()).isEqualTo(cluster.stopped().get(job));
        assertThat(ledger.savepoints()).hasSize(1);
    }

    @Test
    void stop_savepointFailed_isFailedWithTheReason() {
        FlinkJobId job = submitEndless();
        OperationId id = stop(job, Mode.SAVEPOINT);
        cluster.setSavepoint(TriggerId.of(id), new SavepointProgress.Failed("The disk is full.", null));

        assertThat(operation(id)).satisfies(operation -> {
            assertThat(operation.state()).isEqualTo(OperationState.FAILED);
            assertThat(operation.failure()).isEqualTo("The disk is full.");
        });
    }

    @Test
    void stop_triggerForgottenAndTheJobGoesOn_isFailedAndNamesTheSavepoint() {
        FlinkJobId job = submitEndless();
        OperationId id = stop(job, Mode.SAVEPOINT);
        cluster.setState(job, JobState.RUNNING);
        cluster.forgetTriggers();

        assertThat(operation(id)).satisfies(operation -> {
            assertThat(operation.state()).isEqualTo(OperationState.FAILED);
            assertThat(operation.savepoint()).isNotNull();
        });
    }

    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"SAVEPOINT", "DRAIN"})
    void stop_jobFailsAndItsSavepointStaysInProgress_isFailedWhenTheClusterHadItsTime(Mode mode) {
        cluster.beSlow();
        FlinkJobId job = submitEndless();
        OperationId id = stop(job, mode);
        clock.move(LIMITS.settleAfter());
        cluster.fail(job);

        assertThat(operation(id).state()).isEqualTo(OperationState.IN_PROGRESS);
        clock.move(LIMITS.settleAfter());

        assertThat(operation(id)).satisfies(operation -> {
            assertThat(operation.state()).isEqualTo(OperationState.FAILED);
            assertThat(operation.failure()).contains("The job is FAILED");
        });
    }

    @Test
    void take_jobFailsAndItsSavepointStaysInProgress_isFailedWhenTheClusterHadItsTime() {
        cluster.beSlow();
        FlinkJobId job = submitEndless();
        OperationId id = takeSavepoint
                .take(request("save", 1), job(job), false, soon())
                .operation()
                .id();
        cluster.fail(job);
        assertThat(operation(id).state()).isEqualTo(OperationState.IN_PROGRESS);

        clock.move(LIMITS.settleAfter());

        assertThat(operation(id).state()).isEqualTo(OperationState.FAILED);
    }

    @Test
    void stop_jobManagerReplacedBehindTheSavepoint_isCompleted() {
        FlinkJobId job = submitEndless();
        OperationId id = stop(job, Mode.SAVEPOINT);
        cluster.forgetEverything();

        assertThat(operation(id).state()).isEqualTo(OperationState.COMPLETED);
    }

    @Test
    void stop_anotherRequestWhileTheJobStops_joinsTheFirst() {
        FlinkJobId job = submitEndless();
        OperationId first = stop(job, Mode.SAVEPOINT);
        cluster.setState(job, JobState.RUNNING);

        Triggered second = (Triggered) stopJob.stop(request("other", 1), job(job), null, Mode.SAVEPOINT, soon());

        assertThat(second.outcome()).isEqualTo(Outcome.ADOPTED);
        assertThat(second.operation().id()).isEqualTo(first);
        assertThat(((Triggered) stopJob.stop(request("other", 1), job(job), null, Mode.SAVEPOINT, soon())).outcome())
                .isEqualTo(Outcome.REPLAYED);
    }

    @Test
    void stop_otherwiseWhileTheJobStops_isBusyButMayCancel() {
        FlinkJobId job = submitEndless();
        stop(job, Mode.SAVEPOINT);
        cluster.setState(job, JobState.RUNNING);

        assertRefused(ErrorCode.JOB_BUSY, () -> stopJob.stop(request("drain", 1), job(job), null, Mode.DRAIN, soon()));
        stopJob.stop(request("cancel", 1), job(job), null, Mode.CANCEL, soon());
        assertThat(cluster.effects()).contains("cancel");
    }

    @Test
    void cancel_livingJob_isCompletedWhenItHasEnded() {
        FlinkJobId job = submitEndless();

        OperationId id = stop(job, Mode.CANCEL);

        assertThat(operation(id).state()).isEqualTo(OperationState.COMPLETED);
    }

    @Test
    void cancel_jobThatHasEnded_isCompletedAtOnce() {
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.FAILED);

        Triggered answer = (Triggered) stopJob.stop(request("stop", 1), job(job), null, Mode.CANCEL, soon());

        assertThat(answer.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(answer.operation().state()).isEqualTo(OperationState.COMPLETED);
        assertThat(cluster.effects()).doesNotContain("cancel");
    }

    @Test
    void cancel_whileTheJobIsCancelled_isNotRepeated() {
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.CANCELLING);

        stop(job, Mode.CANCEL);

        assertThat(cluster.effects()).doesNotContain("cancel");
    }

    @Test
    void cancel_jobForgottenSince_isAbandoned() {
        FlinkJobId job = submitEndless();
        OperationId id = stop(job, Mode.CANCEL);
        cluster.forgetEverything();
        clock.move(LIMITS.giveUpAfter());

        assertThat(operation(id).state()).isEqualTo(OperationState.ABANDONED);
    }

    @Test
    void stop_jobThatHasEnded_isRefused() {
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.FAILED);

        assertRefused(
                ErrorCode.JOB_NOT_RUNNING,
                () -> stopJob.stop(request("stop", 1), job(job), null, Mode.SAVEPOINT, soon()));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void take_pendingTooLong_isGivenUp(boolean stopsToo) {
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.INITIALIZING);
        OperationId id = stopsToo
                ? stop(job, Mode.SAVEPOINT)
                : take("save", 1, job).operation().id();

        assertThat(operation(id).state()).isEqualTo(OperationState.PENDING);
        clock.move(LIMITS.giveUpAfter());
        assertThat(operation(id).state()).isEqualTo(OperationState.ABANDONED);
    }

    @Test
    void observe_operationThatNobodyMade_isRefused() {
        assertRefused(
                ErrorCode.OPERATION_NOT_FOUND,
                () -> observeJob.observe(new OperationId("0".repeat(32)), jars(), soon()));
    }

    @Test
    void observe_jobThatIsUnknown_isRefused() {
        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> observeJob.observe(job(new FlinkJobId("0".repeat(32))), soon()));
        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> observeJob.observe(named(), soon()));
    }

    @Test
    void observe_jobThatTheClusterForgot_showsWhatWasRecorded() {
        FlinkJobId job = submit("start", 1, spec("bounded")).attempt().id();
        cluster.forgetEverything();

        assertThat(observeJob.observe(named(), soon())).satisfies(observed -> {
            assertThat(observed.status()).isNull();
            assertThat(observed.attempt().id()).isEqualTo(job);
            assertThat(observed.attempt().state().terminal()).isTrue();
        });
    }

    @Test
    void observe_jobThatSomebodyElseStarted_showsWhatTheClusterSays() {
        FlinkJobId job = new FlinkJobId("1".repeat(32));
        cluster.putJob(job, JobState.RUNNING);

        assertThat(observeJob.observe(job(job), soon())).satisfies(observed -> {
            assertThat(observed.attempt()).isNull();
            assertThat(observed.status().overview().state()).isEqualTo(JobState.RUNNING);
        });
        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> stop(job, Mode.CANCEL));
    }

    private Triggered take(String request, int tryNumber, FlinkJobId job) {
        return takeSavepoint.take(request(request, tryNumber), job(job), false, soon());
    }

    private OperationId stop(FlinkJobId job, Mode mode) {
        return ((Triggered) stopJob.stop(request("stop", 1), job(job), null, mode, soon()))
                .operation()
                .id();
    }

    private StoragePath path(OperationId id) {
        return cluster.savepointDirectory(NAME, id)
                .child("savepoint-" + id.value().substring(0, 6));
    }

    private void awaitCompleted(OperationId id) {
        operation(id);
        assertThat(operation(id).state()).isEqualTo(OperationState.COMPLETED);
    }
}
