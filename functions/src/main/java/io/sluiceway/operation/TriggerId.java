package io.sluiceway.operation;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.Digests;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.RequestId;
import java.util.regex.Pattern;

/**
 * The id of one savepoint trigger. Flink runs a trigger id once: a repeated trigger with the same id joins the first.
 *
 * @param value 32 lower-case hexadecimal digits
 */
public record TriggerId(String value) {
    private static final Pattern ALLOWED = Pattern.compile("[0-9a-f]{32}");

    public TriggerId {
        if (!ALLOWED.matcher(value).matches()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID, "%s is not 32 lower-case hexadecimal digits.".formatted(Quoted.of(value)));
        }
    }

    /** The id of one try of a request to act on a job: whoever repeats it arrives at the same id. */
    public static TriggerId derive(
            OperationType type, ClusterName cluster, FlinkJobId job, RequestId requestId, int tryNumber) {
        return new TriggerId(Digests.deriveId(
                type.name(), cluster.value(), job.value(), requestId.value(), Integer.toString(tryNumber)));
    }

    @Override
    public String toString() {
        return value;
    }
}
