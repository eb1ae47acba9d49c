package io.sluiceway.jar;

import org.jspecify.annotations.Nullable;

/**
 * The jar that a request names.
 *
 * @param uri where it lies
 * @param versionId the object's version; absent: its newest
 * @param expectedDigest what its SHA-256 must be; absent: whatever it is
 */
public record JarReference(
        JarUri uri, @Nullable String versionId, @Nullable JarDigest expectedDigest) {}
