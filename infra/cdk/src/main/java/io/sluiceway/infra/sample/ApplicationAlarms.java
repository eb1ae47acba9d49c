package io.sluiceway.infra.sample;

import io.sluiceway.infra.AlarmTopic;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.cloudwatch.Alarm;
import software.amazon.awscdk.services.cloudwatch.ComparisonOperator;
import software.amazon.awscdk.services.cloudwatch.IMetric;
import software.amazon.awscdk.services.cloudwatch.MathExpression;
import software.amazon.awscdk.services.cloudwatch.Metric;
import software.amazon.awscdk.services.cloudwatch.TreatMissingData;
import software.constructs.Construct;

/**
 * What is to wake somebody about an application that runs. An application that is stopped publishes nothing, and that
 * is no fault: missing data leaves every alarm off.
 *
 * <p>The metrics are those that <a
 * href="https://docs.aws.amazon.com/managed-flink/latest/java/metrics-dimensions.html">the service publishes</a> since
 * Flink 2.2, which has {@code numRestarts} in place of {@code fullRestarts}, and {@code restartingTime} and
 * {@code failingTime} in place of {@code downtime}.
 */
final class ApplicationAlarms extends Construct {
    private static final Duration PERIOD = Duration.minutes(1);

    private final String application;
    private final AlarmTopic topic;

    /**
     * Makes the alarms.
     *
     * @param scope the stack
     * @param application the application's name
     * @param topicArn the SNS topic that hears of them; without one they are only shown
     */
    ApplicationAlarms(Construct scope, String application, @Nullable String topicArn) {
        super(scope, "alarms");
        this.application = application;
        this.topic = new AlarmTopic(this, topicArn);
        alarm(
                "restarts",
                "It was restarted in 3 of 15 minutes: it may go on like that for ever while its state says RUNNING",
                growthOf("numRestarts"),
                0,
                15);
        alarm(
                "down",
                "It has been failing, or waiting for its restart, for more than 2 minutes, in 3 of 5 minutes",
                MathExpression.Builder.create()
                        .label("failing or restarting")
                        .expression("MAX([failing, restarting])")
                        // Sorted, or each synthesis would have its own order.
                        .usingMetrics(new TreeMap<>(
                                Map.of("failing", metric("failingTime"), "restarting", metric("restartingTime"))))
                        .period(PERIOD)
                        .build(),
                Duration.minutes(2).toMilliseconds().longValue(),
                5);
        alarm(
                "failed-checkpoints",
                "Checkpoints failed in 3 of 15 minutes: results aren't committed, and a restart goes further back",
                growthOf("numberOfFailedCheckpoints"),
                0,
                15);
        alarm(
                "slow-checkpoints",
                "A checkpoint took longer than the time between two, in 3 of 5 minutes",
                metric("lastCheckpointDuration"),
                ManagedApplication.CHECKPOINT_INTERVAL.toMillis(),
                5);
    }

    private void alarm(String id, String description, IMetric metric, long threshold, int minutes) {
        Alarm alarm = Alarm.Builder.create(this, id)
                .alarmName("%s-%s".formatted(application, id))
                .alarmDescription("%s: %s.".formatted(application, description))
                .metric(metric)
                .comparisonOperator(ComparisonOperator.GREATER_THAN_THRESHOLD)
                .threshold(threshold)
                .evaluationPeriods(minutes)
                .datapointsToAlarm(3)
                .treatMissingData(TreatMissingData.NOT_BREACHING)
                .build();
        topic.hearsOf(alarm);
    }

    /** These count from the job's start, and from nothing again when it starts anew: what counts is what was added. */
    private IMetric growthOf(String counter) {
        return MathExpression.Builder.create()
                .label("added to " + counter)
                .expression("DIFF(counter)")
                .usingMetrics(Map.of("counter", metric(counter)))
                .period(PERIOD)
                .build();
    }

    private Metric metric(String name) {
        return Metric.Builder.create()
                .namespace("AWS/KinesisAnalytics")
                .metricName(name)
                .dimensionsMap(Map.of("Application", application))
                .statistic("Maximum")
                .period(PERIOD)
                .build();
    }
}
