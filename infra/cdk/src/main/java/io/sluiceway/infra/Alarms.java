package io.sluiceway.infra;

import io.sluiceway.infra.settings.FunctionName;
import io.sluiceway.infra.settings.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.cloudwatch.Alarm;
import software.amazon.awscdk.services.cloudwatch.ComparisonOperator;
import software.amazon.awscdk.services.cloudwatch.IAlarm;
import software.amazon.awscdk.services.cloudwatch.IMetric;
import software.amazon.awscdk.services.cloudwatch.MetricOptions;
import software.amazon.awscdk.services.cloudwatch.Stats;
import software.amazon.awscdk.services.cloudwatch.TreatMissingData;
import software.amazon.awscdk.services.dynamodb.ITable;
import software.constructs.Construct;

/** What somebody has to look at. Each alarm's description says what happened and where to look. */
public final class Alarms extends Construct {
    private static final Duration FIVE_MINUTES = Duration.minutes(5);

    /** The share of its timeout that a function may take before it is told; a timeout itself comes too late. */
    private static final double SLOW = 0.8;

    private final Settings settings;
    private final AlarmTopic topic;
    private final List<IAlarm> all = new ArrayList<>();

    /**
     * What is watched.
     *
     * @param settings the deployment
     * @param functions the functions
     * @param failed the queue of failed events
     * @param ledger the ledger's table
     * @param metrics what the sweep publishes
     */
    public record Input(
            Settings settings, Functions functions, FailedEvents failed, LedgerTable ledger, SweepMetrics metrics) {}

    /**
     * Makes the alarms.
     *
     * @param scope the stack
     * @param input what is watched
     */
    public Alarms(Construct scope, Input input) {
        super(scope, "alarms");
        this.settings = input.settings();
        this.topic = new AlarmTopic(this, settings.alarmTopicArn());
        failedEvents(input.failed());
        for (FunctionName name : FunctionName.values()) {
            function(name, input.functions().get(name));
        }
        sweep(input.functions().get(FunctionName.MONITOR_JOBS), input.metrics());
        ledger(input.ledger().table());
    }

    /** {@return all alarms, in the order in which they are shown} */
    public List<IAlarm> all() {
        return List.copyOf(all);
    }

    private void failedEvents(FailedEvents failed) {
        alarm(
                "failed-events",
                "An event came to nothing: read it in the queue %s; its error says what to do."
                        .formatted(settings.stage().nameOf("failed-events")),
                failed.queue().metricApproximateNumberOfMessagesVisible(over(Duration.minutes(1), Stats.MAXIMUM)),
                0,
                1,
                TreatMissingData.NOT_BREACHING);
    }

    private void function(FunctionName name, SluicewayFunction function) {
        alarm(
                name + "-throttles",
                "Calls of %s were turned away: the account's or the function's concurrency is used up.".formatted(name),
                function.live().metricThrottles(over(FIVE_MINUTES, Stats.SUM)),
                0,
                1,
                TreatMissingData.NOT_BREACHING);
        alarm(
                name + "-slow",
                "%s takes more than 80 %% of its timeout: look whether the cluster or the network is slow."
                        .formatted(name),
                function.live().metricDuration(over(FIVE_MINUTES, Stats.MAXIMUM)),
                SLOW * name.timeout().toMillis(),
                3,
                TreatMissingData.NOT_BREACHING);
    }

    private void sweep(SluicewayFunction monitorJobs, SweepMetrics metrics) {
        alarm(
                "monitor-jobs-errors",
                "Sweeps fail: nobody observes the jobs and takes open operations forward. The function's log says why.",
                monitorJobs.live().metricErrors(over(FIVE_MINUTES, Stats.SUM)),
                0,
                3,
                TreatMissingData.NOT_BREACHING);
        alarm(
                "monitor-jobs-silent",
                "No sweep for half an hour: look whether its schedule is disabled, or can't call the function.",
                monitorJobs.live().metricInvocations(over(Duration.minutes(30), Stats.SUM)),
                ComparisonOperator.LESS_THAN_THRESHOLD,
                1,
                1,
                TreatMissingData.BREACHING);
        settings.clusters().keySet().forEach(cluster -> {
            cluster(cluster, metrics);
            events(cluster, metrics);
        });
    }

    private void cluster(String cluster, SweepMetrics metrics) {
        alarm(
                "cluster-%s-unreachable".formatted(cluster),
                "The cluster %s hasn't answered for five minutes.".formatted(cluster),
                metrics.ofCluster(cluster, "ClusterUnreachable", Duration.minutes(1), Stats.MINIMUM),
                0,
                5,
                TreatMissingData.IGNORE);
        alarm(
                "cluster-%s-operations-failed".formatted(cluster),
                "An operation on cluster %s failed or was abandoned: job-status tells of it.".formatted(cluster),
                metrics.ofCluster(cluster, "FailedOperations", FIVE_MINUTES, Stats.SUM),
                0,
                1,
                TreatMissingData.NOT_BREACHING);
        alarm(
                "cluster-%s-jobs-failed".formatted(cluster),
                "A job on cluster %s has failed for good: its exceptions in Flink's web interface say why."
                        .formatted(cluster),
                metrics.ofCluster(cluster, "JobsFailed", FIVE_MINUTES, Stats.MAXIMUM),
                0,
                1,
                TreatMissingData.NOT_BREACHING);
        alarm(
                "cluster-%s-jobs-restarting".formatted(cluster),
                "Jobs on cluster %s have been restarting for a quarter of an hour: a loop that RUNNING hides."
                        .formatted(cluster),
                metrics.ofCluster(cluster, "JobsRestarting", FIVE_MINUTES, Stats.MAXIMUM),
                0,
                3,
                TreatMissingData.NOT_BREACHING);
        alarm(
                "cluster-%s-jobs-unhealthy".formatted(cluster),
                "Jobs on cluster %s have been unhealthy for a quarter of an hour: job-status names their reasons."
                        .formatted(cluster),
                metrics.ofCluster(cluster, "JobsUnhealthy", FIVE_MINUTES, Stats.MAXIMUM),
                0,
                3,
                TreatMissingData.NOT_BREACHING);
        alarm(
                "cluster-%s-jobs-unknown".formatted(cluster),
                "Nobody can tell what became of a job on cluster %s: look for its results; 'rerun' runs it again."
                        .formatted(cluster),
                metrics.ofCluster(cluster, "JobsUnknown", FIVE_MINUTES, Stats.MAXIMUM),
                0,
                1,
                TreatMissingData.NOT_BREACHING);
    }

    private void events(String cluster, SweepMetrics metrics) {
        alarm(
                "cluster-%s-events-pending".formatted(cluster),
                "Events of jobs on cluster %s haven't been published for a quarter of an hour: monitor-jobs' log says why; list-events has them."
                        .formatted(cluster),
                metrics.ofCluster(cluster, "EventsPending", FIVE_MINUTES, Stats.MINIMUM),
                0,
                3,
                TreatMissingData.NOT_BREACHING);
    }

    private void ledger(ITable table) {
        for (String operation : List.of("GetItem", "Query", "TransactWriteItems")) {
            alarm(
                    "ledger-throttled-" + operation,
                    "DynamoDB turned %s calls on the ledger away; the functions try again within their time."
                            .formatted(operation),
                    table.metric(
                            "ThrottledRequests",
                            MetricOptions.builder()
                                    .dimensionsMap(Map.of("TableName", table.getTableName(), "Operation", operation))
                                    .period(FIVE_MINUTES)
                                    .statistic(Stats.SUM)
                                    .build()),
                    0,
                    1,
                    TreatMissingData.NOT_BREACHING);
        }
    }

    private void alarm(
            String name, String description, IMetric metric, Number above, int periods, TreatMissingData missing) {
        alarm(name, description, metric, ComparisonOperator.GREATER_THAN_THRESHOLD, above, periods, missing);
    }

    private void alarm(
            String name,
            String description,
            IMetric metric,
            ComparisonOperator comparison,
            Number threshold,
            int periods,
            TreatMissingData missing) {
        Alarm alarm = Alarm.Builder.create(this, name)
                .alarmName(settings.stage().nameOf(name))
                .alarmDescription(description)
                .metric(metric)
                .comparisonOperator(comparison)
                .threshold(threshold)
                .evaluationPeriods(periods)
                .treatMissingData(missing)
                .build();
        topic.hearsOf(alarm);
        all.add(alarm);
    }

    private static MetricOptions over(Duration period, String statistic) {
        return MetricOptions.builder().period(period).statistic(statistic).build();
    }
}
