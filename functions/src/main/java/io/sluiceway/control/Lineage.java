package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.savepoint.SavepointStore.Listing;
import io.sluiceway.savepoint.SavepointStore.StoredState;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds where a new attempt takes its state from: the newest point that the attempts before it have left.
 *
 * @param head the newest attempt that reached the cluster; absent when there was none
 */
record Lineage(Ports ports, FlinkCluster cluster, @Nullable FlinkJobId head, Deadline deadline) {
    private static final Pattern CHECKPOINT = Pattern.compile("/chk-(\\d{1,18})$");

    /** By their number, since a store may tell whole seconds only. */
    private static final Comparator<StoredState> OLDER_FIRST =
            Comparator.comparingLong(Lineage::number).thenComparing(StoredState::completedAt);

    private static long number(StoredState checkpoint) {
        Matcher matcher = CHECKPOINT.matcher(checkpoint.path().value());
        return matcher.find() ? Long.parseLong(matcher.group(1)) : -1;
    }

    /**
     * The savepoint or checkpoint to start from.
     *
     * @return null when the job is to start without state: because that was asked for by name, or it never had any
     * @throws RefusedException RESTORE_POINT_NOT_FOUND or RESTORE_POINT_UNREADABLE rather than to start without the
     *     state that a job may have
     */
    @Nullable
    StoragePath restorePoint(JobSpec spec) {
        return switch (spec.restore()) {
            case RestorePoint.None() -> null;
            case RestorePoint.Savepoint(StoragePath path, boolean _) -> path;
            case RestorePoint.Latest(boolean _) -> head == null ? null : latest(head, false);
        };
    }

    /**
     * Where an attempt takes its state from that replaces the head, which has failed: from what that left, whatever its
     * specification began with.
     *
     * @return null when the head began without state and is known to have completed no checkpoint since
     * @throws RefusedException as {@link #restorePoint}
     */
    @Nullable
    StoragePath restartPoint() {
        return head == null ? null : latest(head, true);
    }

    /**
     * The newest checkpoint that an attempt has retained.
     *
     * @throws RefusedException RESTORE_POINT_NOT_FOUND when there is none; RESTORE_POINT_UNREADABLE
     */
    StoragePath retainedCheckpoint(Attempt attempt) {
        return newestCheckpoint(attempt)
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.RESTORE_POINT_NOT_FOUND,
                        "Job %s has no retained checkpoint.".formatted(attempt.id())));
    }

    /** @param mayBeginAnew whether it may go on without state where it is known to have completed no checkpoint */
    private @Nullable StoragePath latest(FlinkJobId id, boolean mayBeginAnew) {
        Attempt attempt = ports.ledger()
                .findAttempt(cluster.name(), id, deadline)
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.LEDGER_INVALID,
                        "The ledger has lost attempt %s, which another record names.".formatted(id)))
                .value();
        if (attempt.submittedAt() == null && attempt.state() != AttemptState.UNKNOWN) {
            // It never ran, so what it was to start from is still the newest.
            return attempt.restoredFrom();
        }
        Optional<Operation> stop = stopOf(attempt);
        if (stop.isPresent() && stop.get().state() == OperationState.COMPLETED) {
            return behind(attempt, stop.get());
        }
        // Behind a savepoint that wasn't its last act a job went on: what it committed, its checkpoints tell.
        Optional<StoragePath> checkpoint = newestCheckpoint(attempt);
        if (checkpoint.isPresent()) {
            return checkpoint.get();
        }
        if (attempt.state() == AttemptState.FINISHED) {
            Optional<StoragePath> late = savepointOfLateStop(attempt);
            if (late.isPresent()) {
                return late.get();
            }
            throw nothingLeft(attempt, "which ended by itself or was stopped by somebody else");
        }
        Optional<StoragePath> point = newestSavepoint(attempt).or(() -> itsOwnStart(attempt));
        if (point.isEmpty() && mayBeginAnew && attempt.restoredFrom() == null && completedNothing(attempt)) {
            return null;
        }
        if (point.isEmpty() && (attempt.submittedAt() != null || attempt.restoredFrom() != null)) {
            throw nothingLeft(attempt, "which is " + attempt.state());
        }
        return point.orElse(null);
    }

    /** @throws RefusedException RESTORE_POINT_UNREADABLE while nobody can tell yet */
    private boolean completedNothing(Attempt attempt) {
        return switch (new Attempts(ports, cluster, deadline).saved(attempt)) {
            // Of what takes none there is no state that could be lost.
            case NOTHING, TAKES_NONE -> true;
            case MAYBE -> false;
            case NOT_TOLD_YET ->
                throw new RefusedException(
                        ErrorCode.RESTORE_POINT_UNREADABLE,
                        "Whether job %s completed a checkpoint before it ended isn't told yet."
                                .formatted(attempt.id()));
        };
    }

    private Optional<Operation> stopOf(Attempt attempt) {
        return attempt.stop() == null
                ? Optional.empty()
                : ports.ledger().findOperation(attempt.stop(), deadline).map(Versioned::value);
    }

    /** The point that a stop has left, and nothing older than that. */
    private StoragePath behind(Attempt attempt, Operation stop) {
        if (stop.type() == OperationType.DRAIN) {
            throw nothingLeft(attempt, "which was drained and has ended its event time");
        }
        StoragePath savepoint = stop.savepoint();
        if (savepoint == null) {
            return newestCheckpoint(attempt)
                    .or(() -> newestSavepoint(attempt))
                    .or(() -> itsOwnStart(attempt))
                    .orElseThrow(() -> nothingLeft(attempt, "which was cancelled"));
        }
        if (!isThere(savepoint)) {
            throw nothingLeft(attempt, "and the savepoint that it was stopped with is gone");
        }
        return savepoint;
    }

    private Optional<StoragePath> newestCheckpoint(Attempt attempt) {
        return checkpoints(attempt).stream().max(OLDER_FIRST).map(StoredState::path);
    }

    /** What it ended with, by a stop that had been given up. */
    private Optional<StoragePath> savepointOfLateStop(Attempt attempt) {
        return savepoints(attempt)
                .filter(savepoint -> savepoint.operation().equals(attempt.stop()))
                .map(Savepoint::path)
                .filter(this::isThere)
                .findFirst();
    }

    private Optional<StoragePath> newestSavepoint(Attempt attempt) {
        return savepoints(attempt)
                // Behind a restart it may hold what never happened: the job went on from a checkpoint before it.
                .filter(savepoint -> savepoint.restarts() >= attempt.restarts())
                .map(Savepoint::path)
                .filter(this::isThere)
                .findFirst();
    }

    private Stream<Savepoint> savepoints(Attempt attempt) {
        return ports.ledger().savepoints(cluster.name(), attempt.spec().name(), deadline).stream()
                .filter(savepoint -> savepoint.attempt().equals(attempt.id()))
                // What is to be removed may be gone at any moment.
                .filter(savepoint -> savepoint.disposal() == null);
    }

    private Optional<StoragePath> itsOwnStart(Attempt attempt) {
        return Optional.ofNullable(attempt.restoredFrom()).filter(this::isThere);
    }

    private static RefusedException nothingLeft(Attempt attempt, String why) {
        return new RefusedException(
                ErrorCode.RESTORE_POINT_NOT_FOUND,
                "Job '%s' ran before as %s, %s: there is no savepoint or retained checkpoint to go on from."
                        .formatted(attempt.spec().name(), attempt.id(), why));
    }

    private boolean isThere(StoragePath path) {
        return switch (ports.savepoints().list(parent(path), deadline)) {
            case Listing.Found(List<StoredState> states) ->
                states.stream().anyMatch(state -> state.path().equals(path));
            case Listing.NotReadable(String reason, boolean forGood) -> {
                if (!forGood) {
                    throw unreadable(path, reason);
                }
                yield true;
            }
        };
    }

    private static StoragePath parent(StoragePath path) {
        return new StoragePath(path.value().substring(0, path.value().lastIndexOf('/')));
    }

    private List<StoredState> checkpoints(Attempt attempt) {
        Optional<StoragePath> directory = cluster.checkpointDirectory(attempt.id());
        if (directory.isEmpty()) {
            return List.of();
        }
        return switch (ports.savepoints().list(directory.get(), deadline)) {
            case Listing.Found(List<StoredState> states) -> states;
            case Listing.NotReadable(String reason, boolean forGood) ->
                throw forGood
                        ? new RefusedException(
                                ErrorCode.RESTORE_POINT_NOT_FOUND,
                                "The retained checkpoints of job %s can't be listed: %s"
                                        .formatted(attempt.id(), reason))
                        : unreadable(directory.get(), reason);
        };
    }

    private static RefusedException unreadable(StoragePath path, String reason) {
        return new RefusedException(
                ErrorCode.RESTORE_POINT_UNREADABLE, "Whether '%s' holds state is unknown: %s".formatted(path, reason));
    }
}
