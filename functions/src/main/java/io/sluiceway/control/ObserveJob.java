package io.sluiceway.control;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.control.Answer.OperationObserved;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.savepoint.StoragePath;
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
        return find(cluster, job, deadline)
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.JOB_NOT_FOUND, "Cluster '%s' knows no job %s.".formatted(clusterName, job)));
    }

    /**
     * Observes an operation and the job that it acts on.
     *
     * @throws RefusedException OPERATION_NOT_FOUND when the cluster doesn't know the operation (any more) and the job
     *     doesn't tell either
     */
    public OperationObserved observe(OperationId id, Deadline deadline) {
        FlinkCluster cluster = clusters.named(id.cluster());
        // The operation before the job: a job seen ended after its savepoint was seen complete has ended with it.
        Optional<Operation> told = id.type().takesSavepoint()
                ? cluster.findSavepoint(id.job(), id.trigger(), deadline)
                        .map(progress -> OperationProgress.of(id, progress))
                : Optional.empty();
        JobObserved job = find(cluster, id.job(), deadline).orElse(null);
        JobStatus status = job == null ? null : job.status();
        Operation operation = told.orElseGet(() -> settle(id, cluster, status));
        return new OperationObserved(id.type().endsJob() ? withJobEnded(operation, status) : operation, job);
    }

    private static Optional<JobObserved> find(FlinkCluster cluster, FlinkJobId job, Deadline deadline) {
        return cluster.findJob(job, deadline)
                .map(status -> new JobObserved(cluster.name(), status, cluster.jobPage(job)));
    }

    /** What became of an operation whose trigger the cluster doesn't know, as far as the job tells. */
    private static Operation settle(OperationId id, FlinkCluster cluster, @Nullable JobStatus job) {
        StoragePath directory = cluster.savepointDirectory(id.job(), id.trigger());
        if (job != null && !id.type().takesSavepoint()) {
            return job.overview().state().terminal() ? Operation.completed(id, null) : Operation.inProgress(id);
        }
        CompletedCheckpoint savepoint = job == null ? null : job.lastSavepoint();
        if (savepoint != null && savepoint.path() != null && savepoint.path().isWithin(directory)) {
            return Operation.completed(id, savepoint.path());
        }
        throw new RefusedException(
                ErrorCode.OPERATION_NOT_FOUND,
                "Cluster '%s' no longer knows operation %s; its savepoint, if there is one, lies below '%s'."
                        .formatted(id.cluster(), id, directory));
    }

    /** A stop is complete only when its savepoint is and the job is FINISHED. */
    private static Operation withJobEnded(Operation operation, @Nullable JobStatus job) {
        if (operation.state() != OperationState.COMPLETED
                || job == null
                || !operation.id().type().takesSavepoint()) {
            return operation;
        }
        JobState state = job.overview().state();
        if (state == JobState.FINISHED) {
            return operation;
        }
        return state.terminal()
                ? Operation.failed(
                        operation.id(),
                        operation.savepoint(),
                        "The savepoint is complete, but the job is %s.".formatted(state))
                : new Operation(operation.id(), OperationState.IN_PROGRESS, operation.savepoint(), null);
    }
}
