package io.sluiceway.ledger;

/** A record was changed by somebody else since it was read; nothing was written. Read again and decide again. */
public final class LedgerConflictException extends Exception {
    public LedgerConflictException(String message) {
        super(message);
    }
}
