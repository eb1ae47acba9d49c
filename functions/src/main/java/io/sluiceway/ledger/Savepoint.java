package io.sluiceway.ledger;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.operation.OperationId;
import io.sluiceway.savepoint.Disposal;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A savepoint that is complete.
 *
 * @param cluster where
 * @param job whose
 * @param attempt the execution whose state it holds
 * @param operation the operation that took it
 * @param origin what it was taken for
 * @param path the directory that holds its {@code _metadata}
 * @param completedAt when it was seen to be complete
 * @param verified whether its {@code _metadata} was seen; where the store can't be read, the cluster's word suffices
 * @param restarts how often the job had been restarted by then
 * @param pinned whether it is kept whatever the job's retention says
 * @param disposal that it is to be removed; absent while it is kept
 */
public record Savepoint(
        ClusterName cluster,
        JobName job,
        FlinkJobId attempt,
        OperationId operation,
        SavepointOrigin origin,
        StoragePath path,
        Instant completedAt,
        boolean verified,
        long restarts,
        boolean pinned,
        @Nullable Disposal disposal) {
    /**
     * Whether a path to restore from is this savepoint's, however its file system is spelled there, with
     * {@code _metadata} or without: no other operation writes below its own directory.
     */
    public boolean isAt(StoragePath place) {
        return place.equals(path) || (place.value() + "/").contains("/" + operation + "/");
    }

    /** This savepoint, kept from now on whatever the job's retention says. */
    public Savepoint pin() {
        return new Savepoint(
                cluster, job, attempt, operation, origin, path, completedAt, verified, restarts, true, disposal);
    }

    /** This savepoint, to be removed. */
    public Savepoint disposed(Disposal how) {
        return new Savepoint(
                cluster, job, attempt, operation, origin, path, completedAt, verified, restarts, pinned, how);
    }
}
