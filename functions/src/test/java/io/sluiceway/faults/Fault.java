package io.sluiceway.faults;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;

/**
 * What happens to one request on its way.
 *
 * @param kind what
 * @param duration for how long, where the kind takes time
 */
record Fault(Kind kind, Duration duration) {
    /** What can happen to a request. */
    enum Kind {
        /** The caller is killed before its request reaches anybody. */
        KILL_BEFORE,
        /** The caller is killed when its request has had its effect; it never sees the answer. */
        KILL_AFTER,
        /** The request has its effect; the connection closes without an answer. */
        LOSE_ANSWER,
        /** The connection closes before the request reaches anybody. */
        LOSE_CALL,
        /** The connection is reset before the request reaches anybody. */
        RESET,
        /** The request reaches nobody and is answered with 503. */
        UNAVAILABLE_503,
        /** The request has its effect; half of the answer's body arrives. */
        TRUNCATE,
        /** The request has its effect; its answer drips in more slowly than anybody waits. */
        SLOW,
        /** The request is held for a while on its way. */
        PAUSE,
        /** The request has its effect; the caller is stopped for a while before it sees the answer. */
        FREEZE,
        /** DynamoDB says that there are too many requests; nothing has been done. */
        THROTTLE,
        /** DynamoDB says that it failed; nothing has been done. */
        SERVER_ERROR,
        /** DynamoDB says that a condition doesn't hold; nothing has been done. */
        CONDITION_FAILED;

        private static final Set<Kind> DYNAMODB_ONLY = EnumSet.of(THROTTLE, SERVER_ERROR, CONDITION_FAILED);

        /** Whether this can happen to such a call. */
        boolean appliesTo(String call) {
            if (this == CONDITION_FAILED) {
                return call.matches("dynamodb (TransactWriteItems|PutItem|UpdateItem|DeleteItem)");
            }
            return !DYNAMODB_ONLY.contains(this) || call.startsWith("dynamodb ");
        }

        /** Whether the caller's process doesn't survive it. */
        boolean kills() {
            return this == KILL_BEFORE || this == KILL_AFTER;
        }
    }

    static Fault of(Kind kind) {
        return new Fault(kind, Duration.ZERO);
    }
}
