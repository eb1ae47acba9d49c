package io.sluiceway.control;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.time.Deadline;

/** Triggers a savepoint of a running job, once per request and try. */
public final class TakeSavepoint {
    private final Clusters clusters;

    public TakeSavepoint(Clusters clusters) {
        this.clusters = clusters;
    }

    /**
     * Triggers the savepoint, or finds the one that an earlier call of this request and try triggered.
     *
     * @return the operation by which the savepoint is observed
     * @throws RefusedException JOB_NOT_FOUND or JOB_NOT_RUNNING when there is nothing to save
     */
    public Triggered take(Request request, ClusterName clusterName, FlinkJobId job, Deadline deadline) {
        FlinkCluster cluster = clusters.named(clusterName);
        TriggerId trigger =
                TriggerId.derive(OperationType.TAKE_SAVEPOINT, clusterName, job, request.id(), request.tryNumber());
        OperationId operation = new OperationId(OperationType.TAKE_SAVEPOINT, clusterName, job, trigger);
        return new Triggering(cluster, operation, deadline)
                .trigger((directory, bound) -> cluster.triggerSavepoint(job, trigger, directory, bound));
    }
}
