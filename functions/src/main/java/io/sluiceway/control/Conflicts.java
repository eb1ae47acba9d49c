package io.sluiceway.control;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** What is done when somebody else changed a record first: everything is read again and decided again. */
final class Conflicts {
    private static final int MAX_TRIES = 12;
    private static final long FIRST_PAUSE_MILLIS = 20;
    private static final long LONGEST_PAUSE_MILLIS = 500;

    private Conflicts() {}

    /** A step that reads, decides and writes. */
    interface Step<T> {
        T take() throws LedgerConflictException;
    }

    /**
     * Takes a step until nobody comes between.
     *
     * @throws RefusedException JOB_BUSY when somebody always does
     */
    static <T> T retry(Deadline deadline, Step<T> step) {
        for (int tries = 1; ; tries++) {
            try {
                return step.take();
            } catch (LedgerConflictException e) {
                if (tries == MAX_TRIES || deadline.remaining().isZero()) {
                    throw new RefusedException(
                            ErrorCode.JOB_BUSY, "Others keep changing the same records: " + e.getMessage(), e);
                }
                pause(tries, deadline);
            }
        }
    }

    /** Longer from try to try, and at random, so that those who collided don't collide again. */
    private static void pause(int tries, Deadline deadline) {
        long longest = Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS << tries);
        Duration pause = Duration.ofMillis(ThreadLocalRandom.current().nextLong(FIRST_PAUSE_MILLIS / 2, longest));
        try {
            Thread.sleep(deadline.remainingAtMost(pause));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RefusedException(ErrorCode.JOB_BUSY, "The call was interrupted.", e);
        }
    }
}
