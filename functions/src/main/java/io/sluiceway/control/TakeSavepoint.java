package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.Attempts.Seen;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.Digests;
import io.sluiceway.job.JobName;
import io.sluiceway.job.Request;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationType;
import io.sluiceway.time.Deadline;
import java.util.List;
import java.util.Optional;

/** Takes a savepoint of a running job, once per request. */
public final class TakeSavepoint {
    private static final String VERB = "take-savepoint";

    private final Ports ports;

    public TakeSavepoint(Ports ports) {
        this.ports = ports;
    }

    /**
     * Triggers the savepoint, or finds what an earlier call of this request came to.
     *
     * @return the operation by which the savepoint is observed
     * @throws RefusedException JOB_NOT_FOUND, JOB_BUSY or JOB_NOT_RUNNING when there is nothing to save
     */
    public Triggered take(Request request, Target target, Deadline deadline) {
        FlinkCluster cluster = ports.clusters().named(target.cluster());
        JobName job = target.jobName(cluster, ports.ledger(), deadline);
        return Conflicts.retry(deadline, () -> step(request, target, cluster, job, deadline));
    }

    private Triggered step(Request request, Target target, FlinkCluster cluster, JobName job, Deadline deadline)
            throws LedgerConflictException {
        Operations operations = new Operations(ports, cluster, deadline);
        Asked asked =
                Asked.of(VERB, request, Digests.digest(VERB, target.text()), cluster, job, ports.ledger(), deadline);
        Optional<Triggered> settled = asked.settled(operations, ports.ledger(), deadline);
        if (settled.isPresent()) {
            return settled.get();
        }
        Seen seen;
        try {
            seen = new Attempts(ports, cluster, deadline).look(target.resolve(cluster, ports.ledger(), deadline));
            checkRunning(seen);
        } catch (RefusedException e) {
            throw e.code().retryable() ? e : asked.refuse(e, ports.ledger(), deadline);
        }
        Operation operation =
                asked.operation(OperationType.TAKE_SAVEPOINT, seen.attempt().id(), cluster, deadline);
        ports.ledger()
                .commit(
                        List.of(
                                asked.put(asked.nextNumber(), operation.id(), null, deadline),
                                new LedgerChange.PutOperation(operation, LedgerChange.ABSENT),
                                Operations.history(operation, operation.createdAt())),
                        deadline);
        return new Triggered(Outcome.STARTED, operations.advance(new Versioned<>(operation, 1)));
    }

    private static void checkRunning(Seen seen) {
        AttemptState state = seen.attempt().state();
        if (state == AttemptState.PREPARING || state == AttemptState.POSTING) {
            throw new RefusedException(
                    ErrorCode.JOB_BUSY,
                    "Job %s is being started at this moment."
                            .formatted(seen.attempt().id()));
        }
        if (state != AttemptState.SUBMITTED) {
            throw new RefusedException(
                    ErrorCode.JOB_NOT_RUNNING,
                    "Job %s is %s.".formatted(seen.attempt().id(), state));
        }
    }
}
