package io.sluiceway.ledger;

/**
 * How far an attempt has come, as far as the ledger knows. What the Flink job itself does while it lives is the
 * cluster's to tell.
 */
public enum AttemptState {
    /** The intent is written; the cluster hasn't been asked to run anything. */
    PREPARING(false),
    /** The cluster is about to be asked, or has been; the answer isn't recorded. */
    POSTING(false),
    /** The cluster has the job. */
    SUBMITTED(false),
    /** The cluster may have run the job and can't tell any more. Settled only when the job is seen after all. */
    UNKNOWN(false),
    /** The job ended by itself or was stopped with a savepoint. */
    FINISHED(true),
    /** The job failed for good. */
    FAILED(true),
    /** The job was cancelled, or stopped before it reached the cluster. */
    CANCELED(true),
    /** The job was refused and never ran. */
    REFUSED(true);

    private final boolean terminal;

    AttemptState(boolean terminal) {
        this.terminal = terminal;
    }

    /** Whether this never changes any more. */
    public boolean terminal() {
        return terminal;
    }

    /** Whether the job is on its way to the cluster or there: nobody else of its name may start. */
    public boolean living() {
        return this == PREPARING || this == POSTING || this == SUBMITTED;
    }
}
