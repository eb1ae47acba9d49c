package io.sluiceway.jobs.flightdelays;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.metrics.Counter;
import org.jspecify.annotations.Nullable;

/** Counts, in the metric {@value #METRIC}, the flights that came after their hour's line was written. */
final class LateFlights extends RichMapFunction<Flight, Flight> {

    /** How many flights came too late since this attempt started. */
    static final String METRIC = "lateFlights";

    private static final long serialVersionUID = 1L;

    private transient @Nullable Counter counter;

    @Override
    public void open(OpenContext context) {
        counter = getRuntimeContext().getMetricGroup().counter(METRIC);
    }

    @Override
    public Flight map(Flight flight) {
        if (counter == null) {
            throw new IllegalStateException("map was called before open");
        }
        counter.inc();
        return flight;
    }
}
