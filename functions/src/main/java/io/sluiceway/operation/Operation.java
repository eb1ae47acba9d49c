package io.sluiceway.operation;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.Request;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An asynchronous action.
 *
 * @param id which one
 * @param type what it does
 * @param cluster where
 * @param job to which job
 * @param attempt to which execution of it
 * @param request on whose behalf
 * @param state how far it has come
 * @param trigger the id that the cluster is asked with, stored before it is used; absent for what takes no savepoint
 * @param directory where its savepoint goes, used by no other operation; absent for what takes none
 * @param origin what its savepoint is taken for; absent for what takes none
 * @param pinned whether its savepoint is kept whatever the job's retention says
 * @param savepoint the savepoint that it left, also when ending the job failed afterwards; absent while there is none
 * @param failure why it failed or was abandoned, in a sentence; absent unless it was
 * @param createdAt when it was asked for
 * @param endedAt when it was seen to have ended; absent until then
 * @param upgrade how it goes on; absent unless it goes in steps
 * @param rescale what is changed; absent unless it gives a job another parallelism
 */
public record Operation(
        OperationId id,
        OperationType type,
        ClusterName cluster,
        JobName job,
        FlinkJobId attempt,
        Request request,
        OperationState state,
        @Nullable TriggerId trigger,
        @Nullable StoragePath directory,
        @Nullable SavepointOrigin origin,
        boolean pinned,
        @Nullable StoragePath savepoint,
        @Nullable String failure,
        Instant createdAt,
        @Nullable Instant endedAt,
        @Nullable Upgrade upgrade,
        @Nullable Rescale rescale) {
    /** One that doesn't go in steps. */
    public Operation(
            OperationId id,
            OperationType type,
            ClusterName cluster,
            JobName job,
            FlinkJobId attempt,
            Request request,
            OperationState state,
            @Nullable TriggerId trigger,
            @Nullable StoragePath directory,
            @Nullable SavepointOrigin origin,
            boolean pinned,
            @Nullable StoragePath savepoint,
            @Nullable String failure,
            Instant createdAt,
            @Nullable Instant endedAt) {
        this(
                id, type, cluster, job, attempt, request, state, trigger, directory, origin, pinned, savepoint, failure,
                createdAt, endedAt, null, null);
    }

    /** How a cluster is asked for the attempt that it acts on. */
    public JobRef ref() {
        return new JobRef(job, attempt);
    }

    /** This operation, now worked on by the cluster. */
    public Operation inProgress() {
        return with(OperationState.IN_PROGRESS, savepoint, null, null);
    }

    /** This operation, with the savepoint that it left before it has ended. */
    public Operation inProgress(StoragePath left) {
        return with(OperationState.IN_PROGRESS, left, null, null);
    }

    /** This operation, having done what it was for. */
    public Operation completed(@Nullable StoragePath left, Instant at) {
        return with(OperationState.COMPLETED, left, null, at);
    }

    /** This operation, failed, with the savepoint that it left all the same. */
    public Operation failed(@Nullable StoragePath left, String why, Instant at) {
        return with(OperationState.FAILED, left, why, at);
    }

    /** This operation, given up. */
    public Operation abandoned(String why, Instant at) {
        return with(OperationState.ABANDONED, savepoint, why, at);
    }

    /** This operation, which goes in steps and has come further. */
    public Operation upgraded(Upgrade further) {
        return new Operation(
                id, type, cluster, job, attempt, request, state, trigger, directory, origin, pinned, savepoint, failure,
                createdAt, endedAt, further, rescale);
    }

    /** This operation, which gives a job another parallelism and has come further. */
    public Operation rescaled(Rescale further) {
        return new Operation(
                id, type, cluster, job, attempt, request, state, trigger, directory, origin, pinned, savepoint, failure,
                createdAt, endedAt, upgrade, further);
    }

    private Operation with(
            OperationState next, @Nullable StoragePath left, @Nullable String why, @Nullable Instant at) {
        if (state.terminal()) {
            throw new IllegalStateException("Operation %s has ended as %s.".formatted(id, state));
        }
        return new Operation(
                id, type, cluster, job, attempt, request, next, trigger, directory, origin, pinned, left, why,
                createdAt, at, upgrade, rescale);
    }
}
