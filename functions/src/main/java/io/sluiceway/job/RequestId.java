package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.util.regex.Pattern;

/**
 * The caller's idempotency key: the same key always means the same request.
 *
 * @param value 1 to 512 printable ASCII characters. A value that still contains {@code <aws.} is a placeholder that
 *     EventBridge Scheduler should have replaced, equal for every firing, and is refused.
 */
public record RequestId(String value) {
    private static final Pattern ALLOWED = Pattern.compile("[\\x21-\\x7e]{1,512}");

    public RequestId {
        if (!ALLOWED.matcher(value).matches()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "requestId %s is not 1 to 512 printable ASCII characters without spaces."
                            .formatted(Quoted.shape(value)));
        }
        if (value.contains("<aws.")) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "requestId %s holds a placeholder that the scheduler did not replace."
                            .formatted(Quoted.shape(value)));
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
