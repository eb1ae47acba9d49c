package io.sluiceway.metrics;

/** The port to a monitoring system. */
public interface MetricsSink {
    /** Hands a measurement over. */
    void publish(Measurement measurement);

    /** Where measurements go when nobody asked for them. */
    static MetricsSink none() {
        return measurement -> {};
    }
}
