package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;

/**
 * Who asks, and for which time: what makes a repeated call recognisable.
 *
 * @param id the caller's idempotency key
 * @param tryNumber 1 to 1,000,000; grows when the caller deliberately tries the same request again
 */
public record Request(RequestId id, int tryNumber) {
    private static final int MAX_TRY = 1_000_000;

    public Request {
        if (tryNumber < 1 || tryNumber > MAX_TRY) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID, "try is %d; 1 to 1,000,000 is allowed.".formatted(tryNumber));
        }
    }
}
