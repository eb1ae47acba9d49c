package io.sluiceway.savepoint;

import io.sluiceway.time.Deadline;
import java.time.Instant;
import java.util.List;

/**
 * The port to the file systems that savepoints and checkpoints lie in. It only looks: Flink writes, and Flink removes.
 */
public interface SavepointStore {
    /** What was found in a directory. */
    sealed interface Listing {
        /** The directory was read; these of its children hold a {@code _metadata}. */
        record Found(List<StoredState> states) implements Listing {
            public Found {
                states = List.copyOf(states);
            }
        }

        /**
         * The directory can't be looked into.
         *
         * @param reason why, in a sentence
         * @param forGood whether no repeated call can change that: the scheme is none that can be read here
         */
        record NotReadable(String reason, boolean forGood) implements Listing {}
    }

    /**
     * A savepoint or checkpoint that is complete: Flink writes {@code _metadata} last.
     *
     * @param path the directory that holds it
     * @param completedAt when its {@code _metadata} was written, by the store's clock
     */
    record StoredState(StoragePath path, Instant completedAt) {}

    /**
     * Lists the complete savepoints or checkpoints that lie directly in a directory. A directory that isn't there holds
     * none.
     *
     * <p>Of checkpoints, only {@code chk-*} are complete states of a job; {@code shared} and {@code taskowned} hold no
     * {@code _metadata}.
     *
     * @return what was found, in no order; never throws for a store that can't be read or gives no answer in time
     */
    Listing list(StoragePath directory, Deadline deadline);
}
