package io.sluiceway.control.property;

import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.control.Answer;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Planned;
import io.sluiceway.control.Answer.RequestCancelled;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.Plan;
import io.sluiceway.control.Plan.Action;
import io.sluiceway.control.Plan.Start;
import io.sluiceway.control.property.Violation.Promise;
import io.sluiceway.control.property.World.Asked;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobRef;
import java.util.List;
import java.util.Objects;

/**
 * Holds what a call did, to which nothing happened on its way, against what it was planned to do.
 *
 * @param planned what was planned; absent when it was refused
 * @param refused what it was refused with; absent when it was planned
 */
record Agreement(Judge judge, Planned planned, RefusedException refused) {
    /** The call was refused: as planned, or by the cluster that was asked to run the job. */
    void holdRefusal(RefusedException actual, List<Asked> asked) {
        if (refused != null) {
            hold(refused.code() == actual.code() && refused.sentence().equals(actual.sentence()), actual);
            hold(asked.stream().noneMatch(one -> one.method().equals("runJob")), asked);
            return;
        }
        hold(starts(plan()), actual);
        holdStart(asked);
    }

    /** The call answered. */
    void holdAnswer(Answer answer, List<Asked> asked) {
        hold(refused == null, answer);
        if (starts(plan())) {
            holdStart(asked);
            return;
        }
        hold(asked.stream().noneMatch(one -> one.method().equals("runJob")), asked);
        Outcome outcome = switch (answer) {
            case Submitted submitted -> submitted.outcome();
            case Triggered triggered -> triggered.outcome();
            case RequestCancelled cancelled -> cancelled.outcome();
            default -> throw new IllegalArgumentException("It is no call that changes something.");
        };
        hold(outcome == expected(plan().action()), outcome);
        switch (answer) {
            case Submitted submitted -> {
                hold(submitted.attempt().id().equals(plan().job()), submitted);
                hold(
                        submitted
                                .attempt()
                                .equals(Objects.requireNonNull(planned.job()).attempt()),
                        submitted);
            }
            case Triggered triggered -> {
                hold(triggered.operation().attempt().equals(plan().job()), triggered);
                hold(
                        planned.operation() == null
                                || planned.operation()
                                        .id()
                                        .equals(triggered.operation().id()),
                        triggered);
                hold(
                        plan().savepointDirectory() == null
                                || plan().savepointDirectory()
                                        .equals(triggered.operation().directory()),
                        triggered);
                holdEffect(asked);
            }
            default -> hold(asked.isEmpty(), asked);
        }
    }

    private static boolean starts(Plan plan) {
        return plan.action() == Action.NEW_ATTEMPT || plan.action() == Action.RESUME;
    }

    private static Outcome expected(Action action) {
        return switch (action) {
            case REPLAY, UNCHANGED -> Outcome.REPLAYED;
            case ADOPT -> Outcome.ADOPTED;
            case WAIT -> Outcome.IN_PROGRESS;
            case TAKE_SAVEPOINT,
                    STOP_WITH_SAVEPOINT,
                    DRAIN,
                    CANCEL,
                    RECORD_STOP,
                    NEW_ATTEMPT,
                    RESUME,
                    UPGRADE,
                    RESCALE_IN_PLACE,
                    RESCALE_BY_RESTART -> Outcome.STARTED;
        };
    }

    /** The first job that the call ran is the one that was planned. */
    private void holdStart(List<Asked> asked) {
        Start start = Objects.requireNonNull(plan().start());
        JobLaunch launch = asked.stream()
                .filter(one -> one.method().equals("runJob"))
                .map(one -> (JobLaunch) one.arguments().getFirst())
                .findFirst()
                .orElse(null);
        hold(launch != null, "no run");
        hold(launch.id().equals(plan().job()), launch.id());
        hold(Objects.equals(launch.restoreFrom(), start.restoresFrom()), String.valueOf(launch.restoreFrom()));
        hold(launch.jar().equals(start.jar()), launch.jar());
        hold(Objects.equals(launch.spec().parallelism(), start.parallelism()), launch.id());
        boolean brought = asked.stream()
                .takeWhile(one -> !one.method().equals("runJob"))
                .anyMatch(one -> one.method().equals("addJar"));
        hold(brought == start.bringsJar(), asked);
    }

    private void holdEffect(List<Asked> asked) {
        String method = switch (plan().action()) {
            case TAKE_SAVEPOINT -> "triggerSavepoint";
            case STOP_WITH_SAVEPOINT, DRAIN -> "triggerStop";
            case CANCEL -> "cancelJob";
            case REPLAY,
                    ADOPT,
                    WAIT,
                    UNCHANGED,
                    NEW_ATTEMPT,
                    RESUME,
                    RECORD_STOP,
                    UPGRADE,
                    RESCALE_IN_PLACE,
                    RESCALE_BY_RESTART -> null;
        };
        boolean wasAsked = asked.stream()
                .anyMatch(one -> one.method().equals(method)
                        && id(one).equals(plan().job())
                        && (plan().savepointDirectory() == null
                                || one.arguments().contains(plan().savepointDirectory())));
        hold(method == null || wasAsked || plan().action() == Action.TAKE_SAVEPOINT, asked);
        boolean besides = plan().because().contains(" Besides, ");
        hold(method != null || besides == !asked.isEmpty(), asked);
    }

    private static FlinkJobId id(Asked asked) {
        return ((JobRef) asked.arguments().getFirst()).id();
    }

    private Plan plan() {
        return planned.plan();
    }

    private void hold(boolean so, Object found) {
        judge.hold(Promise.PLANS_ARE_WHAT_IS_DONE, so, "planned was %s, and found %s".formatted(this, found));
    }

    @Override
    public String toString() {
        return refused == null ? plan().toString() : refused.code() + " " + refused.sentence();
    }
}
