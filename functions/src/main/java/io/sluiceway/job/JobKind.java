package io.sluiceway.job;

/** How a job lives. */
public enum JobKind {
    /** Unbounded: its state goes on from attempt to attempt, of which one lives at a time. */
    STREAM,
    /** Bounded: one per request, many of a name may live at once; success is {@link JobState#FINISHED}. */
    RUN
}
