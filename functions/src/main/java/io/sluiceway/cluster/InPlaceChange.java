package io.sluiceway.cluster;

import io.sluiceway.savepoint.StoragePath;
import org.jspecify.annotations.Nullable;

/** How far a change has come that a cluster makes to a living job, which stays the attempt that it is. */
public sealed interface InPlaceChange {
    /** The cluster works on it. */
    record InProgress() implements InPlaceChange {}

    /**
     * It is made.
     *
     * @param parallelism what the job runs with now
     */
    record Completed(int parallelism) implements InPlaceChange {}

    /**
     * It failed; whether the job lives is told by observing it.
     *
     * @param reason why, in a sentence or the cluster's own words
     * @param savepoint what the cluster saved of the job when it began with the change; absent when there is none, or
     *     when the cluster needs none
     */
    record Failed(String reason, @Nullable StoragePath savepoint) implements InPlaceChange {}

    /**
     * The cluster can't do that to this job, and nothing was done. The same can be had by stopping the job with a
     * savepoint and starting it anew from there.
     *
     * @param reason why not, in a sentence or the cluster's own words
     */
    record NotPossible(String reason) implements InPlaceChange {}
}
