package io.sluiceway.function;

import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.control.Answer;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.control.Answer.OperationObserved;
import io.sluiceway.control.Jars;
import io.sluiceway.control.ObserveJob;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.operation.OperationId;
import io.sluiceway.time.Deadline;
import org.jspecify.annotations.Nullable;

/** The event of {@code job-status}; {@code schemas/job-status.request.json} describes its fields. */
@RegisterForReflection
record JobStatusRequest(
        @Nullable OnRefusal onRefusal,
        @Nullable String cluster,
        @Nullable String jobName,
        @Nullable String flinkJobId,
        @Nullable String operationId,
        @Nullable Boolean dashboard)
        implements FunctionRequest {
    /** Observes the operation, or the job, that this event names. */
    Answer observe(ObserveJob verb, Jars jars, Deadline deadline) {
        if (operationId != null) {
            if (cluster != null || flinkJobId != null || jobName != null) {
                throw new RefusedException(
                        ErrorCode.FIELD_INVALID,
                        "An operationId names cluster and job itself; leave 'cluster', 'jobName' and 'flinkJobId' out.");
            }
            OperationObserved seen = verb.observe(new OperationId(operationId), jars, deadline);
            return new OperationObserved(seen.operation(), asked(verb, seen.job(), deadline));
        }
        if (cluster == null) {
            throw new RefusedException(
                    ErrorCode.FIELD_MISSING,
                    "Either 'operationId', or 'cluster' with 'jobName' or 'flinkJobId' have to be there.");
        }
        return asked(verb, verb.observe(Targets.read(cluster, jobName, flinkJobId), deadline), deadline);
    }

    private JobObserved asked(ObserveJob verb, JobObserved seen, Deadline deadline) {
        return Boolean.TRUE.equals(dashboard) ? verb.withDashboard(seen, deadline) : seen;
    }
}
