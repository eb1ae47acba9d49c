package io.sluiceway.ledger;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.Request;
import io.sluiceway.operation.OperationId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One line of a job's history. Lines are only ever added.
 *
 * @param cluster where
 * @param job about which job
 * @param at when
 * @param event what happened
 * @param by on whose behalf: the request and try that asked for it, or that own the job which was observed; absent when
 *     there is none
 * @param attempt about which attempt; absent when it is about none
 * @param operation about which operation; absent when it is about none
 * @param detail what came of it, in a sentence; never a secret or a program argument; absent when the event says all
 */
public record HistoryEntry(
        ClusterName cluster,
        JobName job,
        Instant at,
        Event event,
        @Nullable Request by,
        @Nullable FlinkJobId attempt,
        @Nullable OperationId operation,
        @Nullable String detail) {
    /** What can happen to a job. */
    public enum Event {
        /** A request was taken and an attempt intended. */
        ATTEMPT_INTENDED,
        /** A request took over an attempt that was there. */
        ATTEMPT_ADOPTED,
        /** Somebody else went on with an attempt whose first caller stopped half-way. */
        ATTEMPT_RESUMED,
        /** The cluster has the job. */
        ATTEMPT_SUBMITTED,
        /** The job ended, or never came to be; the detail says how. */
        ATTEMPT_ENDED,
        /** The cluster can't tell what became of the job. */
        ATTEMPT_UNKNOWN,
        /** A second living attempt of a STREAM was seen, and cancelled. */
        ATTEMPT_SURPLUS,
        /** A savepoint was removed, which the operation had taken; the detail says which and why. */
        SAVEPOINT_DISPOSED,
        /** A request was refused for good. */
        REQUEST_REFUSED,
        /** An operation was asked for. */
        OPERATION_INTENDED,
        /** The cluster works on an operation. */
        OPERATION_TRIGGERED,
        /** An operation ended; the detail says how. */
        OPERATION_ENDED
    }
}
