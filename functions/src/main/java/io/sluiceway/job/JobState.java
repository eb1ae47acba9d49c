package io.sluiceway.job;

/** Flink's own job states ({@code org.apache.flink.api.common.JobStatus}), in Flink's words. */
public enum JobState {
    /** The job was accepted; its JobMaster is being set up. */
    INITIALIZING(false),
    /** No task has been started yet. */
    CREATED(false),
    /** Tasks are scheduled or running. A job in a restart loop shows this too, between its failures. */
    RUNNING(false),
    /** A failure happened and the job's tasks are being cancelled. */
    FAILING(false),
    /** The job failed for good. */
    FAILED(true),
    /** A cancellation is under way. */
    CANCELLING(false),
    /** All tasks were cancelled. */
    CANCELED(true),
    /** All tasks ended by themselves, or the job was stopped with a savepoint. */
    FINISHED(true),
    /** The job waits to be started again after a failure. */
    RESTARTING(false),
    /** The JobManager lost leadership; another one may take the job over. */
    SUSPENDED(false),
    /** A new JobMaster is taking over running tasks. */
    RECONCILING(false);

    private final boolean terminal;

    JobState(boolean terminal) {
        this.terminal = terminal;
    }

    /** Whether the job has ended on every JobManager ("globally terminal" in Flink's words). */
    public boolean terminal() {
        return terminal;
    }
}
