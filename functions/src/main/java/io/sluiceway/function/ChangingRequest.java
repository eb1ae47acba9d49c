package io.sluiceway.function;

import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import org.jspecify.annotations.Nullable;

/** What every request says that changes something. */
interface ChangingRequest extends FunctionRequest {
    /** The caller's idempotency key. */
    String requestId();

    /** The field {@code try}: grows when the caller deliberately tries the same request again. */
    Integer tryNumber();

    /** Whether the call is only planned; absent: it isn't. */
    @Nullable
    Boolean dryRun();

    /** Who asks, and for which time. */
    default Request request() {
        return new Request(new RequestId(requestId()), tryNumber());
    }
}
