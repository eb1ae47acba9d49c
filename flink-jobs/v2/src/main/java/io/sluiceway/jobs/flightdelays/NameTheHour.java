package io.sluiceway.jobs.flightdelays;

import java.time.Instant;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** Says of a complete hour's numbers which airport's and which hour's they are. */
final class NameTheHour extends ProcessWindowFunction<DelaySummary, HourlyDelays, String, TimeWindow> {

    private static final long serialVersionUID = 1L;

    @Override
    public void process(
            String origin, Context context, Iterable<DelaySummary> summaries, Collector<HourlyDelays> collector) {
        Instant hour = Instant.ofEpochMilli(context.window().getStart());
        for (DelaySummary summary : summaries) {
            collector.collect(new HourlyDelays(
                    origin,
                    hour,
                    summary.flights(),
                    summary.cancelled(),
                    summary.meanMinutes(),
                    summary.p95Minutes(),
                    summary.worstMinutes(),
                    summary.worstFlight(),
                    null));
        }
    }
}
