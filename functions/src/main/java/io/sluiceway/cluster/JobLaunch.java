package io.sluiceway.cluster;

import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.savepoint.StoragePath;
import org.jspecify.annotations.Nullable;

/**
 * One attempt, ready to be run.
 *
 * @param id the id it is to have
 * @param spec what is to run
 * @param jar the digest of a jar that the cluster has
 * @param jarVersion the version of the jar's object in its store, as it was looked at; absent when nobody had to know
 * @param restoreFrom the savepoint or checkpoint that its state comes from, as the restore point of the specification
 *     was settled; absent: it starts without state
 */
public record JobLaunch(
        FlinkJobId id,
        JobSpec spec,
        JarDigest jar,
        @Nullable String jarVersion,
        @Nullable StoragePath restoreFrom) {
    /** Whether state that no operator of the program claims may be left behind. */
    public boolean allowNonRestoredState() {
        return switch (spec.restore()) {
            case RestorePoint.None() -> false;
            case RestorePoint.Latest(boolean allow) -> allow;
            case RestorePoint.Savepoint(StoragePath _, boolean allow) -> allow;
        };
    }
}
