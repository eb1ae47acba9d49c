package io.sluiceway.infra;

import io.sluiceway.infra.settings.Settings;
import java.util.List;
import java.util.function.Function;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.cloudwatch.AlarmStatusWidget;
import software.amazon.awscdk.services.cloudwatch.Dashboard;
import software.amazon.awscdk.services.cloudwatch.GraphWidget;
import software.amazon.awscdk.services.cloudwatch.IMetric;
import software.amazon.awscdk.services.cloudwatch.IWidget;
import software.amazon.awscdk.services.cloudwatch.MetricOptions;
import software.amazon.awscdk.services.cloudwatch.Stats;
import software.amazon.awscdk.services.cloudwatch.YAxisProps;
import software.amazon.awscdk.services.lambda.Alias;
import software.constructs.Construct;

/** The page that an operator opens first: the alarms, the jobs of each cluster, then the functions and the queues. */
public final class OperationsDashboard extends Construct {
    private static final Duration MINUTE = Duration.minutes(1);
    private static final Duration FIVE_MINUTES = Duration.minutes(5);
    private static final int WHOLE_ROW = 24;
    private static final int THIRD = 8;

    private final Dashboard dashboard;

    /**
     * What is shown.
     *
     * @param settings the deployment
     * @param functions the functions
     * @param failed the queue of failed events
     * @param events the queue that Airflow watches
     * @param alarms the alarms
     * @param metrics what the sweep publishes
     */
    public record Input(
            Settings settings,
            Functions functions,
            FailedEvents failed,
            EventBusToAirflow events,
            Alarms alarms,
            SweepMetrics metrics) {}

    /**
     * Makes the dashboard.
     *
     * @param scope the stack
     * @param input what is shown
     */
    public OperationsDashboard(Construct scope, Input input) {
        super(scope, "dashboard");
        dashboard = Dashboard.Builder.create(this, "dashboard")
                .dashboardName(input.settings().stage().fullName())
                .defaultInterval(Duration.hours(12))
                .build();
        dashboard.addWidgets(AlarmStatusWidget.Builder.create()
                .title("Alarms")
                .alarms(input.alarms().all())
                .width(WHOLE_ROW)
                .build());
        input.settings()
                .clusters()
                .keySet()
                .forEach(cluster -> rowsOf(cluster, input.metrics()).forEach(row -> dashboard.addWidgets(row)));
        dashboard.addWidgets(
                ofFunctions("Errors, refusals among them", input, alias -> alias.metricErrors(over(Stats.SUM))),
                ofFunctions("Throttles", input, alias -> alias.metricThrottles(over(Stats.SUM))),
                ofFunctions("Duration, p99", input, alias -> alias.metricDuration(over("p99"))));
        dashboard.addWidgets(
                ofFunctions("Calls", input, alias -> alias.metricInvocations(over(Stats.SUM))),
                graph(
                        "Failed events",
                        List.of(input.failed().queue().metricApproximateNumberOfMessagesVisible(over(Stats.MAXIMUM)))),
                graph(
                        "Events that wait for Airflow: how many, and the oldest one's age in s",
                        List.of(
                                input.events().queue().metricApproximateNumberOfMessagesVisible(over(Stats.MAXIMUM)),
                                input.events().queue().metricApproximateAgeOfOldestMessage(over(Stats.MAXIMUM)))));
    }

    /** {@return the dashboard's name} */
    public String name() {
        return dashboard.getDashboardName();
    }

    private static List<IWidget[]> rowsOf(String cluster, SweepMetrics metrics) {
        Function<String, IMetric> most = name -> metrics.ofCluster(cluster, name, MINUTE, Stats.MAXIMUM);
        Function<String, IMetric> sum = name -> metrics.ofCluster(cluster, name, FIVE_MINUTES, Stats.SUM);
        return List.of(
                new IWidget[] {
                    graph(
                            cluster + ": jobs by state and health",
                            List.of(
                                    most.apply("JobsRunning"),
                                    most.apply("JobsStable"),
                                    most.apply("JobsUnhealthy"),
                                    most.apply("JobsRestarting"),
                                    most.apply("JobsInTransition"),
                                    most.apply("JobsFailing"),
                                    most.apply("JobsFailed"),
                                    most.apply("JobsUnknown"),
                                    most.apply("UnmanagedJobs"))),
                    graph(
                            cluster + ": operations",
                            List.of(most.apply("OpenOperations"), sum.apply("FailedOperations"))),
                    graph(
                            cluster + ": what the sweep couldn't see or do",
                            List.of(
                                    most.apply("ClusterUnreachable"),
                                    most.apply("JobsLeft"),
                                    most.apply("SweepErrors"),
                                    most.apply("EventsPending"))),
                },
                new IWidget[] {
                    graph(
                            cluster + ": age of the last good checkpoint, s",
                            List.of(metrics.ofEveryJob(cluster, "LastCheckpointAge", MINUTE, "Maximum"))),
                    graph(
                            cluster + ": age of the last good savepoint, s",
                            List.of(metrics.ofEveryJob(cluster, "LastSavepointAge", MINUTE, "Maximum"))),
                    graph(cluster + ": restarts", List.of(metrics.ofEveryJob(cluster, "Restarts", MINUTE, "Maximum"))),
                });
    }

    private static GraphWidget ofFunctions(String title, Input input, Function<Alias, IMetric> metric) {
        return graph(
                title,
                input.functions().all().stream()
                        .map(function -> metric.apply(function.live()))
                        .toList());
    }

    private static GraphWidget graph(String title, List<IMetric> metrics) {
        return GraphWidget.Builder.create()
                .title(title)
                .left(metrics)
                .leftYAxis(YAxisProps.builder().min(0).showUnits(false).build())
                .width(THIRD)
                .build();
    }

    private static MetricOptions over(String statistic) {
        return MetricOptions.builder().period(FIVE_MINUTES).statistic(statistic).build();
    }
}
