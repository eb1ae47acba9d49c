package io.sluiceway.jobs.flightdelays;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DelaySummaryTest {

    private final DelayAggregate aggregate = new DelayAggregate();

    /** Among 1..n the value is the rank itself: the smallest r with r / n >= percent / 100. */
    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2", "19, 19", "20, 19", "21, 20", "39, 38", "40, 38", "41, 39", "100, 95", "101, 96"})
    void nearestRank_oneToN_isTheRank(int n, int expected) {
        int[] values = IntStream.rangeClosed(1, n).map(i -> n + 1 - i).toArray();

        assertThat(DelaySummary.nearestRank(values, 95)).isEqualTo(expected);
    }

    @Test
    void nearestRank_manyValues_leavesThemAsTheyAre() {
        int[] values = {30, -5, 1301};

        assertThat(DelaySummary.nearestRank(values, 50)).isEqualTo(30);
        assertThat(values).containsExactly(30, -5, 1301);
    }

    @Test
    void getResult_someCancelled_meansOnlyWhatDeparted() {
        assertThat(summary(-5, null, 10, null, 6)).isEqualTo(new DelaySummary(5, 2, (-5 + 10 + 6) / 3.0, 10));
    }

    @Test
    void getResult_allCancelled_hasNoDelay() {
        assertThat(summary(null, null)).isEqualTo(new DelaySummary(2, 2, null, null));
    }

    @Test
    void getResult_delaysThatOverflowAnInt_areSummedExactly() {
        assertThat(summary(Integer.MAX_VALUE, Integer.MAX_VALUE).meanMinutes()).isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void merge_twoAccumulators_countsBoth() {
        DelayAccumulator merged = aggregate.merge(accumulate(1, null), accumulate(3));

        assertThat(aggregate.getResult(merged)).isEqualTo(new DelaySummary(3, 1, 2.0, 3));
    }

    private DelaySummary summary(@Nullable Integer... delays) {
        return aggregate.getResult(accumulate(delays));
    }

    private DelayAccumulator accumulate(@Nullable Integer... delays) {
        DelayAccumulator accumulator = aggregate.createAccumulator();
        Arrays.stream(delays)
                .map(delay -> new Flight("JFK", "UA", 1, Instant.EPOCH, delay))
                .forEach(flight -> aggregate.add(flight, accumulator));
        return accumulator;
    }
}
