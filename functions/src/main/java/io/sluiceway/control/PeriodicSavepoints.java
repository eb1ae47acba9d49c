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
 * Takes the savepoint that is due by a job's policy.
 *
 * <p>The request is made of the job and the time that it is due for, so that two who find the same one due take it
 * once, and one that failed isn't repeated.
 */
record PeriodicSavepoints(Ports ports, Deadline deadline) {
    /**
     * Takes the savepoint that is due, unless it was taken before.
     *
     * @param attempt a STREAM's attempt that is seen to run
     * @param known the job's savepoints, the newest first
     * @return the savepoint's operation; empty when none is due
     */
    Optional<Operation> take(Attempt attempt, SavepointsPolicy policy, List<Savepoint> known) {
        return policy.due(since(attempt, policy, known), deadline.clock().instant())
                .map(due ->
                        new RequestId("periodic/%s/%s".formatted(attempt.spec().name(), due)))
                .filter(id -> isNew(attempt, id))
                .map(id -> new TakeSavepoint(ports)
                        .takePeriodic(
                                new Request(id, 1), new Target(attempt.spec().cluster(), null, attempt.id()), deadline)
                        .operation());
    }

    private boolean isNew(Attempt attempt, RequestId id) {
        return ports.ledger()
                .findRequest(
                        TakeSavepoint.periodicKey(
                                attempt.spec().cluster(), attempt.spec().name(), id),
                        deadline)
                .isEmpty();
    }

    /** Whoever took it, a savepoint is one; at a time of the clock one is wanted whatever was taken just before. */
    private static Instant since(Attempt attempt, SavepointsPolicy policy, List<Savepoint> known) {
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
