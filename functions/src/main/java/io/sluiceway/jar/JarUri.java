package io.sluiceway.jar;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a jar lies in Amazon S3.
 *
 * @param bucket a general purpose bucket's name, by S3's naming rules: 3 to 63 lower-case letters, digits, dots and
 *     hyphens
 * @param key the object's key: 1 to 1,024 printable ASCII characters, ending with {@code .jar}, without {@code .} or
 *     {@code ..} segments
 */
public record JarUri(String bucket, String key) {
    private static final Pattern URI = Pattern.compile("s3://([^/]+)/(.+)", Pattern.DOTALL);
    private static final Pattern BUCKET = Pattern.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");
    private static final Pattern KEY = Pattern.compile("[\\x21-\\x7e]{1,1020}\\.jar");
    private static final Pattern DOT_SEGMENT = Pattern.compile("(?:^|/)\\.{1,2}(?:/|$)");

    public JarUri {
        if (!BUCKET.matcher(bucket).matches()
                || !KEY.matcher(key).matches()
                || DOT_SEGMENT.matcher(key).find()) {
            throw invalid("s3://" + bucket + "/" + key);
        }
    }

    /**
     * Reads a URI.
     *
     * @param text {@code s3://bucket/key.jar}
     * @throws RefusedException FIELD_INVALID when it has another form
     */
    public static JarUri parse(String text) {
        Matcher matcher = URI.matcher(text);
        if (!matcher.matches()) {
            throw invalid(text);
        }
        return new JarUri(matcher.group(1), matcher.group(2));
    }

    private static RefusedException invalid(String text) {
        return new RefusedException(
                ErrorCode.FIELD_INVALID,
                "job.jar.uri %s is not of the form s3://bucket/key.jar.".formatted(Quoted.shape(text)));
    }

    @Override
    public String toString() {
        return "s3://" + bucket + "/" + key;
    }
}
