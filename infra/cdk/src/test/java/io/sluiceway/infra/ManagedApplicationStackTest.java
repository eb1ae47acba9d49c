package io.sluiceway.infra;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluiceway.infra.DeployedFunction.Permission;
import io.sluiceway.infra.settings.Cluster;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.assertions.Match;
import software.amazon.awscdk.assertions.Template;

/** The sample application of the committed settings {@code sample}. */
class ManagedApplicationStackTest {
    private static final List<Template> TEMPLATES = Stacks.all(Stacks.settings("sample")).stream()
            .map(Template::fromStack)
            .toList();
    private static final Template TEMPLATE = TEMPLATES.getLast();
    private static final JsonNode RESOURCES =
            new JsonMapper().valueToTree(TEMPLATE.toJSON()).path("Resources");
    private static final String APPLICATION =
            "arn:aws:kinesisanalytics:REGION:ACCOUNT:application/flight-delays-sample";
    private static final String DATA = "arn:aws:s3:::example-analytics-data";
    private static final String GROUP =
            "arn:aws:logs:REGION:ACCOUNT:log-group:/aws/kinesis-analytics/flight-delays-sample";

    @Test
    void stacks_withoutASampleApplication_areOne() {
        assertThat(Stacks.all(Stacks.settings("local")))
                .extracting(Stack::getStackName)
                .containsExactly("sluiceway-local");
        assertThat(Stacks.all(Stacks.settings("sample")))
                .extracting(Stack::getStackName)
                .containsExactly("sluiceway-sample", "sluiceway-sample-sample");
    }

    @Test
    void serviceRole_permissions_areExact() {
        String jar = "{%s}/jars/flight-delays.jar".formatted(jobsBucketOutput());

        assertThat(DeployedFunction.permissions(RESOURCES, only("AWS::IAM::Role")))
                .containsExactlyInAnyOrder(
                        Permission.allow(Set.of("s3:GetObject"), Set.of(jar)),
                        Permission.allow(Set.of("s3:GetObjectVersion"), Set.of(jar))
                                .when("StringEquals s3:VersionId", Set.of("3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY")),
                        Permission.allow(
                                Set.of("s3:GetObject"),
                                Set.of(DATA + "/flights/flights.csv", DATA + "/flights/weather.csv")),
                        Permission.allow(Set.of("s3:ListBucket"), Set.of(DATA))
                                .when("StringLike s3:prefix", Set.of("flights/*")),
                        Permission.allow(
                                Set.of("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
                                Set.of(DATA + "/flight-delays/*")),
                        Permission.allow(Set.of("s3:ListBucket"), Set.of(DATA))
                                .when("StringLike s3:prefix", Set.of("flight-delays/*")),
                        Permission.allow(
                                Set.of("logs:DescribeLogGroups"), Set.of("arn:aws:logs:REGION:ACCOUNT:log-group:*")),
                        Permission.allow(Set.of("logs:DescribeLogStreams"), Set.of(GROUP + ":log-stream:*")),
                        Permission.allow(Set.of("logs:PutLogEvents"), Set.of(GROUP + ":log-stream:application")));
    }

    @Test
    void serviceRole_trust_isTheServiceForThisApplication() {
        JsonNode trust =
                RESOURCES.path(only("AWS::IAM::Role")).path("Properties").path("AssumeRolePolicyDocument");

        assertThat(trust.at("/Statement/0/Principal"))
                .isEqualTo(new JsonMapper().valueToTree(Map.of("Service", "kinesisanalytics.amazonaws.com")));
        assertThat(DeployedFunction.statements(RESOURCES, trust))
                .singleElement()
                .satisfies(statement -> {
                    assertThat(statement.actions()).containsExactly("sts:AssumeRole");
                    assertThat(statement.conditions())
                            .containsOnly(
                                    Map.entry("StringEquals aws:SourceAccount", Set.of("ACCOUNT")),
                                    Map.entry("ArnLike aws:SourceArn", Set.of(APPLICATION)));
                });
    }

    /** What may be done with the application is the functions' own roles' matter. */
    @Test
    void policies_all_areTheServiceRolesOwn() {
        TEMPLATE.resourceCountIs("AWS::IAM::ManagedPolicy", 0);
        TEMPLATE.resourceCountIs("AWS::IAM::Policy", 1);
    }

    @Test
    void application_settings_areAllExplicit() {
        TEMPLATE.hasResource(
                "AWS::KinesisAnalyticsV2::Application",
                Map.of(
                        "DependsOn",
                        Match.arrayWith(List.of(Match.stringLikeRegexp("serviceroleDefaultPolicy.*"))),
                        "Properties",
                        Map.of(
                                "ApplicationName",
                                "flight-delays-sample",
                                "RuntimeEnvironment",
                                "FLINK-2_3",
                                "ServiceExecutionRole",
                                Map.of("Fn::GetAtt", List.of(only("AWS::IAM::Role"), "Arn")),
                                "RunConfiguration",
                                Map.of(
                                        "ApplicationRestoreConfiguration",
                                        Map.of("ApplicationRestoreType", "RESTORE_FROM_LATEST_SNAPSHOT"),
                                        "FlinkRunConfiguration",
                                        Map.of("AllowNonRestoredState", false)))));
        TEMPLATE.hasResourceProperties(
                "AWS::KinesisAnalyticsV2::Application",
                Map.of(
                        "ApplicationConfiguration",
                        Match.exact(Map.of(
                                "ApplicationCodeConfiguration",
                                Map.of(
                                        "CodeContentType",
                                        "ZIPFILE",
                                        "CodeContent",
                                        Map.of(
                                                "S3ContentLocation",
                                                Map.of(
                                                        "BucketARN",
                                                        Map.of(
                                                                "Fn::GetStackOutput",
                                                                Map.of(
                                                                        "StackName",
                                                                        "sluiceway-sample",
                                                                        "OutputName",
                                                                        jobsBucketOutput(),
                                                                        "Region",
                                                                        Map.of("Ref", "AWS::Region"))),
                                                        "FileKey",
                                                        "jars/flight-delays.jar",
                                                        "ObjectVersion",
                                                        "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"))),
                                "ApplicationSnapshotConfiguration",
                                Map.of("SnapshotsEnabled", true),
                                "EnvironmentProperties",
                                Map.of(
                                        "PropertyGroups",
                                        List.of(Map.of(
                                                "PropertyGroupId",
                                                "program-arguments",
                                                "PropertyMap",
                                                Map.of(
                                                        "input", "s3a://example-analytics-data/flights",
                                                        "output", "s3a://example-analytics-data/flight-delays",
                                                        "replay", "3600")))),
                                "FlinkApplicationConfiguration",
                                Map.of(
                                        "CheckpointConfiguration",
                                        Map.of(
                                                "ConfigurationType",
                                                "CUSTOM",
                                                "CheckpointingEnabled",
                                                true,
                                                "CheckpointInterval",
                                                60000,
                                                "MinPauseBetweenCheckpoints",
                                                5000),
                                        "MonitoringConfiguration",
                                        Map.of(
                                                "ConfigurationType", "CUSTOM",
                                                "LogLevel", "INFO",
                                                "MetricsLevel", "APPLICATION"),
                                        "ParallelismConfiguration",
                                        Map.of(
                                                "ConfigurationType",
                                                "CUSTOM",
                                                "Parallelism",
                                                2,
                                                "ParallelismPerKPU",
                                                2,
                                                "AutoScalingEnabled",
                                                false))))));
    }

    @Test
    void log_anyApplication_isKeptAsLongAsTheSettingsSayAndIsWrittenToByTheApplication() {
        TEMPLATE.hasResourceProperties(
                "AWS::Logs::LogGroup",
                Map.of("LogGroupName", "/aws/kinesis-analytics/flight-delays-sample", "RetentionInDays", 90));
        TEMPLATE.hasResourceProperties("AWS::Logs::LogStream", Map.of("LogStreamName", "application"));
        TEMPLATE.hasResource(
                "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption",
                Map.of(
                        "DependsOn",
                        Match.arrayWith(List.of(only("AWS::Logs::LogStream"))),
                        "Properties",
                        Map.of("ApplicationName", Map.of("Ref", only("AWS::KinesisAnalyticsV2::Application")))));
    }

    @ParameterizedTest
    @CsvSource({
        "restarts, DIFF(counter), numRestarts, 0, 15",
        "failed-checkpoints, DIFF(counter), numberOfFailedCheckpoints, 0, 15",
        "down, 'MAX([failing, restarting])', failingTime, 120000, 5",
        "down, 'MAX([failing, restarting])', restartingTime, 120000, 5",
    })
    void alarm_onAnExpression_isOffWhileNothingIsPublished(
            String name, String expression, String metric, int threshold, int minutes) {
        TEMPLATE.hasResourceProperties(
                "AWS::CloudWatch::Alarm",
                Map.of(
                        "AlarmName",
                        "flight-delays-sample-" + name,
                        "ComparisonOperator",
                        "GreaterThanThreshold",
                        "Threshold",
                        threshold,
                        "EvaluationPeriods",
                        minutes,
                        "DatapointsToAlarm",
                        3,
                        "TreatMissingData",
                        "notBreaching",
                        "Metrics",
                        Match.arrayWith(List.of(
                                Match.objectLike(Map.of("Expression", expression, "ReturnData", true)),
                                Match.objectLike(Map.of(
                                        "MetricStat",
                                        Map.of(
                                                "Period",
                                                60,
                                                "Stat",
                                                "Maximum",
                                                "Metric",
                                                Map.of(
                                                        "Namespace",
                                                        "AWS/KinesisAnalytics",
                                                        "MetricName",
                                                        metric,
                                                        "Dimensions",
                                                        List.of(Map.of(
                                                                "Name",
                                                                "Application",
                                                                "Value",
                                                                "flight-delays-sample"))))))))));
    }

    @Test
    void alarm_slowCheckpoints_comparesWithTheTimeBetweenTwo() {
        TEMPLATE.resourceCountIs("AWS::CloudWatch::Alarm", 4);
        TEMPLATE.hasResourceProperties(
                "AWS::CloudWatch::Alarm",
                Map.of(
                        "AlarmName", "flight-delays-sample-slow-checkpoints",
                        "Namespace", "AWS/KinesisAnalytics",
                        "MetricName", "lastCheckpointDuration",
                        "Statistic", "Maximum",
                        "Threshold", 60000,
                        "TreatMissingData", "notBreaching",
                        "Dimensions", List.of(Map.of("Name", "Application", "Value", "flight-delays-sample"))));
    }

    @Test
    void outputs_cluster_isTheOneOfTheCommittedSettings() throws IOException {
        JsonNode outputs = new JsonMapper().valueToTree(TEMPLATE.toJSON()).path("Outputs");
        JsonNode committed = new JsonMapper()
                .readTree(Stacks.SETTINGS.resolve("sample.json").toFile())
                .path("clusters");

        JsonNode cluster = new JsonMapper()
                .readTree("{%s}".formatted(outputs.at("/Cluster/Value").asText()));

        assertThat(cluster.properties())
                .singleElement()
                .satisfies(field -> assertThat(field.getValue()).isEqualTo(committed.get(field.getKey())));
        assertThat(((Cluster.Managed) Stacks.settings("sample").clusters().get("sample-managed"))
                        .applications()
                        .replace("{job}", "flight-delays"))
                .isEqualTo(outputs.at("/Application/Value").asText());
    }

    /** The output of the functions' stack that has the jobs bucket's ARN. */
    private static String jobsBucketOutput() {
        JsonNode functions = new JsonMapper().valueToTree(TEMPLATES.getFirst().toJSON());
        return functions.path("Outputs").properties().stream()
                .filter(output ->
                        output.getValue().at("/Value/Fn::GetAtt/1").asText().equals("Arn"))
                .filter(output -> functions
                        .path("Resources")
                        .path(output.getValue().at("/Value/Fn::GetAtt/0").asText())
                        .path("Type")
                        .asText()
                        .equals("AWS::S3::Bucket"))
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow();
    }

    /** The logical id of the only resource of a type. */
    private static String only(String type) {
        List<String> ids = RESOURCES.properties().stream()
                .filter(resource -> resource.getValue().path("Type").asText().equals(type))
                .map(Map.Entry::getKey)
                .toList();
        assertThat(ids).as(type).hasSize(1);
        return ids.getFirst();
    }
}
