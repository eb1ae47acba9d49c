package io.sluiceway.event;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.Digests;
import io.sluiceway.job.JobName;
import java.util.regex.Pattern;

/**
 * The id of an event. Who publishes an event again publishes it under the same id.
 *
 * @param value 32 lower-case hexadecimal digits
 */
public record EventId(String value) {
    private static final Pattern ALLOWED = Pattern.compile("[0-9a-f]{32}");

    public EventId {
        if (!ALLOWED.matcher(value).matches()) {
            throw new IllegalArgumentException("An event's id is 32 lower-case hexadecimal digits.");
        }
    }

    /** The id of a job's event with that number. */
    public static EventId derive(ClusterName cluster, JobName job, long sequence) {
        return new EventId(Digests.deriveId("event", cluster.value(), job.value(), Long.toString(sequence)));
    }

    @Override
    public String toString() {
        return value;
    }
}
