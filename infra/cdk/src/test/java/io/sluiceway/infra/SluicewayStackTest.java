package io.sluiceway.infra;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.infra.DeployedFunction.Permission;
import io.sluiceway.infra.settings.Architecture;
import io.sluiceway.infra.settings.FunctionName;
import io.sluiceway.infra.settings.Packaging;
import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.SettingsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.assertions.Match;
import software.amazon.awscdk.assertions.Template;
import software.amazon.awscdk.services.lambda.Code;

/** The committed settings' stacks: {@code local} for the laptop, {@code sample} for AWS. */
class SluicewayStackTest {
    private static final Template LOCAL = Stacks.template(Stacks.settings("local"));
    private static final Template SAMPLE = Stacks.template(Stacks.settings("sample"));
    private static final Map<String, DeployedFunction> LOCAL_FUNCTIONS = DeployedFunction.of(LOCAL);
    private static final Map<String, DeployedFunction> SESSION_FUNCTIONS =
            DeployedFunction.of(Stacks.template(Stacks.onSessionsOnly(_ -> {})));
    private static final Map<String, DeployedFunction> SAMPLE_FUNCTIONS = DeployedFunction.of(SAMPLE);

    private static final String APPLICATION = "arn:aws:kinesisanalytics:REGION:ACCOUNT:application/";
    private static final Set<String> SEE_APPLICATIONS = Set.of(
            "kinesisanalytics:DescribeApplication",
            "kinesisanalytics:DescribeApplicationVersion",
            "kinesisanalytics:ListApplicationOperations",
            "kinesisanalytics:ListApplicationSnapshots");
    private static final Set<String> RUN_APPLICATIONS = Set.of(
            "kinesisanalytics:CreateApplicationSnapshot",
            "kinesisanalytics:DescribeApplication",
            "kinesisanalytics:DescribeApplicationOperation",
            "kinesisanalytics:DescribeApplicationSnapshot",
            "kinesisanalytics:DescribeApplicationVersion",
            "kinesisanalytics:ListApplicationOperations",
            "kinesisanalytics:ListApplicationSnapshots",
            "kinesisanalytics:StopApplication");
    private static final Set<String> START_APPLICATIONS =
            Set.of("kinesisanalytics:StartApplication", "kinesisanalytics:UpdateApplication");

    @Test
    void functions_anyStage_areThoseOfTheEnum() {
        assertThat(LOCAL_FUNCTIONS.keySet())
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(FunctionName.values())
                        .map(name -> "sluiceway-local-" + name.text())
                        .toList());
        assertThat(SAMPLE_FUNCTIONS).hasSameSizeAs(FunctionName.values());
    }

    @ParameterizedTest
    @EnumSource
    void permissions_everyFunction_areExact(FunctionName name) {
        Permission logs = Permission.allow(
                Set.of("logs:CreateLogStream", "logs:PutLogEvents"),
                Set.of("arn:aws:logs:REGION:ACCOUNT:log-group:/aws/lambda/sluiceway-sample-%s:*"
                        .formatted(name.text())));
        Permission ledger = Permission.allow(
                Set.of("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
                Set.of("arn:aws:dynamodb:REGION:ACCOUNT:table/{ledgertable}"));
        Permission sweep = Permission.allow(
                Set.of("dynamodb:BatchGetItem"), Set.of("arn:aws:dynamodb:REGION:ACCOUNT:table/{ledgertable}"));
        Permission readLedger = Permission.allow(
                Set.of("dynamodb:GetItem", "dynamodb:Query"),
                Set.of("arn:aws:dynamodb:REGION:ACCOUNT:table/{ledgertable}"));
        Permission bus = Permission.allow(
                Set.of("events:PutEvents"), Set.of("arn:aws:events:REGION:ACCOUNT:event-bus/{eventsbus}"));
        Permission failed = Permission.allow(
                Set.of("sqs:SendMessage"), Set.of("arn:aws:sqs:REGION:ACCOUNT:sluiceway-sample-failed-events"));
        Permission states = Permission.allow(Set.of("s3:ListBucket"), Set.of("arn:aws:s3:::example-analytics-state"))
                .when("StringLike s3:prefix", Set.of("checkpoints/*", "savepoints/*"));
        Permission jars = Permission.allow(
                Set.of("s3:GetObject", "s3:GetObjectVersion"),
                Set.of("arn:aws:s3:::{jobsbucket}/jars/*", "arn:aws:s3:::example-release-artifacts/flink/*"));
        Permission jarsThatAreNotThere = Permission.allow(
                Set.of("s3:ListBucket"), Set.of("arn:aws:s3:::{jobsbucket}", "arn:aws:s3:::example-release-artifacts"));
        Set<Permission> own = switch (name) {
            case SUBMIT_JOB, UPGRADE_JOB, RESCALE_JOB, JOB_STATUS ->
                Set.of(ledger, states, bus, jars, jarsThatAreNotThere);
            case MONITOR_JOBS -> Set.of(ledger, sweep, states, bus, jars, jarsThatAreNotThere);
            case TAKE_SAVEPOINT, STOP_JOB -> Set.of(ledger, states, bus);
            case LIST_JOBS -> Set.of(sweep);
            case LIST_EVENTS -> Set.of(readLedger);
        };

        DeployedFunction function = SAMPLE_FUNCTIONS.get("sluiceway-sample-" + name.text());
        assertThat(function.permissions())
                .containsExactlyInAnyOrderElementsOf(
                        Stream.of(Set.of(logs, failed), vpc(name), own, onApplications(function))
                                .flatMap(Set::stream)
                                .toList());
    }

    @ParameterizedTest
    @EnumSource
    void permissions_everyFunctionOnManagedClusters_areExact(FunctionName name) {
        Set<String> applications = Set.of(APPLICATION + "sluiceway-sample-*", APPLICATION + "*-sample");
        Permission run = Permission.allow(RUN_APPLICATIONS, applications);
        Permission list = Permission.allow(Set.of("kinesisanalytics:ListApplications"), Set.of("*"));
        Permission measure = Permission.allow(Set.of("cloudwatch:GetMetricData"), Set.of("*"));
        // Upgrades are of those that Sluiceway makes.
        Set<String> own = Set.of(APPLICATION + "sluiceway-sample-*");
        Permission startOwn = Permission.allow(START_APPLICATIONS, own);
        Permission rollBackOwn = Permission.allow(Set.of("kinesisanalytics:RollbackApplication"), own);
        Set<Permission> expected = switch (name) {
            case SUBMIT_JOB ->
                Set.of(
                        run,
                        Permission.allow(START_APPLICATIONS, applications),
                        Permission.allow(Set.of("kinesisanalytics:CreateApplication"), Set.of("*")),
                        passRole("example-flink-applications"));
            case JOB_STATUS ->
                Set.of(
                        run,
                        Permission.allow(Set.of("kinesisanalytics:CreateApplicationPresignedUrl"), applications),
                        measure,
                        startOwn,
                        rollBackOwn,
                        passRole("example-flink-applications"));
            case UPGRADE_JOB ->
                Set.of(
                        Permission.allow(RUN_APPLICATIONS, own),
                        measure,
                        startOwn,
                        passRole("example-flink-applications"));
            case RESCALE_JOB ->
                Set.of(
                        Permission.allow(RUN_APPLICATIONS, own),
                        measure,
                        startOwn,
                        rollBackOwn,
                        passRole("example-flink-applications"));
            case TAKE_SAVEPOINT, STOP_JOB -> Set.of(run);
            case LIST_JOBS -> Set.of(list, Permission.allow(SEE_APPLICATIONS, applications));
            case LIST_EVENTS -> Set.of();
            case MONITOR_JOBS ->
                Set.of(
                        run,
                        list,
                        Permission.allow(Set.of("kinesisanalytics:DeleteApplicationSnapshot"), applications),
                        measure,
                        startOwn,
                        rollBackOwn,
                        passRole("example-flink-applications"));
        };

        assertThat(onApplications(SAMPLE_FUNCTIONS.get("sluiceway-sample-" + name.text())))
                .isEqualTo(expected);
    }

    @Test
    void permissions_submitJobOnApplicationsOfOthers_createNoneAndPassNoRole() {
        Template template =
                Stacks.template(Stacks.onSessionsOnly(settings -> managed(settings, "others", "EXTERNAL", "any-role")));

        assertThat(onApplications(DeployedFunction.of(template).get("sluiceway-local-submit-job")))
                .containsExactlyInAnyOrder(
                        Permission.allow(RUN_APPLICATIONS, Set.of(APPLICATION + "others-*")),
                        Permission.allow(START_APPLICATIONS, Set.of(APPLICATION + "others-*")));
    }

    @ParameterizedTest
    @EnumSource(names = {"UPGRADE_JOB", "RESCALE_JOB", "JOB_STATUS", "MONITOR_JOBS"})
    void permissions_upgradesWithApplicationsOfOthersOnly_startNoneAndPassNoRole(FunctionName name) {
        Template template =
                Stacks.template(Stacks.onSessionsOnly(settings -> managed(settings, "others", "EXTERNAL", "any-role")));

        assertThat(onApplications(DeployedFunction.of(template).get("sluiceway-local-" + name.text())))
                .flatExtracting(Permission::actions)
                .doesNotContainAnyElementsOf(START_APPLICATIONS)
                .doesNotContain("iam:PassRole");
    }

    @Test
    void permissions_submitJobOnSeveralManagedClusters_nameEachPatternAndEachOwnRole() {
        Template template = Stacks.template(Stacks.onSessionsOnly(settings -> {
            managed(settings, "a", "SLUICEWAY", "role-of-a");
            managed(settings, "b", "SLUICEWAY", "role-of-b");
            managed(settings, "c", "EXTERNAL", "role-of-c");
        }));

        assertThat(onApplications(DeployedFunction.of(template).get("sluiceway-local-submit-job")))
                .contains(
                        passRole("role-of-a", "role-of-b"),
                        Permission.allow(
                                START_APPLICATIONS,
                                Set.of(APPLICATION + "a-*", APPLICATION + "b-*", APPLICATION + "c-*")));
    }

    @Test
    void permissions_anyFunctionWithoutManagedCluster_haveNoneOnApplications() {
        assertThat(SESSION_FUNCTIONS.values())
                .allSatisfy(function -> assertThat(onApplications(function)).isEmpty());
    }

    private static void managed(ObjectNode settings, String name, String ownership, String role) {
        settings.withObject("/clusters/" + name)
                .put("type", "MANAGED")
                .put("applications", name + "-{job}")
                .put("ownership", ownership)
                .put("runtime", "FLINK-2_3")
                .put("serviceRoleArn", "arn:aws:iam::123456789012:role/" + role);
    }

    private static Set<Permission> onApplications(DeployedFunction function) {
        return function.permissions().stream()
                .filter(permission -> permission.actions().stream()
                        .anyMatch(action -> action.startsWith("kinesisanalytics:")
                                || action.startsWith("cloudwatch:")
                                || action.startsWith("iam:")))
                .collect(toSet());
    }

    private static Permission passRole(String... roles) {
        return Permission.allow(
                        Set.of("iam:PassRole"),
                        Arrays.stream(roles)
                                .map(role -> "arn:aws:iam::123456789012:role/" + role)
                                .collect(toSet()))
                .when("StringEquals iam:PassedToService", Set.of("kinesisanalytics.amazonaws.com"));
    }

    /** Lambda may attach the function, which EC2 can't name more exactly; the function's own code may not. */
    private static Set<Permission> vpc(FunctionName name) {
        Set<String> actions = Set.of(
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:UnassignPrivateIpAddresses");
        return Set.of(
                Permission.allow(actions, Set.of("*")),
                new Permission(
                        "Deny",
                        actions,
                        Set.of("*"),
                        Map.of(
                                "ArnEquals lambda:SourceFunctionArn",
                                Set.of("arn:aws:lambda:REGION:ACCOUNT:function:sluiceway-sample-" + name.text()))));
    }

    @Test
    void permissions_function_withoutVpc_hasNoneOnNetworks() {
        assertThat(SESSION_FUNCTIONS.values())
                .allSatisfy(function -> assertThat(function.permissions())
                        .noneMatch(permission -> permission.resources().contains("*")));
    }

    @Test
    void permissions_schedules_areToCallWhatIsScheduled() {
        assertThat(DeployedFunction.permissionsOfRoleFor("scheduler.amazonaws.com", SAMPLE))
                .containsExactlyInAnyOrder(
                        Permission.allow(
                                Set.of("lambda:InvokeFunction"),
                                Set.of(
                                        live("sample", FunctionName.MONITOR_JOBS),
                                        live("sample", FunctionName.RESCALE_JOB),
                                        live("sample", FunctionName.STOP_JOB),
                                        live("sample", FunctionName.TAKE_SAVEPOINT))),
                        Permission.allow(
                                Set.of("sqs:SendMessage"),
                                Set.of("arn:aws:sqs:REGION:ACCOUNT:sluiceway-sample-failed-events")));
    }

    @Test
    void permissions_airflow_areToCallTheFunctionsAndTakeItsEvents() {
        assertThat(DeployedFunction.permissionsOfPolicy("sluiceway-sample-airflow", SAMPLE))
                .containsExactlyInAnyOrder(
                        Permission.allow(
                                Set.of("lambda:InvokeFunction"),
                                Arrays.stream(FunctionName.values())
                                        .map(name -> live("sample", name))
                                        .collect(toSet())),
                        Permission.allow(
                                Set.of("sqs:DeleteMessage", "sqs:ReceiveMessage"),
                                Set.of("arn:aws:sqs:REGION:ACCOUNT:sluiceway-sample-airflow-events")));
    }

    @Test
    void permissions_queues_areForTheRulesThatSendThereAndOverTlsOnly() {
        for (String queue : List.of("failed-events", "airflow-events")) {
            Set<Permission> permissions = DeployedFunction.permissionsOnQueue("sluiceway-sample-" + queue, SAMPLE);
            Set<String> itself = Set.of("arn:aws:sqs:REGION:ACCOUNT:sluiceway-sample-" + queue);

            assertThat(permissions)
                    .contains(new Permission(
                            "Deny", Set.of("sqs:*"), itself, Map.of("Bool aws:SecureTransport", Set.of("false"))));
            assertThat(permissions)
                    .filteredOn(permission -> permission.effect().equals("Allow"))
                    .isNotEmpty()
                    .allSatisfy(permission -> {
                        assertThat(permission.actions())
                                .contains("sqs:SendMessage")
                                .doesNotContain("sqs:*");
                        assertThat(permission.resources()).isEqualTo(itself);
                        assertThat(permission.conditions().get("ArnEquals aws:SourceArn"))
                                .singleElement(as(STRING))
                                .startsWith("arn:aws:events:REGION:ACCOUNT:rule/");
                    });
        }
    }

    @Test
    void policies_allStages_areThoseThatTheseTestsRead() {
        for (Template template : List.of(LOCAL, SAMPLE)) {
            template.resourceCountIs("AWS::IAM::Policy", FunctionName.values().length + 1);
            template.resourceCountIs("AWS::IAM::ManagedPolicy", 1);
            template.resourceCountIs("AWS::SQS::QueuePolicy", 2);
            template.resourceCountIs("AWS::S3::BucketPolicy", 1);
        }
    }

    private static String live(String stage, FunctionName name) {
        return "arn:aws:lambda:REGION:ACCOUNT:function:sluiceway-%s-%s:live".formatted(stage, name);
    }

    @Test
    void roles_ofSchedules_canBeTakenForThisGroupOnly() {
        SAMPLE.hasResourceProperties(
                "AWS::IAM::Role",
                Map.of(
                        "AssumeRolePolicyDocument",
                        Map.of(
                                "Statement",
                                List.of(Map.of(
                                        "Action",
                                        "sts:AssumeRole",
                                        "Effect",
                                        "Allow",
                                        "Principal",
                                        Map.of("Service", "scheduler.amazonaws.com"),
                                        "Condition",
                                        Map.of(
                                                "StringEquals",
                                                Map.of(
                                                        "aws:SourceAccount",
                                                        Map.of("Ref", "AWS::AccountId"),
                                                        "aws:SourceArn",
                                                        Match.anyValue())))))));
    }

    @Test
    void functions_everyVersion_isPublishedUnderTheAliasLive() {
        for (Template template : List.of(LOCAL, SAMPLE)) {
            template.resourceCountIs("AWS::Lambda::Version", FunctionName.values().length);
            template.resourceCountIs("AWS::Lambda::Alias", FunctionName.values().length);
            template.allResourcesProperties("AWS::Lambda::Alias", Map.of("Name", "live"));
        }
        SAMPLE.allResources("AWS::Lambda::Version", Map.of("DeletionPolicy", "Retain"));
        LOCAL.allResources("AWS::Lambda::Version", Map.of("DeletionPolicy", "Delete"));
    }

    @ParameterizedTest
    @EnumSource
    void asynchronousCalls_everyFunction_endAmongTheFailedEvents(FunctionName name) {
        String id = name.text().replace("-", "");

        JsonNode calls = new JsonMapper()
                .<JsonNode>valueToTree(SAMPLE.findResources("AWS::Lambda::EventInvokeConfig"))
                .valueStream()
                .filter(resource ->
                        resource.at("/Properties/FunctionName/Ref").asText().startsWith(id + "function"))
                .findFirst()
                .orElseThrow();

        assertThat(calls.at("/Properties/Qualifier").asText()).isEqualTo("live");
        assertThat(calls.at("/Properties/MaximumRetryAttempts").asInt())
                .isEqualTo(name == FunctionName.MONITOR_JOBS ? 0 : 2);
        assertThat(calls.at("/Properties/DestinationConfig/OnFailure/Destination/Fn::GetAtt/0")
                        .asText())
                .startsWith("failedeventsqueue");
        // The alias is there before it is spoken of: Lambda refuses an unknown one.
        assertThat(calls.get("DependsOn").valueStream().map(JsonNode::asText))
                .anyMatch(dependency -> dependency.startsWith(id + "live"));
    }

    @Test
    void sweeps_byDefault_neverOverlap() {
        assertThat(SAMPLE_FUNCTIONS
                        .get("sluiceway-sample-monitor-jobs")
                        .properties()
                        .path("ReservedConcurrentExecutions")
                        .asInt())
                .isEqualTo(1);
        assertThat(SAMPLE_FUNCTIONS
                        .get("sluiceway-sample-submit-job")
                        .properties()
                        .has("ReservedConcurrentExecutions"))
                .isFalse();
        Template small = Stacks.template(
                Stacks.changed("sample", "small", settings -> settings.put("withoutReservedConcurrency", true)));
        assertThat(DeployedFunction.of(small).values())
                .noneMatch(function -> function.properties().has("ReservedConcurrentExecutions"));
    }

    @Test
    void schedule_ofTheSweep_namesEachFiring() {
        LOCAL.hasResourceProperties(
                "AWS::Scheduler::Schedule",
                Map.of(
                        "Name",
                        "monitor-jobs",
                        "ScheduleExpression",
                        "rate(1 minute)",
                        "FlexibleTimeWindow",
                        Map.of("Mode", "OFF"),
                        "Target",
                        Match.objectLike(Map.of(
                                "Input",
                                "{\"requestId\":\"<aws.scheduler.schedule-arn>/<aws.scheduler.scheduled-time>\"}"))));
    }

    @Test
    void schedule_ofAJob_isOneRequestEachTime() {
        SAMPLE.hasResourceProperties(
                "AWS::Scheduler::Schedule",
                Map.of(
                        "Name",
                        "flight-delays-weekend",
                        "ScheduleExpression",
                        "cron(0 20 ? * FRI *)",
                        "ScheduleExpressionTimezone",
                        "America/New_York",
                        "Target",
                        Match.objectLike(Map.of(
                                "Input",
                                "{\"cluster\":\"analytics\",\"jobName\":\"flight-delays\","
                                        + "\"requestId\":\"<aws.scheduler.schedule-arn>/<aws.scheduler.scheduled-time>\",\"try\":1}",
                                "DeadLetterConfig",
                                Match.anyValue()))));
    }

    @ParameterizedTest
    @CsvSource({"night, cron(0 23 ? * MON-THU *), 1", "morning, cron(0 5 ? * TUE-FRI *), 4"})
    void schedule_ofARescaling_isOneRequestEachTime(String name, String at, int parallelism) {
        SAMPLE.hasResourceProperties(
                "AWS::Scheduler::Schedule",
                Map.of(
                        "Name",
                        "flight-delays-" + name,
                        "ScheduleExpression",
                        at,
                        "ScheduleExpressionTimezone",
                        "America/New_York",
                        "Target",
                        Match.objectLike(Map.of(
                                "Arn",
                                Map.of("Ref", Match.stringLikeRegexp("rescalejoblive.*")),
                                "Input",
                                "{\"cluster\":\"analytics\",\"jobName\":\"flight-delays\",\"parallelism\":%d,"
                                                .formatted(parallelism)
                                        + "\"requestId\":\"<aws.scheduler.schedule-arn>/<aws.scheduler.scheduled-time>\",\"try\":1}",
                                "DeadLetterConfig",
                                Match.anyValue()))));
    }

    @Test
    void jar_underItsPrefix_isSubmittedOncePerVersion() {
        assertRuleOfJars(
                "jars/flight-delays-first/*.jar",
                "submitjob",
                "{\"job\":{\"args\":[\"--input\",\"s3://example-analytics-data/flights\",\"--output\",\"s3://example-analytics-data/delays\",\"--replay\",\"3600\"],"
                        + "\"cluster\":\"analytics\",\"jar\":{\"uri\":\"s3://<detail-bucket-name>/<detail-object-key>\","
                        + "\"versionId\":<detail-object-version-id>},\"kind\":\"STREAM\",\"name\":\"flight-delays\",\"parallelism\":4,"
                        + "\"restore\":{\"mode\":\"LATEST\"}},"
                        + "\"requestId\":\"<detail-bucket-name>/<detail-object-key>/<detail-object-version-id>\",\"try\":1}");
        SAMPLE.hasResourceProperties(
                "AWS::S3::Bucket",
                Map.of(
                        "NotificationConfiguration",
                        Map.of("EventBridgeConfiguration", Map.of("EventBridgeEnabled", true))));
    }

    @Test
    void jar_ofAJobToUpgrade_upgradesItOncePerVersion() {
        assertRuleOfJars(
                "jars/flight-delays/*.jar",
                "upgradejob",
                "{\"job\":{\"args\":[\"--input\",\"s3://example-analytics-data/flights\",\"--output\",\"s3://example-analytics-data/delays\",\"--replay\",\"3600\"],"
                        + "\"cluster\":\"analytics\",\"jar\":{\"uri\":\"s3://<detail-bucket-name>/<detail-object-key>\","
                        + "\"versionId\":<detail-object-version-id>},\"kind\":\"STREAM\",\"name\":\"flight-delays\",\"parallelism\":4},"
                        + "\"judgeWithin\":\"PT30M\",\"maxCheckpointAge\":\"PT30M\","
                        + "\"requestId\":\"<detail-bucket-name>/<detail-object-key>/<detail-object-version-id>\",\"try\":1}");
    }

    private static void assertRuleOfJars(String keys, String function, String template) {
        SAMPLE.hasResourceProperties(
                "AWS::Events::Rule",
                Map.of(
                        "EventPattern",
                        Map.of(
                                "source",
                                List.of("aws.s3"),
                                "detail-type",
                                List.of("Object Created"),
                                "detail",
                                Map.of(
                                        "bucket",
                                        Match.anyValue(),
                                        "object",
                                        Map.of("key", List.of(Map.of("wildcard", keys))))),
                        "Targets",
                        List.of(Match.objectLike(Map.of(
                                "Arn",
                                Map.of("Ref", Match.stringLikeRegexp(function + "live.*")),
                                "DeadLetterConfig",
                                Match.anyValue(),
                                "InputTransformer",
                                Map.of(
                                        "InputPathsMap",
                                        Map.of(
                                                "detail-bucket-name", "$.detail.bucket.name",
                                                "detail-object-key", "$.detail.object.key",
                                                "detail-object-version-id", "$.detail.object.version-id"),
                                        "InputTemplate",
                                        template))))));
    }

    @Test
    void event_ofABus_isOneRequest() {
        SAMPLE.hasResourceProperties(
                "AWS::Events::Rule",
                Map.of(
                        "EventPattern",
                        Map.of(
                                "source",
                                List.of("com.example.platform"),
                                "detail-type",
                                List.of("Maintenance Announced")),
                        "Targets",
                        List.of(
                                Match.objectLike(
                                        Map.of(
                                                "DeadLetterConfig",
                                                Match.anyValue(),
                                                "InputTransformer",
                                                Map.of(
                                                        "InputPathsMap",
                                                        Map.of("detail-job", "$.detail.job", "id", "$.id"),
                                                        "InputTemplate",
                                                        "{\"cluster\":\"analytics\",\"jobName\":<detail-job>,\"requestId\":<id>,\"try\":1}"))))));
    }

    @Test
    void trigger_eventThatItsFunctionWouldRefuse_isRefusedAtOnce() {
        Settings settings = Stacks.changed(
                "sample",
                "prod",
                changed -> changed.withObject("/triggers/jars/0/job").put("kind", "BATCH"));

        assertThatThrownBy(() -> Stacks.template(settings))
                .isInstanceOf(SettingsException.class)
                .hasMessageStartingWith(
                        "the trigger by jar flight-delays-first-jar: submit-job would refuse the event: ")
                .hasMessageContaining("/job/kind");
    }

    @ParameterizedTest
    @CsvSource({
        "mode, SAFELY, /mode",
        "rollbackAfterCommit, ALWAYS, /rollbackAfterCommit",
        "judgeWithin, PT90M, /judgeWithin",
        "maxCheckpointAge, PT5S, /maxCheckpointAge",
    })
    void trigger_termsThatUpgradeJobWouldRefuse_areRefusedAtOnce(String field, String value, String named) {
        Settings settings = Stacks.changed(
                "sample",
                "prod",
                changed -> changed.withObject("/triggers/jars/1").put(field, value));

        assertThatThrownBy(() -> Stacks.template(settings))
                .isInstanceOf(SettingsException.class)
                .hasMessageStartingWith("the trigger by jar flight-delays-jar: upgrade-job would refuse the event: ")
                .hasMessageContaining(named);
    }

    @Test
    void trigger_upgradeWithARestore_isRefusedAtOnce() {
        Settings settings = Stacks.changed(
                "sample",
                "prod",
                changed -> changed.withObject("/triggers/jars/1/job")
                        .putObject("restore")
                        .put("mode", "LATEST"));

        assertThatThrownBy(() -> Stacks.template(settings))
                .isInstanceOf(SettingsException.class)
                .hasMessageStartingWith("the trigger by jar flight-delays-jar: upgrade-job would refuse the event: ")
                .hasMessageContaining("restore");
    }

    @Test
    void alarms_withATopic_tellItOfBothWays() {
        SAMPLE.allResourcesProperties(
                "AWS::CloudWatch::Alarm",
                Map.of(
                        "AlarmActions", List.of("arn:aws:sns:us-east-1:123456789012:platform-alarms"),
                        "OKActions", List.of("arn:aws:sns:us-east-1:123456789012:platform-alarms")));
        LOCAL.allResourcesProperties("AWS::CloudWatch::Alarm", Map.of("AlarmActions", Match.absent()));
    }

    @Test
    void alarm_ofFailedEvents_comesWithTheFirst() {
        SAMPLE.hasResourceProperties(
                "AWS::CloudWatch::Alarm",
                Map.of(
                        "AlarmName",
                        "sluiceway-sample-failed-events",
                        "Namespace",
                        "AWS/SQS",
                        "MetricName",
                        "ApproximateNumberOfMessagesVisible",
                        "Threshold",
                        0,
                        "ComparisonOperator",
                        "GreaterThanThreshold",
                        "EvaluationPeriods",
                        1));
    }

    @Test
    void tags_ofTheSettings_areOnEverythingThatCanHaveSome() {
        SAMPLE.hasResourceProperties(
                "AWS::DynamoDB::Table",
                Map.of("Tags", Match.arrayWith(List.of(Map.of("Key", "team", "Value", "streaming-platform")))));
    }

    @Test
    void functions_withAVpc_areAttachedToIt() {
        assertThat(SAMPLE_FUNCTIONS.values()).allSatisfy(function -> {
            assertThat(function.properties().at("/VpcConfig/SubnetIds")).hasSize(2);
            assertThat(function.properties().at("/VpcConfig/SecurityGroupIds")).hasSize(1);
        });
    }

    @Test
    void roles_everyFunction_haveOneEachThatOnlyLambdaTakes() {
        LOCAL.resourceCountIs("AWS::IAM::Role", FunctionName.values().length + 1);
        LOCAL.resourcePropertiesCountIs(
                "AWS::IAM::Role",
                Match.objectLike(Map.of(
                        "AssumeRolePolicyDocument",
                        Map.of(
                                "Version",
                                "2012-10-17",
                                "Statement",
                                List.of(Map.of(
                                        "Action",
                                        "sts:AssumeRole",
                                        "Effect",
                                        "Allow",
                                        "Principal",
                                        Map.of("Service", "lambda.amazonaws.com")))))),
                FunctionName.values().length);
    }

    @Test
    void allow_wildcard_isRefused() {
        Stack stack = new Stack(new App());
        Settings local = Stacks.settings("local");
        var function = new SluicewayFunction(
                stack,
                new SluicewayFunction.Input(
                        FunctionName.LIST_JOBS,
                        local,
                        Code.fromAsset("settings"),
                        Map.of(),
                        new FailedEvents(stack, local)));

        assertThatThrownBy(() -> function.allow("Wide", List.of("s3:Get*"), List.of("arn:aws:s3:::bucket/key")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Wide");
        assertThatThrownBy(() -> function.allow("Wide", List.of("s3:GetObject"), List.of("*")))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> function.allowWithoutResource("Wide", "s3:List*", "It only lists."))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Wide");
    }

    @ParameterizedTest
    @EnumSource
    void environment_onTheLaptop_isComplete(FunctionName name) {
        assertThat(LOCAL_FUNCTIONS.get("sluiceway-local-" + name.text()).environment())
                .containsExactlyInAnyOrderEntriesOf(withOwn(
                        name,
                        "local",
                        "sluiceway-local-ledger",
                        Map.of(
                                "QUARKUS_FUNQY_EXPORT",
                                name.text(),
                                "SLUICEWAY_CLUSTERS",
                                """
                        {"local":{"type":"SESSION","url":"http://127.0.0.1:8381",\
                        "savepointRoot":"s3://sluiceway-local-data/savepoints",\
                        "checkpointRoot":"s3://sluiceway-local-data/checkpoints","slots":"FIXED"},\
                        "managed":{"type":"MANAGED","applications":"sluiceway-local-{job}","ownership":"SLUICEWAY",\
                        "runtime":"FLINK-2_3","serviceRoleArn":"arn:aws:iam::000000000000:role/managed-flink",\
                        "checkpointInterval":"PT2S"}}""",
                                "SLUICEWAY_JAR_BUCKETS",
                                "sluiceway-local-jobs",
                                "SLUICEWAY_TIME_BUDGET",
                                budget(name),
                                "AWS_ENDPOINT_URL",
                                "http://127.0.0.1:4566",
                                "AWS_ENDPOINT_URL_KINESIS_ANALYTICS_V2",
                                "http://127.0.0.1:8383",
                                "JAVA_HOME",
                                "/opt/jdk-25")));
    }

    @ParameterizedTest
    @EnumSource
    void environment_onAws_isComplete(FunctionName name) {
        assertThat(SAMPLE_FUNCTIONS.get("sluiceway-sample-" + name.text()).environment())
                .containsExactlyInAnyOrderEntriesOf(withOwn(
                        name,
                        "sample",
                        "{ledgertable}",
                        Map.of(
                                "QUARKUS_FUNQY_EXPORT",
                                name.text(),
                                "SLUICEWAY_CLUSTERS",
                                """
                        {"analytics":{"type":"SESSION","url":"https://flink.analytics.example.internal:8081",\
                        "savepointRoot":"s3://example-analytics-state/savepoints",\
                        "checkpointRoot":"s3://example-analytics-state/checkpoints","slots":"ELASTIC"},\
                        "managed":{"type":"MANAGED","applications":"sluiceway-sample-{job}","ownership":"SLUICEWAY",\
                        "runtime":"FLINK-2_3","serviceRoleArn":"arn:aws:iam::123456789012:role/example-flink-applications",\
                        "logStreamArn":"arn:aws:logs:us-east-1:123456789012:log-group:/aws/kinesis-analytics/example:log-stream:applications",\
                        "checkpointInterval":"PT1M","parallelismPerKpu":1},\
                        "sample-managed":{"type":"MANAGED","applications":"{job}-sample","ownership":"EXTERNAL"}}""",
                                "SLUICEWAY_JAR_BUCKETS",
                                "{jobsbucket},example-release-artifacts",
                                "SLUICEWAY_TIME_BUDGET",
                                budget(name),
                                "DISABLE_SIGNAL_HANDLERS",
                                "true")));
    }

    private static String budget(FunctionName name) {
        return switch (name) {
            case SUBMIT_JOB, UPGRADE_JOB, RESCALE_JOB -> "PT1M55S";
            case JOB_STATUS, TAKE_SAVEPOINT, STOP_JOB, LIST_JOBS, LIST_EVENTS -> "PT25S";
            case MONITOR_JOBS -> "PT50S";
        };
    }

    /** Those that keep the ledger are told its table and the bus, and the sweep where its metrics go. */
    private static Map<String, String> withOwn(
            FunctionName name, String stage, String table, Map<String, String> others) {
        Map<String, String> all = new TreeMap<>(others);
        all.put("SLUICEWAY_LEDGER_TABLE", table);
        if (name != FunctionName.LIST_JOBS && name != FunctionName.LIST_EVENTS) {
            all.put("SLUICEWAY_EVENT_BUS", "{eventsbus}");
        }
        if (name == FunctionName.MONITOR_JOBS) {
            all.put("SLUICEWAY_METRICS_NAMESPACE", "Sluiceway/" + stage);
        }
        return all;
    }

    @Test
    void logs_everyFunction_areKeptForAsLongAsTheSettingsSay() {
        LOCAL.resourcePropertiesCountIs(
                "AWS::Logs::LogGroup", Map.of("RetentionInDays", 30), FunctionName.values().length);
        SAMPLE.resourcePropertiesCountIs(
                "AWS::Logs::LogGroup", Map.of("RetentionInDays", 90), FunctionName.values().length);
    }

    @Test
    void jobsBucket_anyStage_isVersionedEncryptedAndPrivate() {
        for (Template template : List.of(LOCAL, SAMPLE)) {
            template.hasResourceProperties(
                    "AWS::S3::Bucket",
                    Map.of(
                            "VersioningConfiguration",
                            Map.of("Status", "Enabled"),
                            "BucketEncryption",
                            Map.of(
                                    "ServerSideEncryptionConfiguration",
                                    List.of(Map.of("ServerSideEncryptionByDefault", Map.of("SSEAlgorithm", "AES256")))),
                            "PublicAccessBlockConfiguration",
                            Map.of(
                                    "BlockPublicAcls", true,
                                    "BlockPublicPolicy", true,
                                    "IgnorePublicAcls", true,
                                    "RestrictPublicBuckets", true)));
            Object plainHttpIsDenied = Match.objectLike(Map.of(
                    "Effect", "Deny",
                    "Action", "s3:*",
                    "Condition", Map.of("Bool", Map.of("aws:SecureTransport", "false"))));
            template.hasResourceProperties(
                    "AWS::S3::BucketPolicy",
                    Map.of("PolicyDocument", Map.of("Statement", Match.arrayWith(List.of(plainHttpIsDenied)))));
        }
    }

    @Test
    void jobsBucket_onAws_outlivesTheStackUnderANameOfItsOwn() {
        SAMPLE.hasResource(
                "AWS::S3::Bucket",
                Map.of(
                        "DeletionPolicy", "Retain",
                        "UpdateReplacePolicy", "Retain",
                        "Properties", Map.of("BucketName", Match.absent())));
        LOCAL.hasResource(
                "AWS::S3::Bucket",
                Map.of("DeletionPolicy", "Delete", "Properties", Map.of("BucketName", "sluiceway-local-jobs")));
    }

    @Test
    void ledgerTable_anyStage_hasTheKeysAndCanBeRestored() {
        for (Template template : List.of(LOCAL, SAMPLE)) {
            template.resourceCountIs("AWS::DynamoDB::Table", 1);
            template.hasResourceProperties(
                    "AWS::DynamoDB::Table",
                    Map.of(
                            "KeySchema",
                            List.of(
                                    Map.of("AttributeName", "pk", "KeyType", "HASH"),
                                    Map.of("AttributeName", "sk", "KeyType", "RANGE")),
                            "AttributeDefinitions",
                            List.of(
                                    Map.of("AttributeName", "pk", "AttributeType", "S"),
                                    Map.of("AttributeName", "sk", "AttributeType", "S")),
                            "BillingMode",
                            "PAY_PER_REQUEST",
                            "TimeToLiveSpecification",
                            Map.of("AttributeName", "expiresAt", "Enabled", true),
                            "PointInTimeRecoverySpecification",
                            Map.of("PointInTimeRecoveryEnabled", true)));
        }
    }

    @Test
    void ledgerTable_onAws_outlivesTheStackUnderANameOfItsOwn() {
        SAMPLE.hasResource(
                "AWS::DynamoDB::Table",
                Map.of(
                        "DeletionPolicy",
                        "Retain",
                        "UpdateReplacePolicy",
                        "Retain",
                        "Properties",
                        Map.of("DeletionProtectionEnabled", true, "TableName", Match.absent())));
    }

    @ParameterizedTest
    @ValueSource(strings = {"local", "test"})
    void ledgerTable_disposableStage_goesWithTheStack(String stage) {
        Template template = Stacks.template(Stacks.changed("sample", stage, settings -> {}));

        template.hasResource(
                "AWS::DynamoDB::Table",
                Map.of(
                        "DeletionPolicy", "Delete",
                        "UpdateReplacePolicy", "Delete",
                        "Properties", Map.of("DeletionProtectionEnabled", false)));
    }

    @Test
    void stateRoots_ofSeveralClusters_areListedByBucketAndPrefixAlone() {
        Template template = Stacks.template(Stacks.changed("sample", "prod", settings -> {
            settings.remove("triggers");
            ObjectNode clusters = settings.putObject("clusters");
            cluster(clusters.putObject("a"), "s3://state/savepoints", "s3a://state//odd*$ {x}/");
            cluster(clusters.putObject("b"), "s3p://own.bucket/", "s3://state/checkpoints");
            cluster(clusters.putObject("c"), "hdfs://namenode/savepoints", null);
            cluster(clusters.putObject("d"), "s3://state/savepoints", null);
        }));

        assertThat(DeployedFunction.of(template)
                        .get("sluiceway-prod-take-savepoint")
                        .permissions())
                .filteredOn(permission -> permission.actions().contains("s3:ListBucket"))
                .containsExactlyInAnyOrder(
                        Permission.allow(Set.of("s3:ListBucket"), Set.of("arn:aws:s3:::state"))
                                .when(
                                        "StringLike s3:prefix",
                                        Set.of("savepoints/*", "checkpoints/*", "odd${*}${$} {x}/*")),
                        Permission.allow(Set.of("s3:ListBucket"), Set.of("arn:aws:s3:::own.bucket")));
    }

    private static void cluster(ObjectNode cluster, String savepointRoot, @Nullable String checkpointRoot) {
        cluster.put("type", "SESSION")
                .put("url", "http://flink.example.internal:8081")
                .put("savepointRoot", savepointRoot)
                .put("checkpointRoot", checkpointRoot);
    }

    @Test
    void outputs_anyStage_tellNamesAndALineToTry() {
        LOCAL.hasOutput("SubmitJobFunction", Map.of("Value", "sluiceway-local-submit-job:live"));
        LOCAL.hasOutput("FailedEventsQueue", Match.anyValue());
        LOCAL.hasOutput("AirflowQueue", Match.anyValue());
        LOCAL.hasOutput("AirflowPolicy", Match.anyValue());
        LOCAL.hasOutput("AirflowConnection", Match.anyValue());
        LOCAL.hasOutput("Dashboard", Match.anyValue());
        LOCAL.hasOutput("JobsBucket", Match.anyValue());
        LOCAL.hasOutput("LedgerTable", Match.anyValue());
        LOCAL.hasOutput(
                "TryIt",
                Map.of(
                        "Value",
                        "aws lambda invoke --function-name sluiceway-local-list-jobs:live"
                                + " --cli-binary-format raw-in-base64-out --payload '{\"cluster\":\"local\"}' /dev/stdout"));
    }

    @Test
    void artifact_missing_isSaidInASentence() {
        App app = Stacks.app();
        var input = new SluicewayStack.Input(Stacks.settings("sample"), Path.of("target", "no-such-directory"));

        assertThatThrownBy(() -> new SluicewayStack(app, input))
                .isInstanceOf(SettingsException.class)
                .hasMessage(
                        "There is no target/no-such-directory/native/function.zip, the artifact of packaging NATIVE: run 'make native' first.");
    }

    @ParameterizedTest
    @CsvSource({"NATIVE, make native", "JVM_AOT, make aot"})
    void artifact_ofAnotherArchitecture_isRefused(Packaging packaging, String command) {
        Settings settings = Stacks.changed("sample", "prod", changed -> changed.put("packaging", packaging.name()));
        var input = new SluicewayStack.Input(settings, Stacks.artifacts(Architecture.X86_64));
        App app = Stacks.app();

        assertThatThrownBy(() -> new SluicewayStack(app, input))
                .isInstanceOf(SettingsException.class)
                .hasMessageEndingWith(
                        "is for another architecture than the settings name, ARM_64: run '%s' on a machine of that one.",
                        command);
    }

    @Test
    void artifact_withoutItsBinary_isRefused() throws IOException {
        Path directory = Files.createTempDirectory(Path.of("target"), "artifacts");
        Files.createDirectories(directory.resolve("native"));
        Files.copy(
                Stacks.artifacts(Architecture.ARM_64).resolve("function-aot.zip"),
                directory.resolve("native/function.zip"));
        var input = new SluicewayStack.Input(Stacks.settings("sample"), directory);
        App app = Stacks.app();

        assertThatThrownBy(() -> new SluicewayStack(app, input))
                .isInstanceOf(SettingsException.class)
                .hasMessageEndingWith("native/function.zip has no binary called bootstrap.");
    }
}
