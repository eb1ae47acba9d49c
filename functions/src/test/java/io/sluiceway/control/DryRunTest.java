package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.cluster.FakeFlinkCluster.Run;
import io.sluiceway.cluster.FakeFlinkCluster.SavepointEnd;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Planned;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.Plan.Action;
import io.sluiceway.control.Plan.Start;
import io.sluiceway.control.Plan.Takeover;
import io.sluiceway.control.UpgradeJob.Terms;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.JobState;
import io.sluiceway.job.Policies;
import io.sluiceway.job.Request;
import io.sluiceway.job.RestartPolicy;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.operation.Upgrade.AfterCommit;
import io.sluiceway.operation.Upgrade.Mode;
import io.sluiceway.operation.Upgrade.Step;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.TestJobJar;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Each situation is planned, nothing has changed by that, and the call then does what the plan says. */
class DryRunTest extends VerbFixture {
    private static final Duration UNTIL_GONE_ON_WITH = Duration.ofSeconds(41);

    // submit-job

    @Test
    void submit_newJob_plansTheAttemptThatTheCallThenStarts() {
        Plan plan = planOfSubmit("a", 1, spec("endless", LATEST)).plan();

        assertThat(plan.action()).isEqualTo(Action.NEW_ATTEMPT);
        assertThat(plan.start()).isEqualTo(new Start(1, null, TestJobJar.digest(jarFile), true, 1));
        assertThat(plan.because())
                .isEqualTo("Request a is new, and job 'flight-delays' doesn't live; "
                        + "it starts without state, since the job has left none yet.");
        assertStartedAs(plan, submit("a", 1, spec("endless", LATEST)));
    }

    @Test
    void submit_behindAStopWithSavepoint_plansToGoOnFromThat() {
        FlinkJobId before = submitEndless();
        stopJob.stop(request("stop", 1), job(before), null, StopJob.Mode.SAVEPOINT, soon());

        Plan plan = planOfSubmit("b", 1, spec("endless", LATEST)).plan();

        assertThat(start(plan).restoresFrom()).isEqualTo(cluster.stopped().get(before));
        assertThat(start(plan).bringsJar()).isFalse();
        assertThat(plan.because()).contains("from the newest state that the job has left");
        assertStartedAs(plan, submit("b", 1, spec("endless", LATEST)));
    }

    @Test
    void submit_savepointThatIsNamed_plansToGoOnFromThat() {
        StoragePath named = FakeFlinkCluster.SAVEPOINTS.child("other").child("savepoint-1");
        store.put(named, clock.instant());
        JobSpec spec = spec("endless", new RestorePoint.Savepoint(named, false));

        Plan plan = planOfSubmit("a", 1, spec).plan();

        assertThat(start(plan).restoresFrom()).isEqualTo(named);
        assertStartedAs(plan, submit("a", 1, spec));
    }

    @Test
    void submit_higherTryOfAFailedAttempt_plansAnother() {
        submit("a", 1, spec("failing"));

        Plan plan = planOfSubmit("a", 2, spec("failing")).plan();

        assertThat(plan.action()).isEqualTo(Action.NEW_ATTEMPT);
        assertThat(start(plan).attempt()).isEqualTo(2);
        assertThat(plan.because()).contains("of try 1 of request a, is FAILED;");
        submit("a", 2, spec("failing"));
        assertThat(cluster.runs().getLast().launch().id()).isEqualTo(plan.job());
    }

    @Test
    void submit_attemptOfUnknownFateThatIsToRunAgain_plansAnother() {
        FlinkJobId lost = submitEndless();
        cluster.forgetEverything();
        Function<Ports, Answer> rerun =
                on -> new SubmitJob(on, jars()).submit(request("start", 1), spec("endless"), true, soon());

        Plan plan = plan(request("start", 1), rerun).plan();

        assertThat(plan.action()).isEqualTo(Action.NEW_ATTEMPT);
        assertThat(plan.because()).startsWith("Job %s, of try 1 of request start, is UNKNOWN".formatted(lost));
        assertStartedAs(plan, (Submitted) rerun.apply(ports));
    }

    @Test
    void submit_again_plansToReplay() {
        FlinkJobId id = submitEndless();

        Planned planned = planOfSubmit("start", 1, spec("endless"));

        assertThat(planned.plan().action()).isEqualTo(Action.REPLAY);
        assertThat(planned.plan().job()).isEqualTo(id);
        assertThat(planned.plan().start()).isNull();
        Submitted answer = submit("start", 1, spec("endless"));
        assertThat(answer.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(planned.job()).isEqualTo(answer);
        assertThat(planned.operation()).isEqualTo(answer.operation());
    }

    @Test
    void submit_jobThatHasEndedUnseen_plansWithoutRecordingTheEnd() {
        FlinkJobId id = submitEndless();
        cluster.fail(id);

        assertThat(planOfSubmit("start", 1, spec("endless")).plan().because()).contains("is FAILED");

        assertThat(attempt(id).endedAt()).isNull();
    }

    @Test
    void submit_anotherRequestForTheSame_plansToAdoptAndLeavesItsOwner() {
        FlinkJobId id = submitEndless();

        Plan plan = planOfSubmit("b", 1, spec("endless")).plan();

        assertThat(plan.action()).isEqualTo(Action.ADOPT);
        assertThat(plan.because())
                .isEqualTo("Job %s is what is asked for, and lives on behalf of try 1 of request start.".formatted(id));
        assertThat(attempt(id).owner()).isEqualTo(request("start", 1));
        assertThat(submit("b", 1, spec("endless")).outcome()).isEqualTo(Outcome.ADOPTED);
    }

    @Test
    void submit_interruptedAMomentAgo_plansToWait() {
        FlinkJobId id = interrupt("a");

        Planned planned = planOfSubmit("a", 1, spec("endless"));

        assertThat(planned.plan().action()).isEqualTo(Action.WAIT);
        assertThat(planned.plan().job()).isEqualTo(id);
        assertThat(submit("a", 1, spec("endless")).outcome()).isEqualTo(Outcome.IN_PROGRESS);
    }

    @Test
    void submit_interruptedLongAgo_plansToGoOnUnderTheSameId() {
        FlinkJobId id = interrupt("a");
        clock.move(UNTIL_GONE_ON_WITH);

        Plan plan = planOfSubmit("a", 1, spec("endless")).plan();

        assertThat(plan.action()).isEqualTo(Action.RESUME);
        assertThat(plan.job()).isEqualTo(id);
        assertThat(plan.because()).startsWith("Job %s is POSTING".formatted(id));
        assertStartedAs(plan, submit("a", 1, spec("endless")));
    }

    @Test
    void submit_overdueStop_isToldBesides() {
        FlinkJobId id = interrupt("a");
        stopJob.stop(request("stop", 1), job(id), null, StopJob.Mode.CANCEL, soon());
        cluster.putJob(id, JobState.RUNNING);

        Planned planned = planOfSubmit("a", 1, spec("endless"));

        assertThat(planned.plan().action()).isEqualTo(Action.REPLAY);
        assertThat(planned.plan().because())
                .endsWith(" Besides, what is overdue is asked for: the cancellation of job %s.".formatted(id));
        assertThat(submit("a", 1, spec("endless")).outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(cluster.effects()).contains("cancel");
    }

    @Test
    void submit_anotherSpecification_isRefusedAsTheCallIsAndNotRecorded() {
        submitEndless();

        assertRefusedWithoutEffect(ErrorCode.JOB_ALREADY_RUNNING, "b", spec("failing"));

        assertRefused(ErrorCode.JOB_ALREADY_RUNNING, () -> submit("b", 1, spec("failing")));
    }

    @Test
    void submit_jarThatIsGone_isRefusedAsTheCallIs() {
        jars.remove(JAR_URI);

        assertRefusedWithoutEffect(ErrorCode.JAR_NOT_FOUND, "a", spec("endless"));

        assertRefused(ErrorCode.JAR_NOT_FOUND, () -> submit("a", 1, spec("endless")));
    }

    @Test
    void submit_moreThanTheSlots_isRefusedAsTheCallIs() {
        assertRefusedWithoutEffect(
                ErrorCode.PARALLELISM_EXCEEDS_SLOTS, "a", spec("endless", JAR_URI, null, 4, new RestorePoint.None()));
    }

    @Test
    void submit_programArguments_areNotInThePlan() {
        JobSpec spec = new JobSpec(
                NAME,
                JobKind.STREAM,
                CLUSTER,
                new JarReference(JarUri.parse(JAR_URI), null, null),
                null,
                List.of("endless", "--password", "xyzzy-canary"),
                1,
                LATEST,
                OnUnknown.REFUSE);

        assertThat(planOfSubmit("a", 1, spec).toString()).doesNotContain("xyzzy");
        submit("a", 1, spec);
        assertThat(planOfSubmit("a", 1, spec).plan().toString()).doesNotContain("xyzzy");
        assertThat(planOfSubmit("b", 1, spec).plan().toString()).doesNotContain("xyzzy");
    }

    // take-savepoint

    @Test
    void take_jobThatRuns_plansTheSavepoint() {
        FlinkJobId id = submitEndless();

        Plan plan = planOfTake("save", 1).plan();

        assertThat(plan.action()).isEqualTo(Action.TAKE_SAVEPOINT);
        assertThat(plan.job()).isEqualTo(id);
        assertThat(plan.because()).isEqualTo("Request save is new, and job %s lives.".formatted(id));
        take("save", 1);
        assertThat(cluster.triggers().getLast().directory()).isEqualTo(plan.savepointDirectory());
    }

    @Test
    void take_again_plansToReplay() {
        submitEndless();
        Triggered first = take("save", 1);

        Planned planned = planOfTake("save", 1);

        assertThat(planned.plan().action()).isEqualTo(Action.REPLAY);
        assertThat(Objects.requireNonNull(planned.operation()).id())
                .isEqualTo(first.operation().id());
        assertThat(planned.plan().savepointDirectory()).isNull();
    }

    @Test
    void take_triggerThatGotLost_plansToReplayAndTellsOfTheTrigger() {
        FlinkJobId id = submitEndless();
        cluster.failNextEffect(FakeFlinkCluster.Fault.CALL_LOST);
        take("save", 1);

        Plan plan = planOfTake("save", 1).plan();

        assertThat(plan.action()).isEqualTo(Action.REPLAY);
        assertThat(plan.because())
                .endsWith(" Besides, what is overdue is asked for: a savepoint of job %s.".formatted(id));
        assertThat(take("save", 1).outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(cluster.triggers()).hasSize(1);
    }

    @Test
    void take_higherTryOfOneUnderWay_plansToAdopt() {
        submitEndless();
        cluster.beSlow();
        take("save", 1);

        assertThat(planOfTake("save", 2).plan().action()).isEqualTo(Action.ADOPT);

        assertThat(take("save", 2).outcome()).isEqualTo(Outcome.ADOPTED);
    }

    @Test
    void take_higherTryOfOneThatFailed_plansAnother() {
        submitEndless();
        cluster.beSlow();
        Operation failed = take("save", 1).operation();
        cluster.endSavepoints(SavepointEnd.FAIL);

        Plan plan = planOfTake("save", 2).plan();

        assertThat(plan.action()).isEqualTo(Action.TAKE_SAVEPOINT);
        assertThat(plan.because()).startsWith("Try 1 of request save came to nothing");
        assertThat(plan.savepointDirectory()).isNotEqualTo(failed.directory());
        take("save", 2);
        assertThat(cluster.triggers().getLast().directory()).isEqualTo(plan.savepointDirectory());
    }

    @Test
    void take_jobThatHasEnded_isRefusedAndNotRecorded() {
        cluster.fail(submitEndless());

        assertWithoutEffect(() -> assertRefused(ErrorCode.JOB_NOT_RUNNING, () -> planOfTake("save", 1)));
    }

    // stop-job

    @ParameterizedTest
    @EnumSource(StopJob.Mode.class)
    void stop_jobThatRuns_plansTheStop(StopJob.Mode mode) {
        FlinkJobId id = submitEndless();

        Plan plan = planOfStop("stop", 1, null, mode).plan();

        assertThat(plan.action())
                .isEqualTo(
                        switch (mode) {
                            case SAVEPOINT -> Action.STOP_WITH_SAVEPOINT;
                            case DRAIN -> Action.DRAIN;
                            case CANCEL -> Action.CANCEL;
                        });
        assertThat(plan.job()).isEqualTo(id);
        Operation stopped = ((Triggered) stop("stop", 1, null, mode)).operation();
        assertThat(stopped.directory()).isEqualTo(plan.savepointDirectory());
        assertThat(stopped.attempt()).isEqualTo(id);
    }

    @Test
    void stop_whileAnotherStopIsUnderWay_plansToAdoptIt() {
        submitEndless();
        cluster.beSlow();
        Triggered first = (Triggered) stop("stop", 1, null, StopJob.Mode.SAVEPOINT);

        Planned planned = planOfStop("other", 1, null, StopJob.Mode.SAVEPOINT);

        assertThat(planned.plan().action()).isEqualTo(Action.ADOPT);
        assertThat(Objects.requireNonNull(planned.operation()).id())
                .isEqualTo(first.operation().id());
        assertWithoutEffect(
                () -> assertRefused(ErrorCode.JOB_BUSY, () -> planOfStop("third", 1, null, StopJob.Mode.DRAIN)));
    }

    @Test
    void stop_again_plansToReplay() {
        submitEndless();
        stop("stop", 1, null, StopJob.Mode.SAVEPOINT);

        assertThat(planOfStop("stop", 1, null, StopJob.Mode.SAVEPOINT).plan().action())
                .isEqualTo(Action.REPLAY);
    }

    @Test
    void stop_jobThatHasEnded_plansNothingToCancel() {
        FlinkJobId id = submitEndless();
        cluster.setState(id, JobState.FINISHED);

        Plan plan = planOfStop("stop", 1, null, StopJob.Mode.CANCEL).plan();

        assertThat(plan.action()).isEqualTo(Action.UNCHANGED);
        assertThat(plan.because()).isEqualTo("Job %s is FINISHED already.".formatted(id));
        assertThat(((Triggered) stop("stop", 1, null, StopJob.Mode.CANCEL)).outcome())
                .isEqualTo(Outcome.REPLAYED);
    }

    @Test
    void stop_jobThatDoesNotShowYet_plansToRecordIt() {
        FlinkJobId id = interrupt("a");

        Plan plan = planOfStop("stop", 1, null, StopJob.Mode.SAVEPOINT).plan();

        assertThat(plan.action()).isEqualTo(Action.RECORD_STOP);
        assertThat(plan.job()).isEqualTo(id);
        assertThat(plan.because()).contains("is POSTING");
        assertThat(((Triggered) stop("stop", 1, null, StopJob.Mode.SAVEPOINT))
                        .operation()
                        .state())
                .isEqualTo(OperationState.PENDING);
    }

    @Test
    void stop_jobThatWasNotHandedOver_plansToRecordIt() {
        prepare("a");

        Plan plan = planOfStop("stop", 1, null, StopJob.Mode.CANCEL).plan();

        assertThat(plan.action()).isEqualTo(Action.RECORD_STOP);
        assertThat(plan.because()).contains("hasn't been handed to the cluster");
    }

    @Test
    void stop_jobThatWouldBeStartedAgain_plansToKeepItDown() {
        Policies restarted = new Policies(null, null, null, null, RestartPolicy.of(null, null, null, null));
        JobSpec spec = new JobSpec(
                NAME,
                JobKind.STREAM,
                CLUSTER,
                new JarReference(JarUri.parse(JAR_URI), null, null),
                null,
                List.of("endless"),
                1,
                LATEST,
                OnUnknown.REFUSE,
                restarted);
        FlinkJobId id = submit("start", 1, spec).attempt().id();
        cluster.fail(id);

        Plan plan = planOfStop("stop", 1, null, StopJob.Mode.CANCEL).plan();

        assertThat(plan.action()).isEqualTo(Action.RECORD_STOP);
        assertThat(plan.because()).isEqualTo("Job %s is FAILED, and isn't started again then.".formatted(id));
        assertThat(attempt(id).stop()).isNull();
    }

    @Test
    void stop_requestThatWasNotHeardOf_plansToRecordAndThenToReplay() {
        Request owner = request("task", 1);

        Plan plan = planOfStop("stop", 1, owner, StopJob.Mode.CANCEL).plan();

        assertThat(plan.action()).isEqualTo(Action.RECORD_STOP);
        assertThat(plan.job()).isNull();
        stop("stop", 1, owner, StopJob.Mode.CANCEL);
        assertThat(planOfStop("stop", 1, owner, StopJob.Mode.CANCEL).plan().action())
                .isEqualTo(Action.REPLAY);
    }

    // upgrade-job

    @ParameterizedTest
    @EnumSource(Mode.class)
    void upgrade_jobThatRuns_plansTheTakeoverThatTheCallThenMakes(Mode mode) {
        FlinkJobId old = submitEndless();
        StoragePath checkpoint = FakeFlinkCluster.CHECKPOINTS.child(old.value()).child("chk-7");
        store.put(checkpoint, clock.instant());

        Plan plan = planOfUpgrade("up", 1, version(), mode).plan();

        assertThat(plan.action()).isEqualTo(Action.UPGRADE);
        assertThat(start(plan).jar()).isEqualTo(TestJobJar.digest(jarFile));
        assertThat(start(plan).bringsJar()).isFalse();
        assertThat(start(plan).parallelism()).isEqualTo(2);
        StoragePath back = mode == Mode.SAVEPOINT ? plan.savepointDirectory() : checkpoint;
        assertThat(plan.takeover()).isEqualTo(new Takeover(mode, old, back));

        Upgrade made = Objects.requireNonNull(
                upgrade("up", 1, version(), mode).operation().upgrade());

        assertThat(made.step()).isEqualTo(Step.JUDGING);
        Run run = cluster.runs().getLast();
        assertThat(run.launch().id()).isEqualTo(made.next()).isEqualTo(plan.job());
        StoragePath from = run.launch().restoreFrom();
        switch (mode) {
            case SAVEPOINT -> {
                assertThat(start(plan).restoresFrom()).isNull();
                assertThat(Objects.requireNonNull(from).isWithin(Objects.requireNonNull(plan.savepointDirectory())))
                        .isTrue();
            }
            case LAST_STATE, STATELESS -> {
                assertThat(plan.savepointDirectory()).isNull();
                assertThat(from).isEqualTo(start(plan).restoresFrom());
            }
        }
    }

    @Test
    void upgrade_withoutStateWhereNoCheckpointsAreFound_plansTheSavepointToComeBackTo() {
        FakeFlinkCluster blind = new FakeFlinkCluster(CLUSTER, 3, clock, store) {
            @Override
            public synchronized Optional<StoragePath> checkpointDirectory(FlinkJobId job) {
                return Optional.empty();
            }
        };
        Ports on = new Ports(new Clusters(List.of(blind)), ledger, store, LIMITS);
        new SubmitJob(on, jars()).submit(request("start", 1), spec("endless"), false, soon());

        Plan plan = DryRun.of(
                        on,
                        request("up", 1),
                        soon(),
                        dry -> new UpgradeJob(dry, jars())
                                .upgrade(request("up", 1), version(), terms(Mode.STATELESS), soon()))
                .plan();

        assertThat(plan.savepointDirectory()).isNotNull();
        assertThat(Objects.requireNonNull(plan.takeover()).rollBackTo()).isEqualTo(plan.savepointDirectory());
        assertThat(start(plan).restoresFrom()).isNull();
        assertThat(plan.because()).endsWith("it is stopped with a savepoint, and the new one starts without state.");
    }

    @Test
    void upgrade_versionThatRunsAlready_plansNothing() {
        FlinkJobId id = submitEndless();

        Planned planned = planOfUpgrade("up", 1, spec("endless", LATEST), Mode.SAVEPOINT);

        assertThat(planned.plan().job()).isEqualTo(id);
        assertThat(planned.operation()).isNull();
        Triggered answer = upgrade("up", 1, spec("endless", LATEST), Mode.SAVEPOINT);
        assertThat(planned.plan().action().name())
                .isEqualTo(answer.outcome().name())
                .isEqualTo("UNCHANGED");
    }

    @Test
    void upgrade_againAsItComesToTheNewVersionsStart_plansToReplayAndStartsNothing() {
        submitEndless();
        cluster.beSlow();
        Operation asked = upgrade("up", 1, version(), Mode.SAVEPOINT).operation();
        cluster.endSavepoints(SavepointEnd.COMPLETE);

        Planned planned = planOfUpgrade("up", 1, version(), Mode.SAVEPOINT);

        assertThat(planned.plan().action()).isEqualTo(Action.REPLAY);
        assertThat(planned.plan().because()).contains("it goes on with the start of job");
        assertThat(Objects.requireNonNull(planned.operation()).id()).isEqualTo(asked.id());
        assertThat(upgrade("up", 1, version(), Mode.SAVEPOINT).outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(cluster.runs()).hasSize(2);
    }

    @Test
    void upgrade_higherTryOfOneUnderWay_plansToAdopt() {
        submitEndless();
        cluster.beSlow();
        upgrade("up", 1, version(), Mode.SAVEPOINT);

        assertThat(planOfUpgrade("up", 2, version(), Mode.SAVEPOINT).plan().action())
                .isEqualTo(Action.ADOPT);
    }

    @Test
    void upgrade_noCheckpointToGoOnFrom_isRefusedAsTheCallIs() {
        submitEndless();

        assertWithoutEffect(() -> assertRefused(
                ErrorCode.RESTORE_POINT_NOT_FOUND, () -> planOfUpgrade("up", 1, version(), Mode.LAST_STATE)));

        assertRefused(ErrorCode.RESTORE_POINT_NOT_FOUND, () -> upgrade("up", 1, version(), Mode.LAST_STATE));
    }

    /** Whoever calls at whatever step of an upgrade, well or not: the call does what its plan says. */
    @ParameterizedTest
    @CsvSource({
        "SAVEPOINT, endless",
        "SAVEPOINT, failing",
        "SAVEPOINT, refusing",
        "SAVEPOINT, stalled",
        "LAST_STATE, endless",
        "LAST_STATE, failing",
        "STATELESS, endless",
        "STATELESS, refusing"
    })
    void upgrade_atEachStep_doesWhatWasPlanned(Mode mode, String behaviour) {
        JobSpec version = spec(behaviour, JAR_URI, null, 2, LATEST);
        FlinkJobId old = submitEndless();
        store.put(FakeFlinkCluster.CHECKPOINTS.child(old.value()).child("chk-7"), clock.instant());
        cluster.beSlow();
        Set<String> agreed = new TreeSet<>();

        for (int step = 0; step < 10; step++) {
            for (Request caller : List.of(request("up", 1), request("other", 1), request("up", 2))) {
                agreed.add(agreement(
                        caller, on -> new UpgradeJob(on, jars()).upgrade(caller, version, terms(mode), soon())));
            }
            Request stop = request("stop-" + step, 1);
            agreed.add(agreement(stop, on -> new StopJob(on).stop(stop, job(old), null, StopJob.Mode.CANCEL, soon())));
            cluster.endSavepoints(SavepointEnd.COMPLETE);
            clock.move(Duration.ofMinutes(4));
        }

        assertThat(agreed).contains("UPGRADE", "REPLAY", "ADOPT", "JOB_BUSY");
        assertThat(cluster.effects()).contains(mode == Mode.SAVEPOINT ? "stop" : "cancel");
    }

    /** Plans a call and makes it; gives what both came to. */
    private String agreement(Request request, Function<Ports, Answer> verb) {
        String planned;
        try {
            planned = plan(request, verb).plan().action().name();
        } catch (RefusedException refused) {
            planned = refused.code().name();
        }
        String made;
        try {
            made = ((Triggered) verb.apply(ports)).outcome().name();
        } catch (RefusedException refused) {
            made = refused.code().name();
        }
        String expected = switch (planned) {
            case "REPLAY" -> "REPLAYED";
            case "ADOPT" -> "ADOPTED";
            case "UPGRADE", "CANCEL", "RECORD_STOP" -> "STARTED";
            case "UNCHANGED" -> made.equals("UNCHANGED") ? made : "REPLAYED";
            default -> planned;
        };
        assertThat(made).as("planned as " + planned).isEqualTo(expected);
        return planned;
    }

    // rescale-job

    @Test
    void rescale_jobThatCanBeChangedWhileItLives_plansThatAndAsksForNothing() {
        FlinkJobId job = submit("a", 1, spec("endless", JAR_URI, null, 2, LATEST))
                .attempt()
                .id();

        Plan plan = planOfRescale("wide", 3).plan();

        assertThat(plan.action()).isEqualTo(Action.RESCALE_IN_PLACE);
        assertThat(plan.job()).isEqualTo(job);
        assertThat(plan.rescaledTo()).isEqualTo(3);
        assertThat(plan.because()).contains("a parallelism of 2");
        Operation made = rescale(ports, "wide", 3).operation();
        assertThat(Objects.requireNonNull(made.rescale()).inPlace()).isTrue();
        assertThat(cluster.findParallelism(attempt(job).ref(), soon()))
                .hasValueSatisfying(now -> assertThat(now.asked()).isEqualTo(3));
    }

    @Test
    void rescale_jobThatCannotBeChangedWhileItLives_plansTheRestartThatTheCallThenMakes() {
        FlinkJobId job = submitEndless();

        Plan plan = planOfRescale("wide", 3).plan();

        assertThat(plan.action()).isEqualTo(Action.RESCALE_BY_RESTART);
        assertThat(plan.rescaledTo()).isEqualTo(3);
        assertThat(Objects.requireNonNull(plan.takeover()).replaces()).isEqualTo(job);
        Operation made = rescale(ports, "wide", 3).operation();
        assertThat(Objects.requireNonNull(made.upgrade()).next()).isEqualTo(plan.job());
        assertThat(Objects.requireNonNull(made.savepoint()).isWithin(plan.savepointDirectory()))
                .isTrue();
        Run run = cluster.runs().getLast();
        assertThat(run.launch().spec().parallelism()).isEqualTo(start(plan).parallelism());
        assertThat(run.launch().jar()).isEqualTo(start(plan).jar());
    }

    @Test
    void rescale_jobThatRunsSoAlready_plansNothing() {
        submit("a", 1, spec("endless", JAR_URI, null, 2, LATEST));

        Plan plan = planOfRescale("wide", 2).plan();

        assertThat(plan.action()).isEqualTo(Action.UNCHANGED);
        assertThat(rescale(ports, "wide", 2).outcome()).isEqualTo(Outcome.UNCHANGED);
    }

    @Test
    void rescale_again_plansToReplayAndAsksForNothing() {
        submit("a", 1, spec("endless", JAR_URI, null, 2, LATEST));
        Operation made = rescale(ports, "wide", 3).operation();

        Planned planned = planOfRescale("wide", 3);

        assertThat(planned.plan().action()).isEqualTo(Action.REPLAY);
        assertThat(Objects.requireNonNull(planned.operation()).id()).isEqualTo(made.id());
    }

    @Test
    void rescale_requestWhoseCallWasKilledBehindItsIntent_plansToReplayAndStillAsksForNothing() {
        submit("a", 1, spec("endless", JAR_URI, null, 2, LATEST));
        ledger.afterNextCommit(DIES);
        assertThatExceptionOfType(KilledException.class).isThrownBy(() -> rescale(ports, "wide", 3));

        Planned planned = planOfRescale("wide", 3);

        assertThat(planned.plan().action()).isEqualTo(Action.REPLAY);
        assertThat(planned.plan().because()).contains("it goes on with a parallelism of 3");
    }

    @Test
    void rescale_moreThanThereAreSlots_isRefusedAsTheCallIs() {
        submit("a", 1, spec("endless", JAR_URI, null, 2, LATEST));

        assertWithoutEffect(
                () -> assertRefused(ErrorCode.PARALLELISM_EXCEEDS_SLOTS, () -> planOfRescale("wide", 1_000)));
    }

    private Planned planOfRescale(String request, int parallelism) {
        return plan(request(request, 1), on -> rescale(on, request, parallelism));
    }

    private Triggered rescale(Ports on, String request, int parallelism) {
        return new RescaleJob(on, jars())
                .rescale(
                        request(request, 1),
                        CLUSTER,
                        spec("endless").name(),
                        null,
                        new RescaleJob.Terms(parallelism, AfterCommit.REFUSE, UpgradeJob.DEFAULT_JUDGEMENT),
                        soon());
    }

    // The decorators

    /** What isn't, a method that is added to the port, would reach the cluster or answer for another one. */
    @Test
    void cluster_everyMethodOfThePort_isItsOwn() {
        assertThat(Arrays.stream(FlinkCluster.class.getMethods())
                        .filter(method -> !Modifier.isStatic(method.getModifiers()))
                        .filter(method -> !declares(DryRunCluster.class, method)))
                .isEmpty();
    }

    private static boolean declares(Class<?> type, Method method) {
        return Arrays.stream(type.getDeclaredMethods())
                .anyMatch(own -> own.getName().equals(method.getName())
                        && Arrays.equals(own.getParameterTypes(), method.getParameterTypes()));
    }

    @Test
    void of_whatIsNoChange_isNoPlan() {
        FlinkJobId id = submitEndless();

        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() ->
                        DryRun.of(ports, request("a", 1), soon(), on -> new ObserveJob(on).observe(job(id), soon())));
    }

    private Planned plan(Request request, Function<Ports, Answer> verb) {
        List<Object> before = world();
        Planned planned = DryRun.of(ports, request, soon(), verb);
        assertThat(world()).isEqualTo(before);
        return planned;
    }

    /** Everything that a call could have changed. */
    private List<Object> world() {
        return List.of(ledger.state(), cluster.state(), store.states(), bus.arrived(), bus.calls());
    }

    private void assertWithoutEffect(ThrowingCallable call) {
        List<Object> before = world();
        try {
            call.call();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        assertThat(world()).isEqualTo(before);
    }

    private void assertRefusedWithoutEffect(ErrorCode code, String request, JobSpec spec) {
        assertWithoutEffect(() -> assertRefused(code, () -> planOfSubmit(request, 1, spec)));
    }

    private void assertStartedAs(Plan plan, Submitted answer) {
        assertThat(answer.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(answer.attempt().number()).isEqualTo(start(plan).attempt());
        Run run = cluster.runs().getLast();
        assertThat(run.launch().id()).isEqualTo(answer.attempt().id()).isEqualTo(plan.job());
        assertThat(run.launch().jar()).isEqualTo(start(plan).jar());
        assertThat(run.launch().restoreFrom()).isEqualTo(start(plan).restoresFrom());
    }

    private static Start start(Plan plan) {
        return Objects.requireNonNull(plan.start());
    }

    /** A submission whose process is killed at the moment of its post. */
    private FlinkJobId interrupt(String request) {
        cluster.beforeNextRun(DIES);
        assertThatExceptionOfType(KilledException.class).isThrownBy(() -> submit(request, 1, spec("endless")));
        return ledger.attempts().getLast().id();
    }

    /** A submission whose process is killed behind its intent. */
    private void prepare(String request) {
        ledger.afterNextCommit(DIES);
        assertThatExceptionOfType(KilledException.class).isThrownBy(() -> submit(request, 1, spec("endless")));
    }

    private Planned planOfSubmit(String request, int tryNumber, JobSpec spec) {
        return plan(
                request(request, tryNumber),
                on -> new SubmitJob(on, jars()).submit(request(request, tryNumber), spec, false, soon()));
    }

    private Planned planOfTake(String request, int tryNumber) {
        return plan(
                request(request, tryNumber),
                on -> new TakeSavepoint(on).take(request(request, tryNumber), named(), false, soon()));
    }

    private Triggered take(String request, int tryNumber) {
        return takeSavepoint.take(request(request, tryNumber), named(), false, soon());
    }

    private Planned planOfStop(String request, int tryNumber, Request owner, StopJob.Mode mode) {
        return plan(
                request(request, tryNumber),
                on -> new StopJob(on).stop(request(request, tryNumber), named(), owner, mode, soon()));
    }

    private Answer stop(String request, int tryNumber, Request owner, StopJob.Mode mode) {
        return stopJob.stop(request(request, tryNumber), named(), owner, mode, soon());
    }

    private Planned planOfUpgrade(String request, int tryNumber, JobSpec spec, Mode mode) {
        return plan(
                request(request, tryNumber),
                on -> new UpgradeJob(on, jars()).upgrade(request(request, tryNumber), spec, terms(mode), soon()));
    }

    private Triggered upgrade(String request, int tryNumber, JobSpec spec, Mode mode) {
        return new UpgradeJob(ports, jars()).upgrade(request(request, tryNumber), spec, terms(mode), soon());
    }

    private static Terms terms(Mode mode) {
        return new Terms(mode, AfterCommit.REFUSE, UpgradeJob.DEFAULT_JUDGEMENT, null);
    }

    private static JobSpec version() {
        return spec("endless", JAR_URI, null, 2, LATEST);
    }
}
