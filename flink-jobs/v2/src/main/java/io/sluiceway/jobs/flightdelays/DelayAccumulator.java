package io.sluiceway.jobs.flightdelays;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What an open hour of one airport remembers: this is the window's state, in checkpoints and savepoints.
 *
 * <p>It is a Flink POJO, so that savepoints can be restored after fields were added or removed. Renaming a field, or
 * changing its type, would lose what it holds. The first version of the job has the same class without
 * {@link #worstFlight}, which is null in what it saved.
 */
public class DelayAccumulator {

    /** Flights that never departed. */
    public int cancelled;

    /** The delays of the flights that departed, in minutes, as they came. An exact percentile needs each of them. */
    public int[] delays = {};

    /**
     * The carrier and number of the flight with the longest of {@link #delays}, of several the one that came last; null
     * when none departed, and when the first version of the job counted it.
     */
    public @Nullable String worstFlight;

    /** For Flink's serializer, and for an hour's first flight. */
    public DelayAccumulator() {}

    void add(Flight flight) {
        Integer delay = flight.departureDelayMinutes();
        if (delay == null) {
            cancelled++;
        } else {
            if (delay >= worstDelay()) {
                worstFlight = flight.carrier() + flight.number();
            }
            delays = Arrays.copyOf(delays, delays.length + 1);
            delays[delays.length - 1] = delay;
        }
    }

    /** Both together, {@code other}'s flights having come after this one's. */
    DelayAccumulator plus(DelayAccumulator other) {
        DelayAccumulator sum = new DelayAccumulator();
        sum.cancelled = cancelled + other.cancelled;
        sum.delays = Arrays.copyOf(delays, delays.length + other.delays.length);
        System.arraycopy(other.delays, 0, sum.delays, delays.length, other.delays.length);
        sum.worstFlight = other.worstDelay() >= worstDelay() ? other.worstFlight : worstFlight;
        return sum;
    }

    /** The longest of {@link #delays}; below every delay when there is none. */
    private int worstDelay() {
        return Arrays.stream(delays).max().orElse(Integer.MIN_VALUE);
    }
}
