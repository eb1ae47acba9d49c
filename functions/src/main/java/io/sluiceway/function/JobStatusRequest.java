package io.sluiceway.function;

import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.control.Answer;
import io.sluiceway.control.ObserveJob;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.operation.OperationId;
import io.sluiceway.time.Deadline;
import org.jspecify.annotations.Nullable;

/** The event of {@code job-status}; {@code schemas/job-status.request.json} describes its fields. */
@RegisterForReflection
record JobStatusRequest(
        @Nullable OnRefusal onRefusal,
        @Nullable String cluster,
        @Nullable String flinkJobId,
        @Nullable String operationId)
        implements FunctionRequest {
    /** Observes the operation, or the job, that this event names. */
    Answer observe(ObserveJob verb, Deadline deadline) {
        if (operationId != null) {
            if (cluster != null || flinkJobId != null) {
                throw new RefusedException(
                        ErrorCode.FIELD_INVALID,
                        "An operationId names cluster and job itself; leave 'cluster' and 'flinkJobId' out.");
            }
            return verb.observe(OperationId.parse(operationId), deadline);
        }
        if (cluster == null || flinkJobId == null) {
            throw new RefusedException(
                    ErrorCode.FIELD_MISSING, "Either 'operationId', or 'cluster' and 'flinkJobId' have to be there.");
        }
        return verb.observe(new ClusterName(cluster), new FlinkJobId(flinkJobId), deadline);
    }
}
