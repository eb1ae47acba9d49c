package io.sluiceway.ready;

import io.sluiceway.job.FlinkJobId;

/** What was seen of an attempt whose job tells when its data is ready. */
public sealed interface AttemptSeen {
    /** The attempt that was seen. */
    FlinkJobId attempt();

    /**
     * It runs.
     *
     * @param sink what the cluster shows of its sink
     * @param stopping whether somebody had asked to stop it by the time that the sink was seen: a drain makes
     *     watermarks end before the data does. It has to be read behind the sink, or what follows be kept only if it
     *     still holds
     */
    record Running(FlinkJobId attempt, SinkView sink, boolean stopping) implements AttemptSeen {}

    /**
     * It is FINISHED because its sources have ended, not because somebody stopped it: Flink ends a job only when its
     * last committables are committed.
     */
    record Finished(FlinkJobId attempt) implements AttemptSeen {}
}
