package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Asks a cluster how far an operation has come, and reads the answer as the operation's state. */
final class OperationProgress {
    private OperationProgress() {}

    /**
     * How far an operation that takes a savepoint has come: by its trigger, or, when the cluster has forgotten that, by
     * the job's newest savepoint if it lies in the operation's own directory.
     *
     * @return empty when the cluster knows of neither
     */
    static Optional<Operation> find(FlinkCluster cluster, OperationId id, Deadline deadline) {
        StoragePath directory = cluster.savepointDirectory(id.job(), id.trigger());
        Optional<Operation> told = cluster.findSavepoint(id.job(), id.trigger(), deadline)
                .map(progress -> read(id, progress))
                .or(() -> cluster.findLastSavepoint(id.job(), deadline)
                        .filter(path -> path.isWithin(directory))
                        .map(path -> Operation.completed(id, path)));
        // The operation before the job: a job seen ended after its savepoint was seen complete has ended with it.
        return told.map(operation -> id.type().endsJob() && operation.state() == OperationState.COMPLETED
                ? withJobEnded(operation, cluster.findJob(id.job(), deadline))
                : operation);
    }

    private static Operation read(OperationId id, SavepointProgress progress) {
        return switch (progress) {
            case SavepointProgress.InProgress() -> Operation.inProgress(id);
            case SavepointProgress.Completed(StoragePath path) -> Operation.completed(id, path);
            case SavepointProgress.Failed(String reason, @Nullable StoragePath path) ->
                Operation.failed(id, path, reason);
        };
    }

    /** A stop is complete only when its savepoint is and the job is FINISHED. */
    private static Operation withJobEnded(Operation operation, Optional<JobOverview> job) {
        if (job.isEmpty() || job.get().state() == JobState.FINISHED) {
            return operation;
        }
        JobState state = job.get().state();
        return state.terminal()
                ? Operation.failed(
                        operation.id(),
                        operation.savepoint(),
                        "The savepoint is complete, but the job is %s.".formatted(state))
                : new Operation(operation.id(), OperationState.IN_PROGRESS, operation.savepoint(), null);
    }
}
