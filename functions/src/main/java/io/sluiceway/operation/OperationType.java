package io.sluiceway.operation;

import io.sluiceway.savepoint.SavepointOrigin;
import org.jspecify.annotations.Nullable;

/** What an operation does to a job. */
public enum OperationType {
    /** Starts an attempt. */
    SUBMIT_JOB,
    /** Takes a savepoint; the job goes on. */
    TAKE_SAVEPOINT,
    /** Takes a savepoint, then ends the job without emitting {@code MAX_WATERMARK}: it is to go on later. */
    STOP_WITH_SAVEPOINT,
    /** Emits {@code MAX_WATERMARK}, so that all windows fire, takes a savepoint, then ends the job for good. */
    DRAIN,
    /** Ends the job at once, without a savepoint. */
    CANCEL,
    /** Ends a version of a job, starts another from its state, and judges that. */
    UPGRADE_JOB,
    /** Gives a job another parallelism, and judges it with that. */
    RESCALE_JOB;

    /** What its savepoint is taken for unless somebody says otherwise; absent for what takes none. */
    public @Nullable SavepointOrigin savepointOrigin() {
        return switch (this) {
            case TAKE_SAVEPOINT -> SavepointOrigin.USER_REQUEST;
            case STOP_WITH_SAVEPOINT, DRAIN -> SavepointOrigin.STOP;
            case SUBMIT_JOB, CANCEL, UPGRADE_JOB, RESCALE_JOB -> null;
        };
    }

    /** Whether the operation leaves a savepoint. */
    public boolean takesSavepoint() {
        return this == TAKE_SAVEPOINT || this == STOP_WITH_SAVEPOINT || this == DRAIN;
    }

    /** Whether it goes on step by step, with an {@link Upgrade} that says which is next. */
    public boolean goesInSteps() {
        return this == UPGRADE_JOB || this == RESCALE_JOB;
    }

    /** Whether the operation ends the job. */
    public boolean endsJob() {
        return this == STOP_WITH_SAVEPOINT || this == DRAIN || this == CANCEL;
    }
}
