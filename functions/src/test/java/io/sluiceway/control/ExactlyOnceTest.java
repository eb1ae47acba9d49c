package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.FakeFlinkCluster.Fault;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.RequestCancelled;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.JobState;
import io.sluiceway.job.RequestId;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.ledger.HistoryEntry.Event;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.operation.OperationState;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The promises about requests that are repeated, interrupted, adopted, or in each other's way. */
class ExactlyOnceTest extends VerbFixture {
    @Test
    void submit_first_recordsIntentAndOutcome() {
        Submitted answer = submit("day-5", 1, spec("endless"));

        assertThat(answer.attempt().state()).isEqualTo(AttemptState.SUBMITTED);
        assertThat(answer.attempt().number()).isEqualTo(1);
        assertThat(answer.attempt().owner()).isEqualTo(request("day-5", 1));
        assertThat(answer.operation().state()).isEqualTo(OperationState.COMPLETED);
        assertThat(events()).containsExactlyInAnyOrder(Event.ATTEMPT_INTENDED, Event.ATTEMPT_SUBMITTED);
    }

    @Test
    void submit_sameRequestAndTryWithAnotherPayload_isAConflict() {
        submit("day-5", 1, spec("endless"));

        assertRefused(ErrorCode.REQUEST_CONFLICT, () -> submit("day-5", 1, spec("bounded")));
    }

    @Test
    void submit_lowerTry_isStale() {
        submit("day-5", 2, spec("endless"));

        assertRefused(ErrorCode.STALE_TRY, () -> submit("day-5", 1, spec("endless")));
    }

    @Test
    void submit_higherTryWhileTheJobLives_adoptsIt() {
        Submitted first = submit("day-5", 1, spec("endless"));

        Submitted second = submit("day-5", 2, spec("endless"));

        assertThat(second.outcome()).isEqualTo(Outcome.ADOPTED);
        assertThat(second.attempt().id()).isEqualTo(first.attempt().id());
        assertThat(second.attempt().owner()).isEqualTo(request("day-5", 2));
        assertThat(cluster.effects()).containsOnlyOnce("runJob");
    }

    @Test
    void submit_higherTryWhileAnEarlierPrepares_makesTheAttemptItsOwn() {
        jars.beforeNextFetch(
                () -> assertThat(submit("day-5", 2, spec("endless")).outcome()).isEqualTo(Outcome.IN_PROGRESS));

        Submitted first = submit("day-5", 1, spec("endless"));

        assertThat(first.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(first.attempt().owner()).isEqualTo(request("day-5", 2));
        assertRefused(ErrorCode.STALE_TRY, () -> submit("day-5", 1, spec("endless")));
        stopJob.stop(request("kill", 1), named(), request("day-5", 2), Mode.CANCEL, soon());
        assertThat(observeJob
                        .observe(job(first.attempt().id()), soon())
                        .attempt()
                        .state())
                .isEqualTo(AttemptState.CANCELED);
    }

    @Test
    void submit_higherTryAfterTheJobFinished_answersWhatWasStored() {
        submit("day-5", 1, run("bounded", OnUnknown.REFUSE));

        assertThat(submit("day-5", 2, run("bounded", OnUnknown.REFUSE)).outcome())
                .isEqualTo(Outcome.REPLAYED);
        assertThat(cluster.effects()).containsOnlyOnce("runJob");
    }

    @Test
    void submit_higherTryAfterTheJobFailed_isANewAttempt() {
        FlinkJobId first =
                submit("day-5", 1, run("failing", OnUnknown.REFUSE)).attempt().id();

        Submitted second = submit("day-5", 3, run("failing", OnUnknown.REFUSE));

        assertThat(second.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(second.attempt().number()).isEqualTo(2);
        assertThat(second.attempt().id()).isNotEqualTo(first);
    }

    @Test
    void submit_sameTryAfterTheJobFailed_answersThatItFailed() {
        submit("day-5", 1, run("failing", OnUnknown.REFUSE));

        Submitted again = submit("day-5", 1, run("failing", OnUnknown.REFUSE));

        assertThat(again.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(again.attempt().state()).isEqualTo(AttemptState.FAILED);
    }

    @Test
    void submit_higherTryWithAnotherPayloadWhileTheJobLives_isAConflict() {
        submit("day-5", 1, run("endless", OnUnknown.REFUSE));

        assertRefused(ErrorCode.REQUEST_CONFLICT, () -> submit("day-5", 2, run("bounded", OnUnknown.REFUSE)));
    }

    @Test
    void submit_higherTryWithAnotherPayloadAfterTheJobEnded_isANewAttempt() {
        submit("day-5", 1, run("failing", OnUnknown.REFUSE));

        assertThat(submit("day-5", 2, run("bounded", OnUnknown.REFUSE)).outcome())
                .isEqualTo(Outcome.STARTED);
    }

    @Test
    void submit_anotherRequestForTheSameSpec_adoptsTheLivingStream() {
        Submitted first = submit("monday", 1, spec("endless"));

        Submitted second = submit("tuesday", 1, spec("endless"));
        Submitted again = submit("tuesday", 1, spec("endless"));

        assertThat(second.outcome()).isEqualTo(Outcome.ADOPTED);
        assertThat(second.attempt().id()).isEqualTo(first.attempt().id());
        assertThat(again.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(cluster.effects()).containsOnlyOnce("runJob");
    }

    @Test
    void submit_anotherRequestForAnotherSpec_isRefusedForGood() {
        submit("monday", 1, spec("endless"));
        assertRefused(ErrorCode.JOB_ALREADY_RUNNING, () -> submit("tuesday", 1, spec("stumbling")));
        stopJob.stop(request("end", 1), named(), null, Mode.CANCEL, soon());

        assertRefused(ErrorCode.JOB_ALREADY_RUNNING, () -> submit("tuesday", 1, spec("stumbling")));
        assertThat(submit("tuesday", 2, spec("stumbling")).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void submit_anotherRequestAfterTheStreamEnded_startsIt() {
        FlinkJobId first = submitEndless();
        cluster.setState(first, JobState.FAILED);

        Submitted second = submit("tuesday", 1, spec("endless"));

        assertThat(second.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(attempt(first).state()).isEqualTo(AttemptState.FAILED);
    }

    @Test
    void submit_twoRunsOfOneName_bothLive() {
        Submitted one = submit("day-5", 1, run("endless", OnUnknown.REFUSE));
        Submitted other = submit("day-6", 1, run("endless", OnUnknown.REFUSE));

        assertThat(one.attempt().id()).isNotEqualTo(other.attempt().id());
        assertThat(other.outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void submit_asAnotherKind_isRefused() {
        submit("day-5", 1, run("bounded", OnUnknown.REFUSE));

        assertRefused(ErrorCode.JOB_KIND_MISMATCH, () -> submit("stream", 1, spec("endless")));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 10, 100})
    void submit_manyCopiesAtOnce_runsOneJob(int copies) throws Exception {
        List<Callable<Submitted>> calls = new ArrayList<>();
        for (int i = 0; i < copies; i++) {
            calls.add(() -> submit("day-5", 1, spec("endless")));
        }
        List<Submitted> answers = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(16)) {
            for (Future<Submitted> answer : threads.invokeAll(calls)) {
                answers.add(answer.get());
            }
        }

        assertThat(answers)
                .extracting(answer -> answer.attempt().id())
                .containsOnly(answers.getFirst().attempt().id());
        assertThat(answers)
                .filteredOn(answer -> answer.outcome() == Outcome.STARTED)
                .hasSize(1);
        assertThat(cluster.effects()).containsOnlyOnce("runJob");
    }

    @Test
    void submit_twoRequestsWithOtherSpecsAtOnce_oneWins() {
        ledger.beforeNextCommit(() -> submit("other", 1, spec("stumbling")));

        assertRefused(ErrorCode.JOB_ALREADY_RUNNING, () -> submit("mine", 1, spec("endless")));
        assertThat(cluster.effects()).containsOnlyOnce("runJob");
    }

    @Test
    void submit_whileAnotherRequestPrepares_isBusyUntilThatIsOver() {
        jars.beforeNextFetch(() -> {
            assertRefused(ErrorCode.JOB_BUSY, () -> submit("other", 1, spec("stumbling")));
            assertThat(submit("mine", 1, spec("endless")).outcome()).isEqualTo(Outcome.IN_PROGRESS);
            assertThat(submit("mine", 2, spec("endless")).outcome()).isEqualTo(Outcome.IN_PROGRESS);
        });

        assertThat(submit("mine", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
        assertThat(cluster.effects()).containsOnlyOnce("runJob");
    }

    @Test
    void submit_intentWrittenAndItsAnswerLost_isGoneOnWithByARepeatedCall() {
        ledger.failNextCommit(FakeJobLedger.Fault.ANSWER_LOST);
        assertRefused(ErrorCode.LEDGER_UNAVAILABLE, () -> submit("day-5", 1, spec("endless")));
        assertThat(submit("day-5", 1, spec("endless")).outcome()).isEqualTo(Outcome.IN_PROGRESS);

        clock.move(LIMITS.prepareWithin());

        assertThat(submit("day-5", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
        assertThat(events()).contains(Event.ATTEMPT_RESUMED);
    }

    @Test
    void submit_intentNotWritten_leavesNothing() {
        ledger.failNextCommit(FakeJobLedger.Fault.CALL_LOST);

        assertRefused(ErrorCode.LEDGER_UNAVAILABLE, () -> submit("day-5", 1, spec("endless")));

        assertThat(ledger.attempts()).isEmpty();
        assertThat(cluster.effects()).isEmpty();
    }

    @Test
    void submit_outcomeNotRecorded_isStartedAllTheSameAndSettledByTheNextCall() {
        cluster.beforeNextRun(() -> ledger.failNextCommit(FakeJobLedger.Fault.CALL_LOST));

        Submitted answer = submit("day-5", 1, spec("endless"));

        assertThat(answer.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(attempt(answer.attempt().id()).state()).isEqualTo(AttemptState.POSTING);
        assertThat(submit("day-5", 1, spec("endless")).attempt().state()).isEqualTo(AttemptState.SUBMITTED);
    }

    @Test
    void submit_posterPausedAcrossItsFence_runsNothingWhenItWakes() {
        cluster.beforeNextRun(() -> {
            clock.move(LIMITS.postWithin().plus(LIMITS.settleAfter()));
            assertThat(submit("day-5", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
        });

        Submitted late = submitJob.submit(request("day-5", 1), spec("endless"), false, patiently());

        assertThat(late.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(cluster.effects()).containsOnlyOnce("runJob");
    }

    @Test
    void submit_posterPausedWhilePreparing_leavesTheFieldToWhoeverWentOn() {
        jars.beforeNextFetch(() -> {
            clock.move(LIMITS.prepareWithin());
            assertThat(submit("day-5", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
        });

        assertThat(submit("day-5", 1, spec("endless")).outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(cluster.effects()).containsOnlyOnce("runJob");
    }

    @Test
    void submit_callLostAndJobManagerReplaced_isUnknownUntilARerun() {
        unsettled("day-5");
        cluster.forgetEverything();
        clock.move(LIMITS.postWithin().plus(LIMITS.settleAfter()));

        assertRefused(ErrorCode.JOB_OUTCOME_UNKNOWN, () -> submit("day-5", 1, spec("endless")));
        assertRefused(ErrorCode.JOB_OUTCOME_UNKNOWN, () -> submit("day-5", 2, spec("endless")));
        Submitted rerun = submitJob.submit(request("day-5", 2), spec("endless"), true, soon());

        assertThat(rerun.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(rerun.attempt().number()).isEqualTo(2);
        assertThat(submitJob
                        .submit(request("day-5", 2), spec("endless"), true, soon())
                        .outcome())
                .isEqualTo(Outcome.REPLAYED);
    }

    @Test
    void submit_unknownAndTheSpecSaysRerun_runsAgain() {
        JobSpec spec = run("endless", OnUnknown.RERUN);
        submit("day-5", 1, spec);
        cluster.forgetEverything();

        assertThat(submit("day-5", 1, spec).attempt().number()).isEqualTo(2);
    }

    @Test
    void submit_interruptedBeforeThePostAndJobManagerReplaced_isGoneOnWithAllTheSame() {
        ledger.failNextCommit(FakeJobLedger.Fault.ANSWER_LOST);
        assertRefused(ErrorCode.LEDGER_UNAVAILABLE, () -> submit("day-5", 1, spec("endless")));
        cluster.forgetEverything();
        clock.move(LIMITS.prepareWithin());

        assertThat(submit("day-5", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void submit_interruptedAndNeverRepeated_isGivenUp() {
        ledger.failNextCommit(FakeJobLedger.Fault.ANSWER_LOST);
        assertRefused(ErrorCode.LEDGER_UNAVAILABLE, () -> submit("day-5", 1, spec("endless")));
        Attempt attempt = ledger.attempts().getFirst();
        clock.move(LIMITS.giveUpAfter());

        assertThat(operation(attempt.submission()).state()).isEqualTo(OperationState.FAILED);
        assertThat(attempt(attempt.id()).state()).isEqualTo(AttemptState.REFUSED);
        assertRefused(ErrorCode.SUBMISSION_ABANDONED, () -> submit("day-5", 1, spec("endless")));
        assertThat(submit("day-5", 2, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void submit_slotHeldByAnInterruptedRequest_isTakenOver() {
        unsettled("monday");
        clock.move(LIMITS.postWithin().plus(LIMITS.settleAfter()));
        assertRefused(ErrorCode.JOB_BUSY, () -> submit("tuesday", 1, spec("endless")));
        clock.move(LIMITS.giveUpAfter());

        assertThat(submit("tuesday", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
        assertRefused(ErrorCode.JOB_OUTCOME_UNKNOWN, () -> submit("monday", 1, spec("endless")));
    }

    @Test
    void submit_slotTakenByAnotherAsSoonAsItIsFree_isTheOthers() {
        ledger.failNextCommit(FakeJobLedger.Fault.ANSWER_LOST);
        assertRefused(ErrorCode.LEDGER_UNAVAILABLE, () -> submit("dead", 1, spec("endless")));
        clock.move(LIMITS.giveUpAfter());
        ledger.afterNextCommit(() -> submit("quick", 1, spec("endless")));

        assertThat(submit("slow", 1, spec("endless")).outcome()).isEqualTo(Outcome.ADOPTED);
        assertThat(cluster.effects()).containsOnlyOnce("runJob");
    }

    @Test
    void submit_postedBeforeAndTheClusterUnreachableNow_staysPosted() {
        FlinkJobId id = unsettled("day-5");
        clock.move(LIMITS.postWithin().plus(LIMITS.settleAfter()));
        cluster.refuseNextRun(ErrorCode.CLUSTER_UNREACHABLE);
        assertRefused(ErrorCode.CLUSTER_UNREACHABLE, () -> submit("day-5", 1, spec("endless")));

        assertThat(attempt(id).state()).isEqualTo(AttemptState.POSTING);
        assertThat(submit("day-5", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void submit_postedBeforeAndTheJarGoneNow_isUnknownRatherThanRefused() {
        FlinkJobId id = unsettled("day-5");
        clock.move(LIMITS.postWithin().plus(LIMITS.settleAfter()));
        jars.remove(JAR_URI);
        assertRefused(ErrorCode.JAR_NOT_FOUND, () -> submit("day-5", 1, spec("endless")));

        assertThat(attempt(id).state()).isEqualTo(AttemptState.UNKNOWN);
    }

    @Test
    void submit_refusedByAJobManagerThatIsReplacedThen_isUnknown() {
        cluster.beforeNextRun(() -> {
            cluster.forgetEverything();
            throw new RefusedException(ErrorCode.PROGRAM_FAILED, "The program failed, perhaps behind its job.");
        });
        assertRefused(ErrorCode.PROGRAM_FAILED, () -> submit("day-5", 1, spec("endless")));

        assertRefused(ErrorCode.JOB_OUTCOME_UNKNOWN, () -> submit("day-5", 1, spec("endless")));
    }

    @Test
    void submit_refusedWhenAnotherCallHasGoneOnWithIt_isTheOthersToTell() {
        cluster.beforeNextRun(() -> {
            clock.move(LIMITS.postWithin().plus(LIMITS.settleAfter()));
            cluster.beforeNextRun(() -> cluster.failNextEffect(Fault.CALL_LOST));
            assertRefused(ErrorCode.SUBMISSION_UNSETTLED, () -> submit("day-5", 1, spec("endless")));
            throw new RefusedException(ErrorCode.PROGRAM_FAILED, "It was refused late.");
        });

        Submitted late = submitJob.submit(request("day-5", 1), spec("endless"), false, patiently());

        assertThat(late.outcome()).isEqualTo(Outcome.IN_PROGRESS);
        assertThat(late.attempt().state()).isEqualTo(AttemptState.POSTING);
    }

    @Test
    void submit_refusedByTheCluster_isRefusedAgainWithoutAskingIt() {
        assertRefused(ErrorCode.PROGRAM_FAILED, () -> submit("day-5", 1, spec("refusing")));
        int fetches = jars.fetches();

        assertRefused(ErrorCode.PROGRAM_FAILED, () -> submit("day-5", 1, spec("refusing")));
        assertThat(jars.fetches()).isEqualTo(fetches);
        assertThat(submit("other", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
    }

    @ParameterizedTest
    @EnumSource(
            value = ErrorCode.class,
            names = {"CLUSTER_UNREACHABLE", "CLUSTER_TIMEOUT", "CLUSTER_ANSWER_INVALID", "SUBMISSION_UNSETTLED"})
    void submit_clusterCouldNotBeAsked_canBeRepeatedAtOnce(ErrorCode code) {
        cluster.refuseNextRun(code);
        assertRefused(code, () -> submit("day-5", 1, spec("endless")));

        assertThat(submit("day-5", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void submit_noTimeIsLeftToPost_postsNothingAndCanBeRepeatedAtOnce() {
        Deadline hasty = Deadline.in(SubmitJob.SETTLING_RESERVE.plusMillis(500), clock);

        assertRefused(
                ErrorCode.CLUSTER_TIMEOUT, () -> submitJob.submit(request("day-5", 1), spec("endless"), false, hasty));

        assertThat(cluster.effects()).doesNotContain("runJob");
        assertThat(submit("day-5", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void submit_duplicateThatTheClusterForgot_isUnknown() {
        unsettledButRun("day-5");
        cluster.forgetEndedJobs();
        clock.move(LIMITS.postWithin().plus(LIMITS.settleAfter()));

        assertRefused(ErrorCode.SUBMISSION_UNSETTLED, () -> submit("day-5", 1, run("bounded", OnUnknown.REFUSE)));
        clock.move(LIMITS.giveUpAfter());
        assertRefused(ErrorCode.JOB_OUTCOME_UNKNOWN, () -> submit("day-5", 1, run("bounded", OnUnknown.REFUSE)));
        assertThat(cluster.effects()).containsOnlyOnce("runJob");
    }

    @Test
    void submit_unknownAttemptSeenAliveAfterAnotherTookItsPlace_isCancelled() {
        FlinkJobId first = unsettled("monday");
        clock.move(LIMITS.postWithin().plus(LIMITS.giveUpAfter()));
        submit("tuesday", 1, spec("endless"));
        cluster.putJob(first, JobState.RUNNING);

        observeJob.observe(job(first), soon());

        assertThat(cluster.effects()).contains("cancel");
        assertThat(events()).contains(Event.ATTEMPT_SURPLUS);
        assertThat(observeJob.observe(named(), soon()).attempt().owner()).isEqualTo(request("tuesday", 1));
    }

    @Test
    void submit_unknownAttemptSeenAliveInAFreeSlot_isTheJobAgain() {
        FlinkJobId id = submitEndless();
        cluster.forgetEverything();
        assertThat(observeJob.observe(job(id), soon()).attempt().state()).isEqualTo(AttemptState.UNKNOWN);
        cluster.putJob(id, JobState.RUNNING);

        assertThat(observeJob.observe(job(id), soon()).attempt().state()).isEqualTo(AttemptState.SUBMITTED);
        assertThat(submit("tuesday", 1, spec("endless")).outcome()).isEqualTo(Outcome.ADOPTED);
    }

    @Test
    void stop_beforeTheJobIsPosted_endsItBeforeItsStart() {
        jars.beforeNextFetch(() -> {
            Triggered stopped =
                    (Triggered) stopJob.stop(request("kill", 1), named(), request("day-5", 1), Mode.CANCEL, soon());
            assertThat(stopped.operation().state()).isEqualTo(OperationState.COMPLETED);
        });

        Submitted answer = submit("day-5", 1, spec("endless"));

        assertThat(answer.attempt().state()).isEqualTo(AttemptState.CANCELED);
        assertThat(answer.operation().state()).isEqualTo(OperationState.FAILED);
        assertThat(cluster.effects()).doesNotContain("runJob");
    }

    @Test
    void stop_whileTheJobIsPosted_isFinishedByWhoeverSeesTheJob() {
        cluster.beforeNextRun(() -> {
            Triggered stop =
                    (Triggered) stopJob.stop(request("kill", 1), named(), request("day-5", 1), Mode.CANCEL, soon());
            assertThat(stop.operation().state()).isEqualTo(OperationState.PENDING);
        });

        FlinkJobId id = submit("day-5", 1, spec("endless")).attempt().id();

        assertThat(cluster.findJob(JobRef.unnamed(id), soon()).orElseThrow().state())
                .isEqualTo(JobState.CANCELED);
    }

    @Test
    void stop_beforeTheRequestIsHeardOf_refusesItWhenItComes() {
        Answer first = stopJob.stop(request("kill", 1), named(), request("day-5", 1), Mode.CANCEL, soon());
        Answer again = stopJob.stop(request("kill", 1), named(), request("day-5", 1), Mode.CANCEL, soon());

        assertThat(first).isEqualTo(new RequestCancelled(Outcome.STARTED));
        assertThat(again).isEqualTo(new RequestCancelled(Outcome.REPLAYED));
        assertRefused(ErrorCode.REQUEST_CANCELLED, () -> submit("day-5", 1, spec("endless")));
        assertThat(submit("day-5", 2, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void stop_beforeAHigherTryIsHeardOf_leavesTheLowerTrysJobToTheNext() {
        JobSpec spec = run("endless", OnUnknown.REFUSE);
        FlinkJobId id = submit("day-5", 1, spec).attempt().id();
        Answer first = stopJob.stop(request("kill", 1), named(), request("day-5", 2), Mode.CANCEL, soon());
        Answer again = stopJob.stop(request("kill", 1), named(), request("day-5", 2), Mode.CANCEL, soon());

        assertThat(first).isEqualTo(new RequestCancelled(Outcome.STARTED));
        assertThat(again).isEqualTo(new RequestCancelled(Outcome.REPLAYED));
        assertRefused(ErrorCode.REQUEST_CANCELLED, () -> submit("day-5", 2, spec));
        assertRefused(ErrorCode.REQUEST_CANCELLED, () -> submit("day-5", 2, run("bounded", OnUnknown.REFUSE)));
        assertRefused(ErrorCode.REQUEST_CONFLICT, () -> submit("day-5", 3, run("bounded", OnUnknown.REFUSE)));
        assertThat(submit("day-5", 3, spec).attempt().id()).isEqualTo(id);
        assertThat(cluster.effects()).containsOnlyOnce("runJob");
    }

    @Test
    void stop_onBehalfOfTheTryBeforeACancelledOne_stops() {
        FlinkJobId id = submit("day-5", 1, spec("endless")).attempt().id();
        stopJob.stop(request("kill", 1), named(), request("day-5", 2), Mode.CANCEL, soon());

        stopJob.stop(request("kill-too", 1), named(), request("day-5", 1), Mode.CANCEL, soon());

        assertThat(observeJob.observe(job(id), soon()).attempt().state()).isEqualTo(AttemptState.CANCELED);
    }

    @Test
    void stop_onBehalfOfAnOldTry_isStale() {
        FlinkJobId id = submit("day-5", 1, spec("endless")).attempt().id();
        submit("day-5", 2, spec("endless"));

        assertRefused(
                ErrorCode.STALE_OWNER,
                () -> stopJob.stop(request("kill", 1), job(id), request("day-5", 1), Mode.CANCEL, soon()));
        assertThat(cluster.effects()).doesNotContain("cancel");
    }

    @Test
    void stop_onBehalfOfTheOwner_stops() {
        FlinkJobId id = submit("day-5", 1, spec("endless")).attempt().id();

        stopJob.stop(request("kill", 1), named(), request("day-5", 1), Mode.CANCEL, soon());

        assertThat(observeJob.observe(job(id), soon()).attempt().state()).isEqualTo(AttemptState.CANCELED);
    }

    @Test
    void submit_sameRequestHoweverLate_goesOnRatherThanToGiveUp() {
        unsettled("day-5");
        clock.move(Duration.ofHours(2));

        assertThat(submit("day-5", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void submit_whileTheJobIsBeingStopped_isBusyAndNotAdopted() {
        FlinkJobId id = submitEndless();
        stopJob.stop(request("stop", 1), job(id), null, Mode.SAVEPOINT, soon());
        cluster.setState(id, JobState.RUNNING);

        assertRefused(ErrorCode.JOB_BUSY, () -> submit("tuesday", 1, spec("endless")));
        assertRefused(ErrorCode.JOB_BUSY, () -> submit("tuesday", 1, spec("stumbling")));
        cluster.setState(id, JobState.FINISHED);
        assertThat(submit("tuesday", 1, spec("endless")).outcome()).isEqualTo(Outcome.STARTED);
    }

    @Test
    void submit_stoppedWhileItWasInterrupted_isNotRunAgain() {
        FlinkJobId id = unsettled("day-5");
        stopJob.stop(request("kill", 1), job(id), null, Mode.CANCEL, soon());
        clock.move(LIMITS.postWithin().plus(LIMITS.settleAfter()));

        assertThat(submit("day-5", 1, spec("endless")).attempt().state()).isEqualTo(AttemptState.CANCELED);
        assertThat(cluster.effects()).doesNotContain("runJob");
    }

    @Test
    void observe_jobWithAStopThatCameBeforeIt_finishesTheStop() {
        cluster.beforeNextRun(() -> {
            stopJob.stop(request("kill", 1), named(), request("day-5", 1), Mode.CANCEL, soon());
            cluster.failNextEffect(Fault.ANSWER_LOST);
            cluster.failLookupAfter(0);
        });
        assertRefused(ErrorCode.SUBMISSION_UNSETTLED, () -> submit("day-5", 1, spec("endless")));

        observeJob.observe(named(), soon());

        assertThat(cluster.effects()).contains("cancel");
    }

    @Test
    void cancel_jobOfUnknownFate_cancelsItShouldItBeSeenAfterAll() {
        FlinkJobId id = submitEndless();
        cluster.forgetEverything();
        stopJob.stop(request("kill", 1), job(id), null, Mode.CANCEL, soon());
        cluster.putJob(id, JobState.RUNNING);

        observeJob.observe(job(id), soon());

        assertThat(cluster.findJob(JobRef.unnamed(id), soon()).orElseThrow().state())
                .isEqualTo(JobState.CANCELED);
    }

    @Test
    void stop_refusedForAnEndedJob_isRefusedAgainWhenAnotherRuns() {
        FlinkJobId first = submitEndless();
        cluster.setState(first, JobState.FAILED);
        assertRefused(
                ErrorCode.JOB_NOT_RUNNING,
                () -> stopJob.stop(request("stop", 1), named(), null, Mode.SAVEPOINT, soon()));
        assertRefused(ErrorCode.JOB_NOT_RUNNING, () -> takeSavepoint.take(request("save", 1), named(), false, soon()));
        submit("tuesday", 1, spec("endless"));

        assertRefused(
                ErrorCode.JOB_NOT_RUNNING,
                () -> stopJob.stop(request("stop", 1), named(), null, Mode.SAVEPOINT, soon()));
        assertRefused(ErrorCode.JOB_NOT_RUNNING, () -> takeSavepoint.take(request("save", 1), named(), false, soon()));
        assertThat(cluster.effects()).doesNotContain("stop", "triggerSavepoint");
    }

    @Test
    void stop_withSavepointBeforeTheJobIsPosted_isFailedForThereIsNone() {
        jars.beforeNextFetch(() -> assertThat(((Triggered)
                                stopJob.stop(request("kill", 1), named(), request("day-5", 1), Mode.SAVEPOINT, soon()))
                        .operation()
                        .state())
                .isEqualTo(OperationState.FAILED));

        assertThat(submit("day-5", 1, spec("endless")).attempt().state()).isEqualTo(AttemptState.CANCELED);
    }

    @Test
    void submit_attemptOfARunSeenAliveAfterItsRerun_isCancelled() {
        JobSpec spec = run("endless", OnUnknown.RERUN);
        FlinkJobId first = submit("day-5", 1, spec).attempt().id();
        cluster.forgetEverything();
        submit("day-5", 1, spec);
        cluster.putJob(first, JobState.RUNNING);

        observeJob.observe(job(first), soon());

        assertThat(cluster.findJob(JobRef.unnamed(first), soon()).orElseThrow().state())
                .isEqualTo(JobState.CANCELED);
    }

    private Deadline patiently() {
        return Deadline.in(Duration.ofMinutes(5), clock);
    }

    /** A request whose post was lost on its way. */
    private FlinkJobId unsettled(String request) {
        cluster.beforeNextRun(() -> cluster.failNextEffect(Fault.CALL_LOST));
        assertRefused(ErrorCode.SUBMISSION_UNSETTLED, () -> submit(request, 1, spec("endless")));
        return ledger.findRequest(new RequestKey(CLUSTER, NAME, "submit-job", new RequestId(request)), soon())
                .orElseThrow()
                .value()
                .attempt();
    }

    /** A request whose job ran, of which nobody heard. */
    private void unsettledButRun(String request) {
        cluster.beforeNextRun(() -> {
            cluster.failNextEffect(Fault.ANSWER_LOST);
            cluster.failLookupAfter(0);
        });
        assertRefused(ErrorCode.SUBMISSION_UNSETTLED, () -> submit(request, 1, run("bounded", OnUnknown.REFUSE)));
        clock.move(Duration.ofSeconds(1));
    }
}
