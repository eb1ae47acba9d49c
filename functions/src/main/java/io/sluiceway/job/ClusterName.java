package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.util.regex.Pattern;

/**
 * The configured name of a cluster. An event names a cluster; it never carries its URL.
 *
 * @param value 1 to 64 lower-case letters, digits and single hyphens
 */
public record ClusterName(String value) {
    private static final Pattern ALLOWED = Pattern.compile("[a-z0-9]+(?:-[a-z0-9]+)*");
    private static final int MAX_LENGTH = 64;

    public ClusterName {
        if (value.length() > MAX_LENGTH || !ALLOWED.matcher(value).matches()) {
            throw new RefusedException(
                    ErrorCode.CLUSTER_UNKNOWN,
                    "The cluster name %s is not allowed, so there is no such cluster.".formatted(Quoted.shape(value)));
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
