package io.sluiceway.savepoint;

import io.sluiceway.time.Deadline;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Savepoints and checkpoints in memory, for fast tests. */
public final class FakeSavepointStore implements SavepointStore {
    private final Map<StoragePath, Instant> states = new ConcurrentHashMap<>();
    private volatile Listing.@Nullable NotReadable trouble;

    /** Puts a savepoint or checkpoint, complete: its {@code _metadata} is there. */
    public void put(StoragePath path, Instant completedAt) {
        states.put(path, completedAt);
    }

    /** Whether one was put and not removed. */
    public boolean contains(StoragePath path) {
        return states.containsKey(path);
    }

    /** All that were put and not removed, by their path. */
    public SortedMap<StoragePath, Instant> states() {
        SortedMap<StoragePath, Instant> all = new TreeMap<>(Comparator.comparing(StoragePath::value));
        all.putAll(states);
        return all;
    }

    /** Removes one, as Flink or a person does. */
    public void remove(StoragePath path) {
        states.remove(path);
    }

    /** From now on no directory can be looked into. */
    public void makeUnreadable(boolean forGood) {
        trouble = new Listing.NotReadable("The store was made unreadable.", forGood);
    }

    /** Ends what {@link #makeUnreadable} began. */
    public void makeReadable() {
        trouble = null;
    }

    /** Whether directories can be looked into. */
    public boolean isReadable() {
        return trouble == null;
    }

    @Override
    public Listing list(StoragePath directory, Deadline deadline) {
        Listing.NotReadable refusal = trouble;
        if (refusal != null) {
            return refusal;
        }
        if (deadline.remaining().isZero()) {
            return new Listing.NotReadable(
                    "The time of this call was up before %s could be listed.".formatted(directory), false);
        }
        String below = directory + "/";
        List<StoredState> found = states.entrySet().stream()
                .filter(state -> state.getKey().value().startsWith(below)
                        && state.getKey().value().indexOf('/', below.length()) < 0)
                .map(state -> new StoredState(state.getKey(), state.getValue()))
                .toList();
        return new Listing.Found(found);
    }
}
