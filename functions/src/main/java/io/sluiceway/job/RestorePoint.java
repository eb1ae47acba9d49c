package io.sluiceway.job;

import io.sluiceway.savepoint.StoragePath;

/** Where a new attempt takes its state from. */
public sealed interface RestorePoint {
    /** It starts without state. */
    record None() implements RestorePoint {}

    /**
     * It starts from the newest point that the job's lineage has left, and without state only when it never had any.
     *
     * @param allowNonRestoredState whether state that no operator of the new program claims may be left behind
     */
    record Latest(boolean allowNonRestoredState) implements RestorePoint {}

    /**
     * It starts from a savepoint or retained checkpoint.
     *
     * @param path the directory that holds its {@code _metadata}
     * @param allowNonRestoredState whether state that no operator of the new program claims may be left behind
     */
    record Savepoint(StoragePath path, boolean allowNonRestoredState) implements RestorePoint {}
}
