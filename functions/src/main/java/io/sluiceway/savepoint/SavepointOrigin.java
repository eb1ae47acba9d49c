package io.sluiceway.savepoint;

/** What a savepoint was taken for. */
public enum SavepointOrigin {
    /** Somebody asked for it; the job went on. */
    USER_REQUEST,
    /** The job was stopped with it. */
    STOP
}
