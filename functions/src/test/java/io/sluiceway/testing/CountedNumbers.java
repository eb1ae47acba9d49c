package io.sluiceway.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluiceway.testjob.TestJob;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a {@link TestJob} that counts has written. Its counters are state, and so is how far its source has come: each
 * line has a number with the count that belongs to it, or one of them was lost or restored twice.
 *
 * @param file where it writes
 */
public record CountedNumbers(Path file) {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /** How often each number was counted: more than once where a job fell back to a checkpoint. */
    public SortedMap<Long, Integer> times() {
        SortedMap<Long, Integer> times = new TreeMap<>();
        for (String line : lines()) {
            String[] words = line.split(" ", -1);
            long number = Long.parseLong(words[0]);
            assertThat(Long.parseLong(words[1]))
                    .as("the count with the number %d", number)
                    .isEqualTo(number / TestJob.COUNTERS + 1);
            times.merge(number, 1, Integer::sum);
        }
        return times;
    }

    /** Waits until numbers were counted that weren't yet, and that none is left out. */
    public void awaitMore() {
        long before = highest();
        await("numbers behind " + before)
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(100))
                .until(() -> highest() >= before + 4 * TestJob.COUNTERS);
        SortedMap<Long, Integer> times = times();
        // What is counted at the same time is written in any order.
        long settled = times.lastKey() - 4 * TestJob.COUNTERS;
        assertThat(times.headMap(settled)).hasSize(Math.toIntExact(settled));
    }

    private long highest() {
        SortedMap<Long, Integer> times = times();
        return times.isEmpty() ? 0 : times.lastKey();
    }

    /** Whole lines: the last may be about to be written. */
    private List<String> lines() {
        try {
            String text = Files.exists(file) ? Files.readString(file) : "";
            return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
