package io.sluiceway.ledger;

import io.sluiceway.event.JobEvent;
import io.sluiceway.operation.Operation;

/** One of the changes that the ledger makes together or not at all. */
public sealed interface LedgerChange {
    /** The version of a record that isn't there yet. */
    long ABSENT = 0;

    /** Writes a job. */
    record PutJob(Job job, long version) implements LedgerChange {}

    /** Writes a request. */
    record PutRequest(RequestRecord request, long version) implements LedgerChange {}

    /** Writes an attempt. */
    record PutAttempt(Attempt attempt, long version) implements LedgerChange {}

    /** Writes an operation. */
    record PutOperation(Operation operation, long version) implements LedgerChange {}

    /** Writes how far a job's data is ready. */
    record PutReadiness(JobReadiness readiness, long version) implements LedgerChange {}

    /** Adds a savepoint; its operation must have none yet. */
    record AddSavepoint(Savepoint savepoint) implements LedgerChange {}

    /** Writes a savepoint that is there. */
    record PutSavepoint(Savepoint savepoint, long version) implements LedgerChange {}

    /** Takes a savepoint out of the ledger. */
    record RemoveSavepoint(Savepoint savepoint, long version) implements LedgerChange {}

    /** Adds a line to a job's history. */
    record AddHistory(HistoryEntry entry) implements LedgerChange {}

    /**
     * Records an event; its job must have none with its number yet.
     *
     * @param pending whether it is to be published: it is found by {@link JobLedger#pendingEvents} until it is said to
     *     be
     */
    record AddEvent(JobEvent event, boolean pending) implements LedgerChange {}
}
