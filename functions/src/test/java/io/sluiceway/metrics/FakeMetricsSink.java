package io.sluiceway.metrics;

import io.sluiceway.metrics.Measurement.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Keeps measurements in memory, for fast tests. */
public final class FakeMetricsSink implements MetricsSink {
    private final List<Measurement> published = new ArrayList<>();

    @Override
    public void publish(Measurement measurement) {
        published.add(measurement);
    }

    /** All that was published, in order. */
    public List<Measurement> published() {
        return List.copyOf(published);
    }

    /** The values that were published last of exactly these dimensions; none when nothing was. */
    public Map<String, Double> newest(Map<String, String> dimensions) {
        Map<String, Double> values = new LinkedHashMap<>();
        published.reversed().stream()
                .filter(measurement -> measurement.dimensions().equals(dimensions))
                .findFirst()
                .ifPresent(measurement -> {
                    for (Value value : measurement.values()) {
                        values.put(value.metric(), value.value());
                    }
                });
        return values;
    }
}
