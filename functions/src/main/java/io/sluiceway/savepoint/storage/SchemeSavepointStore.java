package io.sluiceway.savepoint.storage;

import io.sluiceway.savepoint.SavepointStore;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * Savepoints and checkpoints wherever they lie: the scheme of a directory decides which store looks into it.
 *
 * <p>{@code s3a} and {@code s3p} are what Flink calls S3 by its <a
 * href="https://nightlies.apache.org/flink/flink-docs-stable/docs/deployment/filesystems/s3/">Hadoop and Presto
 * plugins</a>; the objects are the same.
 */
public final class SchemeSavepointStore implements SavepointStore {
    private final Map<String, SavepointStore> stores;

    /**
     * The stores that there are.
     *
     * @param s3 gives the one client, made when S3 is first looked into
     * @param sharesFileSystem whether {@code file:} directories are those that the clusters see; elsewhere an empty one
     *     would pass for a lost savepoint
     */
    public SchemeSavepointStore(Supplier<S3Client> s3, boolean sharesFileSystem) {
        this(stores(new S3SavepointStore(s3), sharesFileSystem));
    }

    SchemeSavepointStore(Map<String, SavepointStore> stores) {
        this.stores = new TreeMap<>(stores);
    }

    private static Map<String, SavepointStore> stores(SavepointStore s3, boolean sharesFileSystem) {
        Map<String, SavepointStore> stores = new TreeMap<>(Map.of("s3", s3, "s3a", s3, "s3p", s3));
        if (sharesFileSystem) {
            stores.put("file", new FileSavepointStore());
        }
        return stores;
    }

    @Override
    public Listing list(StoragePath directory, Deadline deadline) {
        String path = directory.value();
        SavepointStore store = stores.get(path.substring(0, path.indexOf(':')));
        if (store == null) {
            return new Listing.NotReadable(
                    "%s can't be looked into: functions read %s."
                            .formatted(directory, String.join(", ", stores.keySet())),
                    true);
        }
        return store.list(directory, deadline);
    }
}
