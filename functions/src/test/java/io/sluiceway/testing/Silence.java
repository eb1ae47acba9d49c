package io.sluiceway.testing;

import java.nio.file.Path;
import java.time.Duration;

/**
 * The longest time in which nothing was written to a file, as far as somebody looked: what a reader of it waits for.
 */
public final class Silence {
    private final Path file;
    private long size;
    private long changedAt;
    private Duration longest = Duration.ZERO;

    /** Begins to listen. */
    public Silence(Path file) {
        this.file = file;
        this.size = file.toFile().length();
        this.changedAt = System.nanoTime();
    }

    /** Looks at the file; as often as this is called, so exact is the longest silence. */
    public void listen() {
        long now = System.nanoTime();
        long length = file.toFile().length();
        if (length != size) {
            size = length;
            changedAt = now;
        }
        Duration since = Duration.ofNanos(now - changedAt);
        longest = since.compareTo(longest) > 0 ? since : longest;
    }

    /** In seconds, for people. */
    public String longest() {
        return "%5.1f s".formatted(longest.toMillis() / 1000.0);
    }
}
