package io.sluiceway.event;

import io.sluiceway.time.Deadline;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/** A bus in memory, for fast tests. */
public final class FakeEventBus implements EventBus {
    private final List<JobEvent> arrived = new ArrayList<>();
    private Predicate<JobEvent> refused = event -> false;
    private boolean answersLost;
    private boolean broken;
    private int calls;

    /** All that arrived, in the order of arrival, each as often as it did. */
    public synchronized List<JobEvent> arrived() {
        return List.copyOf(arrived);
    }

    /** How often it was asked. */
    public synchronized int calls() {
        return calls;
    }

    /** From now on takes none of these. */
    public synchronized void refuse(Predicate<JobEvent> which) {
        refused = which;
    }

    /** From now on events arrive and their publisher doesn't hear of it, or does. */
    public synchronized void loseAnswers(boolean lost) {
        answersLost = lost;
    }

    /** From now on fails as only a defect of its own would make it. */
    public synchronized void breakDown() {
        broken = true;
    }

    @Override
    public synchronized Publication publish(List<JobEvent> events, Deadline deadline) {
        calls++;
        if (broken) {
            throw new IllegalStateException("The bus has a defect.");
        }
        if (deadline.remaining().isZero()) {
            return new Publication(Set.of(), "The time was up.");
        }
        List<JobEvent> taken =
                events.stream().filter(event -> !refused.test(event)).toList();
        arrived.addAll(taken);
        if (answersLost) {
            return new Publication(Set.of(), "No answer came.");
        }
        Set<EventId> ids = new HashSet<>();
        taken.forEach(event -> ids.add(event.id()));
        return new Publication(ids, taken.size() == events.size() ? null : "The bus refused some events.");
    }
}
