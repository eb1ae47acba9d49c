package io.sluiceway.job;

import io.sluiceway.savepoint.StoragePath;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a cluster says of one execution of a job.
 *
 * @param overview name, state and times
 * @param restarts how often it was restarted since its submission; absent while the cluster doesn't know
 * @param checkpoints its checkpoints; absent when it takes none
 * @param lastSavepoint the newest savepoint that its current JobMaster completed; absent when there is none
 * @param firstFailure the earliest failure that the cluster still remembers; absent when there is none
 */
public record JobStatus(
        JobOverview overview,
        @Nullable Long restarts,
        @Nullable Checkpoints checkpoints,
        @Nullable CompletedCheckpoint lastSavepoint,
        @Nullable Failure firstFailure) {
    /** This status, the program's arguments left out of what the job says of its failure. */
    public JobStatus without(List<String> arguments) {
        return firstFailure == null
                ? this
                : new JobStatus(
                        overview,
                        restarts,
                        checkpoints,
                        lastSavepoint,
                        new Failure(
                                Arguments.mask(firstFailure.message(), arguments),
                                Arguments.mask(firstFailure.rootCause(), arguments),
                                firstFailure.at()));
    }

    /**
     * Counts since the JobMaster started, and the newest completed checkpoint.
     *
     * @param completed completed checkpoints, savepoints included
     * @param failed failed checkpoints, savepoints included
     * @param last the newest completed checkpoint that is no savepoint; absent while there is none
     */
    public record Checkpoints(
            long completed, long failed, @Nullable CompletedCheckpoint last) {}

    /**
     * A checkpoint or savepoint that is complete.
     *
     * @param id its id within the job
     * @param completedAt when its last task acknowledged it
     * @param path where it lies; absent when it lies in memory only
     */
    public record CompletedCheckpoint(
            long id, Instant completedAt, @Nullable StoragePath path) {}

    /**
     * A failure of the job.
     *
     * @param message class and message of the failure as Flink reports it
     * @param rootCause class and message of its innermost cause
     * @param at when; absent when the cluster doesn't say
     */
    public record Failure(
            String message, String rootCause, @Nullable Instant at) {}

    /**
     * What every list of jobs shows.
     *
     * @param id the execution
     * @param name the name that the cluster shows; the program can override the job's logical name
     * @param state its state
     * @param startedAt when the cluster accepted it
     * @param endedAt when it ended; absent while it lives
     * @param tasks how many tasks are in which of Flink's execution states, zeros left out
     */
    public record JobOverview(
            FlinkJobId id,
            String name,
            JobState state,
            Instant startedAt,
            @Nullable Instant endedAt,
            SortedMap<String, Integer> tasks) {
        public JobOverview {
            tasks = copyWithoutZeros(tasks);
        }

        private static SortedMap<String, Integer> copyWithoutZeros(Map<String, Integer> tasks) {
            SortedMap<String, Integer> copy = new TreeMap<>(tasks);
            copy.values().removeIf(count -> count == 0);
            return Collections.unmodifiableSortedMap(copy);
        }
    }
}
