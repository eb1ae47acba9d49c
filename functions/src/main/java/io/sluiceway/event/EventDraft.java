package io.sluiceway.event;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is to be told of a job and has no number yet.
 *
 * @param cluster where
 * @param job of which job
 * @param execution of which execution of it
 * @param request on whose behalf; absent when there is none
 * @param occurredAt when it was seen
 * @param data what happened
 */
public record EventDraft(
        ClusterName cluster,
        JobName job,
        FlinkJobId execution,
        @Nullable RequestId request,
        Instant occurredAt,
        EventData data) {
    /** The event, as the job's event with that number, from 1. */
    public JobEvent numbered(long sequence) {
        return new JobEvent(
                EventId.derive(cluster, job, sequence),
                data.type(),
                data.version(),
                cluster,
                job,
                sequence,
                execution,
                request,
                occurredAt,
                data.fields());
    }
}
