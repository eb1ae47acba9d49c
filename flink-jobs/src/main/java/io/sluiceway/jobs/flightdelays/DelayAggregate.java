package io.sluiceway.jobs.flightdelays;

import org.apache.flink.api.common.functions.AggregateFunction;

/** Gathers the flights of an hour as they come, in any order. */
final class DelayAggregate implements AggregateFunction<Flight, DelayAccumulator, DelaySummary> {

    private static final long serialVersionUID = 1L;

    @Override
    public DelayAccumulator createAccumulator() {
        return new DelayAccumulator();
    }

    @Override
    public DelayAccumulator add(Flight flight, DelayAccumulator accumulator) {
        accumulator.add(flight);
        return accumulator;
    }

    @Override
    public DelaySummary getResult(DelayAccumulator accumulator) {
        return DelaySummary.of(accumulator);
    }

    @Override
    public DelayAccumulator merge(DelayAccumulator first, DelayAccumulator second) {
        return first.plus(second);
    }
}
