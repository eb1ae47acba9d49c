package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.InPlaceChange;
import io.sluiceway.cluster.JobParallelism;
import io.sluiceway.control.UpgradeJob.Call;
import io.sluiceway.control.UpgradeJob.Call.Judgement;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.Request;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.Rescale;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.operation.Upgrade.AfterCommit;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.operation.Upgrade.Step;
import io.sluiceway.savepoint.StoragePath;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The steps of a rescaling that an upgrade hasn't got: those in which the job lives on, and the ways back from them.
 *
 * <p>Before the cluster is asked for anything it is asked how far that has come already, so each step can be repeated.
 * Back the job goes from what it saved last, which both parallelisms can read: it is the same program. Only where that
 * isn't known would output be emitted again.
 */
final class RescaleSteps {
    private final Ports ports;
    private final Jars jars;
    private final Call call;
    private final FlinkCluster cluster;

    RescaleSteps(Ports ports, Jars jars, Call call) {
        this.ports = ports;
        this.jars = jars;
        this.call = call;
        this.cluster = call.cluster;
    }

    /** Whether it is a rescaling of a job that lives on. */
    static boolean isInPlace(Operation operation) {
        return operation.rescale() != null && operation.rescale().inPlace();
    }

    /** Whether the job that was changed in place goes on with what it had before. */
    static boolean isBackInPlace(Operation operation) {
        return isInPlace(operation)
                && operation.attempt().equals(Call.upgrade(operation).back());
    }

    /** Who upgrades a job owns it then; with another parallelism it stays whose it was. */
    static Request ownerOfNext(Operation operation, Attempts attempts) {
        return operation.rescale() == null
                ? operation.request()
                : attempts.require(operation.attempt()).value().owner();
    }

    Versioned<Operation> rescaling(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        Rescale rescale = rescale(operation);
        Optional<InPlaceChange> found = find(operation, rescale.to());
        if (found.isEmpty()) {
            Attempt attempt = attempt(operation);
            if (!attempt.state().living()) {
                return gone(known, attempt, "The job ended before it was rescaled.");
            }
            if (call.isUp(Call.upgrade(operation))) {
                return rescaleBack(known, "The cluster couldn't be asked to rescale the job in all this time.");
            }
            try {
                found = ask(operation, rescale.to());
            } catch (RefusedException e) {
                return isGone(e)
                        ? known
                        : end(
                                known,
                                operation,
                                Ending.FAILED,
                                "%s: %s Nothing was changed: the job runs on with a parallelism of %d."
                                        .formatted(e.code(), e.sentence(), rescale.from()));
            }
        }
        return switch (found.orElse(null)) {
            case null -> known;
            case InPlaceChange.InProgress() -> call.isUp(Call.upgrade(operation)) ? hung(known) : triggered(known);
            case InPlaceChange.Completed(int _) ->
                put(
                        known,
                        operation.inProgress(),
                        rescale.at(now()),
                        Call.upgrade(operation)
                                .at(
                                        Step.JUDGING,
                                        now().plus(Call.upgrade(operation).judgeWithin())));
            case InPlaceChange.Failed(String reason, @Nullable StoragePath saved) -> failed(known, reason, saved);
            case InPlaceChange.NotPossible(String _) -> stop(known);
        };
    }

    /** The job can't be changed while it lives: it is stopped with a savepoint, and started again from there. */
    private Versioned<Operation> stop(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        Versioned<Attempt> current = call.attempts.require(operation.attempt());
        try {
            checkJar(current.value());
        } catch (RefusedException e) {
            return call.failedFor(
                    known,
                    "The job can't be rescaled in place, and couldn't be started again; nothing was changed.",
                    Attempts.masked(current.value().spec(), e));
        }
        Operation stop = call.stop(operation, Call.upgrade(operation));
        Operation changed = operation
                .rescaled(rescale(operation).byRestart())
                .upgraded(Call.upgrade(operation).stopping());
        return call.put(known, changed, stop, current);
    }

    /** What can be checked before the job is down: the jar is brought to the cluster, and is what runs. */
    private void checkJar(Attempt attempt) {
        JobSpec spec = attempt.specThatRan();
        jars.checkBucket(spec.jar());
        jars.bring(
                spec,
                cluster,
                digest -> {
                    if (!spec.specHash(digest).equals(attempt.specHash())) {
                        throw new RefusedException(
                                ErrorCode.JAR_CHANGED,
                                "The jar %s isn't what runs as %s: its content has changed since."
                                        .formatted(spec.jar().uri(), attempt.id()));
                    }
                },
                call.deadline);
    }

    Versioned<Operation> judging(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        return switch (judgedInPlace(operation)) {
            case Judgement.NotYet() -> known;
            case Judgement.Bad(String why, @Nullable JobStatus _) -> back(known, why);
            case Judgement.Good() -> {
                // It may have lost slots, or been changed by somebody else, and be well for that.
                InPlaceChange change = find(operation, rescale(operation).to()).orElse(null);
                yield switch (change) {
                    case InPlaceChange.Completed(int _) -> end(known, operation, Ending.RESCALED, null);
                    case InPlaceChange.Failed(String reason, @Nullable StoragePath saved) ->
                        failed(known, reason, saved);
                    case InPlaceChange.InProgress(), InPlaceChange.NotPossible(String _) -> notKept(known);
                    case null -> notKept(known);
                };
            }
        };
    }

    private Versioned<Operation> notKept(Versioned<Operation> known) throws LedgerConflictException {
        Upgrade upgrade = Call.upgrade(known.value());
        return call.isUp(upgrade)
                ? back(
                        known,
                        "It didn't keep its parallelism of %d within %s."
                                .formatted(rescale(known.value()).to(), upgrade.judgeWithin()))
                : known;
    }

    /** Health from before the change, good or bad, isn't taken for what comes of it: only an end counts at once. */
    private Judgement judgedInPlace(Operation operation) {
        Judgement judgement = call.judge(operation.attempt(), Call.upgrade(operation));
        boolean settled = !now().isBefore(rescale(operation).since().plus(settlingTime(operation)));
        boolean lives =
                call.attempts.require(operation.attempt()).value().state().living();
        return settled || !lives ? judgement : new Judgement.NotYet();
    }

    private Duration settlingTime(Operation operation) {
        return call.attempts
                .require(operation.attempt())
                .value()
                .spec()
                .policies()
                .healthOrDefault()
                .settlingTime();
    }

    /** A change that doesn't come to its end: where the cluster can, it takes it back as a whole. */
    private Versioned<Operation> hung(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        Upgrade upgrade = Call.upgrade(operation);
        return put(
                known,
                operation.inProgress(),
                rescale(operation),
                upgrade.rejected("The cluster didn't come to a parallelism of %d within %s."
                                .formatted(rescale(operation).to(), upgrade.judgeWithin()))
                        .at(Step.ROLLING_BACK, call.giveUpAt()));
    }

    Versioned<Operation> rollingBack(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        Upgrade upgrade = Call.upgrade(operation);
        JobRef job = operation.ref();
        Optional<InPlaceChange> found = asking(
                operation, () -> cluster.findRollBack(job, rescale(operation).since(), call.deadline));
        if (found.isEmpty()) {
            InPlaceChange change = find(operation, rescale(operation).to()).orElse(null);
            if (change instanceof InPlaceChange.Failed(String reason, @Nullable StoragePath saved)) {
                return failed(known, reason, saved);
            }
            if (change instanceof InPlaceChange.Completed) {
                // It runs after all: taken back as a whole, it would do again what it has done since.
                return rescaleBack(known, upgrade.why());
            }
            if (call.isUp(upgrade)) {
                return end(known, operation, Ending.FAILED, stuck(operation));
            }
            try {
                found = asking(
                        operation,
                        () -> lenient(
                                () -> cluster.rollBackJob(job, call.deadline.leaving(SubmitJob.SETTLING_RESERVE))));
            } catch (RefusedException e) {
                return isGone(e) ? known : rescaleBack(known, upgrade.why());
            }
        }
        return switch (found.orElse(null)) {
            case null -> known;
            case InPlaceChange.InProgress() ->
                call.isUp(upgrade) ? end(known, operation, Ending.FAILED, stuck(operation)) : known;
            case InPlaceChange.Completed(int _) -> returned(known);
            case InPlaceChange.Failed(String reason, @Nullable StoragePath saved) -> failed(known, reason, saved);
            case InPlaceChange.NotPossible(String _) -> rescaleBack(known, upgrade.why());
        };
    }

    private static String stuck(Operation operation) {
        Rescale rescale = rescale(operation);
        return "%s Nor did it come back to %d. Look at the job on its cluster: once it is RUNNING, rescale it again; otherwise stop it with CANCEL and submit it anew."
                .formatted(Call.upgrade(operation).why(), rescale.from());
    }

    /** The job doesn't stay as it is now: it goes back, from what it has saved last. */
    private Versioned<Operation> back(Versioned<Operation> known, String why) throws LedgerConflictException {
        Attempt attempt = attempt(known.value());
        return attempt.state().living() ? rescaleBack(known, why) : gone(known, attempt, why);
    }

    private Versioned<Operation> rescaleBack(Versioned<Operation> known, @Nullable String why)
            throws LedgerConflictException {
        Operation operation = known.value();
        return put(
                known,
                operation.inProgress(),
                rescale(operation).at(now()),
                Call.upgrade(operation).rejected(Objects.requireNonNull(why)).at(Step.RESCALING_BACK, call.giveUpAt()));
    }

    Versioned<Operation> rescalingBack(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        Upgrade upgrade = Call.upgrade(operation);
        int from = rescale(operation).from();
        Optional<InPlaceChange> found = find(operation, from);
        if (found.isEmpty()) {
            Attempt attempt = attempt(operation);
            if (!attempt.state().living()) {
                return gone(known, attempt, Objects.requireNonNull(upgrade.why()));
            }
            if (call.isUp(upgrade)) {
                return end(known, operation, Ending.FAILED, stuck(operation));
            }
            try {
                found = ask(operation, from);
            } catch (RefusedException e) {
                return isGone(e) ? known : takeDown(known, operation.attempt(), Objects.requireNonNull(upgrade.why()));
            }
        }
        return switch (found.orElse(null)) {
            case null -> known;
            case InPlaceChange.InProgress() ->
                call.isUp(upgrade) ? end(known, operation, Ending.FAILED, stuck(operation)) : known;
            case InPlaceChange.Completed(int _) -> returned(known);
            case InPlaceChange.Failed(String reason, @Nullable StoragePath saved) -> failed(known, reason, saved);
            case InPlaceChange.NotPossible(String _) ->
                takeDown(known, operation.attempt(), Objects.requireNonNull(upgrade.why()));
        };
    }

    /** The job runs as before, and is judged as that. */
    private Versioned<Operation> returned(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        Upgrade upgrade = Call.upgrade(operation);
        return put(
                known,
                operation.inProgress(),
                rescale(operation).at(now()),
                upgrade.returned(operation.attempt()).at(Step.JUDGING_RETURN, now().plus(upgrade.judgeWithin())));
    }

    Versioned<Operation> judgingReturn(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        Upgrade upgrade = Call.upgrade(operation);
        return switch (judgedInPlace(operation)) {
            case Judgement.NotYet() -> known;
            case Judgement.Good() ->
                end(
                        known,
                        operation,
                        Ending.ROLLED_BACK,
                        "%s It runs with a parallelism of %d again."
                                .formatted(upgrade.why(), rescale(operation).from()));
            case Judgement.Bad(String why, @Nullable JobStatus _) ->
                end(
                        known,
                        operation,
                        Ending.FAILED,
                        "%s It runs with a parallelism of %d again and isn't well with that either: %s"
                                .formatted(upgrade.why(), rescale(operation).from(), why));
        };
    }

    /** The cluster gave a change up. */
    private Versioned<Operation> failed(Versioned<Operation> known, String reason, @Nullable StoragePath saved)
            throws LedgerConflictException {
        Operation operation = known.value();
        Upgrade upgrade = Call.upgrade(operation);
        Attempt attempt = attempt(operation);
        String why = upgrade.why() == null ? reason : upgrade.why() + " " + reason;
        if (!attempt.state().living()) {
            // What the cluster saved when it began with the change is from before anything ran otherwise.
            return saved == null ? gone(known, attempt, why) : down(known, attempt.id(), why, saved);
        }
        return upgrade.step() == Step.RESCALING_BACK
                ? end(
                        known,
                        saved == null ? operation : operation.inProgress(saved),
                        Ending.FAILED,
                        "%s It couldn't be brought back to a parallelism of %d. Look at the job on its cluster, then rescale or stop it."
                                .formatted(why, rescale(operation).from()))
                : rescaleBack(known, why);
    }

    /** What was started with the new parallelism doesn't stay. */
    Versioned<Operation> reject(Versioned<Operation> known, FlinkJobId next, String why)
            throws LedgerConflictException {
        Attempt attempt = call.attempts.require(next).value();
        return attempt.state().living() ? takeDown(known, next, why) : gone(known, attempt, why);
    }

    /**
     * Ends an execution that is to go on with the old parallelism: where its checkpoints stay, or there are none, it is
     * cancelled, which it can be however bad it is; otherwise it is stopped with a savepoint.
     */
    private Versioned<Operation> takeDown(Versioned<Operation> known, FlinkJobId execution, String why)
            throws LedgerConflictException {
        Operation operation = known.value();
        Versioned<Attempt> current = call.attempts.require(execution);
        JobStatus status =
                cluster.observeJob(current.value().ref(), call.deadline).orElse(null);
        boolean leavesAll = retains(current.value(), status) || call.committedNothing(current.value(), status);
        Operation withdrawal = call.ending(
                operation,
                Call.withdrawalId(operation.id()),
                execution,
                leavesAll ? OperationType.CANCEL : OperationType.STOP_WITH_SAVEPOINT);
        Operation changed = operation
                .inProgress()
                .upgraded(Call.upgrade(operation)
                        .rejected(why)
                        .withdrawn(withdrawal.id())
                        .at(Step.WITHDRAWING, call.giveUpAt()));
        return call.put(known, changed, withdrawal, current);
    }

    private boolean retains(Attempt attempt, @Nullable JobStatus status) {
        boolean told = status != null
                && status.vitals()
                        .told()
                        .filter(vitals -> vitals.checkpointing() instanceof Checkpointing.Seen seen && seen.retained())
                        .isPresent();
        if (!told) {
            return false;
        }
        try {
            new Lineage(ports, cluster, attempt.id(), call.deadline).retainedCheckpoint(attempt);
            return true;
        } catch (RefusedException e) {
            if (e.code().retryable()) {
                throw e;
            }
            return false;
        }
    }

    Versioned<Operation> withdrawing(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        Upgrade upgrade = Call.upgrade(operation);
        Call.Withdrawn withdrawn = call.withdrawn(upgrade);
        Operation withdrawal = withdrawn.by();
        Attempt attempt = withdrawn.attempt();
        if (attempt.state().living()) {
            return withdrawal.state().terminal() || call.isUp(upgrade)
                    ? end(
                            known,
                            withdrawal.savepoint() == null ? operation : operation.inProgress(withdrawal.savepoint()),
                            Ending.FAILED,
                            "%s It couldn't be stopped, and runs on: %s Look at the job, then rescale or stop it."
                                    .formatted(upgrade.why(), Call.whyNot(withdrawal)))
                    : known;
        }
        if (withdrawal.type().takesSavepoint() && !withdrawal.state().terminal()) {
            return known;
        }
        if (attempt.state() == AttemptState.UNKNOWN && withdrawal.savepoint() == null) {
            return unknown(known, attempt, Objects.requireNonNull(upgrade.why()));
        }
        return down(known, attempt.id(), Objects.requireNonNull(upgrade.why()), withdrawal.savepoint());
    }

    /** An execution has ended, and not by this: one that failed goes on with the old parallelism. */
    private Versioned<Operation> gone(Versioned<Operation> known, Attempt attempt, String why)
            throws LedgerConflictException {
        return switch (attempt.state()) {
            case UNKNOWN -> unknown(known, attempt, why);
            case FAILED, PREPARING, POSTING, SUBMITTED -> down(known, attempt.id(), why, null);
            case FINISHED, CANCELED, REFUSED ->
                end(
                        known,
                        known.value(),
                        Ending.FAILED,
                        "%s It is %s, by itself or by somebody else, and isn't started again. Submit it if it is to go on."
                                .formatted(why, attempt.state()));
        };
    }

    /**
     * An execution has ended, by itself or by this: it goes on with the old parallelism from what it saved last.
     *
     * @param saved what the cluster or its stop saved of it last; absent: what it has left is looked for
     */
    private Versioned<Operation> down(
            Versioned<Operation> known, FlinkJobId execution, String why, @Nullable StoragePath saved)
            throws LedgerConflictException {
        Operation operation = known.value();
        Attempt attempt = call.attempts.require(execution).value();
        StoragePath point = saved;
        boolean exact = saved != null;
        if (!exact) {
            try {
                point = new Lineage(ports, cluster, execution, call.deadline).restartPoint();
            } catch (RefusedException e) {
                return call.failedFor(known, why + " The job is down.", e);
            }
            StoragePath found = point;
            exact = found == null
                    || cluster.checkpointDirectory(execution)
                            .filter(found::isWithin)
                            .isPresent();
        }
        if (!exact) {
            switch (call.committedAtEnd(Call.upgrade(operation), attempt)) {
                case NOTHING -> exact = true;
                case MAYBE, TAKES_NONE -> {}
                case NOT_TOLD_YET -> {
                    return known;
                }
            }
        }
        Operation from = point == null ? operation.inProgress() : operation.inProgress(point);
        if (!exact && Call.upgrade(operation).afterCommit() == AfterCommit.REFUSE) {
            return end(
                    known,
                    from,
                    Ending.FAILED,
                    "%s The job is down, and what it committed behind %s would be emitted again. If that does no harm, submit it with that as restore.path."
                            .formatted(why, point));
        }
        return put(
                known,
                from,
                rescale(operation),
                (exact ? Call.upgrade(operation) : call.repeating(Call.upgrade(operation), attempt))
                        .rejected(why)
                        .at(Step.RETURNING, call.giveUpAt()));
    }

    private Versioned<Operation> unknown(Versioned<Operation> known, Attempt attempt, String why)
            throws LedgerConflictException {
        return end(
                known,
                known.value(),
                Ending.FAILED,
                "%s Nobody can tell whether %s still runs: %s".formatted(why, attempt.id(), Call.why(attempt)));
    }

    /** Ends the rescaling; of a job that was changed in place, with what it runs with now. */
    private Versioned<Operation> end(Versioned<Operation> known, Operation operation, Ending how, @Nullable String why)
            throws LedgerConflictException {
        List<LedgerChange> changes = new ArrayList<>();
        if (isInPlace(operation)) {
            Versioned<Attempt> attempt = call.attempts.require(operation.attempt());
            runsWith(operation, how, attempt.value())
                    .map(parallelism ->
                            attempt.value().change().parallelism(parallelism).made())
                    .filter(changed -> !changed.equals(attempt.value()))
                    .ifPresent(changed -> changes.add(new LedgerChange.PutAttempt(changed, attempt.version())));
        }
        return call.end(known, operation, how, why, changes.toArray(LedgerChange[]::new));
    }

    private Optional<Integer> runsWith(Operation operation, Ending how, Attempt attempt) {
        if (!attempt.state().living()) {
            return Optional.empty();
        }
        return switch (how) {
            case RESCALED -> Optional.of(rescale(operation).to());
            case FAILED ->
                cluster.findParallelism(operation.ref(), call.deadline)
                        .map(JobParallelism::asked)
                        // Without one of its own it goes with the cluster's default, as before.
                        .filter(told -> told != rescale(operation).from());
            case ROLLED_BACK, UPGRADED -> Optional.empty();
        };
    }

    private Versioned<Operation> put(Versioned<Operation> known, Operation changed, Rescale rescale, Upgrade upgrade)
            throws LedgerConflictException {
        return call.put(known, changed.rescaled(rescale).upgraded(upgrade));
    }

    private Versioned<Operation> triggered(Versioned<Operation> known) throws LedgerConflictException {
        return switch (known.value().state()) {
            case PENDING -> call.put(known, known.value().inProgress());
            case IN_PROGRESS, COMPLETED, FAILED, ABANDONED -> known;
        };
    }

    private Optional<InPlaceChange> find(Operation operation, int parallelism) {
        return asking(
                operation,
                () -> cluster.findRescale(
                        operation.ref(), parallelism, rescale(operation).since(), call.deadline));
    }

    private Optional<InPlaceChange> ask(Operation operation, int parallelism) {
        return asking(
                operation,
                () -> lenient(() -> cluster.rescaleJob(
                        operation.ref(), parallelism, call.deadline.leaving(SubmitJob.SETTLING_RESERVE))));
    }

    /** Empty when it may have been asked and can't be told at this moment: whoever comes next finds that out. */
    private static Optional<InPlaceChange> lenient(Supplier<InPlaceChange> question) {
        try {
            return Optional.of(question.get());
        } catch (RefusedException e) {
            if (e.code().retryable()) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private <T> T asking(Operation operation, Supplier<T> question) {
        return Attempts.masking(
                call.attempts.require(operation.attempt()).value().spec(), question);
    }

    /** The job has ended between two questions: the next look shows that. */
    private static boolean isGone(RefusedException refusal) {
        return refusal.code() == ErrorCode.JOB_NOT_FOUND || refusal.code() == ErrorCode.JOB_NOT_RUNNING;
    }

    private Attempt attempt(Operation operation) throws LedgerConflictException {
        return call.attempts.look(call.attempts.require(operation.attempt())).attempt();
    }

    private Instant now() {
        return call.attempts.now();
    }

    private static Rescale rescale(Operation operation) {
        return Objects.requireNonNull(operation.rescale());
    }
}
