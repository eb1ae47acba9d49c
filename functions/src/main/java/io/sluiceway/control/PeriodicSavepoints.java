package io.sluiceway.control;

import io.sluiceway.job.Cron;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.SavepointsPolicy;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.time.Deadline;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * When savepoints of a job are due by its policy.
 *
 * <p>The request is made of the job and the time that it is due for, so that two who find the same one due take it
 * once, and one that failed isn't repeated.
 *
 * @param attempt a STREAM's attempt that is seen to live
 * @param known the job's savepoints, the newest first
 */
record PeriodicSavepoints(Attempt attempt, SavepointsPolicy policy, List<Savepoint> known) {
    PeriodicSavepoints {
        known = List.copyOf(known);
    }

    /**
     * Takes the savepoint that is due, unless it was taken before.
     *
     * @return the savepoint's operation; empty when none is due
     */
    Optional<Operation> take(Ports ports, Deadline deadline) {
        return policy.due(since(), deadline.clock().instant())
                .map(due ->
                        new RequestId("periodic/%s/%s".formatted(attempt.spec().name(), due)))
                .filter(id -> isNew(id, ports, deadline))
                .map(id -> new TakeSavepoint(ports)
                        .takePeriodic(
                                new Request(id, 1), new Target(attempt.spec().cluster(), null, attempt.id()), deadline)
                        .operation());
    }

    /** The next time that one can be due; one that comes in between puts it off. */
    Optional<Instant> next(Instant now) {
        return policy.first(since(), now.plusNanos(1));
    }

    private boolean isNew(RequestId id, Ports ports, Deadline deadline) {
        return ports.ledger()
                .findRequest(
                        TakeSavepoint.periodicKey(
                                attempt.spec().cluster(), attempt.spec().name(), id),
                        deadline)
                .isEmpty();
    }

    /** Whoever took it, a savepoint is one; at a time of the clock one is wanted whatever was taken just before. */
    private Instant since() {
        boolean whoever = switch (policy) {
            case SavepointsPolicy.Every _ -> true;
            case Cron _ -> false;
        };
        Instant began =
                attempt.runningAt() == null ? Objects.requireNonNull(attempt.submittedAt()) : attempt.runningAt();
        return known.stream()
                .filter(savepoint -> savepoint.attempt().equals(attempt.id()))
                .filter(savepoint -> whoever || savepoint.origin() == SavepointOrigin.PERIODIC)
                .map(Savepoint::completedAt)
                .findFirst()
                .filter(began::isBefore)
                .orElse(began);
    }
}
