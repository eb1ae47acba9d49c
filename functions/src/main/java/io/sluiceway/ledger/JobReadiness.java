package io.sluiceway.ledger;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import io.sluiceway.ready.Readiness;
import org.jspecify.annotations.Nullable;

/**
 * How far the data of a job is ready: of a STREAM one record, whatever its attempts; of a RUN one for each request.
 *
 * @param cluster where
 * @param job whose
 * @param run the request that made the RUN; absent for a STREAM
 * @param readiness how far
 */
public record JobReadiness(
        ClusterName cluster, JobName job, @Nullable RequestId run, Readiness readiness) {}
