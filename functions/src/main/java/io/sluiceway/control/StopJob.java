package io.sluiceway.control;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobState;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.time.Deadline;

/** Ends a job: with a savepoint, drained, or cancelled; once per request and try. */
public final class StopJob {
    /** How a job is ended. */
    public enum Mode {
        /** With a savepoint, to go on later. */
        SAVEPOINT(OperationType.STOP_WITH_SAVEPOINT),
        /** With a savepoint after all windows have fired, for good. */
        DRAIN(OperationType.DRAIN),
        /** At once, without a savepoint. */
        CANCEL(OperationType.CANCEL);

        private final OperationType operation;

        Mode(OperationType operation) {
            this.operation = operation;
        }
    }

    private final Clusters clusters;

    public StopJob(Clusters clusters) {
        this.clusters = clusters;
    }

    /**
     * Triggers the stop, or finds the one that an earlier call of this request and try triggered.
     *
     * @return the operation by which the stop is observed; the cancellation of a job that has ended is completed at
     *     once
     * @throws RefusedException JOB_NOT_FOUND, or JOB_NOT_RUNNING when a savepoint is asked for and the job has ended
     */
    public Triggered stop(Request request, ClusterName clusterName, FlinkJobId job, Mode mode, Deadline deadline) {
        FlinkCluster cluster = clusters.named(clusterName);
        TriggerId trigger = TriggerId.derive(mode.operation, clusterName, job, request.id(), request.tryNumber());
        OperationId operation = new OperationId(mode.operation, clusterName, job, trigger);
        Triggering triggering = new Triggering(cluster, operation, deadline);
        return switch (mode) {
            case SAVEPOINT ->
                triggering.trigger((directory, bound) -> cluster.triggerStop(job, trigger, directory, false, bound));
            case DRAIN ->
                triggering.trigger((directory, bound) -> cluster.triggerStop(job, trigger, directory, true, bound));
            case CANCEL -> cancel(triggering);
        };
    }

    private static Triggered cancel(Triggering triggering) {
        JobState state = triggering.jobState();
        if (state.terminal()) {
            return new Triggered(Outcome.REPLAYED, Operation.completed(triggering.operation(), null));
        }
        if (state == JobState.CANCELLING) {
            return new Triggered(Outcome.REPLAYED, Operation.inProgress(triggering.operation()));
        }
        triggering.cluster().cancelJob(triggering.operation().job(), triggering.deadline());
        return new Triggered(Outcome.STARTED, Operation.inProgress(triggering.operation()));
    }
}
