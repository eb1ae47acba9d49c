package io.sluiceway.savepoint.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.savepoint.FakeSavepointStore;
import io.sluiceway.savepoint.SavepointStore.Listing.Found;
import io.sluiceway.savepoint.SavepointStore.Listing.NotReadable;
import io.sluiceway.savepoint.SavepointStore.StoredState;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchemeSavepointStoreTest {
    private static final Deadline DEADLINE = Deadline.in(Duration.ofSeconds(20), Clock.systemUTC());

    @Test
    void list_anyScheme_asksTheStoreOfThatScheme() {
        FakeSavepointStore s3 = new FakeSavepointStore();
        FakeSavepointStore file = new FakeSavepointStore();
        StoragePath inS3 = new StoragePath("s3://state/savepoints/chk-1");
        StoragePath inFile = new StoragePath("file:///state/savepoints/chk-2");
        s3.put(inS3, Instant.EPOCH);
        file.put(inFile, Instant.EPOCH);
        SchemeSavepointStore store = new SchemeSavepointStore(Map.of("s3", s3, "file", file));

        assertThat(store.list(new StoragePath("s3://state/savepoints"), DEADLINE))
                .isEqualTo(new Found(List.of(new StoredState(inS3, Instant.EPOCH))));
        assertThat(store.list(new StoragePath("file:/state/savepoints"), DEADLINE))
                .isEqualTo(new Found(List.of(new StoredState(inFile, Instant.EPOCH))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"hdfs://namenode/savepoints", "gs://state/savepoints", "s3n://state/savepoints"})
    void list_schemeThatIsNotRead_isNotReadableForGood(String directory) {
        assertThat(standard().list(new StoragePath(directory), DEADLINE))
                .isEqualTo(new NotReadable(
                        "%s can't be looked into: functions read file, s3, s3a, s3p.".formatted(directory), true));
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3:/savepoints", "s3a:///savepoints", "s3p://My_Bucket/savepoints"})
    void list_s3WithoutBucket_isNotReadableForGood(String directory) {
        StoragePath path = new StoragePath(directory);

        assertThat(standard().list(path, DEADLINE))
                .isEqualTo(new NotReadable("%s names no bucket of S3.".formatted(path), true));
    }

    @Test
    void list_file_needsNoClientOfS3(@TempDir Path home) {
        assertThat(standard().list(new StoragePath("file://" + home), DEADLINE)).isEqualTo(new Found(List.of()));
    }

    @Test
    void list_fileThatTheClustersDontShare_isNotReadableForGood(@TempDir Path home) {
        assertThat(store(false).list(new StoragePath("file://" + home), DEADLINE))
                .isInstanceOfSatisfying(
                        NotReadable.class,
                        listing -> assertThat(listing.forGood()).isTrue());
    }

    private static SchemeSavepointStore standard() {
        return store(true);
    }

    private static SchemeSavepointStore store(boolean sharesFileSystem) {
        return new SchemeSavepointStore(
                () -> {
                    throw new AssertionError("S3 was asked.");
                },
                sharesFileSystem);
    }
}
