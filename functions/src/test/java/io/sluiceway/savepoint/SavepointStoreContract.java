package io.sluiceway.savepoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.savepoint.SavepointStore.Listing.Found;
import io.sluiceway.savepoint.SavepointStore.Listing.NotReadable;
import io.sluiceway.savepoint.SavepointStore.StoredState;
import io.sluiceway.time.Deadline;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What every store promises. The directories are laid out as Flink does it. */
public abstract class SavepointStoreContract {
    protected static final String SAVEPOINT = "savepoint-ab12cd-0123456789ab";

    /** The store under test. */
    protected abstract SavepointStore store();

    /** A directory with nothing in it, another one for each test; it needn't be there. */
    protected abstract StoragePath root();

    /** Writes a file, and the directories above it that aren't there. */
    protected abstract void write(StoragePath directory, String file);

    /** A directory that can't be looked into now, but perhaps later. */
    protected abstract StoragePath unreadable();

    @Test
    void list_savepoint_isFoundWithItsTime() {
        StoragePath directory = root().child("job");
        Instant before = Instant.now().minusSeconds(2);
        writeSavepoint(directory.child(SAVEPOINT));

        List<StoredState> states = found(directory);

        assertThat(states).singleElement().satisfies(state -> {
            assertThat(state.path()).isEqualTo(directory.child(SAVEPOINT));
            assertThat(state.completedAt()).isBetween(before, Instant.now().plusSeconds(2));
        });
    }

    @Test
    void list_severalSavepoints_areAllFound() {
        StoragePath directory = root().child("job");
        for (int number = 0; number < 5; number++) {
            writeSavepoint(directory.child("savepoint-ab12cd-00000000000" + number));
        }

        assertThat(paths(directory))
                .containsExactlyInAnyOrder(
                        directory.child("savepoint-ab12cd-000000000000"),
                        directory.child("savepoint-ab12cd-000000000001"),
                        directory.child("savepoint-ab12cd-000000000002"),
                        directory.child("savepoint-ab12cd-000000000003"),
                        directory.child("savepoint-ab12cd-000000000004"));
    }

    @Test
    void list_savepointHalfWritten_isNone() {
        StoragePath directory = root().child("job");
        write(directory.child(SAVEPOINT), "0f2c5f1e-5f0b-4e0c-9d1a-1b1f8a6d2c11");
        write(directory.child("savepoint-ab12cd-ffffffffffff"), "_metadata.inprogress");
        write(directory.child("savepoint-ab12cd-eeeeeeeeeeee").child("_metadata"), "part");

        assertThat(paths(directory)).isEmpty();
    }

    @Test
    void list_checkpoints_areThoseWithMetadata() {
        StoragePath directory = root().child("0123456789abcdef0123456789abcdef");
        writeSavepoint(directory.child("chk-7"));
        write(directory.child("chk-8"), "0f2c5f1e-5f0b-4e0c-9d1a-1b1f8a6d2c11");
        write(directory.child("shared"), "1c9d7a52-8a31-4f4e-8a0e-2f7d1f1f0a11");
        write(directory.child("taskowned"), "3b8e2d10-6c1f-4c7e-a8d5-9f1e2d3c4b5a");

        assertThat(paths(directory)).containsExactly(directory.child("chk-7"));
    }

    @Test
    void list_directoryThatIsMissing_holdsNone() {
        assertThat(paths(root().child("never").child("written"))).isEmpty();
    }

    @Test
    void list_savepointsFurtherBelowOrBeside_areNotItsOwn() {
        StoragePath directory = root().child("job");
        writeSavepoint(directory.child("deeper").child(SAVEPOINT));
        writeSavepoint(root().child("job-2").child(SAVEPOINT));

        assertThat(paths(directory)).isEmpty();
    }

    @Test
    void list_savepointItself_holdsNone() {
        writeSavepoint(root().child(SAVEPOINT));

        assertThat(paths(root().child(SAVEPOINT))).isEmpty();
    }

    @Test
    void list_directoryThatCannotBeLookedInto_saysWhy() {
        assertThat(list(unreadable(), Duration.ofSeconds(20))).isInstanceOfSatisfying(NotReadable.class, refusal -> {
            assertThat(refusal.forGood()).isFalse();
            assertThat(refusal.reason()).endsWith(".");
        });
    }

    @Test
    void list_withoutTime_isNotReadableNow() {
        writeSavepoint(root().child(SAVEPOINT));

        assertThat(list(root(), Duration.ZERO))
                .isInstanceOfSatisfying(
                        NotReadable.class,
                        refusal -> assertThat(refusal.forGood()).isFalse());
    }

    protected final void writeSavepoint(StoragePath path) {
        write(path, "0f2c5f1e-5f0b-4e0c-9d1a-1b1f8a6d2c11");
        write(path, "_metadata");
    }

    protected final List<StoragePath> paths(StoragePath directory) {
        return found(directory).stream().map(StoredState::path).toList();
    }

    protected final SavepointStore.Listing list(StoragePath directory, Duration time) {
        return store().list(directory, Deadline.in(time, Clock.systemUTC()));
    }

    private List<StoredState> found(StoragePath directory) {
        SavepointStore.Listing listing = list(directory, Duration.ofSeconds(20));
        assertThat(listing).isInstanceOf(Found.class);
        return ((Found) listing).states();
    }
}
