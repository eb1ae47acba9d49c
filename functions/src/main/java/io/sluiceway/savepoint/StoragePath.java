package io.sluiceway.savepoint;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * A directory in a file system that a Flink cluster knows, such as {@code s3://bucket/savepoints/job}.
 *
 * @param value a scheme, {@code :/} and one to 900 printable ASCII characters, without {@code .} or {@code ..}
 *     segments, escapes, quotes, queries, fragments or passwords, so that "lies below" can be decided from the text
 */
public record StoragePath(String value) {
    private static final Pattern ALLOWED = Pattern.compile(
            "(?=.{1,920}$)(?![^/]*//[^/]*:[^/]*@)[a-z][a-z0-9]{0,15}:/+[ -~&&[^?#%\\\\\"<>/]][ -~&&[^?#%\\\\\"<>]]*");
    private static final Pattern NO_AUTHORITY = Pattern.compile("^([a-z0-9]+:)/{3,}");
    private static final Pattern TRAILING_SLASHES = Pattern.compile("/+$");

    public StoragePath {
        if (!ALLOWED.matcher(value).matches()
                || Arrays.stream(value.split("/", -1)).anyMatch(s -> s.equals(".") || s.equals(".."))) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "The path %s is no directory such as s3://bucket/savepoints/job.".formatted(Quoted.shape(value)));
        }
        // Flink writes file:/data where others write file:///data.
        value = TRAILING_SLASHES
                .matcher(NO_AUTHORITY.matcher(value).replaceFirst("$1/"))
                .replaceFirst("");
    }

    /** The directory {@code name} in this one. */
    public StoragePath child(String name) {
        return new StoragePath(value + "/" + name);
    }

    /** Whether this directory is {@code root} or lies below it. */
    public boolean isWithin(StoragePath root) {
        return value.equals(root.value) || value.startsWith(root.value + "/");
    }

    @Override
    public String toString() {
        return value;
    }
}
