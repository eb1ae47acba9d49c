package io.sluiceway.savepoint.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.savepoint.SavepointStore;
import io.sluiceway.savepoint.SavepointStore.Listing;
import io.sluiceway.savepoint.SavepointStore.Listing.NotReadable;
import io.sluiceway.savepoint.SavepointStoreContract;
import io.sluiceway.savepoint.StoragePath;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileSavepointStoreTest extends SavepointStoreContract {
    @TempDir
    private Path home;

    @Override
    protected SavepointStore store() {
        return new FileSavepointStore();
    }

    @Override
    protected StoragePath root() {
        return new StoragePath("file://" + home.resolve("savepoints"));
    }

    @Override
    protected void write(StoragePath directory, String file) {
        try {
            Path target = Path.of(directory.value().substring("file:".length()));
            Files.createDirectories(target);
            Files.writeString(target.resolve(file), "state");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    protected StoragePath unreadable() {
        write(root(), "file");
        return root().child("file");
    }

    @Test
    void list_fileAndNameThatNoPathHas_areLeftOut() {
        writeSavepoint(root().child(SAVEPOINT));
        write(root(), "notes.txt");
        write(new StoragePath(root().value()), "_metadata");
        Path odd = home.resolve("savepoints").resolve("50%").resolve("_metadata");
        try {
            Files.createDirectories(odd.getParent());
            Files.writeString(odd, "state");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }

        assertThat(paths(root())).containsExactly(root().child(SAVEPOINT));
    }

    @Test
    void list_moreThanAreLookedInto_isNotReadable() {
        for (int number = 0; number <= Children.MOST; number++) {
            write(root().child("chk-" + number), "state");
        }

        assertThat(list(root(), Duration.ofSeconds(20)))
                .isEqualTo(new NotReadable(
                        "%s holds more than 1000 directories, which is more than are looked into.".formatted(root()),
                        false));
    }

    @Test
    void list_anotherMachine_isNotReadableForGood() {
        Listing listing = list(new StoragePath("file://nas/savepoints"), Duration.ofSeconds(20));

        assertThat(listing)
                .isEqualTo(new NotReadable(
                        "file://nas/savepoints names another machine; a directory of this one is file:/ and its path.",
                        true));
    }
}
