package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.Attempts.Seen;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.Digests;
import io.sluiceway.job.JobName;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationType;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.time.Deadline;
import java.util.List;
import java.util.Optional;

/** Takes a savepoint of a running job, once per request. */
public final class TakeSavepoint {
    private static final String VERB = "take-savepoint";

    /** What a policy asks for, not a caller: the ids of its requests are its own. */
    private static final String PERIODIC_VERB = "periodic-savepoint";

    private final Ports ports;

    /**
     * What is asked for.
     *
     * @param verb what is asked for, in a request's key
     * @param request on whose behalf
     * @param target of which job
     * @param origin what it is taken for
     * @param pinned whether it is kept whatever the job's retention says
     */
    private record Order(String verb, Request request, Target target, SavepointOrigin origin, boolean pinned) {
        private String payloadHash() {
            return pinned
                    ? Digests.digest(verb, target.text(), "pinned")
                    // As in ledgers from before there were pins.
                    : Digests.digest(verb, target.text());
        }
    }

    public TakeSavepoint(Ports ports) {
        this.ports = ports;
    }

    /**
     * Triggers the savepoint, or finds what an earlier call of this request came to.
     *
     * @param pinned whether it is kept whatever the job's retention says
     * @return the operation by which the savepoint is observed
     * @throws RefusedException JOB_NOT_FOUND, JOB_BUSY or JOB_NOT_RUNNING when there is nothing to save
     */
    public Triggered take(Request request, Target target, boolean pinned, Deadline deadline) {
        return take(new Order(VERB, request, target, SavepointOrigin.USER_REQUEST, pinned), deadline);
    }

    /** As {@link #take}, because a job's policy says so. */
    Triggered takePeriodic(Request request, Target target, Deadline deadline) {
        return take(new Order(PERIODIC_VERB, request, target, SavepointOrigin.PERIODIC, false), deadline);
    }

    /** What becomes of a request of a job's policy is kept under this. */
    static RequestKey periodicKey(ClusterName cluster, JobName job, RequestId id) {
        return new RequestKey(cluster, job, PERIODIC_VERB, id);
    }

    private Triggered take(Order order, Deadline deadline) {
        FlinkCluster cluster = ports.clusters().named(order.target().cluster());
        JobName job = order.target().jobName(cluster, ports.ledger(), deadline);
        return Conflicts.retry(deadline, () -> step(order, cluster, job, deadline));
    }

    private Triggered step(Order order, FlinkCluster cluster, JobName job, Deadline deadline)
            throws LedgerConflictException {
        Attempts attempts = new Attempts(ports, cluster, deadline);
        Operations operations = new Operations(ports, cluster, deadline);
        Asked asked =
                Asked.of(order.verb(), order.request(), order.payloadHash(), cluster, job, ports.ledger(), deadline);
        Optional<Triggered> settled = asked.settled(operations, ports.ledger(), deadline);
        if (settled.isPresent()) {
            return settled.get();
        }
        Seen seen;
        try {
            seen = attempts.look(order.target().resolve(cluster, ports.ledger(), deadline));
            checkRunning(order.target(), seen, attempts);
        } catch (RefusedException e) {
            throw e.code().retryable() ? e : asked.refuse(e, ports.ledger(), deadline);
        }
        Operation operation = asked.operation(
                OperationType.TAKE_SAVEPOINT,
                order.origin(),
                order.pinned(),
                seen.attempt().id(),
                cluster,
                deadline);
        ports.ledger()
                .commit(
                        List.of(
                                asked.put(asked.nextNumber(), operation.id(), null, deadline),
                                new LedgerChange.PutOperation(operation, LedgerChange.ABSENT),
                                Operations.history(operation, operation.createdAt())),
                        deadline);
        return new Triggered(Outcome.STARTED, operations.advance(new Versioned<>(operation, 1)));
    }

    private static void checkRunning(Target target, Seen seen, Attempts attempts) {
        AttemptState state = seen.attempt().state();
        if (state == AttemptState.PREPARING || state == AttemptState.POSTING) {
            throw new RefusedException(
                    ErrorCode.JOB_BUSY,
                    "Job %s is being started at this moment."
                            .formatted(seen.attempt().id()));
        }
        if (state != AttemptState.SUBMITTED) {
            if (target.attempt() == null) {
                Attempts.checkNoUpgrade(attempts.requireJob(seen.attempt()).value());
            }
            throw new RefusedException(
                    ErrorCode.JOB_NOT_RUNNING,
                    "Job %s is %s.".formatted(seen.attempt().id(), state));
        }
    }
}
