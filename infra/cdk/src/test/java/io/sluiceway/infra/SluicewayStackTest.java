package io.sluiceway.infra;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluiceway.infra.DeployedFunction.Permission;
import io.sluiceway.infra.settings.Cluster;
import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.SettingsException;
import io.sluiceway.infra.settings.Stage;
import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
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
    private static final Map<String, DeployedFunction> SAMPLE_FUNCTIONS = DeployedFunction.of(SAMPLE);

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
                Set.of("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
                Set.of("arn:aws:dynamodb:REGION:ACCOUNT:table/{ledgertable}"));
        Permission states = Permission.allow(Set.of("s3:ListBucket"), Set.of("arn:aws:s3:::example-analytics-state"))
                .when("StringLike s3:prefix", Set.of("checkpoints/*", "savepoints/*"));
        Set<Permission> expected = switch (name) {
            case SUBMIT_JOB ->
                Set.of(
                        logs,
                        ledger,
                        states,
                        Permission.allow(
                                Set.of("s3:GetObject", "s3:GetObjectVersion"),
                                Set.of(
                                        "arn:aws:s3:::{jobsbucket}/jars/*",
                                        "arn:aws:s3:::example-release-artifacts/flink/*")),
                        Permission.allow(
                                Set.of("s3:ListBucket"),
                                Set.of("arn:aws:s3:::{jobsbucket}", "arn:aws:s3:::example-release-artifacts")));
            case JOB_STATUS, TAKE_SAVEPOINT, STOP_JOB -> Set.of(logs, ledger, states);
            case LIST_JOBS -> Set.of(logs);
        };

        assertThat(SAMPLE_FUNCTIONS.get("sluiceway-sample-" + name.text()).permissions())
                .isEqualTo(expected);
    }

    @Test
    void roles_everyFunction_haveOneEachThatOnlyLambdaTakes() {
        LOCAL.resourceCountIs("AWS::IAM::Role", FunctionName.values().length);
        LOCAL.allResourcesProperties(
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
                                        Map.of("Service", "lambda.amazonaws.com")))))));
    }

    @Test
    void allow_wildcard_isRefused() {
        Stack stack = new Stack(new App());
        var function = new SluicewayFunction(
                stack,
                new SluicewayFunction.Input(
                        FunctionName.LIST_JOBS, Stacks.settings("local"), Code.fromAsset("settings"), Map.of()));

        assertThatThrownBy(() -> function.allow("Wide", List.of("s3:Get*"), List.of("arn:aws:s3:::bucket/key")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Wide");
        assertThatThrownBy(() -> function.allow("Wide", List.of("s3:GetObject"), List.of("*")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @EnumSource
    void environment_onTheLaptop_isComplete(FunctionName name) {
        assertThat(LOCAL_FUNCTIONS.get("sluiceway-local-" + name.text()).environment())
                .containsExactlyInAnyOrderEntriesOf(withLedger(
                        name,
                        "sluiceway-local-ledger",
                        Map.of(
                                "QUARKUS_FUNQY_EXPORT",
                                name.text(),
                                "SLUICEWAY_CLUSTERS",
                                """
                        {"local":{"type":"SESSION","url":"http://127.0.0.1:8381",\
                        "savepointRoot":"s3://sluiceway-local-data/savepoints",\
                        "checkpointRoot":"s3://sluiceway-local-data/checkpoints","slots":"FIXED"}}""",
                                "SLUICEWAY_JAR_BUCKETS",
                                "sluiceway-local-jobs",
                                "SLUICEWAY_TIME_BUDGET",
                                name == FunctionName.SUBMIT_JOB ? "PT1M55S" : "PT25S",
                                "AWS_ENDPOINT_URL",
                                "http://127.0.0.1:4566",
                                "JAVA_HOME",
                                "/opt/jdk-25")));
    }

    @ParameterizedTest
    @EnumSource
    void environment_onAws_isComplete(FunctionName name) {
        assertThat(SAMPLE_FUNCTIONS.get("sluiceway-sample-" + name.text()).environment())
                .containsExactlyInAnyOrderEntriesOf(withLedger(
                        name,
                        "{ledgertable}",
                        Map.of(
                                "QUARKUS_FUNQY_EXPORT",
                                name.text(),
                                "SLUICEWAY_CLUSTERS",
                                """
                        {"analytics":{"type":"SESSION","url":"https://flink.analytics.example.internal:8081",\
                        "savepointRoot":"s3://example-analytics-state/savepoints",\
                        "checkpointRoot":"s3://example-analytics-state/checkpoints","slots":"ELASTIC"}}""",
                                "SLUICEWAY_JAR_BUCKETS",
                                "{jobsbucket},example-release-artifacts",
                                "SLUICEWAY_TIME_BUDGET",
                                name == FunctionName.SUBMIT_JOB ? "PT1M55S" : "PT25S",
                                "DISABLE_SIGNAL_HANDLERS",
                                "true")));
    }

    /** Those that keep the ledger are told its table. */
    private static Map<String, String> withLedger(FunctionName name, String table, Map<String, String> others) {
        Map<String, String> all = new TreeMap<>(others);
        if (name != FunctionName.LIST_JOBS) {
            all.put("SLUICEWAY_LEDGER_TABLE", table);
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
        Template template =
                Stacks.template(with(new Stage(stage), Stacks.settings("sample").clusters()));

        template.hasResource(
                "AWS::DynamoDB::Table",
                Map.of(
                        "DeletionPolicy", "Delete",
                        "UpdateReplacePolicy", "Delete",
                        "Properties", Map.of("DeletionProtectionEnabled", false)));
    }

    @Test
    void stateRoots_ofSeveralClusters_areListedByBucketAndPrefixAlone() {
        Template template = Stacks.template(with(
                new Stage("prod"),
                new TreeMap<>(Map.of(
                        "a", cluster("s3://state/savepoints", "s3a://state//odd*$ {x}/"),
                        "b", cluster("s3p://own.bucket/", "s3://state/checkpoints"),
                        "c", cluster("hdfs://namenode/savepoints", null),
                        "d", cluster("s3://state/savepoints", null)))));

        assertThat(DeployedFunction.of(template)
                        .get("sluiceway-prod-job-status")
                        .permissions())
                .filteredOn(permission -> permission.actions().contains("s3:ListBucket"))
                .containsExactlyInAnyOrder(
                        Permission.allow(Set.of("s3:ListBucket"), Set.of("arn:aws:s3:::state"))
                                .when(
                                        "StringLike s3:prefix",
                                        Set.of("savepoints/*", "checkpoints/*", "odd${*}${$} {x}/*")),
                        Permission.allow(Set.of("s3:ListBucket"), Set.of("arn:aws:s3:::own.bucket")));
    }

    private static Cluster cluster(String savepointRoot, @Nullable String checkpointRoot) {
        return new Cluster.Session(
                URI.create("http://flink.example.internal:8081"),
                null,
                savepointRoot,
                checkpointRoot,
                List.of(),
                Cluster.Slots.FIXED);
    }

    private static Settings with(Stage stage, SortedMap<String, Cluster> clusters) {
        Settings sample = Stacks.settings("sample");
        return new Settings(
                stage,
                sample.packaging(),
                sample.architecture(),
                sample.jobsBucketName(),
                sample.ledgerTableName(),
                clusters,
                sample.jarSources(),
                sample.logRetention(),
                sample.environment());
    }

    @Test
    void outputs_anyStage_tellNamesAndALineToTry() {
        LOCAL.hasOutput("SubmitJobFunction", Match.anyValue());
        LOCAL.hasOutput("JobsBucket", Match.anyValue());
        LOCAL.hasOutput("LedgerTable", Match.anyValue());
        LOCAL.hasOutput(
                "TryIt",
                Map.of(
                        "Value",
                        "aws lambda invoke --function-name sluiceway-local-list-jobs"
                                + " --cli-binary-format raw-in-base64-out --payload '{\"cluster\":\"local\"}' /dev/stdout"));
    }

    @Test
    void artifact_missing_isSaidInASentence() {
        App app = Stacks.app();
        var input = new SluicewayStack.Input(Stacks.settings("sample"), Path.of("target", "no-such-directory"));

        assertThatThrownBy(() -> new SluicewayStack(app, input))
                .isInstanceOf(SettingsException.class)
                .hasMessage(
                        "There is no target/no-such-directory/function.zip, the artifact of packaging NATIVE: build the functions first.");
    }
}
