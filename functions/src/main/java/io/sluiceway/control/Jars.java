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
import java.util.function.Function;

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

    /** Sees to it that the cluster has the jar, and fetches it only when the cluster may lack it. */
    JarDigest bring(JobSpec spec, FlinkCluster cluster, Deadline deadline) {
        JarDigest expected = spec.jar().expectedDigest();
        if (expected != null && cluster.hasJar(expected, deadline)) {
            return expected;
        }
        return withFile(spec, deadline, file -> {
            JarDigest digest = JarInspector.inspect(file, spec.jar(), spec.entryClass());
            if (expected != null || !cluster.hasJar(digest, deadline)) {
                cluster.addJar(digest, file, deadline);
            }
            return digest;
        });
    }

    /** The digest of the jar that a specification names, fetched only when the specification doesn't say it. */
    JarDigest digest(JobSpec spec, Deadline deadline) {
        JarDigest expected = spec.jar().expectedDigest();
        return expected != null
                ? expected
                : withFile(spec, deadline, file -> JarInspector.inspect(file, spec.jar(), spec.entryClass()));
    }

    private <T> T withFile(JobSpec spec, Deadline deadline, Function<Path, T> use) {
        Path directory = createDirectory();
        Path file = directory.resolve("job.jar");
        try {
            store.fetch(spec.jar(), file, deadline);
            return use.apply(file);
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
