package io.sluiceway.control;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.control.Answer.OperationObserved;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.time.Deadline;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Observes one job or one operation; changes nothing. */
public final class ObserveJob {
    private final Clusters clusters;

    public ObserveJob(Clusters clusters) {
        this.clusters = clusters;
    }

    /**
     * Observes a job.
     *
     * @throws RefusedException JOB_NOT_FOUND when the cluster doesn't know the job (any more)
     */
    public JobObserved observe(ClusterName clusterName, FlinkJobId job, Deadline deadline) {
        FlinkCluster cluster = clusters.named(clusterName);
        return find(cluster, job, deadline).orElseThrow(() -> cluster.unknownJob(job));
    }

    /**
     * Observes an operation and the job that it acts on.
     *
     * @throws RefusedException OPERATION_NOT_FOUND when the cluster doesn't know the operation (any more) and the job
     *     doesn't tell either
     */
    public OperationObserved observe(OperationId id, Deadline deadline) {
        FlinkCluster cluster = clusters.named(id.cluster());
        if (!id.type().takesSavepoint()) {
            JobObserved job = find(cluster, id.job(), deadline).orElse(null);
            return new OperationObserved(cancellation(id, cluster, job), job);
        }
        Operation operation = OperationProgress.find(cluster, id, deadline)
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.OPERATION_NOT_FOUND,
                        "Cluster '%s' no longer knows operation %s; its savepoint, if there is one, lies below '%s'."
                                .formatted(id.cluster(), id, cluster.savepointDirectory(id.job(), id.trigger()))));
        return new OperationObserved(
                operation, find(cluster, id.job(), deadline).orElse(null));
    }

    private static Operation cancellation(OperationId id, FlinkCluster cluster, @Nullable JobObserved job) {
        if (job == null) {
            throw new RefusedException(
                    ErrorCode.OPERATION_NOT_FOUND,
                    "Cluster '%s' no longer knows job %s, which operation %s cancels."
                            .formatted(cluster.name(), id.job(), id));
        }
        return job.status().overview().state().terminal() ? Operation.completed(id, null) : Operation.inProgress(id);
    }

    private static Optional<JobObserved> find(FlinkCluster cluster, FlinkJobId job, Deadline deadline) {
        return cluster.observeJob(job, deadline)
                .map(status -> new JobObserved(cluster.name(), status, cluster.jobPage(job)));
    }
}
