package io.sluiceway.ledger;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.operation.OperationId;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import java.time.Instant;

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
        long restarts) {}
