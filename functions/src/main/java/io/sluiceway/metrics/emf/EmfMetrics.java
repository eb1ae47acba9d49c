package io.sluiceway.metrics.emf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.metrics.Measurement;
import io.sluiceway.metrics.Measurement.Unit;
import io.sluiceway.metrics.Measurement.Value;
import io.sluiceway.metrics.MetricsSink;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Writes each measurement as one line of JSON in CloudWatch's embedded metric format: what a Lambda function writes to
 * its standard output, CloudWatch Logs reads, and makes metrics of it.
 *
 * @see <a
 *     href="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html">the
 *     specification</a>
 */
public final class EmfMetrics implements MetricsSink {
    /** The specification's limit of one directive. */
    private static final int MOST_METRICS = 100;

    /** The specification's limit of one set of dimensions. */
    private static final int MOST_DIMENSIONS = 30;

    /** What CloudWatch takes for a namespace; those that begin with {@code AWS/} are its own. */
    private static final Pattern NAMESPACE = Pattern.compile("(?!AWS/)[0-9A-Za-z._/#-][0-9A-Za-z._/#: -]{0,254}");

    private final String namespace;
    private final Consumer<String> lines;

    /**
     * A sink for one namespace.
     *
     * @param namespace 1 to 255 letters, digits, blanks and {@code ._-/#:}, not beginning with a blank, a colon or
     *     {@code AWS/}
     * @param lines takes each line, without its end
     * @throws RefusedException CONFIGURATION_INVALID for another namespace
     */
    public EmfMetrics(String namespace, Consumer<String> lines) {
        if (!NAMESPACE.matcher(namespace).matches()) {
            throw new RefusedException(
                    ErrorCode.CONFIGURATION_INVALID,
                    "The setting SLUICEWAY_METRICS_NAMESPACE is %s, which CloudWatch takes for no namespace."
                            .formatted(Quoted.of(namespace)));
        }
        this.namespace = namespace;
        this.lines = lines;
    }

    /** As {@link MetricsSink#publish}; throws IllegalArgumentException for more than 30 dimensions or 100 values. */
    @Override
    public void publish(Measurement measurement) {
        if (measurement.dimensions().size() > MOST_DIMENSIONS
                || measurement.values().size() > MOST_METRICS) {
            throw new IllegalArgumentException("%d dimensions and %d metrics are too many for one line."
                    .formatted(
                            measurement.dimensions().size(),
                            measurement.values().size()));
        }
        lines.accept(line(measurement).toString());
    }

    private ObjectNode line(Measurement measurement) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        ObjectNode metadata =
                root.putObject("_aws").put("Timestamp", measurement.at().toEpochMilli());
        ObjectNode directive =
                metadata.putArray("CloudWatchMetrics").addObject().put("Namespace", namespace);
        ArrayNode dimensions = directive.putArray("Dimensions").addArray();
        ArrayNode metrics = directive.putArray("Metrics");
        measurement.dimensions().forEach((name, value) -> {
            dimensions.add(name);
            root.put(name, value);
        });
        for (Value value : measurement.values()) {
            metrics.addObject().put("Name", value.metric()).put("Unit", unit(value.unit()));
            putNumber(root, value);
        }
        return root;
    }

    private static String unit(Unit unit) {
        return switch (unit) {
            case COUNT -> "Count";
            case SECONDS -> "Seconds";
        };
    }

    private static void putNumber(ObjectNode root, Value value) {
        long whole = (long) value.value();
        if (whole == value.value()) {
            root.put(value.metric(), whole);
        } else {
            root.put(value.metric(), value.value());
        }
    }
}
