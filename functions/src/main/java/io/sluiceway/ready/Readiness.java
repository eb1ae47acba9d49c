package io.sluiceway.ready;

import io.sluiceway.job.FlinkJobId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How far a job's data is ready: what is kept from one observation to the next, of a STREAM by its name, of a RUN by
 * its request. It changes when a boundary is crossed or has become ready, and when the job was restarted.
 *
 * @param execution the stretch of the job's life that was seen last; absent before the first
 * @param sighting the boundary that has been passed and isn't known to be committed yet; absent when there is none
 * @param proven up to where all is known to be committed; absent before the first
 * @param announced the last boundary that was announced, at most {@code proven}; absent before the first
 */
public record Readiness(
        @Nullable Execution execution,
        @Nullable Sighting sighting,
        @Nullable Proven proven,
        @Nullable Instant announced) {
    /** Nothing is known. */
    public static final Readiness NONE = new Readiness(null, null, null, null);

    /**
     * A stretch of the job's life between two restarts.
     *
     * @param attempt whose life
     * @param name the stretch, as {@link SinkView.Checkpoints#execution()} names it
     * @param since what the cluster's clock showed when it was first seen
     * @param settled whether a watermark was known one fetch interval later, so that those that follow are its own
     */
    public record Execution(FlinkJobId attempt, String name, Instant since, boolean settled) {}

    /**
     * That a boundary was passed.
     *
     * @param boundary the highest that was
     * @param triggered the highest id of a checkpoint that was triggered by then
     * @param at what the cluster's clock showed then
     */
    public record Sighting(Instant boundary, long triggered, Instant at) {}

    /**
     * That all before a boundary is committed.
     *
     * @param boundary the boundary
     * @param checkpoint the id of a checkpoint that holds all before it: who goes on from an older one writes some of
     *     it again
     */
    public record Proven(Instant boundary, long checkpoint) {}

    Readiness withExecution(Execution other) {
        return new Readiness(other, sighting, proven, announced);
    }

    Readiness withSighting(@Nullable Sighting other) {
        return new Readiness(execution, other, proven, announced);
    }

    Readiness withProven(@Nullable Proven other) {
        return new Readiness(execution, sighting, other, announced);
    }

    Readiness withAnnounced(Instant other) {
        return new Readiness(execution, sighting, proven, other);
    }
}
