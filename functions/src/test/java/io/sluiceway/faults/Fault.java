package io.sluiceway.faults;

import java.time.Duration;
import java.util.regex.Pattern;

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
        /** The request has its effect; the connection closes right behind the answer, which doesn't say so. */
        CLOSE_AFTER,
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
        /** DynamoDB or Managed Flink says that there are too many requests; nothing has been done. */
        THROTTLE,
        /** DynamoDB or Managed Flink says that it failed; nothing has been done. */
        SERVER_ERROR,
        /** DynamoDB or Managed Flink says that a condition doesn't hold; nothing has been done. */
        CONDITION_FAILED,
        /** Managed Flink says that the application isn't available for this; nothing has been done. */
        IN_USE;

        private static final Pattern CONDITIONAL = Pattern.compile(
                "dynamodb (TransactWriteItems|PutItem|UpdateItem|DeleteItem)|managed-flink UpdateApplication");
        private static final Pattern NEEDS_A_STATUS =
                Pattern.compile("managed-flink (Create|Update|Start|Stop)Application(Snapshot)?");

        /** Whether this can happen to such a call. */
        boolean appliesTo(String call) {
            return switch (this) {
                case CONDITION_FAILED -> CONDITIONAL.matcher(call).matches();
                case IN_USE -> NEEDS_A_STATUS.matcher(call).matches();
                case THROTTLE, SERVER_ERROR -> call.startsWith("dynamodb ") || call.startsWith("managed-flink ");
                case KILL_BEFORE,
                        KILL_AFTER,
                        LOSE_ANSWER,
                        CLOSE_AFTER,
                        LOSE_CALL,
                        RESET,
                        UNAVAILABLE_503,
                        TRUNCATE,
                        SLOW,
                        PAUSE,
                        FREEZE -> true;
            };
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
