package io.sluiceway.ledger;

import io.sluiceway.job.FlinkJobId;
import io.sluiceway.operation.OperationId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What became of a request.
 *
 * @param key which one
 * @param tryNumber the highest try that was taken
 * @param payloadHash what that try asked for
 * @param attempts how many attempts or operations it has made of its own
 * @param attempt the attempt that stands for its newest try, its own or an adopted one; absent when there is none
 * @param operation the operation that stands for its newest try; absent when there is none
 * @param refusal why its newest try came to nothing without an attempt; absent when it didn't
 * @param createdAt when it was first heard of
 */
public record RequestRecord(
        RequestKey key,
        int tryNumber,
        String payloadHash,
        int attempts,
        @Nullable FlinkJobId attempt,
        @Nullable OperationId operation,
        Attempt.@Nullable Refusal refusal,
        Instant createdAt) {
    /** The same request and try, for which another attempt stands now. */
    public RequestRecord standsFor(FlinkJobId newAttempt, OperationId newOperation) {
        return new RequestRecord(key, tryNumber, payloadHash, attempts, newAttempt, newOperation, refusal, createdAt);
    }
}
