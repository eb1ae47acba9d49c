package io.sluiceway.savepoint.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.savepoint.SavepointStore;
import io.sluiceway.savepoint.SavepointStore.Listing.Found;
import io.sluiceway.savepoint.SavepointStore.Listing.NotReadable;
import io.sluiceway.savepoint.SavepointStore.StoredState;
import io.sluiceway.savepoint.SavepointStoreContract;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Clock;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

/** What the store promises of any S3. */
abstract class S3SavepointStoreContract extends SavepointStoreContract {
    private static final String BUCKET = "sluiceway-state";

    /** Two keys share a page, so that every listing of more goes on to another one. */
    private static final int PAGE_SIZE = 2;

    private static final int MOST = 7;

    private final String run = UUID.randomUUID().toString();

    /** A client of the S3 under test. */
    protected abstract S3Client s3();

    @BeforeEach
    void makeBucket() {
        if (s3().listBuckets().buckets().stream().noneMatch(b -> b.name().equals(BUCKET))) {
            s3().createBucket(b -> b.bucket(BUCKET));
        }
    }

    @Override
    protected SavepointStore store() {
        return new S3SavepointStore(this::s3, PAGE_SIZE, MOST);
    }

    @Override
    protected StoragePath root() {
        return new StoragePath("s3://" + BUCKET + "/" + run + "/savepoints");
    }

    @Override
    protected void write(StoragePath directory, String file) {
        put(directory.value().substring("s3://".length() + BUCKET.length() + 1) + "/" + file);
    }

    @Override
    protected StoragePath unreadable() {
        return new StoragePath("s3://sluiceway-nowhere/savepoints");
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "s3a", "s3p"})
    void list_anySchemeOfS3_isFoundUnderThatScheme(String scheme) {
        writeSavepoint(root().child(SAVEPOINT));
        StoragePath directory = new StoragePath(root().value().replace("s3:", scheme + ":"));

        assertThat(new SchemeSavepointStore(this::s3, false)
                        .list(directory, Deadline.in(Duration.ofSeconds(20), Clock.systemUTC())))
                .isInstanceOfSatisfying(
                        Found.class,
                        found -> assertThat(found.states())
                                .extracting(StoredState::path)
                                .containsExactly(directory.child(SAVEPOINT)));
    }

    @Test
    void list_bucketItself_findsWhatLiesDirectlyInIt() {
        String name = "chk-" + run;
        put(name + "/_metadata");

        assertThat(new S3SavepointStore(this::s3)
                        .list(
                                new StoragePath("s3://" + BUCKET),
                                Deadline.in(Duration.ofSeconds(20), Clock.systemUTC())))
                .isInstanceOfSatisfying(
                        Found.class,
                        found -> assertThat(found.states())
                                .extracting(StoredState::path)
                                .contains(new StoragePath("s3://" + BUCKET + "/" + name)));
    }

    @Test
    void list_objectsBetweenTheDirectories_fillPagesAndAreLeftOut() {
        for (int number = 0; number < MOST; number++) {
            write(root(), "file-" + number);
            writeSavepoint(root().child("e-" + number));
        }

        assertThat(paths(root())).hasSize(MOST);
    }

    @Test
    void list_markersAndNamesThatNoPathHas_areLeftOut() {
        String prefix = run + "/savepoints/";
        put(prefix);
        put(prefix + "empty/");
        put(prefix + "/_metadata");
        put(prefix + "50%/_metadata");
        put(prefix + "\u0001/_metadata");
        put(prefix + "Größe/_metadata");
        writeSavepoint(root().child("a b+c"));

        assertThat(paths(root())).containsExactly(root().child("a b+c"));
    }

    @Test
    void list_moreThanAreLookedInto_isNotReadable() {
        for (int number = 0; number <= MOST; number++) {
            write(root().child("chk-" + number), "state");
        }

        assertThat(list(root(), Duration.ofSeconds(20)))
                .isEqualTo(new NotReadable(
                        "%s holds more than 7 directories, which is more than are looked into.".formatted(root()),
                        false));
    }

    private void put(String key) {
        s3().putObject(p -> p.bucket(BUCKET).key(key), RequestBody.fromString("state"));
    }
}
