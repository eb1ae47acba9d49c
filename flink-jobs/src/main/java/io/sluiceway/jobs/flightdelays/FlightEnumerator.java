package io.sluiceway.jobs.flightdelays;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.jspecify.annotations.Nullable;

/** Hands the one split to the first reader that asks, and keeps it while nobody has it. */
final class FlightEnumerator implements SplitEnumerator<FlightSplit, Collection<FlightSplit>> {

    private final SplitEnumeratorContext<FlightSplit> context;
    private final Queue<FlightSplit> unassigned;

    FlightEnumerator(SplitEnumeratorContext<FlightSplit> context, Collection<FlightSplit> unassigned) {
        this.context = context;
        this.unassigned = new ArrayDeque<>(unassigned);
    }

    @Override
    public void start() {}

    @Override
    public void addReader(int subtask) {}

    @Override
    public void handleSplitRequest(int subtask, @Nullable String host) {
        FlightSplit split = unassigned.poll();
        if (split == null) {
            context.signalNoMoreSplits(subtask);
        } else {
            context.assignSplit(split, subtask);
        }
    }

    @Override
    public void addSplitsBack(List<FlightSplit> splits, int subtask) {
        unassigned.addAll(splits);
    }

    @Override
    public Collection<FlightSplit> snapshotState(long checkpointId) {
        return List.copyOf(unassigned);
    }

    @Override
    public void close() {}
}
