package io.sluiceway.infra.settings;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A directory in S3.
 *
 * @param bucket the bucket's name
 * @param prefix what the keys in it begin with: empty for the bucket itself, else it ends with a slash
 */
public record S3Directory(String bucket, String prefix) {
    /** What Flink's plugins call S3. */
    private static final Pattern S3 = Pattern.compile("s3[ap]?:.*");

    private static final Pattern LOCATION =
            Pattern.compile("s3[ap]?://(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?<key>(/.*)?)");

    /** Flink takes several slashes for one. */
    private static final Pattern SLASHES = Pattern.compile("/+");

    /**
     * Picks those that are in S3.
     *
     * @param directories directories of any file system
     * @return those in S3
     * @throws SettingsException if one is in S3 and names no bucket
     */
    static List<S3Directory> among(List<String> directories) {
        return directories.stream()
                .filter(directory -> S3.matcher(directory).matches())
                .map(S3Directory::of)
                .toList();
    }

    private static S3Directory of(String directory) {
        Matcher location = LOCATION.matcher(directory);
        if (!location.matches()) {
            throw new SettingsException(
                    "'%s' names no bucket: in S3 a directory is such as s3://bucket/savepoints".formatted(directory));
        }
        return new S3Directory(
                location.group("bucket"),
                SLASHES.matcher(location.group("key") + "/").replaceAll("/").substring(1));
    }
}
