package io.sluiceway.control;

import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.savepoint.StoragePath;
import org.jspecify.annotations.Nullable;

/**
 * What a call would do, and why.
 *
 * @param action what
 * @param because why, in a sentence; never a secret or a program argument
 * @param job the execution that would run, or that would be acted on; absent when there is none
 * @param start how a job would be started; absent when none would
 * @param savepointDirectory where a savepoint would be written; absent when none would be taken
 * @param takeover how a new version would take over from another; absent when none would
 * @param rescaledTo the parallelism that a job which runs would go on with; absent when it would keep its own
 */
public record Plan(
        Action action,
        String because,
        @Nullable FlinkJobId job,
        @Nullable Start start,
        @Nullable StoragePath savepointDirectory,
        @Nullable Takeover takeover,
        @Nullable Integer rescaledTo) {
    /** Of a call that rescales nothing. */
    Plan(
            Action action,
            String because,
            @Nullable FlinkJobId job,
            @Nullable Start start,
            @Nullable StoragePath savepointDirectory,
            @Nullable Takeover takeover) {
        this(action, because, job, start, savepointDirectory, takeover, null);
    }

    /** What a call can come to. */
    public enum Action {
        /** An earlier call has done it: what that came to would be answered. */
        REPLAY,
        /** Another request or try has done it: it would be this one's. */
        ADOPT,
        /** Another call is at it. */
        WAIT,
        /** What was asked for is so already. */
        UNCHANGED,
        /** An attempt would be started. */
        NEW_ATTEMPT,
        /** An attempt whose start was interrupted would be gone on with, under its own Flink job id. */
        RESUME,
        /** A savepoint would be taken. */
        TAKE_SAVEPOINT,
        /** The job would be stopped with a savepoint. */
        STOP_WITH_SAVEPOINT,
        /** The job would be drained. */
        DRAIN,
        /** The job would be cancelled. */
        CANCEL,
        /** The stop would be recorded, since there is nothing on the cluster to stop at the moment. */
        RECORD_STOP,
        /** The running version would be ended and another started. */
        UPGRADE,
        /** The job would live on with another parallelism. */
        RESCALE_IN_PLACE,
        /** The job would be stopped with a savepoint and started again with another parallelism. */
        RESCALE_BY_RESTART
    }

    /**
     * How a job would be started.
     *
     * @param attempt which attempt of its request it would be
     * @param restoresFrom the savepoint or checkpoint that its state would come from; absent: it would begin without,
     *     or with one that isn't taken yet
     * @param jar what its jar is
     * @param bringsJar whether the cluster would have to be given it
     * @param parallelism how many slots it would take; absent: the cluster's default
     */
    public record Start(
            int attempt,
            @Nullable StoragePath restoresFrom,
            JarDigest jar,
            boolean bringsJar,
            @Nullable Integer parallelism) {}

    /**
     * How a new version would take over.
     *
     * @param mode where its state would come from
     * @param replaces the execution that would be ended
     * @param rollBackTo what the old version would come back from: the checkpoint, or the directory of the savepoint
     *     that it is stopped with; absent: there is none
     */
    public record Takeover(
            Upgrade.Mode mode,
            FlinkJobId replaces,
            @Nullable StoragePath rollBackTo) {}
}
