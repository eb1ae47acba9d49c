package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.util.regex.Pattern;

/**
 * A job's logical name, unique in its cluster.
 *
 * @param value 1 to 128 characters: lower-case letters, digits and single hyphens, none at either end. It names
 *     directories and, on Managed Flink, an application (whose limit of 128 characters it keeps).
 */
public record JobName(String value) {
    private static final Pattern ALLOWED = Pattern.compile("[a-z0-9]+(?:-[a-z0-9]+)*");
    private static final int MAX_LENGTH = 128;

    public JobName {
        if (value.length() > MAX_LENGTH || !ALLOWED.matcher(value).matches()) {
            throw new RefusedException(
                    ErrorCode.JOB_NAME_INVALID, "The job name %s is not allowed.".formatted(Quoted.shape(value)));
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
