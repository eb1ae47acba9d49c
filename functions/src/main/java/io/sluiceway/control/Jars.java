package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarStore;
import io.sluiceway.job.JobSpec;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Brings jars from their store to a cluster.
 *
 * @param store where they come from
 * @param allowedBuckets the buckets that they may come from
 * @param workDirectory where a jar lies while it is checked and handed on; it must have room for the largest
 */
public record Jars(JarStore store, Set<String> allowedBuckets, Path workDirectory) {
    public Jars {
        allowedBuckets = Set.copyOf(allowedBuckets);
    }

    /** Refuses a jar from elsewhere. */
    void checkBucket(JarReference jar) {
        String bucket = jar.uri().bucket();
        if (!allowedBuckets.contains(bucket)) {
            throw new RefusedException(
                    ErrorCode.JAR_BUCKET_NOT_ALLOWED, "Jars may not come from the bucket '%s'.".formatted(bucket));
        }
    }

    /**
     * A jar that a cluster has.
     *
     * @param digest what it is
     * @param versionId the version of its object in the store; absent when nobody had to know, or the store keeps none
     */
    record Brought(JarDigest digest, @Nullable String versionId) {}

    /**
     * Sees to it that the cluster has the jar, and fetches it only when the cluster may lack it.
     *
     * @param check refuses a jar before the cluster gets it
     */
    Brought bring(JobSpec spec, FlinkCluster cluster, Consumer<JarDigest> check, Deadline deadline) {
        JarDigest expected = spec.jar().expectedDigest();
        if (expected != null && cluster.hasJar(expected, deadline)) {
            check.accept(expected);
            return new Brought(expected, spec.jar().versionId());
        }
        return withFile(spec, deadline, (file, versionId) -> {
            JarDigest digest = JarInspector.inspect(file, spec.jar(), spec.entryClass());
            check.accept(digest);
            if (expected != null || !cluster.hasJar(digest, deadline)) {
                cluster.addJar(digest, file, deadline);
            }
            return new Brought(digest, versionId);
        });
    }

    /** The digest of the jar that a specification names, fetched only when the specification doesn't say it. */
    JarDigest digest(JobSpec spec, Deadline deadline) {
        JarDigest expected = spec.jar().expectedDigest();
        return expected != null
                ? expected
                : withFile(
                        spec, deadline, (file, versionId) -> JarInspector.inspect(file, spec.jar(), spec.entryClass()));
    }

    private interface Use<T> {
        T apply(Path file, @Nullable String versionId);
    }

    private <T> T withFile(JobSpec spec, Deadline deadline, Use<T> use) {
        Path directory = createDirectory();
        Path file = directory.resolve("job.jar");
        try {
            String versionId = store.fetch(spec.jar(), file, deadline).orElse(null);
            return use.apply(file, versionId);
        } finally {
            delete(file);
            delete(directory);
        }
    }

    private Path createDirectory() {
        try {
            return Files.createTempDirectory(workDirectory, "sluiceway");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
