package io.sluiceway.job;

import io.sluiceway.savepoint.StoragePath;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a cluster says of one execution of a job.
 *
 * @param overview name, state and times
 * @param restarts how often it was restarted since its submission
 * @param checkpoints its checkpoints
 * @param lastSavepoint the newest savepoint that its current JobMaster completed
 * @param firstFailure the failure that its newest trouble began with, as far back as the cluster remembers; absent when
 *     there is none
 * @param vitals what tells whether it is well; nothing when it has ended
 */
public record JobStatus(
        JobOverview overview,
        Observation<Long> restarts,
        Checkpoints checkpoints,
        Observation<CompletedCheckpoint> lastSavepoint,
        @Nullable Failure firstFailure,
        Observation<Vitals> vitals) {
    /** The status of a job of whose vitals the cluster tells nothing. */
    public JobStatus(
            JobOverview overview,
            Observation<Long> restarts,
            Checkpoints checkpoints,
            Observation<CompletedCheckpoint> lastSavepoint,
            @Nullable Failure firstFailure) {
        this(
                overview,
                restarts,
                checkpoints,
                lastSavepoint,
                firstFailure,
                new Observation.NotObservable<>("The cluster doesn't tell."));
    }

    /** This status, the program's arguments left out of what the job says of its failures. */
    public JobStatus without(List<String> arguments) {
        Failure masked = firstFailure == null
                ? null
                : new Failure(
                        Arguments.mask(firstFailure.message(), arguments),
                        Arguments.mask(firstFailure.rootCause(), arguments),
                        firstFailure.at());
        return new JobStatus(
                overview, restarts, checkpoints, lastSavepoint, masked, vitals.map(seen -> seen.without(arguments)));
    }

    /** The same with other vitals. */
    public JobStatus with(Observation<Vitals> other) {
        return new JobStatus(overview, restarts, checkpoints, lastSavepoint, firstFailure, other);
    }

    /**
     * Counts since the JobMaster started, and the newest completed checkpoint; nothing of a job that takes none.
     *
     * @param completed completed checkpoints, savepoints included
     * @param failed failed checkpoints, savepoints included
     * @param last the newest completed checkpoint that is no savepoint
     */
    public record Checkpoints(
            Observation<Long> completed, Observation<Long> failed, Observation<CompletedCheckpoint> last) {
        /** Those of a job that takes none. */
        public static Checkpoints none() {
            return new Checkpoints(
                    new Observation.NothingYet<>(), new Observation.NothingYet<>(), new Observation.NothingYet<>());
        }

        /** As counted now; {@code last} is absent while there is none. */
        public static Checkpoints counted(long completed, long failed, @Nullable CompletedCheckpoint last) {
            return new Checkpoints(Observation.now(completed), Observation.now(failed), Observation.now(last));
        }
    }

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
     * @param changedAt when its state or that of one of its tasks changed last, by the cluster's clock; absent where
     *     that isn't told: a session cluster tells it in its list of jobs alone
     */
    public record JobOverview(
            FlinkJobId id,
            String name,
            JobState state,
            Instant startedAt,
            @Nullable Instant endedAt,
            SortedMap<String, Integer> tasks,
            @Nullable Instant changedAt) {
        private static final Set<String> TASKS_THAT_RUN = Set.of("RUNNING", "FINISHED");

        public JobOverview {
            tasks = copyWithoutZeros(tasks);
        }

        /** One that doesn't tell when it changed. */
        public JobOverview(
                FlinkJobId id,
                String name,
                JobState state,
                Instant startedAt,
                @Nullable Instant endedAt,
                SortedMap<String, Integer> tasks) {
            this(id, name, state, startedAt, endedAt, tasks, null);
        }

        /** Whether no task that is told of has still to come to RUNNING, as a savepoint needs it. */
        public boolean tasksRun() {
            return TASKS_THAT_RUN.containsAll(tasks.keySet());
        }

        private static SortedMap<String, Integer> copyWithoutZeros(Map<String, Integer> tasks) {
            SortedMap<String, Integer> copy = new TreeMap<>(tasks);
            copy.values().removeIf(count -> count == 0);
            return Collections.unmodifiableSortedMap(copy);
        }
    }
}
