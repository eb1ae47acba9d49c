package io.sluiceway.operation;

/** How far an operation has come. Terminal states never change. */
public enum OperationState {
    /** It is accepted; nothing has been asked of the cluster yet. */
    PENDING(false),
    /** The cluster works on it. */
    IN_PROGRESS(false),
    /** It did what it was for. */
    COMPLETED(true),
    /** It did not; the failure says why. */
    FAILED(true),
    /** Nobody can tell any more what became of it, or it was given up. */
    ABANDONED(true);

    private final boolean terminal;

    OperationState(boolean terminal) {
        this.terminal = terminal;
    }

    /** Whether the operation has ended. */
    public boolean terminal() {
        return terminal;
    }
}
