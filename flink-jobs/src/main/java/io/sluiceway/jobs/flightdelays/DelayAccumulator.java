package io.sluiceway.jobs.flightdelays;

import java.util.Arrays;

/**
 * What an open hour of one airport remembers: this is the window's state, in checkpoints and savepoints.
 *
 * <p>It is a Flink POJO, so that savepoints can be restored after fields were added or removed. Renaming a field, or
 * changing its type, would lose what it holds.
 */
public class DelayAccumulator {

    /** Flights that never departed. */
    public int cancelled;

    /** The delays of the flights that departed, in minutes, as they came. An exact percentile needs each of them. */
    public int[] delays = {};

    /** For Flink's serializer, and for an hour's first flight. */
    public DelayAccumulator() {}

    void add(Flight flight) {
        Integer delay = flight.departureDelayMinutes();
        if (delay == null) {
            cancelled++;
        } else {
            delays = Arrays.copyOf(delays, delays.length + 1);
            delays[delays.length - 1] = delay;
        }
    }

    DelayAccumulator plus(DelayAccumulator other) {
        DelayAccumulator sum = new DelayAccumulator();
        sum.cancelled = cancelled + other.cancelled;
        sum.delays = Arrays.copyOf(delays, delays.length + other.delays.length);
        System.arraycopy(other.delays, 0, sum.delays, delays.length, other.delays.length);
        return sum;
    }
}
