package io.sluiceway.jobs.flightdelays;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class DelaySummaryTest {

    private final DelayAggregate aggregate = new DelayAggregate();

    @Test
    void getResult_someCancelled_namesTheWorstThatDeparted() {
        DelayAccumulator hour = new DelayAccumulator();
        add(hour, 1, -5);
        add(hour, 2, 40);
        add(hour, 3, null);
        add(hour, 4, 10);

        assertThat(aggregate.getResult(hour)).isEqualTo(new DelaySummary(4, 1, 15.0, 40, 40, "UA2"));
    }

    @Test
    void getResult_allEarly_namesTheLeastEarly() {
        DelayAccumulator hour = new DelayAccumulator();
        add(hour, 1, -5);
        add(hour, 2, -9);

        assertThat(aggregate.getResult(hour)).isEqualTo(new DelaySummary(2, 0, -7.0, -5, -5, "UA1"));
    }

    @Test
    void getResult_equallyLate_namesTheLast() {
        DelayAccumulator hour = new DelayAccumulator();
        add(hour, 1, 7);
        add(hour, 2, 7);

        assertThat(aggregate.getResult(hour).worstFlight()).isEqualTo("UA2");
    }

    @Test
    void getResult_allCancelled_namesNone() {
        DelayAccumulator hour = new DelayAccumulator();
        add(hour, 1, null);

        assertThat(aggregate.getResult(hour)).isEqualTo(new DelaySummary(1, 1, null, null, null, null));
    }

    @Test
    void getResult_worstWasCountedByTheFirstVersion_hasItsDelayWithoutItsName() {
        DelayAccumulator hour = ofTheFirstVersion(30, 90);
        add(hour, 3, 89);

        assertThat(aggregate.getResult(hour).worstMinutes()).isEqualTo(90);
        assertThat(aggregate.getResult(hour).worstFlight()).isNull();
    }

    @Test
    void getResult_worstCameAfterTheFirstVersion_namesIt() {
        DelayAccumulator hour = ofTheFirstVersion(30, 90);
        add(hour, 3, 90);

        assertThat(aggregate.getResult(hour).worstMinutes()).isEqualTo(90);
        assertThat(aggregate.getResult(hour).worstFlight()).isEqualTo("UA3");
    }

    @Test
    void merge_twoAccumulators_namesTheWorstOfBoth() {
        DelayAccumulator first = new DelayAccumulator();
        add(first, 1, 50);
        DelayAccumulator second = new DelayAccumulator();
        add(second, 2, 49);

        assertThat(aggregate.getResult(aggregate.merge(first, second)))
                .isEqualTo(new DelaySummary(2, 0, 49.5, 50, 50, "UA1"));
        assertThat(aggregate.merge(second, first).worstFlight).isEqualTo("UA1");
        assertThat(aggregate.merge(first, new DelayAccumulator()).worstFlight).isEqualTo("UA1");
        assertThat(aggregate.merge(ofTheFirstVersion(50), second).worstFlight).isNull();
    }

    /** What is restored of an hour that the first version had counted so many flights of. */
    private static DelayAccumulator ofTheFirstVersion(int... delays) {
        DelayAccumulator accumulator = new DelayAccumulator();
        accumulator.delays = delays;
        return accumulator;
    }

    private void add(DelayAccumulator accumulator, int number, @Nullable Integer delay) {
        var unused = aggregate.add(new Flight("JFK", "UA", number, Instant.EPOCH, delay), accumulator);
    }
}
