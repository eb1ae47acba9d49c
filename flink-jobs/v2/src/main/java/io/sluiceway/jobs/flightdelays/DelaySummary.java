package io.sluiceway.jobs.flightdelays;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The numbers of one airport's hour, before it is known which hour that was.
 *
 * @param flights how many flights were scheduled, the cancelled among them
 * @param cancelled how many of them never departed
 * @param meanMinutes the mean delay of those that departed, in minutes; null when none did
 * @param p95Minutes the 95th percentile of their delays, in minutes; null when none departed
 * @param worstMinutes the longest of their delays, in minutes; null when none departed
 * @param worstFlight which flight that was; see {@link DelayAccumulator#worstFlight}
 */
record DelaySummary(
        int flights,
        int cancelled,
        @Nullable Double meanMinutes,
        @Nullable Integer p95Minutes,
        @Nullable Integer worstMinutes,
        @Nullable String worstFlight) {

    static DelaySummary of(DelayAccumulator accumulator) {
        int[] delays = accumulator.delays;
        int flights = accumulator.cancelled + delays.length;
        if (delays.length == 0) {
            return new DelaySummary(flights, accumulator.cancelled, null, null, null, null);
        }
        double mean = (double) Arrays.stream(delays).asLongStream().sum() / delays.length;
        return new DelaySummary(
                flights,
                accumulator.cancelled,
                mean,
                nearestRank(delays, 95),
                nearestRank(delays, 100),
                accumulator.worstFlight);
    }

    /**
     * The smallest value that at least {@code percent} percent of the values don't exceed.
     *
     * @param values one or more, in any order; left as they are
     * @param percent 1 to 100
     */
    static int nearestRank(int[] values, int percent) {
        int[] sorted = values.clone();
        Arrays.sort(sorted);
        // In integers, so that no rounding of 0.95 moves the rank.
        long rank = ((long) percent * sorted.length + 99) / 100;
        return sorted[(int) rank - 1];
    }
}
