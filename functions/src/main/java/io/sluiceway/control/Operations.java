package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Attempts.Seen;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarReference;
import io.sluiceway.job.Arguments;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.HistoryEntry.Event;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.Rescale;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.SavepointStore.Listing;
import io.sluiceway.savepoint.SavepointStore.StoredState;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes operations forward: triggers what isn't triggered, asks how far it has come, records what came of it.
 *
 * <p>Whoever calls goes on where the call before stopped. A trigger id is asked for as often as need be, for the
 * cluster joins a repeated one to the first; a cluster that has forgotten it leaves its savepoint in the operation's
 * own directory, or none.
 */
final class Operations {
    private final Ports ports;
    private final JobLedger ledger;
    private final FlinkCluster cluster;
    private final Attempts attempts;
    private final Deadline deadline;

    Operations(Ports ports, FlinkCluster cluster, Deadline deadline) {
        this.ports = ports;
        this.ledger = ports.ledger();
        this.cluster = cluster;
        this.deadline = deadline;
        this.attempts = new Attempts(ports, cluster, deadline);
    }

    /**
     * A savepoint that the cluster or its directory shows.
     *
     * @param verified whether its {@code _metadata} was seen
     */
    private record Left(StoragePath path, Instant completedAt, boolean verified) {}

    Optional<Versioned<Operation>> find(OperationId id) {
        return ledger.findOperation(id, deadline);
    }

    Versioned<Operation> require(OperationId id) {
        return find(id).orElseThrow(() -> new RefusedException(
                ErrorCode.LEDGER_INVALID,
                "The ledger has lost operation %s, which another record names.".formatted(id)));
    }

    Operation advance(OperationId id) throws LedgerConflictException {
        return advance(require(id));
    }

    /** Takes an operation as far as it goes at this moment. */
    Operation advance(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        if (operation.state().terminal()) {
            return operation;
        }
        return switch (operation.type()) {
            case SUBMIT_JOB -> {
                attempts.look(attempts.require(operation.attempt()));
                yield require(operation.id()).value();
            }
            case CANCEL -> cancel(known);
            // They take more than this has: UpgradeJob goes on with them.
            case UPGRADE_JOB, RESCALE_JOB -> operation;
            case TAKE_SAVEPOINT, STOP_WITH_SAVEPOINT, DRAIN -> savepoint(known);
        };
    }

    private Operation cancel(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        Seen seen = attempts.look(attempts.require(operation.attempt()));
        if (seen.attempt().state().terminal()) {
            return record(known, operation.completed(null, now()));
        }
        JobOverview job = seen.job();
        if (job == null) {
            return waitForTheJob(known);
        }
        if (job.state() != JobState.CANCELLING) {
            masking(operation, () -> {
                cluster.cancelJob(operation.ref(), deadline);
                return true;
            });
        }
        return triggered(known);
    }

    private Operation savepoint(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        Optional<SavepointProgress> progress = masking(operation, () -> progress(operation));
        if (progress.isPresent() && !isLeftBehind(operation, progress.get())) {
            return come(known, progress.get());
        }
        if (operation.savepoint() != null) {
            return left(known, new Left(operation.savepoint(), now(), true), null);
        }
        // The directory before the job: what is seen there then was complete before the job was seen.
        Listing listing = ports.savepoints().list(directory(operation), deadline);
        if (listing instanceof Listing.Found(List<StoredState> states) && !states.isEmpty()) {
            StoredState newest = states.stream()
                    .max(Comparator.comparing(StoredState::completedAt))
                    .orElseThrow();
            return left(known, new Left(newest.path(), newest.completedAt(), true), null);
        }
        Seen seen = attempts.look(attempts.require(operation.attempt()));
        JobOverview job = seen.job();
        if (seen.attempt().state() == AttemptState.SUBMITTED && job != null) {
            if (job.state() == JobState.INITIALIZING || job.state() == JobState.CREATED) {
                return waitForTheJob(known);
            }
            if (operation.state() == OperationState.PENDING) {
                return trigger(known);
            }
            return lost(known, listing, "The cluster forgot the trigger before its savepoint was complete.");
        }
        if (seen.attempt().state().living()) {
            return waitForTheJob(known);
        }
        // It may have come to its end behind the first question.
        Optional<SavepointProgress> atEnd = masking(operation, () -> progress(operation))
                .filter(told -> !(told instanceof SavepointProgress.InProgress));
        if (atEnd.isPresent()) {
            return come(known, atEnd.get());
        }
        return lost(
                known,
                listing,
                seen.attempt().state() == AttemptState.UNKNOWN
                        ? whyUnknown(seen.attempt())
                        : "The job is %s, and left no savepoint of this operation."
                                .formatted(seen.attempt().state()));
    }

    /** What an operation has come to by the cluster's word. */
    private Operation come(Versioned<Operation> known, SavepointProgress progress) throws LedgerConflictException {
        Operation operation = known.value();
        return switch (progress) {
            case SavepointProgress.InProgress() -> triggered(known);
            case SavepointProgress.Completed(StoragePath path) -> told(known, path, null);
            case SavepointProgress.Failed(String reason, @Nullable StoragePath path) -> {
                String masked = withoutArguments(operation, reason);
                yield path == null ? record(known, operation.failed(null, masked, now())) : told(known, path, masked);
            }
            case SavepointProgress.StopFailed(String reason, Instant startedAt) ->
                now().isBefore(startedAt.plus(ports.limits().settleAfter()))
                        ? triggered(known)
                        : record(known, operation.failed(null, withoutArguments(operation, reason), now()));
        };
    }

    /** What an operation has come to whose trigger the cluster doesn't know and whose directory shows no savepoint. */
    private Operation lost(Versioned<Operation> known, Listing listing, String why) throws LedgerConflictException {
        Operation operation = known.value();
        return switch (listing) {
            case Listing.Found(List<StoredState> _) -> record(known, operation.failed(null, why, now()));
            case Listing.NotReadable(String reason, boolean forGood) -> {
                Optional<StoragePath> path = masking(
                                operation, () -> cluster.findLastSavepoint(operation.ref(), deadline))
                        .filter(newest -> newest.isWithin(directory(operation)));
                if (path.isPresent()) {
                    yield left(known, new Left(path.get(), now(), false), null);
                }
                if (!forGood && isYoung(operation)) {
                    yield operation;
                }
                yield record(
                        known,
                        operation.abandoned(
                                "%s Whether '%s' holds a savepoint is unknown: %s"
                                        .formatted(why, directory(operation), reason),
                                now()));
            }
        };
    }

    /** What the cluster says is complete is so when it can be seen, or can't be looked for. */
    private Operation told(Versioned<Operation> known, StoragePath path, @Nullable String failure)
            throws LedgerConflictException {
        Operation operation = known.value();
        return switch (ports.savepoints().list(directory(operation), deadline)) {
            case Listing.Found(List<StoredState> states) -> {
                // Nobody else writes here, so a single one is what was told, however its path is spelled.
                Optional<StoredState> state = states.stream()
                        .filter(stored -> states.size() == 1 || stored.path().equals(path))
                        .findFirst();
                if (state.isPresent()) {
                    yield left(known, new Left(path, state.get().completedAt(), true), failure);
                }
                yield isYoung(operation)
                        ? triggered(known)
                        : record(
                                known,
                                operation.failed(
                                        null,
                                        "The cluster says that '%s' is complete, but there is no _metadata."
                                                .formatted(path),
                                        now()));
            }
            case Listing.NotReadable(String _, boolean forGood) ->
                forGood || !isYoung(operation) ? left(known, new Left(path, now(), false), failure) : operation;
        };
    }

    /** What an operation has come to that has left a savepoint; a stop is complete only when the job is FINISHED. */
    private Operation left(Versioned<Operation> known, Left left, @Nullable String failure)
            throws LedgerConflictException {
        Operation operation = known.value();
        if (failure != null) {
            return record(known, operation.failed(left.path(), failure, now()), left);
        }
        if (!operation.type().endsJob()) {
            return record(known, operation.completed(left.path(), now()), left);
        }
        Seen seen = attempts.look(attempts.require(operation.attempt()));
        AttemptState state = seen.attempt().state();
        if (state == AttemptState.FINISHED || state == AttemptState.UNKNOWN) {
            // Behind a stop's savepoint a job that the cluster has forgotten has ended with it.
            return record(known, operation.completed(left.path(), now()), left);
        }
        if (state.terminal()) {
            return record(
                    known,
                    operation.failed(
                            left.path(), "The savepoint is complete, but the job is %s.".formatted(state), now()),
                    left);
        }
        Optional<SavepointProgress> progress = masking(operation, () -> progress(operation));
        if (progress.isEmpty()) {
            return record(
                    known,
                    operation.failed(
                            left.path(),
                            "The savepoint is complete, but the job goes on: its JobManager was replaced before it ended.",
                            now()),
                    left);
        }
        return left.path().equals(operation.savepoint())
                ? operation
                : record(known, operation.inProgress(left.path()), left);
    }

    private Optional<SavepointProgress> progress(Operation operation) {
        return operation.type().endsJob()
                ? cluster.findStop(operation.ref(), trigger(operation), operation.createdAt(), deadline)
                : cluster.findSavepoint(operation.ref(), trigger(operation), deadline);
    }

    private Operation trigger(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        TriggerId trigger = trigger(operation);
        StoragePath directory = directory(operation);
        Deadline bound = deadline.leaving(SubmitJob.SETTLING_RESERVE);
        try {
            switch (operation.type()) {
                case TAKE_SAVEPOINT -> cluster.triggerSavepoint(operation.ref(), trigger, directory, bound);
                case STOP_WITH_SAVEPOINT -> cluster.triggerStop(operation.ref(), trigger, directory, false, bound);
                case DRAIN -> cluster.triggerStop(operation.ref(), trigger, directory, true, bound);
                case SUBMIT_JOB, CANCEL, UPGRADE_JOB, RESCALE_JOB ->
                    throw new IllegalStateException("They have no trigger.");
            }
        } catch (RefusedException e) {
            if (e.code() == ErrorCode.CLUSTER_REFUSED) {
                return record(known, operation.failed(null, withoutArguments(operation, e.sentence()), now()));
            }
            if (e.code() == ErrorCode.CLUSTER_UNREACHABLE || e.code() == ErrorCode.JOB_NOT_FOUND) {
                throw e;
            }
            // No answer came: the trigger may have. Whoever asks next finds it, or triggers the same again.
            return isYoung(operation)
                    ? operation
                    : record(
                            known,
                            operation.abandoned(
                                    "The cluster never answered: " + withoutArguments(operation, e.sentence()), now()));
        }
        return triggered(known);
    }

    private Operation triggered(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        return operation.state() == OperationState.IN_PROGRESS ? operation : record(known, operation.inProgress());
    }

    private Operation waitForTheJob(Versioned<Operation> known) throws LedgerConflictException {
        Operation operation = known.value();
        return isYoung(operation)
                ? operation
                : record(known, operation.abandoned("The job wasn't there to act on in all this time.", now()));
    }

    /** Flink says forever that a savepoint is in progress whose job failed meanwhile. */
    private boolean isLeftBehind(Operation operation, SavepointProgress told) throws LedgerConflictException {
        Instant settled = now().minus(ports.limits().settleAfter());
        if (!(told instanceof SavepointProgress.InProgress)
                || operation.createdAt().isAfter(settled)) {
            return false;
        }
        Attempt attempt = attempts.look(attempts.require(operation.attempt())).attempt();
        Instant ended = attempt.endedAt();
        return attempt.state().terminal() && ended != null && !ended.isAfter(settled);
    }

    private boolean isYoung(Operation operation) {
        return now().isBefore(operation.createdAt().plus(ports.limits().giveUpAfter()));
    }

    private Operation record(Versioned<Operation> known, Operation changed) throws LedgerConflictException {
        return record(known, changed, null);
    }

    private Operation record(Versioned<Operation> known, Operation changed, @Nullable Left left)
            throws LedgerConflictException {
        List<LedgerChange> changes = new ArrayList<>();
        changes.add(new LedgerChange.PutOperation(changed, known.version()));
        if (left != null && known.value().savepoint() == null) {
            changes.add(new LedgerChange.AddSavepoint(savepointOf(changed, left)));
        }
        changes.add(history(changed, now()));
        ledger.commit(changes, deadline);
        return changed;
    }

    private Savepoint savepointOf(Operation operation, Left left) throws LedgerConflictException {
        return new Savepoint(
                operation.cluster(),
                operation.job(),
                operation.attempt(),
                operation.id(),
                Objects.requireNonNull(operation.origin()),
                left.path(),
                left.completedAt(),
                left.verified(),
                restarts(operation),
                operation.pinned(),
                null);
    }

    /** How often the job had been restarted, as far as anybody has seen. */
    private long restarts(Operation operation) throws LedgerConflictException {
        Versioned<Attempt> attempt = attempts.require(operation.attempt());
        Long seen;
        try {
            seen = cluster.observeJob(operation.ref(), deadline)
                    .flatMap(status -> status.restarts().told())
                    .orElse(null);
        } catch (RefusedException e) {
            // That a savepoint is complete is worth recording without it.
            seen = null;
        }
        return seen == null
                ? attempt.value().restarts()
                : attempts.restarts(attempt, seen).value().restarts();
    }

    static LedgerChange history(Operation operation, Instant at) {
        Event event = switch (operation.state()) {
            case PENDING -> Event.OPERATION_INTENDED;
            case IN_PROGRESS -> Event.OPERATION_TRIGGERED;
            case COMPLETED, FAILED, ABANDONED -> Event.OPERATION_ENDED;
        };
        String done = operation.type() + " " + operation.state();
        String how = operation.upgrade() == null ? done : done + ": " + versions(operation, operation.upgrade());
        String detail = operation.failure() == null ? how : how + ": " + operation.failure();
        return new LedgerChange.AddHistory(new HistoryEntry(
                operation.cluster(),
                operation.job(),
                at,
                event,
                operation.request(),
                operation.attempt(),
                operation.id(),
                detail));
    }

    /** Which version goes, which comes, and from what. */
    private static String versions(Operation operation, Upgrade upgrade) {
        Rescale rescale = operation.rescale();
        if (rescale != null) {
            return parallelisms(operation, upgrade, rescale);
        }
        JarReference jar = upgrade.spec().jar();
        String asked = "%s to %s (SHA-256 %s) by %s"
                .formatted(operation.attempt(), jar.uri(), jar.expectedDigest(), upgrade.mode());
        if (upgrade.ending() == null) {
            return asked;
        }
        if (upgrade.ending() == Ending.UPGRADED && upgrade.next() == null) {
            return asked + ", which it was already";
        }
        return "%s, %s, from %s, new version %s%s"
                .formatted(
                        asked,
                        upgrade.ending(),
                        operation.savepoint() == null ? "no state" : operation.savepoint(),
                        upgrade.next() == null ? "never began" : upgrade.next(),
                        upgrade.back() == null ? "" : ", old version again as " + upgrade.back());
    }

    /** What the job ran with, what it gets, and how that went. */
    private static String parallelisms(Operation operation, Upgrade upgrade, Rescale rescale) {
        String asked = "%s from a parallelism of %d to %d".formatted(operation.attempt(), rescale.from(), rescale.to());
        if (upgrade.ending() == null) {
            return asked;
        }
        return "%s, %s%s%s%s%s"
                .formatted(
                        asked,
                        upgrade.ending(),
                        rescale.inPlace() ? ", in place" : ", by a restart",
                        upgrade.next() == null ? "" : " as " + upgrade.next(),
                        operation.savepoint() == null ? "" : " from " + operation.savepoint(),
                        upgrade.back() == null || upgrade.back().equals(operation.attempt())
                                ? ""
                                : ", with the old one again as " + upgrade.back());
    }

    /** As {@link Attempts#masking}; the arguments are looked up only when they are needed. */
    private <T> T masking(Operation operation, Supplier<T> question) {
        try {
            return question.get();
        } catch (RefusedException e) {
            if (e.code() == ErrorCode.CLUSTER_REFUSED || e.code() == ErrorCode.CLUSTER_ANSWER_INVALID) {
                throw e.saying(withoutArguments(operation, e.sentence()));
            }
            throw e;
        }
    }

    private String withoutArguments(Operation operation, String words) {
        return Arguments.mask(
                words, attempts.require(operation.attempt()).value().spec().arguments());
    }

    private static String whyUnknown(Attempt attempt) {
        return attempt.failure() == null
                ? "What became of the job is unknown."
                : attempt.failure().message();
    }

    private static TriggerId trigger(Operation operation) {
        return Objects.requireNonNull(operation.trigger());
    }

    private static StoragePath directory(Operation operation) {
        return Objects.requireNonNull(operation.directory());
    }

    private Instant now() {
        return deadline.clock().instant();
    }
}
