package io.sluiceway.ready;

import java.time.Duration;
import java.util.List;

/** Something that happens to a job, its cluster, or whoever watches it. What can't happen at the moment doesn't. */
sealed interface Happening {
    /** A writer takes records. */
    record Flow(int writer, int records) implements Happening {}

    /** A checkpoint or savepoint is triggered. */
    record Trigger(boolean savepoint) implements Happening {}

    /** The barrier of the one that is under way passes a writer, and its committer. */
    record Barrier(int writer) implements Happening {}

    /** The one whose barriers have passed is complete. */
    record Complete() implements Happening {}

    /** The one that is under way comes to nothing. */
    record Abort() implements Happening {}

    /** A committer hears that checkpoints are complete, and commits. */
    record Notify(int writer) implements Happening {}

    /** A whole checkpoint or savepoint, of which no committer has heard yet. */
    record Checkpoint(boolean savepoint) implements Happening {}

    /** The job falls back to its last checkpoint. */
    record Restart() implements Happening {}

    /** Another attempt goes on from one of the checkpoints and savepoints that the job has left, or from nothing. */
    record Attempt(int from) implements Happening {}

    /** Somebody drains the job. */
    record Drain() implements Happening {}

    /** A job whose sources have ended is FINISHED. */
    record Finish() implements Happening {}

    /** A TaskManager gets on with the request for its metrics: takes them, or hands them over. */
    record Metrics(int writer) implements Happening {}

    /** The metrics that are under way are lost. */
    record MetricsLost() implements Happening {}

    /** The cluster's next answer about checkpoints is the one before. */
    record Busy() implements Happening {}

    /** Time passes. */
    record Time(Duration by) implements Happening {}

    /** The cluster's clock is set. */
    record Clock(Duration by) implements Happening {}

    /** The sink is observed, while other things happen in between. */
    record Observe(List<Happening> behindMetrics, List<Happening> behindTheClock) implements Happening {}
}
