package io.sluiceway.testing;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** The longest time in which nothing was written to a file: what a reader of it waits for, to 20 milliseconds. */
public final class Silence implements AutoCloseable {
    private static final long EACH_MILLIS = 20;

    private final Path file;
    private final ScheduledExecutorService ear = Executors.newSingleThreadScheduledExecutor();
    private final ScheduledFuture<?> listening;
    private long size;
    private long changedAt;
    private Duration longest = Duration.ZERO;

    /** Begins to listen. */
    public Silence(Path file) {
        this.file = file;
        this.size = file.toFile().length();
        this.changedAt = System.nanoTime();
        this.listening = ear.scheduleAtFixedRate(this::listen, EACH_MILLIS, EACH_MILLIS, TimeUnit.MILLISECONDS);
    }

    private synchronized void listen() {
        long now = System.nanoTime();
        long length = file.toFile().length();
        if (length != size) {
            size = length;
            changedAt = now;
        }
        Duration since = Duration.ofNanos(now - changedAt);
        longest = since.compareTo(longest) > 0 ? since : longest;
    }

    /** So far, in seconds, for people. */
    public synchronized String longest() {
        if (listening.isDone()) {
            throw new IllegalStateException("Nobody has listened to %s to the end.".formatted(file));
        }
        return "%5.1f s".formatted(longest.toMillis() / 1000.0);
    }

    @Override
    public void close() {
        ear.shutdownNow();
    }
}
