package io.sluiceway.infra;

import io.sluiceway.infra.settings.Cluster;
import io.sluiceway.infra.settings.Cluster.Ownership;
import io.sluiceway.infra.settings.FunctionName;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import software.amazon.awscdk.Stack;

/**
 * The applications on Amazon Managed Service for Apache Flink that the functions work with, as IAM is told. Which
 * action goes with which resource, and which call takes {@code iam:PassRole}, is from the <a
 * href="https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonkinesisanalyticsv2.html">service
 * authorization reference</a>.
 *
 * @param applications patterns for the applications' names, of all managed clusters; none without such a cluster
 * @param own those of ownership {@code SLUICEWAY} alone
 * @param serviceRoleArns the roles that applications of ownership {@code SLUICEWAY} run with
 */
record ManagedFlinkAccess(List<String> applications, List<String> own, List<String> serviceRoleArns) {
    /** The service's name to IAM. */
    static final String SERVICE = "kinesisanalytics.amazonaws.com";

    /** What tells of a job what a list shows. */
    private static final List<String> SEE = List.of(
            "kinesisanalytics:DescribeApplication",
            "kinesisanalytics:DescribeApplicationVersion",
            "kinesisanalytics:ListApplicationOperations",
            "kinesisanalytics:ListApplicationSnapshots");

    /**
     * What a function takes that observes jobs and takes operations forward: why one failed, how far a snapshot is, and
     * what operations trigger.
     */
    private static final List<String> RUN = Stream.concat(
                    SEE.stream(),
                    Stream.of(
                            "kinesisanalytics:CreateApplicationSnapshot",
                            "kinesisanalytics:DescribeApplicationOperation",
                            "kinesisanalytics:DescribeApplicationSnapshot",
                            "kinesisanalytics:StopApplication"))
            .sorted()
            .toList();

    private static final List<String> START =
            List.of("kinesisanalytics:StartApplication", "kinesisanalytics:UpdateApplication");

    /**
     * Gathers what the managed clusters name.
     *
     * @param clusters the clusters that the functions may use
     * @return all of it, each once
     */
    static ManagedFlinkAccess to(Collection<Cluster> clusters) {
        List<Cluster.Managed> managed = clusters.stream()
                .filter(Cluster.Managed.class::isInstance)
                .map(Cluster.Managed.class::cast)
                .toList();
        return new ManagedFlinkAccess(
                managed.stream()
                        .map(Cluster.Managed::applicationsPattern)
                        .distinct()
                        .sorted()
                        .toList(),
                managed.stream()
                        .filter(cluster -> cluster.ownership() == Ownership.SLUICEWAY)
                        .map(Cluster.Managed::applicationsPattern)
                        .distinct()
                        .sorted()
                        .toList(),
                managed.stream()
                        .filter(cluster -> cluster.ownership() == Ownership.SLUICEWAY)
                        .map(cluster -> Objects.requireNonNull(cluster.serviceRoleArn()))
                        .distinct()
                        .sorted()
                        .toList());
    }

    /**
     * Lets a function do with the applications what it is there for, and nothing where there are none.
     *
     * @param name which function
     * @param function the function
     */
    void grantTo(FunctionName name, SluicewayFunction function) {
        if (applications.isEmpty() || !asks(name)) {
            return;
        }
        List<String> arns = arns(applications, function);
        switch (name) {
            case SUBMIT_JOB -> {
                function.allow("RunApplications", RUN, arns);
                // Of ownership EXTERNAL, too: an attempt's mark is an update of the runtime properties.
                function.allow("StartApplications", START, arns);
                create(function);
            }
            case JOB_STATUS -> {
                function.allow("RunApplications", RUN, arns);
                function.allow("OpenDashboards", List.of("kinesisanalytics:CreateApplicationPresignedUrl"), arns);
                measure(function);
                startVersions(function);
                rollBack(function);
            }
            case UPGRADE_JOB -> {
                function.allow("RunApplications", RUN, arns(own, function));
                measure(function);
                startVersions(function);
            }
            case RESCALE_JOB -> {
                function.allow("RunApplications", RUN, arns(own, function));
                measure(function);
                startVersions(function);
                rollBack(function);
            }
            case TAKE_SAVEPOINT, STOP_JOB -> function.allow("RunApplications", RUN, arns);
            case LIST_JOBS -> {
                function.allow("SeeApplications", SEE, arns);
                list(function);
            }
            case MONITOR_JOBS -> {
                function.allow("RunApplications", RUN, arns);
                function.allow("RemoveSnapshots", List.of("kinesisanalytics:DeleteApplicationSnapshot"), arns);
                list(function);
                if (!own.isEmpty()) {
                    // What was upgraded or rescaled is judged by what is measured.
                    measure(function);
                    startVersions(function);
                    rollBack(function);
                }
            }
            case LIST_EVENTS -> throw new IllegalStateException("It asks no managed cluster.");
        }
        Nag.accept(
                function.policy(),
                "AwsSolutions-IAM5",
                "An application is named after its job, which callers name; the policy can name no more than what the"
                        + " cluster's setting puts around that.",
                "/^Resource::arn:[^*]+:application[/][^*/]*\\*[^*/]*$/");
    }

    private boolean asks(FunctionName name) {
        return switch (name) {
            // What was told of jobs is in the ledger.
            case LIST_EVENTS -> false;
            // Of others' applications an upgrade or a rescaling is refused before anything is done.
            case UPGRADE_JOB, RESCALE_JOB -> !own.isEmpty();
            case SUBMIT_JOB, JOB_STATUS, TAKE_SAVEPOINT, STOP_JOB, LIST_JOBS, MONITOR_JOBS -> true;
        };
    }

    private void create(SluicewayFunction function) {
        if (serviceRoleArns.isEmpty()) {
            return;
        }
        function.allowWithoutResource(
                "CreateApplications",
                "kinesisanalytics:CreateApplication",
                "IAM knows no resource for CreateApplication, so it takes nothing but the wildcard. What it creates runs"
                        + " with a role that may be passed, and can be started only under a name of the clusters' own.");
        passRole(function);
    }

    /** The versions of an upgrade are started by whoever takes it forward; of own applications alone. */
    private void startVersions(SluicewayFunction function) {
        if (own.isEmpty()) {
            return;
        }
        function.allow("StartApplications", START, arns(own, function));
        passRole(function);
    }

    /** A rescaling whose update hangs is rolled back by whoever takes it forward; of own applications alone. */
    private void rollBack(SluicewayFunction function) {
        if (!own.isEmpty()) {
            function.allow(
                    "RollBackApplications", List.of("kinesisanalytics:RollbackApplication"), arns(own, function));
        }
    }

    private static List<String> arns(List<String> patterns, SluicewayFunction function) {
        return patterns.stream()
                .map(pattern -> ApplicationArn.of(Stack.of(function), pattern))
                .toList();
    }

    /** Creating an application takes it, and so does an update, which names the role. */
    private void passRole(SluicewayFunction function) {
        function.allow(
                "GiveApplicationsTheirRole",
                List.of("iam:PassRole"),
                serviceRoleArns,
                Map.of("StringEquals", Map.of("iam:PassedToService", List.of(SERVICE))));
    }

    private static void measure(SluicewayFunction function) {
        function.allowWithoutResource(
                "ReadMetrics",
                "cloudwatch:GetMetricData",
                "IAM knows neither resource nor condition for GetMetricData, so it takes nothing but the wildcard. It"
                        + " reads metrics, and changes nothing.");
    }

    private static void list(SluicewayFunction function) {
        function.allowWithoutResource(
                "ListApplications",
                "kinesisanalytics:ListApplications",
                "IAM knows no resource for ListApplications, so it takes nothing but the wildcard. It tells the names of"
                        + " the account's applications, their status, version and runtime, and changes nothing.");
    }
}
