package io.sluiceway.job;

import org.jspecify.annotations.Nullable;

/**
 * Names one attempt to a cluster: a session cluster finds it by its id, a cluster that keeps one job under each name
 * needs the name, too.
 *
 * @param name the job's logical name; absent when nobody knows it, since Sluiceway didn't start the job
 * @param id the attempt
 */
public record JobRef(@Nullable JobName name, FlinkJobId id) {
    /** A job that Sluiceway didn't start. */
    public static JobRef unnamed(FlinkJobId id) {
        return new JobRef(null, id);
    }

    @Override
    public String toString() {
        return id.toString();
    }
}
