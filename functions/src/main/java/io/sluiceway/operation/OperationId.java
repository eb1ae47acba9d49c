package io.sluiceway.operation;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.Digests;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import java.util.regex.Pattern;

/**
 * The id of an operation.
 *
 * @param value 32 lower-case hexadecimal digits
 */
public record OperationId(String value) {
    private static final Pattern ALLOWED = Pattern.compile("[0-9a-f]{32}");

    public OperationId {
        if (!ALLOWED.matcher(value).matches()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "operationId %s is not 32 lower-case hexadecimal digits.".formatted(Quoted.shape(value)));
        }
    }

    /**
     * The id of what a request makes: whoever repeats the request arrives at the same id.
     *
     * @param verb what is asked for, such as {@code take-savepoint}
     * @param number which operation of the request it is, from 1
     */
    public static OperationId derive(ClusterName cluster, JobName job, String verb, RequestId request, int number) {
        return new OperationId(Digests.deriveId(
                "operation", cluster.value(), job.value(), verb, request.value(), Integer.toString(number)));
    }

    @Override
    public String toString() {
        return value;
    }
}
