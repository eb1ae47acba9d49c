package io.sluiceway.savepoint;

import java.time.Instant;

class FakeSavepointStoreTest extends SavepointStoreContract {
    private final FakeSavepointStore store = new FakeSavepointStore();

    @Override
    protected SavepointStore store() {
        return store;
    }

    @Override
    protected StoragePath root() {
        return new StoragePath("s3://state/savepoints");
    }

    @Override
    protected void write(StoragePath directory, String file) {
        if (file.equals("_metadata")) {
            store.put(directory, Instant.now());
        }
    }

    @Override
    protected StoragePath unreadable() {
        store.makeUnreadable(false);
        return root();
    }
}
