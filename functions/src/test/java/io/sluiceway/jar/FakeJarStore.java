package io.sluiceway.jar;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** A jar store in memory, for fast tests. */
public final class FakeJarStore implements JarStore {
    private final Map<String, Path> files = new HashMap<>();
    private final Map<String, String> newest = new HashMap<>();
    private Runnable beforeFetch = () -> {};
    private int fetches;

    public void put(String uri, Path file) {
        files.put(uri, file);
    }

    public void remove(String uri) {
        files.remove(uri);
    }

    /** Puts one version of an object. */
    public void put(String uri, String versionId, Path file) {
        files.put(uri + "#" + versionId, file);
    }

    /** Puts a version of an object that is the newest from now on, in a store that keeps the others. */
    public void putNewest(String uri, String versionId, Path file) {
        put(uri, versionId, file);
        put(uri, file);
        newest.put(uri, versionId);
    }

    /** Lets something happen just before the next jar is fetched. */
    public void beforeNextFetch(Runnable action) {
        beforeFetch = action;
    }

    public int fetches() {
        return fetches;
    }

    @Override
    public Optional<String> fetch(JarReference jar, Path target, Deadline deadline) {
        fetches++;
        Runnable first = beforeFetch;
        beforeFetch = () -> {};
        first.run();
        Path file = files.get(jar.uri() + (jar.versionId() == null ? "" : "#" + jar.versionId()));
        if (file == null) {
            throw new RefusedException(ErrorCode.JAR_NOT_FOUND, "There is no object %s.".formatted(jar.uri()));
        }
        try {
            Files.copy(file, target);
            return Optional.ofNullable(
                    jar.versionId() == null ? newest.get(jar.uri().toString()) : jar.versionId());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
