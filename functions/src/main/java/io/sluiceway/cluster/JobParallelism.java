package io.sluiceway.cluster;

import org.jspecify.annotations.Nullable;

/**
 * The parallelism of a job.
 *
 * @param asked what the cluster was asked to run it with last; with too few slots it may run with less
 * @param most what its keyed state can be divided among, which is fixed when the job first starts; absent where the
 *     cluster doesn't tell
 */
public record JobParallelism(int asked, @Nullable Integer most) {}
