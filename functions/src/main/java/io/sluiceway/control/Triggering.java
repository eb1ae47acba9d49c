package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.JobStatus;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The one way in which a savepoint or a stop is triggered: what the cluster already knows is answered, what it doesn't
 * is triggered, and a lost answer is settled by asking for the trigger id.
 */
record Triggering(FlinkCluster cluster, OperationId operation, Deadline deadline) {
    /** The most that the trigger call itself waits, so that a lost answer can still be settled. */
    private static final Duration SETTLING_RESERVE = Duration.ofSeconds(3);

    /**
     * Triggers the operation unless it was triggered before.
     *
     * @param call triggers the operation into the given directory, before the given deadline
     */
    Triggered trigger(BiConsumer<StoragePath, Deadline> call) {
        Optional<Operation> earlier = find();
        if (earlier.isPresent()) {
            return new Triggered(Outcome.REPLAYED, earlier.get());
        }
        requireLivingJob();
        try {
            call.accept(
                    cluster.savepointDirectory(operation.job(), operation.trigger()),
                    deadline.leaving(SETTLING_RESERVE));
        } catch (RefusedException e) {
            if (e.code() != ErrorCode.CLUSTER_TIMEOUT && e.code() != ErrorCode.CLUSTER_ANSWER_INVALID) {
                throw e;
            }
            return new Triggered(Outcome.STARTED, find().orElseThrow(() -> e));
        }
        return new Triggered(Outcome.STARTED, Operation.inProgress(operation));
    }

    private Optional<Operation> find() {
        return cluster.findSavepoint(operation.job(), operation.trigger(), deadline)
                .map(progress -> OperationProgress.of(operation, progress));
    }

    /** Flink accepts a trigger for a job that is unknown or has ended, and says so only later. */
    private void requireLivingJob() {
        JobStatus job = findJob();
        if (job.overview().state().terminal()) {
            throw new RefusedException(
                    ErrorCode.JOB_NOT_RUNNING,
                    "Job %s is %s.".formatted(operation.job(), job.overview().state()));
        }
    }

    JobStatus findJob() {
        return cluster.findJob(operation.job(), deadline)
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.JOB_NOT_FOUND,
                        "Cluster '%s' knows no job %s.".formatted(cluster.name(), operation.job())));
    }
}
