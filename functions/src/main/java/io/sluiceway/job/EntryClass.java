package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.util.regex.Pattern;

/**
 * The class whose {@code main} builds the job.
 *
 * @param value a Java binary class name of at most 256 ASCII characters
 */
public record EntryClass(String value) {
    private static final Pattern ALLOWED = Pattern.compile("(?:[A-Za-z_][A-Za-z0-9_]*\\.)*[A-Za-z_$][A-Za-z0-9_$]*");
    private static final int MAX_LENGTH = 256;

    public EntryClass {
        if (value.length() > MAX_LENGTH || !ALLOWED.matcher(value).matches()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID, "job.entryClass %s is no class name.".formatted(Quoted.shape(value)));
        }
    }

    /** The name of this class's entry in a jar. */
    public String jarEntry() {
        return value.replace('.', '/') + ".class";
    }

    @Override
    public String toString() {
        return value;
    }
}
