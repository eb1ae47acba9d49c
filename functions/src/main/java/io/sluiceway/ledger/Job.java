package io.sluiceway.ledger;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.operation.OperationId;
import org.jspecify.annotations.Nullable;

/**
 * A job, and the slot that a living attempt of a STREAM holds.
 *
 * @param cluster where it runs
 * @param name its name, unique in the cluster
 * @param kind how it lives; never changes
 * @param active the attempt that holds the slot: intended or submitted, and not ended; absent when the slot is free,
 *     and always for a RUN
 * @param last the newest attempt that reached the cluster, or may have: the head of a STREAM's lineage; absent while
 *     there is none
 * @param upgrade the upgrade that is at it, and until whose end nobody else starts or stops an attempt; absent: none
 * @param lastEvent the number of the newest event that was recorded of it; 0 while there is none
 */
public record Job(
        ClusterName cluster,
        JobName name,
        JobKind kind,
        @Nullable FlinkJobId active,
        @Nullable FlinkJobId last,
        @Nullable OperationId upgrade,
        long lastEvent) {
    /** A job of which nothing has been told yet. */
    public Job(
            ClusterName cluster, JobName name, JobKind kind, @Nullable FlinkJobId active, @Nullable FlinkJobId last) {
        this(cluster, name, kind, active, last, null, 0);
    }

    /** This job with its slot taken. */
    public Job taken(FlinkJobId attempt) {
        return new Job(cluster, name, kind, attempt, last, upgrade, lastEvent);
    }

    /** This job with its slot free. */
    public Job free() {
        return new Job(cluster, name, kind, null, last, upgrade, lastEvent);
    }

    /** This job with a new head of its lineage. */
    public Job withLast(FlinkJobId attempt) {
        return new Job(cluster, name, kind, active, attempt, upgrade, lastEvent);
    }

    /** This job, at which an upgrade is; null: its end. */
    public Job upgradedBy(@Nullable OperationId operation) {
        return new Job(cluster, name, kind, active, last, operation, lastEvent);
    }

    /** This job with so many more events. */
    public Job told(int events) {
        return new Job(cluster, name, kind, active, last, upgrade, lastEvent + events);
    }
}
