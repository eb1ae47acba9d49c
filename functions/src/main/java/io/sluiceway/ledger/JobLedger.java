package io.sluiceway.ledger;

import io.sluiceway.event.JobEvent;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.time.Deadline;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The port to the ledger.
 *
 * <p>A read shows every change that was made before it began. Changes are made together or not at all, and only on the
 * versions that were read. Every call answers before its deadline, or throws
 * {@link io.sluiceway.error.RefusedException} with LEDGER_UNAVAILABLE: a read has then had no effect, a commit may have
 * been made; with LEDGER_INVALID when the table can't be used as it is.
 */
public interface JobLedger {
    /** A job and its slot. */
    Optional<Versioned<Job>> findJob(ClusterName cluster, JobName job, Deadline deadline);

    /** What became of a request. */
    Optional<Versioned<RequestRecord>> findRequest(RequestKey key, Deadline deadline);

    /** One execution of a job. */
    Optional<Versioned<Attempt>> findAttempt(ClusterName cluster, FlinkJobId id, Deadline deadline);

    /**
     * Those of these executions that the ledger knows, in any order; each as {@link #findAttempt} reads it.
     *
     * @param ids 0 to 1,000
     */
    List<Versioned<Attempt>> findAttempts(ClusterName cluster, Set<FlinkJobId> ids, Deadline deadline);

    /** An operation. */
    Optional<Versioned<Operation>> findOperation(OperationId id, Deadline deadline);

    /**
     * How far a job's data is ready.
     *
     * @param run the request that made the RUN; absent for a STREAM
     */
    Optional<Versioned<JobReadiness>> findReadiness(
            ClusterName cluster, JobName job, @Nullable RequestId run, Deadline deadline);

    /** A savepoint, by the operation that took it. */
    Optional<Versioned<Savepoint>> findSavepoint(
            ClusterName cluster, JobName job, OperationId operation, Deadline deadline);

    /** All savepoints of a job that are known, the newest first. */
    List<Savepoint> savepoints(ClusterName cluster, JobName job, Deadline deadline);

    /**
     * The jobs of a cluster, by name.
     *
     * @param limit how many at the most, 1 to 1,000
     * @param after where the page before said to go on; absent: from the beginning
     */
    Page<Job> jobs(ClusterName cluster, int limit, @Nullable String after, Deadline deadline);

    /**
     * The attempts of a cluster's jobs that haven't ended, by job. One of which nobody can tell what became of it is
     * among them until a time is up after which nobody asks for it any more.
     *
     * @param limit how many at the most, 1 to 1,000
     * @param after where the page before said to go on; absent: from the beginning
     */
    Page<Versioned<Attempt>> livingAttempts(ClusterName cluster, int limit, @Nullable String after, Deadline deadline);

    /**
     * The operations of a cluster's jobs that haven't ended, by job.
     *
     * @param limit how many at the most, 1 to 1,000
     * @param after where the page before said to go on; absent: from the beginning
     */
    Page<Versioned<Operation>> openOperations(
            ClusterName cluster, int limit, @Nullable String after, Deadline deadline);

    /**
     * A job's history, the newest line first.
     *
     * @param limit how many lines at the most, 1 to 1,000
     * @param after where the page before said to go on; absent: from the newest
     */
    Page<HistoryEntry> history(ClusterName cluster, JobName job, int limit, @Nullable String after, Deadline deadline);

    /**
     * A job's events that are still kept, the oldest first.
     *
     * @param afterSequence the number behind which the page begins; 0: from the oldest that is kept
     * @param limit how many at the most, 1 to 1,000
     */
    Page<JobEvent> events(ClusterName cluster, JobName job, long afterSequence, int limit, Deadline deadline);

    /**
     * The events of a cluster's jobs that were recorded to be published and haven't been said to be, the oldest first.
     *
     * @param limit how many at the most, 1 to 1,000
     * @param after where the page before said to go on; absent: from the oldest
     */
    Page<JobEvent> pendingEvents(ClusterName cluster, int limit, @Nullable String after, Deadline deadline);

    /** Records that events have been published; also those that somebody else has said so of. */
    void published(List<JobEvent> events, Deadline deadline);

    /**
     * Makes changes, all or none.
     *
     * @param changes 1 to 20, each of another record
     * @throws LedgerConflictException when a record isn't at the version that its change names
     */
    void commit(List<LedgerChange> changes, Deadline deadline) throws LedgerConflictException;
}
