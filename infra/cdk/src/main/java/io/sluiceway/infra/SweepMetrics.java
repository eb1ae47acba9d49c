package io.sluiceway.infra;

import io.sluiceway.infra.settings.Settings;
import java.util.Map;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.cloudwatch.IMetric;
import software.amazon.awscdk.services.cloudwatch.MathExpression;
import software.amazon.awscdk.services.cloudwatch.Metric;

/**
 * What {@code monitor-jobs} publishes in CloudWatch's embedded metric format.
 *
 * @param namespace the metrics' namespace
 */
record SweepMetrics(String namespace) {
    /** The environment variable that names the namespace to the function. */
    static final String VARIABLE = "SLUICEWAY_METRICS_NAMESPACE";

    static SweepMetrics of(Settings settings) {
        return new SweepMetrics("Sluiceway/" + settings.stage().name());
    }

    /** A metric that is told for each cluster. */
    IMetric ofCluster(String cluster, String name, Duration period, String statistic) {
        return Metric.Builder.create()
                .namespace(namespace)
                .metricName(name)
                .dimensionsMap(Map.of("cluster", cluster))
                .period(period)
                .statistic(statistic)
                .build();
    }

    /** A metric that is told for each job: a line for each of the cluster's, whichever there are. */
    IMetric ofEveryJob(String cluster, String name, Duration period, String statistic) {
        return MathExpression.Builder.create()
                .expression("SEARCH('{%s,cluster,job} MetricName=\"%s\" cluster=\"%s\"', '%s', %d)"
                        .formatted(
                                namespace,
                                name,
                                cluster,
                                statistic,
                                period.toSeconds().intValue()))
                .usingMetrics(Map.of())
                .label("${PROP('Dim.job')}")
                .period(period)
                .build();
    }
}
