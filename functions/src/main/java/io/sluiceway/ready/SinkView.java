package io.sluiceway.ready;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a cluster shows of a running job's sink at one time. The parts are read one after the other, in this order, and
 * each may be older than the moment it is read at.
 *
 * @param watermark what is known of the writers' watermarks
 * @param at what the cluster's own clock showed when {@code watermark} had been read; checkpoints carry the times of
 *     this clock. It may be set forward at any time; set back, too, but not within the seconds for which the cluster
 *     keeps its answer about checkpoints
 * @param checkpoints the job's checkpoints, absent when it takes none
 * @param pendingCommittables how many committables the sink's committers have and haven't committed; absent when the
 *     sink doesn't expose it
 */
public record SinkView(
        Watermark watermark,
        Instant at,
        @Nullable Checkpoints checkpoints,
        @Nullable Long pendingCommittables) {

    /** The lowest input watermark over all subtasks of the sink's writer. */
    public sealed interface Watermark {
        /**
         * All writers have one. It was true of each at some time before, while the executions lived that run now. Only
         * within one fetch interval after a restart is seen, and when it is known for the first time behind that, can
         * it be of executions before.
         *
         * @param lowest the lowest of them
         * @param subtask the writer that has it, from 0: the one that holds the others up
         */
        record Lowest(Instant lowest, int subtask) implements Watermark {}

        /** All writers have {@code Long.MAX_VALUE}: the event time has ended, as it does when sources end. */
        record Ended() implements Watermark {}

        /**
         * It isn't known.
         *
         * @param why what is missing
         */
        record Unknown(Why why) implements Watermark {}

        /** Why a watermark isn't known. */
        enum Why {
            /** No vertex, or more than one, has a writer of the sink's name. */
            NO_SUCH_SINK,
            /** The cluster hasn't fetched the metrics of all writers yet. */
            NO_METRICS,
            /** The metrics of a writer are those of an execution before this one. */
            OLD_METRICS,
            /** A writer has got no watermark yet: a source is silent and not marked as idle, or has just begun. */
            NO_WATERMARK
        }
    }

    /**
     * The job's checkpoints, of one moment: all fields belong together.
     *
     * @param execution names the stretch of the attempt's life between two restarts: another after each restore. Absent
     *     until a checkpoint has been completed or restored, since restarts before can't be told from one another
     * @param restored the id of the checkpoint or savepoint that this stretch began from; absent: it began without
     * @param triggered the highest id of a checkpoint or savepoint that was triggered, whatever became of it; 0 when
     *     there is none
     * @param completed the newest that are complete, in no order; some of the older may be missing
     */
    public record Checkpoints(
            @Nullable String execution, @Nullable Long restored, long triggered, List<Completed> completed) {
        public Checkpoints {
            completed = List.copyOf(completed);
        }
    }

    /**
     * A checkpoint that is complete.
     *
     * @param id its id, which grows from checkpoint to checkpoint, also in an attempt that is restored from it
     * @param savepoint whether it is a savepoint, which commits nothing
     * @param triggeredAt when it was triggered, by the cluster's clock
     */
    public record Completed(long id, boolean savepoint, Instant triggeredAt) {}
}
