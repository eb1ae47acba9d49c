package io.sluiceway.operation;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
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
                    ErrorCode.FIELD_INVALID,
                    "The trigger id %s is not 32 lower-case hexadecimal digits.".formatted(Quoted.shape(value)));
        }
    }

    /** Whether a text is one. */
    public static boolean isOne(String text) {
        return ALLOWED.matcher(text).matches();
    }

    /** The trigger of an operation: it has one, so that whoever goes on with it asks the cluster with the same. */
    public static TriggerId of(OperationId operation) {
        return new TriggerId(operation.value());
    }

    @Override
    public String toString() {
        return value;
    }
}
