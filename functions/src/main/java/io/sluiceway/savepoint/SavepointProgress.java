package io.sluiceway.savepoint;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** How far a triggered savepoint has come, as the cluster says. */
public sealed interface SavepointProgress {
    /** The cluster works on it. */
    record InProgress() implements SavepointProgress {}

    /** It is complete. */
    record Completed(StoragePath path) implements SavepointProgress {}

    /**
     * It failed, or ending the job failed after it.
     *
     * @param reason the first cause, in a sentence
     * @param path the savepoint that was completed before ending the job failed; absent when there is none
     */
    record Failed(String reason, @Nullable StoragePath path) implements SavepointProgress {}

    /**
     * A stop failed on a cluster whose stops have no triggers: another that was sent before it may still arrive, and
     * would be no other's.
     *
     * @param reason the first cause, in a sentence
     * @param startedAt when the cluster began the stop that failed
     */
    record StopFailed(String reason, Instant startedAt) implements SavepointProgress {}
}
