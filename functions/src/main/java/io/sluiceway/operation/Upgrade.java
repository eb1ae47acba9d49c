package io.sluiceway.operation;

import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobSpec;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a new version of a job takes over from the old one, and how far that has come. Of a {@link Rescale} both versions
 * are the same specification.
 *
 * @param spec the new version, whole
 * @param specHash what runs then, its jar taken by content
 * @param mode where the new version takes its state from
 * @param afterCommit what is done when the new version turns out bad behind its first checkpoint
 * @param judgeWithin how long a version that was started has to become STABLE; from a minute to a day
 * @param step what is being done
 * @param until when that is given up; absent while the old version is being stopped, which has limits of its own
 * @param stop the operation that ends the old version
 * @param next the new version's attempt; absent until it was begun
 * @param withdrawal the operation that ends the new version; absent while it may stay
 * @param back the attempt in which the old version runs again; absent until it was begun
 * @param why why the new version doesn't stay; absent while it may
 * @param repeated what the old version emits again, coming back behind a checkpoint of the new one; absent: nothing
 * @param ending how it ended; absent until it has
 */
public record Upgrade(
        JobSpec spec,
        String specHash,
        Mode mode,
        AfterCommit afterCommit,
        Duration judgeWithin,
        Step step,
        @Nullable Instant until,
        OperationId stop,
        @Nullable FlinkJobId next,
        @Nullable OperationId withdrawal,
        @Nullable FlinkJobId back,
        @Nullable String why,
        @Nullable Repeated repeated,
        @Nullable Ending ending) {
    /** Where the new version takes its state from: Flink's Kubernetes operator has the same names. */
    public enum Mode {
        /** From a savepoint that the old version is stopped with. */
        SAVEPOINT,
        /** From the newest retained checkpoint of the old version, which is cancelled. */
        LAST_STATE,
        /** It has none; the old version is cancelled, or stopped with a savepoint where no checkpoint can be found. */
        STATELESS
    }

    /** Behind its first checkpoint the new version has committed output; going back emits it again. */
    public enum AfterCommit {
        /** The new version stays as it is, and the upgrade fails. */
        REFUSE,
        /** The old version comes back, and emits again what the new one has emitted. */
        ACCEPT_DUPLICATES
    }

    /** What is being done; each comes to its end, or to the next that is named. */
    public enum Step {
        /** The old version is being ended. */
        STOPPING,
        /** The new version is being started. */
        STARTING,
        /** The new version has to become STABLE. */
        JUDGING,
        /** The new version is being ended, because it turned out bad. */
        WITHDRAWING,
        /** The old version is being started again. */
        RETURNING,
        /** The old version has to become STABLE again. */
        JUDGING_RETURN,
        /** The cluster changes the parallelism of the job while it lives. */
        RESCALING,
        /** The cluster takes a change back that doesn't come to its end. */
        ROLLING_BACK,
        /** The cluster changes the parallelism back to what it was. */
        RESCALING_BACK
    }

    /** How an upgrade ends: always in one of these ways. */
    public enum Ending {
        /** The new version runs and is STABLE. */
        UPGRADED,
        /** The job runs with its new parallelism, and is STABLE. */
        RESCALED,
        /** The old version runs again from what it was stopped with, and is STABLE. */
        ROLLED_BACK,
        /** Neither; or the old version wasn't touched. */
        FAILED
    }

    /**
     * When the new version was at work whose output the old one emits again: all that it committed, it committed then.
     *
     * @param from when it began
     * @param until when it was seen to have ended
     */
    public record Repeated(Instant from, Instant until) {}

    /**
     * One that begins.
     *
     * @param stop the operation that would end the old version
     */
    public static Upgrade begin(
            JobSpec spec,
            String specHash,
            Mode mode,
            AfterCommit afterCommit,
            Duration judgeWithin,
            Step first,
            @Nullable Instant until,
            OperationId stop) {
        return new Upgrade(
                spec, specHash, mode, afterCommit, judgeWithin, first, until, stop, null, null, null, null, null, null);
    }

    /** This upgrade at another step, which is given up at a time. */
    public Upgrade at(Step newStep, Instant givenUpAt) {
        return with(newStep, givenUpAt, next, withdrawal, back, why, repeated, ending);
    }

    /** This upgrade, whose old version is being ended; that has limits of its own. */
    public Upgrade stopping() {
        return with(Step.STOPPING, null, next, withdrawal, back, why, repeated, ending);
    }

    /** This upgrade with the attempt of the new version. */
    public Upgrade begun(FlinkJobId attempt) {
        return with(step, until, attempt, withdrawal, back, why, repeated, ending);
    }

    /** This upgrade, of which the new version is ended by an operation. */
    public Upgrade withdrawn(OperationId by) {
        return with(step, until, next, by, back, why, repeated, ending);
    }

    /** This upgrade with the attempt in which the old version runs again. */
    public Upgrade returned(FlinkJobId attempt) {
        return with(step, until, next, withdrawal, attempt, why, repeated, ending);
    }

    /** This upgrade, whose new version doesn't stay. */
    public Upgrade rejected(String reason) {
        return with(step, until, next, withdrawal, back, reason, repeated, ending);
    }

    /** This upgrade, in which the old version emits again what the new one has committed. */
    public Upgrade repeating(Repeated emittedAgain) {
        return with(step, until, next, withdrawal, back, why, emittedAgain, ending);
    }

    /** This upgrade, which has ended. */
    public Upgrade ended(Ending how) {
        return with(step, until, next, withdrawal, back, why, repeated, how);
    }

    private Upgrade with(
            Step newStep,
            @Nullable Instant givenUpAt,
            @Nullable FlinkJobId begun,
            @Nullable OperationId endedBy,
            @Nullable FlinkJobId returned,
            @Nullable String reason,
            @Nullable Repeated emittedAgain,
            @Nullable Ending how) {
        return new Upgrade(
                spec,
                specHash,
                mode,
                afterCommit,
                judgeWithin,
                newStep,
                givenUpAt,
                stop,
                begun,
                endedBy,
                returned,
                reason,
                emittedAgain,
                how);
    }

    /** Without the specification, which holds the program's arguments. */
    @Override
    public String toString() {
        return "Upgrade[%s by %s, %s until %s]".formatted(spec.name(), mode, step, until);
    }
}
