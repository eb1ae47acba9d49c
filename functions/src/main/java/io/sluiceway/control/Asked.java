package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.Request;
import io.sluiceway.ledger.Attempt.Refusal;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.RequestRecord;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.time.Deadline;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A request for an operation, held against what was taken of it before.
 *
 * @param earlier its record; absent when it is new
 * @param same whether it asks for the same as before; true when it is new
 */
record Asked(
        RequestKey key,
        Request request,
        String payloadHash,
        @Nullable Versioned<RequestRecord> earlier,
        boolean same) {

    static Asked of(
            String verb,
            Request request,
            String payloadHash,
            FlinkCluster cluster,
            JobName job,
            JobLedger ledger,
            Deadline deadline) {
        RequestKey key = new RequestKey(cluster.name(), job, verb, request.id());
        Optional<Versioned<RequestRecord>> earlier = ledger.findRequest(key, deadline);
        boolean same = earlier.isEmpty() || Requests.check(earlier.get().value(), request, payloadHash);
        return new Asked(key, request, payloadHash, earlier.orElse(null), same);
    }

    boolean higherTry() {
        return earlier != null && request.tryNumber() > earlier.value().tryNumber();
    }

    /**
     * What an earlier call of this request came to; empty when a new operation is to be made: for a new request, or a
     * higher try of one that failed or asked for something else.
     */
    Optional<Triggered> settled(Operations operations, JobLedger ledger, Deadline deadline)
            throws LedgerConflictException {
        if (earlier == null) {
            return Optional.empty();
        }
        OperationId id = earlier.value().operation();
        if (id == null) {
            if (!higherTry()) {
                throw Requests.refused(earlier.value());
            }
            return Optional.empty();
        }
        Operation operation = operations.advance(id);
        if (!higherTry()) {
            return Optional.of(new Triggered(Outcome.REPLAYED, operation));
        }
        boolean failed = switch (operation.state()) {
            case FAILED, ABANDONED -> true;
            case PENDING, IN_PROGRESS, COMPLETED -> false;
        };
        if (!same || failed) {
            return Optional.empty();
        }
        ledger.commit(List.of(put(earlier.value().attempts(), id, null, deadline)), deadline);
        return Optional.of(new Triggered(operation.state().terminal() ? Outcome.REPLAYED : Outcome.ADOPTED, operation));
    }

    /**
     * Records that this request was refused for good: it is, however often it comes, and whatever has changed since.
     */
    RefusedException refuse(RefusedException refusal, JobLedger ledger, Deadline deadline)
            throws LedgerConflictException {
        ledger.commit(
                List.of(
                        put(nextNumber() - 1, null, new Refusal(refusal.code(), refusal.sentence()), deadline),
                        new LedgerChange.AddHistory(new HistoryEntry(
                                key.cluster(),
                                key.job(),
                                deadline.clock().instant(),
                                HistoryEntry.Event.REQUEST_REFUSED,
                                request,
                                null,
                                null,
                                refusal.code() + ": " + refusal.sentence()))),
                deadline);
        return refusal;
    }

    /** The number of the next operation that this request makes. */
    int nextNumber() {
        return earlier == null ? 1 : earlier.value().attempts() + 1;
    }

    /** This request's record, with what it has come to now. */
    LedgerChange put(int operations, @Nullable OperationId operation, @Nullable Refusal refusal, Deadline deadline) {
        return new LedgerChange.PutRequest(
                new RequestRecord(
                        key,
                        request.tryNumber(),
                        payloadHash,
                        operations,
                        null,
                        operation,
                        refusal,
                        earlier == null
                                ? deadline.clock().instant()
                                : earlier.value().createdAt()),
                earlier == null ? LedgerChange.ABSENT : earlier.version());
    }

    /** A new operation of this request, not yet triggered. */
    Operation operation(OperationType type, FlinkJobId attempt, FlinkCluster cluster, Deadline deadline) {
        return operation(type, type.savepointOrigin(), false, attempt, cluster, deadline);
    }

    /** A new operation of this request, not yet triggered, whose savepoint has an origin of its own. */
    Operation operation(
            OperationType type,
            @Nullable SavepointOrigin origin,
            boolean pinned,
            FlinkJobId attempt,
            FlinkCluster cluster,
            Deadline deadline) {
        OperationId id = OperationId.derive(key.cluster(), key.job(), key.verb(), key.id(), nextNumber());
        return new Operation(
                id,
                type,
                key.cluster(),
                key.job(),
                attempt,
                request,
                OperationState.PENDING,
                type.takesSavepoint() ? TriggerId.of(id) : null,
                type.takesSavepoint() ? cluster.savepointDirectory(key.job(), id) : null,
                origin,
                pinned,
                null,
                null,
                deadline.clock().instant(),
                null);
    }
}
