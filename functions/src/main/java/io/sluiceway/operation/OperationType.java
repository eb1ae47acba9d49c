package io.sluiceway.operation;

/** What an operation does to a job. */
public enum OperationType {
    /** Takes a savepoint; the job goes on. */
    TAKE_SAVEPOINT("take-savepoint"),
    /** Takes a savepoint, then ends the job without emitting {@code MAX_WATERMARK}: it is to go on later. */
    STOP_WITH_SAVEPOINT("stop-with-savepoint"),
    /** Emits {@code MAX_WATERMARK}, so that all windows fire, takes a savepoint, then ends the job for good. */
    DRAIN("drain"),
    /** Ends the job at once, without a savepoint. */
    CANCEL("cancel");

    private final String word;

    OperationType(String word) {
        this.word = word;
    }

    /** How the type is written in an operation id. */
    public String word() {
        return word;
    }

    /** Whether the operation leaves a savepoint. */
    public boolean takesSavepoint() {
        return this != CANCEL;
    }

    /** Whether the operation ends the job. */
    public boolean endsJob() {
        return this != TAKE_SAVEPOINT;
    }
}
