package io.sluiceway.jar;

import io.sluiceway.error.RefusedException;
import io.sluiceway.time.Deadline;
import java.nio.file.Path;
import java.util.Optional;

/** The store that jars come from. */
public interface JarStore {
    /**
     * Copies a jar into a local file.
     *
     * @param target a file that doesn't exist yet
     * @return the version that was copied, or empty where the store keeps no versions
     * @throws RefusedException JAR_NOT_FOUND, JAR_NOT_READABLE, JAR_TOO_LARGE, or JAR_STORE_UNAVAILABLE when the store
     *     gave no answer before the deadline
     */
    Optional<String> fetch(JarReference jar, Path target, Deadline deadline);
}
