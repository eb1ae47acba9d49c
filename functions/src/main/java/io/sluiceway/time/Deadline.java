package io.sluiceway.time;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/**
 * The instant by which a call has answered. Everything a call waits for is bounded by what is left of it.
 *
 * @param at when the time is up
 * @param clock what tells the time
 */
public record Deadline(Instant at, Clock clock) {
    /** A deadline that lies {@code budget} from now. */
    public static Deadline in(Duration budget, Clock clock) {
        return new Deadline(clock.instant().plus(budget), clock);
    }

    /** The time that is left, at least zero. */
    public Duration remaining() {
        Duration left = Duration.between(clock.instant(), at);
        return left.isNegative() ? Duration.ZERO : left;
    }

    /** The time that is left, but at most {@code bound}. */
    public Duration remainingAtMost(Duration bound) {
        Duration left = remaining();
        return left.compareTo(bound) < 0 ? left : bound;
    }

    /** An earlier deadline that leaves {@code reserve} for what has to happen afterwards. */
    public Deadline leaving(Duration reserve) {
        return new Deadline(at.minus(reserve), clock);
    }
}
