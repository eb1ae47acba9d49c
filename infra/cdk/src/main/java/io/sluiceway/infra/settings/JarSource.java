package io.sluiceway.infra.settings;

import java.util.regex.Pattern;

/**
 * A place outside the jobs bucket from which jars may be submitted.
 *
 * @param bucket the bucket's name; it is in the same account, or its owner lets this account read it
 * @param prefix the part of it that holds jars, such as {@code flink/}: not empty, ends with a slash
 */
public record JarSource(String bucket, String prefix) {
    /** What S3 takes as a bucket's name; dots are left out, since a bucket with one has no TLS name of its own. */
    static final Pattern BUCKET = Pattern.compile("[a-z0-9][a-z0-9-]{1,61}[a-z0-9]");

    /** {@link #BUCKET} in words. */
    static final String BUCKET_RULE = "3 to 63 lower-case letters, digits and hyphens";

    /** Neither {@code *} nor <code>${</code>: both mean something in an IAM resource. */
    private static final Pattern PREFIX = Pattern.compile("(?!/)[A-Za-z0-9!_.'()/=-]*/");

    /**
     * Checks both.
     *
     * @throws SettingsException if one is missing or breaks its rule
     */
    public JarSource {
        Check.matching(bucket, "bucket", BUCKET, BUCKET_RULE);
        Check.matching(prefix, "prefix", PREFIX, "the start of a key up to a slash, such as flink/, without wildcards");
    }
}
