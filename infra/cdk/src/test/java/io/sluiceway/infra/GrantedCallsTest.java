package io.sluiceway.infra;

import static io.sluiceway.infra.settings.FunctionName.JOB_STATUS;
import static io.sluiceway.infra.settings.FunctionName.LIST_EVENTS;
import static io.sluiceway.infra.settings.FunctionName.LIST_JOBS;
import static io.sluiceway.infra.settings.FunctionName.MONITOR_JOBS;
import static io.sluiceway.infra.settings.FunctionName.RESCALE_JOB;
import static io.sluiceway.infra.settings.FunctionName.SUBMIT_JOB;
import static io.sluiceway.infra.settings.FunctionName.UPGRADE_JOB;
import static java.util.stream.Collectors.toCollection;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.infra.settings.FunctionName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the functions' code calls is what their roles allow: nothing missing, nothing more. */
class GrantedCallsTest {
    /** Kept true by the functions' own AwsCallsTest, which reads their byte code. */
    private static final Path CALLS =
            Path.of(System.getProperty("project.root"), "functions", "src", "test", "resources", "aws-calls.txt");

    private static final String MANAGED_CLUSTER = "io.sluiceway.cluster.managed";

    private static final String PASS_ROLE = "iam:PassRole";

    private static final Set<FunctionName> KEEPING_THE_LEDGER =
            EnumSet.complementOf(EnumSet.of(LIST_JOBS, LIST_EVENTS));

    private static final Set<FunctionName> ASKING_CLUSTERS = EnumSet.complementOf(EnumSet.of(LIST_EVENTS));

    /** The versions of an upgrade are started and judged by whoever takes it forward. */
    private static final Set<FunctionName> UPGRADING = EnumSet.of(UPGRADE_JOB, RESCALE_JOB, JOB_STATUS, MONITOR_JOBS);

    /** So are rescalings. */
    private static final Set<FunctionName> RESCALING = EnumSet.of(RESCALE_JOB, JOB_STATUS, MONITOR_JOBS);

    private static final Set<FunctionName> STARTING =
            EnumSet.of(SUBMIT_JOB, UPGRADE_JOB, RESCALE_JOB, JOB_STATUS, MONITOR_JOBS);

    /**
     * The actions that a call takes, as the <a
     * href="https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html">service
     * authorization reference</a> tells.
     */
    private static final Map<String, Set<String>> ACTIONS = Map.ofEntries(
            // A version of an object has an action of its own. Without the right to list, a missing object is
            // forbidden.
            Map.entry("S3.getObject", Set.of("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket")),
            Map.entry("S3.listObjectsV2", Set.of("s3:ListBucket")),
            Map.entry("DynamoDb.getItem", Set.of("dynamodb:GetItem")),
            Map.entry("DynamoDb.query", Set.of("dynamodb:Query")),
            Map.entry("DynamoDb.batchGetItem", Set.of("dynamodb:BatchGetItem")),
            // Made of puts and deletions with conditions.
            Map.entry("DynamoDb.transactWriteItems", Set.of("dynamodb:DeleteItem", "dynamodb:PutItem")),
            Map.entry("DynamoDb.deleteItem", Set.of("dynamodb:DeleteItem")),
            Map.entry("EventBridge.putEvents", Set.of("events:PutEvents")),
            // These two hand the application its role.
            Map.entry("KinesisAnalyticsV2.createApplication", Set.of("kinesisanalytics:CreateApplication", PASS_ROLE)),
            Map.entry("KinesisAnalyticsV2.updateApplication", Set.of("kinesisanalytics:UpdateApplication", PASS_ROLE)),
            Map.entry("CloudWatch.getMetricData", Set.of("cloudwatch:GetMetricData")),
            managed("CreateApplicationPresignedUrl"),
            managed("CreateApplicationSnapshot"),
            managed("DeleteApplication"),
            managed("DeleteApplicationSnapshot"),
            managed("DescribeApplication"),
            managed("DescribeApplicationOperation"),
            managed("DescribeApplicationSnapshot"),
            managed("DescribeApplicationVersion"),
            managed("ListApplicationOperations"),
            managed("ListApplicationSnapshots"),
            managed("ListApplications"),
            managed("RollbackApplication"),
            managed("StartApplication"),
            managed("StopApplication"));

    /**
     * Which functions come to a call of the managed cluster. Those that take operations forward come to all that
     * operations do, whichever function recorded one.
     */
    private static final Map<String, Set<FunctionName>> CALLERS = Map.ofEntries(
            // Starts: SubmitJob, for UpgradeJob too, whose jobs have their application.
            Map.entry("KinesisAnalyticsV2.createApplication", EnumSet.of(SUBMIT_JOB)),
            Map.entry("KinesisAnalyticsV2.updateApplication", STARTING),
            Map.entry("KinesisAnalyticsV2.startApplication", STARTING),
            // An update that hangs: RescaleSteps.
            Map.entry("KinesisAnalyticsV2.rollbackApplication", RESCALING),
            // What no function does yet none may: deleting.
            Map.entry("KinesisAnalyticsV2.deleteApplication", EnumSet.noneOf(FunctionName.class)),
            // What a job's retention removes: RetainSavepoints.
            Map.entry("KinesisAnalyticsV2.deleteApplicationSnapshot", EnumSet.of(MONITOR_JOBS)),
            // What operations do and ask: Operations. StopApplication also ends what is one too many: Attempts.
            Map.entry("KinesisAnalyticsV2.createApplicationSnapshot", KEEPING_THE_LEDGER),
            Map.entry("KinesisAnalyticsV2.stopApplication", KEEPING_THE_LEDGER),
            Map.entry("KinesisAnalyticsV2.describeApplicationSnapshot", KEEPING_THE_LEDGER),
            // Why one failed: ObserveJob and Operations.
            Map.entry("KinesisAnalyticsV2.describeApplicationOperation", KEEPING_THE_LEDGER),
            // A job's dashboard: ObserveJob, where somebody asks for it.
            Map.entry("KinesisAnalyticsV2.createApplicationPresignedUrl", EnumSet.of(JOB_STATUS)),
            // What is measured of a job: ObserveJob, where somebody asks for it, and of the versions of an upgrade.
            Map.entry("CloudWatch.getMetricData", UPGRADING),
            // What became of an attempt: everybody else.
            Map.entry("KinesisAnalyticsV2.describeApplication", ASKING_CLUSTERS),
            Map.entry("KinesisAnalyticsV2.describeApplicationVersion", ASKING_CLUSTERS),
            Map.entry("KinesisAnalyticsV2.listApplicationOperations", ASKING_CLUSTERS),
            Map.entry("KinesisAnalyticsV2.listApplicationSnapshots", ASKING_CLUSTERS),
            // All that lives: ListJobs and Sweep.
            Map.entry("KinesisAnalyticsV2.listApplications", EnumSet.of(LIST_JOBS, MONITOR_JOBS)));

    private static final Set<String> STARTS = Set.of(
            "KinesisAnalyticsV2.rollbackApplication",
            "KinesisAnalyticsV2.startApplication",
            "KinesisAnalyticsV2.updateApplication");

    private static final String MANY_AT_ONCE = "DynamoDb.batchGetItem";

    private static final Set<String> WRITES = Set.of("DynamoDb.deleteItem", "DynamoDb.transactWriteItems");

    /** What Lambda itself does in a function's name. */
    private static final Set<String> OF_LAMBDA = Set.of("logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage");

    private static final Map<String, DeployedFunction> SESSION =
            DeployedFunction.of(Stacks.template(Stacks.onSessionsOnly(_ -> {})));
    private static final Map<String, DeployedFunction> MANAGED = withManagedCluster("SLUICEWAY");
    private static final Map<String, DeployedFunction> EXTERNAL = withManagedCluster("EXTERNAL");

    @ParameterizedTest
    @EnumSource
    void actions_everyFunction_areThoseOfItsCalls(FunctionName name) throws IOException {
        assertThat(granted(SESSION, name)).isEqualTo(actions(ownCalls(name)));
    }

    @ParameterizedTest
    @EnumSource
    void actions_everyFunctionWithAManagedCluster_areThoseOfItsCallsThere(FunctionName name) throws IOException {
        Set<String> needed = actions(Stream.concat(ownCalls(name), managedCalls(name)));

        assertThat(granted(MANAGED, name)).isEqualTo(needed);
    }

    /** There nothing is created or upgraded, and what is updated is a mark: no role is handed on. */
    @ParameterizedTest
    @EnumSource
    void actions_everyFunctionWithApplicationsOfOthers_areFewer(FunctionName name) throws IOException {
        Set<String> needed = actions(Stream.concat(
                ownCalls(name),
                managedCalls(name)
                        .filter(call -> !call.equals("KinesisAnalyticsV2.createApplication"))
                        .filter(call -> !isForUpgradesAlone(call, name))));
        needed.remove(PASS_ROLE);

        assertThat(granted(EXTERNAL, name)).isEqualTo(needed);
    }

    /** Of others' applications they are refused before anything is asked. */
    private static boolean isForUpgradesAlone(String call, FunctionName name) {
        return switch (name) {
            case UPGRADE_JOB, RESCALE_JOB -> true;
            case JOB_STATUS -> STARTS.contains(call);
            case MONITOR_JOBS -> STARTS.contains(call) || call.equals("CloudWatch.getMetricData");
            case SUBMIT_JOB, TAKE_SAVEPOINT, STOP_JOB, LIST_JOBS, LIST_EVENTS -> false;
        };
    }

    @Test
    void callers_ofTheManagedCluster_areKnownOfEachOfItsCalls() throws IOException {
        assertThat(calls(List.of(MANAGED_CLUSTER))).containsExactlyInAnyOrderElementsOf(CALLERS.keySet());
    }

    private static List<String> adapters(FunctionName name) {
        return switch (name) {
            case SUBMIT_JOB, MONITOR_JOBS, UPGRADE_JOB, RESCALE_JOB, JOB_STATUS ->
                List.of(
                        "io.sluiceway.event.eventbridge",
                        "io.sluiceway.jar.s3",
                        "io.sluiceway.ledger.dynamodb",
                        "io.sluiceway.savepoint.storage");
            case TAKE_SAVEPOINT, STOP_JOB ->
                List.of(
                        "io.sluiceway.event.eventbridge",
                        "io.sluiceway.ledger.dynamodb",
                        "io.sluiceway.savepoint.storage");
            case LIST_EVENTS, LIST_JOBS -> List.of("io.sluiceway.ledger.dynamodb");
        };
    }

    /**
     * What a function calls of its adapters: one that only answers writes nothing; two read many records at once, and
     * the one that lists jobs only does that.
     */
    private static Stream<String> ownCalls(FunctionName name) throws IOException {
        return calls(adapters(name))
                .filter(call -> name != LIST_EVENTS || !WRITES.contains(call))
                .filter(call -> name == MONITOR_JOBS || call.equals(MANY_AT_ONCE) == (name == LIST_JOBS));
    }

    private static Stream<String> calls(List<String> adapters) throws IOException {
        return Files.readAllLines(CALLS).stream()
                .map(line -> line.split(" ", -1))
                .filter(line -> adapters.contains(line[0]))
                .map(line -> line[1]);
    }

    private static Stream<String> managedCalls(FunctionName name) throws IOException {
        return calls(List.of(MANAGED_CLUSTER))
                .filter(call -> CALLERS.getOrDefault(call, Set.of()).contains(name));
    }

    private static Set<String> granted(Map<String, DeployedFunction> functions, FunctionName name) {
        return functions.get("sluiceway-local-" + name).permissions().stream()
                .flatMap(permission -> permission.actions().stream())
                .filter(action -> !OF_LAMBDA.contains(action))
                .collect(toSet());
    }

    private static Map<String, DeployedFunction> withManagedCluster(String ownership) {
        return DeployedFunction.of(Stacks.template(Stacks.changed(
                "local",
                "local",
                settings -> settings.withObject("/clusters/managed")
                        .put("type", "MANAGED")
                        .put("applications", "jobs-{job}")
                        .put("ownership", ownership)
                        .put("runtime", "FLINK-2_3")
                        .put("serviceRoleArn", "arn:aws:iam::123456789012:role/flink"))));
    }

    /** A call that takes the action of its own name, and no other. */
    private static Map.Entry<String, Set<String>> managed(String action) {
        String call = action.substring(0, 1).toLowerCase(Locale.ROOT) + action.substring(1);
        return Map.entry("KinesisAnalyticsV2." + call, Set.of("kinesisanalytics:" + action));
    }

    private static Set<String> actions(Stream<String> calls) {
        return calls.flatMap(call -> actions(call).stream()).collect(toCollection(TreeSet::new));
    }

    private static Set<String> actions(String call) {
        Set<String> actions = ACTIONS.get(call);
        assertThat(actions).as("the actions that %s takes", call).isNotNull();
        return actions;
    }
}
