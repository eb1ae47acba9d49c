package io.sluiceway.control;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/** What is done about a call whose answer didn't arrive: the cluster is asked for what the call should have started. */
final class LostAnswers {
    /** Kept from a call's deadline, so that there is time to ask. */
    static final Duration SETTLING_RESERVE = Duration.ofSeconds(3);

    private LostAnswers() {}

    /** Whether the cluster may have done what was asked, although the call failed. */
    static boolean mayHaveBeenDone(RefusedException e) {
        return e.code() == ErrorCode.CLUSTER_TIMEOUT || e.code() == ErrorCode.CLUSTER_ANSWER_INVALID;
    }

    /** What the cluster says, or empty when it can't be asked either: then nothing is known, whatever the reason. */
    static <T> Optional<T> ask(Supplier<Optional<T>> question) {
        try {
            return question.get();
        } catch (RefusedException e) {
            return Optional.empty();
        }
    }
}
