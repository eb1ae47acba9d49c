package io.sluiceway.jar;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The SHA-256 of a jar: its identity, whatever its file is called.
 *
 * @param value 64 lower-case hexadecimal digits (upper case is accepted and lowered)
 */
public record JarDigest(String value) {
    private static final Pattern ALLOWED = Pattern.compile("[0-9a-f]{64}");

    public JarDigest {
        value = value.toLowerCase(Locale.ROOT);
        if (!ALLOWED.matcher(value).matches()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "job.jar.sha256 %s is not 64 hexadecimal digits.".formatted(Quoted.shape(value)));
        }
    }

    /** The name under which a cluster keeps the jar. */
    public String fileName() {
        return value + ".jar";
    }

    @Override
    public String toString() {
        return value;
    }
}
