package io.sluiceway.job;

/** How a job lives. */
public enum JobKind {
    /** Unbounded: at most one living attempt of its name; its state goes on from attempt to attempt. */
    STREAM,
    /** Bounded: one per request, many of a name may live at once; success is {@link JobState#FINISHED}. */
    RUN
}
