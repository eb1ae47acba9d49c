package io.sluiceway.event;

import io.sluiceway.time.Deadline;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The port to the bus that carries events to whoever wants them. */
public interface EventBus {
    /**
     * What became of an attempt to publish events.
     *
     * @param taken those that the bus has; of the others some may have reached it, too
     * @param trouble what hindered the others, in a sentence; absent when there are none
     */
    record Publication(Set<EventId> taken, @Nullable String trouble) {
        public Publication {
            taken = Set.copyOf(taken);
        }
    }

    /**
     * Publishes events, in no promised order, each perhaps more than once. Ends before its deadline, and never throws
     * for what the bus or the way to it does.
     */
    Publication publish(List<JobEvent> events, Deadline deadline);
}
