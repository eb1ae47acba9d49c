package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.util.regex.Pattern;

/**
 * The id by which a Flink cluster knows one execution of a job.
 *
 * @param value 32 lower-case hexadecimal digits
 */
public record FlinkJobId(String value) {
    private static final Pattern ALLOWED = Pattern.compile("[0-9a-f]{32}");

    public FlinkJobId {
        if (!ALLOWED.matcher(value).matches()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "flinkJobId %s is not 32 lower-case hexadecimal digits.".formatted(Quoted.shape(value)));
        }
    }

    /** Whether a text is one. */
    public static boolean isOne(String text) {
        return ALLOWED.matcher(text).matches();
    }

    /**
     * The id of one attempt of a request: whoever repeats the request arrives at the same id, and a Flink cluster runs
     * an id once.
     *
     * @param attempt counted from 1
     */
    public static FlinkJobId derive(ClusterName cluster, JobName job, RequestId requestId, int attempt) {
        return new FlinkJobId(
                Digests.deriveId(cluster.value(), job.value(), requestId.value(), Integer.toString(attempt)));
    }

    @Override
    public String toString() {
        return value;
    }
}
