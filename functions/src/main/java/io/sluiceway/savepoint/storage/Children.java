package io.sluiceway.savepoint.storage;

import io.sluiceway.error.RefusedException;
import io.sluiceway.savepoint.SavepointStore.Listing;
import io.sluiceway.savepoint.StoragePath;
import java.util.Optional;

/** What the stores have in common about the directories in a directory. */
final class Children {
    /**
     * How many are looked into, each with a request of its own in S3. A part of a listing would pass for the whole, so
     * with more there is none.
     */
    static final int MOST = 1000;

    /** The file that Flink writes last: the savepoint or checkpoint that holds it is complete. */
    static final String METADATA = "_metadata";

    private Children() {}

    /** The child of that name; empty for a name that no path can have, and that so can't be restored from either. */
    static Optional<StoragePath> named(String name, StoragePath directory) {
        // An empty name would be the directory itself.
        if (name.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(directory.child(name));
        } catch (RefusedException e) {
            return Optional.empty();
        }
    }

    static Listing tooMany(StoragePath directory, int most) {
        return new Listing.NotReadable(
                "%s holds more than %d directories, which is more than are looked into.".formatted(directory, most),
                false);
    }

    static Listing timeIsUp(StoragePath directory) {
        return new Listing.NotReadable(
                "The time of this call was up before %s was listed.".formatted(directory), false);
    }
}
