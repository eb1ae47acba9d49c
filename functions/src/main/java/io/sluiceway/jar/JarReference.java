package io.sluiceway.jar;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The jar that a request names.
 *
 * @param uri where it lies
 * @param versionId the object's version, 1 to 1,024 printable ASCII characters; absent: its newest
 * @param expectedDigest what its SHA-256 must be; absent: whatever it is
 */
public record JarReference(
        JarUri uri, @Nullable String versionId, @Nullable JarDigest expectedDigest) {
    private static final Pattern VERSION_ID = Pattern.compile("[\\x21-\\x7e]{1,1024}");

    public JarReference {
        if (versionId != null && !VERSION_ID.matcher(versionId).matches()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "job.jar.versionId %s is not 1 to 1,024 printable ASCII characters."
                            .formatted(Quoted.shape(versionId)));
        }
    }
}
