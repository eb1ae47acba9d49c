package io.sluiceway.operation;

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
    CANCEL;

    /** Whether the operation leaves a savepoint. */
    public boolean takesSavepoint() {
        return this == TAKE_SAVEPOINT || this == STOP_WITH_SAVEPOINT || this == DRAIN;
    }

    /** Whether the operation ends the job. */
    public boolean endsJob() {
        return this == STOP_WITH_SAVEPOINT || this == DRAIN || this == CANCEL;
    }
}
