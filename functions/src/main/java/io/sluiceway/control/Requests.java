package io.sluiceway.control;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.Request;
import io.sluiceway.ledger.Attempt.Refusal;
import io.sluiceway.ledger.RequestRecord;

/** What a repeated request has to keep to. */
final class Requests {
    private Requests() {}

    /**
     * Holds a request against what was taken of it before.
     *
     * @return whether it asks for the same; only a higher try may ask for something else
     * @throws RefusedException STALE_TRY for a lower try, REQUEST_CONFLICT for the same try with another payload
     */
    static boolean check(RequestRecord earlier, Request request, String payloadHash) {
        if (request.tryNumber() < earlier.tryNumber()) {
            throw new RefusedException(
                    ErrorCode.STALE_TRY,
                    "Try %d of request %s came after its try %d."
                            .formatted(request.tryNumber(), request.id(), earlier.tryNumber()));
        }
        // A try that was cancelled before it was heard of has no payload to compare with; a try before it may have.
        boolean same = earlier.payloadHash().equals(payloadHash)
                || earlier.payloadHash().isEmpty();
        Refusal refusal = earlier.refusal();
        boolean cancelled = refusal != null && refusal.code() == ErrorCode.REQUEST_CANCELLED;
        if (!same && !cancelled && request.tryNumber() == earlier.tryNumber()) {
            throw new RefusedException(
                    ErrorCode.REQUEST_CONFLICT,
                    "Request %s asked for something else in the same try.".formatted(request.id()));
        }
        return same;
    }

    /** The refusal that a request came to, to be told again. */
    static RefusedException refused(RequestRecord record) {
        Refusal refusal = record.refusal();
        return refusal == null
                ? new RefusedException(
                        ErrorCode.LEDGER_INVALID,
                        "The ledger knows request %s, but not what came of it."
                                .formatted(record.key().id()))
                : new RefusedException(refusal.code(), refusal.message());
    }
}
