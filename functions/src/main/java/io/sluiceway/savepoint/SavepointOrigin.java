package io.sluiceway.savepoint;

/** What a savepoint was taken for. */
public enum SavepointOrigin {
    /** Somebody asked for it; the job went on. */
    USER_REQUEST,
    /** It was due by the job's policy; the job went on. */
    PERIODIC,
    /** The job was stopped with it. */
    STOP,
    /** The job was stopped with it, for a new version to go on from it. */
    UPGRADE
}
