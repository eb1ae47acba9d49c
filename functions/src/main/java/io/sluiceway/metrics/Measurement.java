package io.sluiceway.metrics;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Values of one thing at one moment.
 *
 * @param at when they were seen
 * @param dimensions what they are of, by the dimensions' names in their order; at least one
 * @param values at least one, each with a name of its own
 */
public record Measurement(Instant at, SequencedMap<String, String> dimensions, List<Value> values) {
    /** What a value counts. */
    public enum Unit {
        /** Things. */
        COUNT,
        /** Time. */
        SECONDS
    }

    /**
     * One value.
     *
     * @param metric its name, in CamelCase
     * @param value a finite number
     */
    public record Value(String metric, Unit unit, double value) {
        public Value {
            if (!Double.isFinite(value)) {
                throw new IllegalArgumentException("Metric %s is %s, which is no number.".formatted(metric, value));
            }
        }
    }

    public Measurement {
        dimensions = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(dimensions));
        values = List.copyOf(values);
        Map<String, String> names = new LinkedHashMap<>(dimensions);
        values.forEach(value -> names.put(value.metric(), ""));
        if (dimensions.isEmpty() || values.isEmpty() || names.size() < dimensions.size() + values.size()) {
            throw new IllegalArgumentException(
                    "A measurement has dimensions and values, each with a name of its own, and not %s and %s."
                            .formatted(dimensions.keySet(), values));
        }
    }
}
