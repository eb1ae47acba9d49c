package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.JobState;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The one way in which a savepoint or a stop is triggered: what the cluster already knows is answered, what it doesn't
 * is triggered, and a lost answer is settled by asking for the trigger id.
 */
record Triggering(FlinkCluster cluster, OperationId operation, Deadline deadline) {
    /**
     * Triggers the operation unless it was triggered before.
     *
     * @param call triggers the operation into the given directory, before the given deadline
     */
    Triggered trigger(BiConsumer<StoragePath, Deadline> call) {
        Optional<Operation> earlier = OperationProgress.find(cluster, operation, deadline);
        if (earlier.isPresent()) {
            return new Triggered(Outcome.REPLAYED, earlier.get());
        }
        // Flink accepts a trigger for a job that is unknown or has ended, and says so only later.
        JobState state = jobState();
        if (state.terminal()) {
            throw new RefusedException(ErrorCode.JOB_NOT_RUNNING, "Job %s is %s.".formatted(operation.job(), state));
        }
        try {
            call.accept(
                    cluster.savepointDirectory(operation.job(), operation.trigger()),
                    deadline.leaving(LostAnswers.SETTLING_RESERVE));
        } catch (RefusedException e) {
            if (!LostAnswers.mayHaveBeenDone(e)) {
                throw e;
            }
            return new Triggered(Outcome.STARTED, settle(e));
        }
        return new Triggered(Outcome.STARTED, Operation.inProgress(operation));
    }

    /** The state of the job that the operation acts on. */
    JobState jobState() {
        return cluster.findJob(operation.job(), deadline)
                .orElseThrow(() -> cluster.unknownJob(operation.job()))
                .state();
    }

    private Operation settle(RefusedException lost) {
        return LostAnswers.ask(() -> OperationProgress.find(cluster, operation, deadline))
                .orElseThrow(() -> new RefusedException(ErrorCode.CLUSTER_TIMEOUT, lost.sentence(), lost));
    }
}
