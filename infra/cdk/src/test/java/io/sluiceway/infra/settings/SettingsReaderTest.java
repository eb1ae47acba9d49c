package io.sluiceway.infra.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awscdk.services.logs.RetentionDays;

class SettingsReaderTest {
    private static final String CLUSTER = """
            {
              "type": "SESSION",
              "url": "https://flink.example.internal:8081",
              "checkpointRoot": "s3://state/checkpoints",
              "savepointRoot": "s3://state/savepoints",
              "slots": "FIXED"
            }""";
    private static final String SETTINGS = """
            {
              "packaging": "NATIVE",
              "architecture": "ARM_64",
              "clusters": {
                "analytics": CLUSTER
              }
            }""".replace("CLUSTER", CLUSTER);

    @TempDir
    private Path directory;

    @Test
    void read_leastSettings_putsTheDefaultsIn() throws IOException {
        Settings settings = read("prod", SETTINGS);

        assertThat(settings.stage()).isEqualTo(new Stage("prod"));
        assertThat(settings.packaging()).isEqualTo(Packaging.NATIVE);
        assertThat(settings.architecture()).isEqualTo(Architecture.ARM_64);
        assertThat(settings.jobsBucketName()).isNull();
        assertThat(settings.ledgerTableName()).isNull();
        assertThat(settings.clusters())
                .containsOnly(Map.entry(
                        "analytics",
                        new Cluster.Session(
                                URI.create("https://flink.example.internal:8081"),
                                null,
                                "s3://state/savepoints",
                                "s3://state/checkpoints",
                                List.of(),
                                Cluster.Slots.FIXED)));
        assertThat(settings.jarSources()).isEmpty();
        assertThat(settings.logRetention()).isEqualTo(RetentionDays.ONE_MONTH);
        assertThat(settings.environment()).isEmpty();
        assertThat(settings.sampleApplication()).isNull();
    }

    @Test
    void read_allSettings_takesThem() throws IOException {
        Settings settings = read("prod", with("""
                        "jobsBucketName": "team-jobs",
                        "ledgerTableName": "Team.Flink_ledger-1",
                        "jarSources": [{"bucket": "releases", "prefix": "flink/jars/"}],
                        "logRetention": "ONE_YEAR",
                        "environment": {"QUARKUS_LOG_LEVEL": "DEBUG"}"""));

        assertThat(settings.jobsBucketName()).isEqualTo("team-jobs");
        assertThat(settings.ledgerTableName()).isEqualTo("Team.Flink_ledger-1");
        assertThat(settings.jarSources()).containsExactly(new JarSource("releases", "flink/jars/"));
        assertThat(settings.logRetention()).isEqualTo(RetentionDays.ONE_YEAR);
        assertThat(settings.environment()).containsOnly(Map.entry("QUARKUS_LOG_LEVEL", "DEBUG"));
    }

    @Test
    void read_managedCluster_isOwnedBySluicewayUnlessSaid() throws IOException {
        assertThat(read("prod", managed("\"PT30S\"", "\"PT24H\"")).clusters())
                .containsOnly(Map.entry(
                        "managed",
                        new Cluster.Managed(
                                "flink-{job}",
                                Cluster.Ownership.SLUICEWAY,
                                "FLINK-2_3",
                                "arn:aws:iam::123456789012:role/flink",
                                "arn:aws:logs:eu-central-1:123456789012:log-group:flink:log-stream:jobs",
                                "PT24H",
                                2)));
    }

    @Test
    void read_managedClusterOfOthers_needsNoMoreThanNames() throws IOException {
        String json = SETTINGS.replace(
                CLUSTER, "{\"type\": \"MANAGED\", \"applications\": \"{job}-x\", \"ownership\": \"EXTERNAL\"}");

        Cluster cluster = read("prod", json).clusters().get("analytics");

        assertThat(cluster)
                .isEqualTo(new Cluster.Managed("{job}-x", Cluster.Ownership.EXTERNAL, null, null, null, null, null));
        assertThat(cluster.stateRoots()).isEmpty();
        assertThat(((Cluster.Managed) cluster).applicationsPattern()).isEqualTo("*-x");
    }

    @Test
    void read_sampleApplication_hasDefaultsAndIsToldToIam() throws IOException {
        SampleApplication application = read("prod", with(sample("v1", "v2"))).sampleApplication();

        assertThat(application)
                .isEqualTo(new SampleApplication(
                        "jars/flight-delays.jar", "v2", "s3a://data/flights", "s3://data/delays/", 3600, 1, 1));
        assertThat(application.inputDirectory()).isEqualTo(new S3Directory("data", "flights/"));
        assertThat(application.outputDirectory()).isEqualTo(new S3Directory("data", "delays/"));
    }

    @Test
    void read_variables_putsTheEnvironmentIn() throws IOException {
        Settings settings = read(
                "local",
                with("""
                                "environment": {"JAVA_HOME": "${JAVA_HOME}", "PATH_WITH_QUOTES": "${QUOTES}", "UNSET": "${UNSET:-x}", "EMPTY": "${EMPTY:-y}"}""").replace("8081", "${FLINK_PORT:-8381}"),
                Map.of("EMPTY", "", "JAVA_HOME", "/opt/jdk", "QUOTES", "C:\\a \"b\" ${JAVA_HOME}"));

        assertThat(settings.environment())
                .containsOnly(
                        Map.entry("JAVA_HOME", "/opt/jdk"),
                        Map.entry("PATH_WITH_QUOTES", "C:\\a \"b\" ${JAVA_HOME}"),
                        Map.entry("UNSET", "x"),
                        Map.entry("EMPTY", "y"));
        assertThat(settings.clusters().get("analytics"))
                .isInstanceOfSatisfying(
                        Cluster.Session.class,
                        cluster -> assertThat(cluster.url()).hasPort(8381));
    }

    @Test
    void read_jvmLocalOnTheLaptop_isTaken() throws IOException {
        assertThat(read("local", SETTINGS.replace("NATIVE", "JVM_LOCAL")).packaging())
                .isEqualTo(Packaging.JVM_LOCAL);
    }

    @Test
    void read_packagingOfTheEnvironment_isTaken() throws IOException {
        String settings = SETTINGS.replace("NATIVE", "${PACKAGING:-JVM_AOT}");

        assertThat(read("prod", settings).packaging()).isEqualTo(Packaging.JVM_AOT);
        assertThat(read("prod", settings, Map.of("PACKAGING", "JVM_MANAGED")).packaging())
                .isEqualTo(Packaging.JVM_MANAGED);
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                argumentSet(
                        "unknown field",
                        with("\"packageing\": \"NATIVE\""),
                        "packageing is no setting; there are alarmTopicArn, architecture, clusters, environment, jarSources, jobsBucketName, ledgerTableName, logRetention, monitorSchedule, packaging, sampleApplication, tags, triggers, vpc, withoutReservedConcurrency."),
                argumentSet(
                        "stage as a field",
                        with("\"stage\": \"dev\""),
                        "stage is no setting; there are alarmTopicArn, architecture, clusters, environment, jarSources, jobsBucketName, ledgerTableName, logRetention, monitorSchedule, packaging, sampleApplication, tags, triggers, vpc, withoutReservedConcurrency."),
                argumentSet("missing field", without("\"packaging\": \"NATIVE\","), "packaging is missing."),
                argumentSet("null", SETTINGS.replace("\"ARM_64\"", "null"), "architecture is missing."),
                argumentSet(
                        "unknown packaging",
                        SETTINGS.replace("NATIVE", "DOCKER"),
                        "packaging can't be 'DOCKER'; it is one of NATIVE, JVM_MANAGED, JVM_AOT, JVM_LOCAL."),
                argumentSet(
                        "number for a packaging",
                        SETTINGS.replace("\"NATIVE\"", "0"),
                        "packaging can't be '0'; it is one of NATIVE, JVM_MANAGED, JVM_AOT, JVM_LOCAL."),
                argumentSet(
                        "laptop's packaging on AWS",
                        SETTINGS.replace("NATIVE", "JVM_LOCAL"),
                        "packaging JVM_LOCAL runs on the stage local only, since AWS has no JDK for its bootstrap to start: the stage prod takes NATIVE, JVM_MANAGED or JVM_AOT."),
                argumentSet(
                        "no cluster",
                        without(CLUSTER).replace("\"analytics\":", ""),
                        "clusters is empty: the functions need at least one to work with."),
                argumentSet(
                        "cluster's name",
                        SETTINGS.replace("analytics", "Analytics!"),
                        "'Analytics!' is no name of a cluster: it is 1 to 64 lower-case letters and digits, with single hyphens between them."),
                argumentSet(
                        "cluster without type",
                        without("\"type\": \"SESSION\","),
                        "clusters.analytics has no type; a cluster's type is SESSION or MANAGED."),
                argumentSet(
                        "cluster of unknown type",
                        SETTINGS.replace("SESSION", "MESOS"),
                        "clusters.analytics has the unknown type MESOS; a cluster's type is SESSION or MANAGED."),
                argumentSet(
                        "unknown field of a cluster",
                        SETTINGS.replace("\"slots\"", "\"slot\""),
                        "clusters.analytics.slot is no setting; there are checkpointRoot, restoreRoots, savepointRoot, slots, uiUrl, url."),
                argumentSet(
                        "cluster without a url",
                        without("\"url\": \"https://flink.example.internal:8081\","),
                        "clusters.analytics: url is missing."),
                argumentSet(
                        "url with a query",
                        SETTINGS.replace(":8081", ":8081?v1"),
                        "clusters.analytics: 'https://flink.example.internal:8081?v1' is no url: it is http or https and a host, without user, query and fragment, such as https://flink.example.internal:8081."),
                argumentSet(
                        "url that is none",
                        SETTINGS.replace("https://flink", "https:// flink"),
                        "clusters.analytics.url: 'https:// flink.example.internal:8081' can't be used: Illegal character in authority at index 8: https:// flink.example.internal:8081."),
                argumentSet(
                        "root without a scheme",
                        SETTINGS.replace("s3://state/savepoints", "state/savepoints"),
                        "clusters.analytics: 'state/savepoints' is no savepointRoot: it is a directory with its scheme, such as s3://bucket/savepoints."),
                argumentSet(
                        "applications without a job",
                        managed("flink-{job}", "flink"),
                        "clusters.managed: 'flink' is no applications: it is up to 128 letters, digits, underscores, dots and hyphens with {job} once among them, such as sluiceway-prod-{job}."),
                argumentSet(
                        "applications of two jobs",
                        managed("flink-{job}", "{job}-{job}"),
                        "clusters.managed: '{job}-{job}' is no applications: it is up to 128 letters, digits, underscores, dots and hyphens with {job} once among them, such as sluiceway-prod-{job}."),
                argumentSet(
                        "applications of a wildcard",
                        managed("flink-{job}", "*{job}"),
                        "clusters.managed: '*{job}' is no applications: it is up to 128 letters, digits, underscores, dots and hyphens with {job} once among them, such as sluiceway-prod-{job}."),
                argumentSet(
                        "applications of too long a name",
                        managed("flink-{job}", "a".repeat(124) + "{job}"),
                        "clusters.managed: '%s{job}' is no applications: it is up to 128 letters, digits, underscores, dots and hyphens with {job} once among them, such as sluiceway-prod-{job}."
                                .formatted("a".repeat(124))),
                argumentSet(
                        "no applications",
                        managed("\"applications\": \"flink-{job}\",", ""),
                        "clusters.managed: applications is missing."),
                argumentSet(
                        "unknown ownership",
                        managed("\"runtime\"", "\"ownership\": \"OURS\", \"runtime\""),
                        "clusters.managed.ownership can't be 'OURS'; it is one of SLUICEWAY, EXTERNAL."),
                argumentSet(
                        "own applications without a runtime",
                        managed("\"runtime\": \"FLINK-2_3\",", ""),
                        "clusters.managed: runtime is missing."),
                argumentSet(
                        "own applications without a role",
                        managed("\"serviceRoleArn\": \"arn:aws:iam::123456789012:role/flink\",", ""),
                        "clusters.managed: serviceRoleArn is missing."),
                argumentSet(
                        "runtime of SQL",
                        managed("FLINK-2_3", "SQL-1_0"),
                        "clusters.managed: 'SQL-1_0' is no runtime: it is a runtime environment of Flink, such as FLINK-2_3."),
                argumentSet(
                        "role of a wildcard",
                        managed("role/flink", "role/*"),
                        "clusters.managed: 'arn:aws:iam::123456789012:role/*' is no serviceRoleArn: it is the ARN of a role, such as arn:aws:iam::123456789012:role/flink, without wildcards."),
                argumentSet(
                        "role of a variable of IAM",
                        managed("role/flink", "role/${aws:username}"),
                        "clusters.managed: 'arn:aws:iam::123456789012:role/${aws:username}' is no serviceRoleArn: it is the ARN of a role, such as arn:aws:iam::123456789012:role/flink, without wildcards."),
                argumentSet(
                        "log group for a log stream",
                        managed(":log-stream:jobs", ""),
                        "clusters.managed: 'arn:aws:logs:eu-central-1:123456789012:log-group:flink' is no logStreamArn: it is the ARN of a log stream, such as arn:aws:logs:eu-central-1:123456789012:log-group:flink:log-stream:jobs."),
                argumentSet(
                        "interval that is none",
                        managed("PT30S", "30"),
                        "clusters.managed: '30' is no checkpointInterval: it is an ISO-8601 duration from PT0.001S to PT24H, such as PT1M."),
                argumentSet(
                        "interval of more than a day",
                        managed("PT30S", "PT24H0.001S"),
                        "clusters.managed: 'PT24H0.001S' is no checkpointInterval: it is an ISO-8601 duration from PT0.001S to PT24H, such as PT1M."),
                argumentSet(
                        "interval of nothing",
                        managed("PT30S", "PT0S"),
                        "clusters.managed: 'PT0S' is no checkpointInterval: it is an ISO-8601 duration from PT0.001S to PT24H, such as PT1M."),
                argumentSet(
                        "too many subtasks for a KPU of a cluster",
                        managed("\"parallelismPerKpu\": 2", "\"parallelismPerKpu\": 9"),
                        "clusters.managed: '9' is no parallelismPerKpu: it is a number from 1 to 8."),
                argumentSet(
                        "no subtask for a KPU of a cluster",
                        managed("\"parallelismPerKpu\": 2", "\"parallelismPerKpu\": 0"),
                        "clusters.managed: '0' is no parallelismPerKpu: it is a number from 1 to 8."),
                argumentSet(
                        "field of a session cluster",
                        managed("\"runtime\"", "\"url\": \"https://flink\", \"runtime\""),
                        "clusters.managed.url is no setting; there are applications, checkpointInterval, logStreamArn, ownership, parallelismPerKpu, runtime, serviceRoleArn."),
                argumentSet(
                        "bucket's name",
                        with("\"jobsBucketName\": \"Jobs\""),
                        "'Jobs' is no jobsBucketName: it is 3 to 63 lower-case letters, digits and hyphens."),
                argumentSet(
                        "table's name",
                        with("\"ledgerTableName\": \"ledger table\""),
                        "'ledger table' is no ledgerTableName: it is 3 to 255 letters, digits, underscores, dots and hyphens."),
                argumentSet(
                        "root in S3 without a bucket",
                        SETTINGS.replace("s3://state/savepoints", "s3:/state/savepoints"),
                        "clusters.analytics: 's3:/state/savepoints' names no bucket: in S3 a directory is such as s3://bucket/savepoints."),
                argumentSet(
                        "wildcard for a bucket",
                        SETTINGS.replace("s3://state/checkpoints", "s3a://*/checkpoints"),
                        "clusters.analytics: 's3a://*/checkpoints' names no bucket: in S3 a directory is such as s3://bucket/savepoints."),
                argumentSet(
                        "wildcard in a prefix",
                        with("\"jarSources\": [{\"bucket\": \"releases\", \"prefix\": \"*/\"}]"),
                        "jarSources[0]: '*/' is no prefix: it is the start of a key up to a slash, such as flink/, without wildcards."),
                argumentSet(
                        "jar outside jars/",
                        with(sample("jars/flight-delays.jar", "flight-delays.jar")),
                        "sampleApplication: 'flight-delays.jar' is no jarKey: it is the key of a jar below jars/, such as jars/flight-delays.jar."),
                argumentSet(
                        "jar of a wildcard",
                        with(sample("jars/flight-delays.jar", "jars/*.jar")),
                        "sampleApplication: 'jars/*.jar' is no jarKey: it is the key of a jar below jars/, such as jars/flight-delays.jar."),
                argumentSet(
                        "jar without a version",
                        with(sample("\"v1\"", "\"null\"")),
                        "sampleApplication: 'null' is no jarVersion: it is what S3 calls a version of an object, such as 3sL4kqtJlcpXroDTDm."),
                argumentSet(
                        "input that is a whole bucket",
                        with(sample("s3a://data/flights", "s3a://data/")),
                        "sampleApplication: 's3a://data/' is no input: it is a directory below a bucket, such as s3a://bucket/flights, of letters, digits and !_.'()=-."),
                argumentSet(
                        "output of a wildcard",
                        with(sample("s3://data/delays/", "s3://data/*")),
                        "sampleApplication: 's3://data/*' is no output: it is a directory below a bucket, such as s3a://bucket/flights, of letters, digits and !_.'()=-."),
                argumentSet(
                        "output that leads elsewhere",
                        with(sample("s3://data/delays/", "s3://data/delays/../")),
                        "sampleApplication: 's3://data/delays/../' is no output: it is a directory below a bucket, such as s3a://bucket/flights, of letters, digits and !_.'()=-."),
                argumentSet(
                        "no subtask",
                        with(sample("\"v1\"", "\"v1\", \"parallelism\": 0")),
                        "sampleApplication: '0' is no parallelism: it is a number from 1 to 256."),
                argumentSet(
                        "too many subtasks for a KPU",
                        with(sample("\"v1\"", "\"v1\", \"parallelismPerKpu\": 9")),
                        "sampleApplication: '9' is no parallelismPerKpu: it is a number from 1 to 8."),
                argumentSet("text for a list", with("\"jarSources\": \"releases\""), "jarSources has the wrong type."),
                argumentSet(
                        "number for a text",
                        with("\"environment\": {\"LEVEL\": 1}"),
                        "environment.LEVEL has the wrong type."),
                argumentSet(
                        "Sluiceway's own variable",
                        with("\"environment\": {\"SLUICEWAY_CLUSTERS\": \"{}\"}"),
                        "environment can't set SLUICEWAY_CLUSTERS: Sluiceway or Lambda sets it itself."),
                argumentSet(
                        "native binary's own variable",
                        with("\"environment\": {\"DISABLE_SIGNAL_HANDLERS\": \"false\"}"),
                        "environment can't set DISABLE_SIGNAL_HANDLERS: Sluiceway or Lambda sets it itself."),
                argumentSet(
                        "Lambda's own variable",
                        with("\"environment\": {\"AWS_REGION\": \"us-east-1\"}"),
                        "environment can't set AWS_REGION: Sluiceway or Lambda sets it itself."),
                argumentSet(
                        "variable that isn't set",
                        with("\"environment\": {\"JAVA_HOME\": \"${JAVA_HOME}\"}"),
                        "environment.JAVA_HOME: '${JAVA_HOME}' can't be used: the environment variable JAVA_HOME isn't set or is empty."),
                argumentSet(
                        "subnet's id",
                        with(
                                "\"vpc\": {\"subnetIds\": [\"private\"], \"securityGroupIds\": [\"sg-0123456789abcdef0\"]}"),
                        "vpc: 'private' is no subnetId: it is such as subnet-0123456789abcdef0."),
                argumentSet(
                        "no subnet",
                        with("\"vpc\": {\"subnetIds\": [], \"securityGroupIds\": [\"sg-0123456789abcdef0\"]}"),
                        "vpc: subnetIds is empty."),
                argumentSet(
                        "schedule expression",
                        with("\"monitorSchedule\": \"every minute\""),
                        "'every minute' is no monitorSchedule: it is at(2026-12-31T23:00:00), rate(6 hours) or cron(0 6 * * ? *), as EventBridge Scheduler writes them."),
                argumentSet(
                        "function that only answers",
                        with(schedule("list-jobs", "{\"cluster\": \"analytics\"}")),
                        "triggers.schedules[0]: function can't be list-jobs: it only answers, and nobody hears the answer of a trigger's call."),
                argumentSet(
                        "function that isn't there",
                        with(schedule("run-job", "{\"cluster\": \"analytics\"}")),
                        "triggers.schedules[0].function can't be 'run-job'; it is one of submit-job, job-status, take-savepoint, stop-job, upgrade-job, rescale-job, list-jobs, list-events, monitor-jobs."),
                argumentSet(
                        "request id of one's own",
                        with(schedule("stop-job", "{\"requestId\": \"mine\"}")),
                        "triggers.schedules[0]: event can't have requestId: the call says that itself."),
                argumentSet(
                        "jar for a function that takes none",
                        with(jar("\"function\": \"stop-job\"")),
                        "triggers.jars[0]: function can't be stop-job: a new jar is for submit-job or upgrade-job."),
                argumentSet(
                        "upgrade's terms of a submission",
                        with(jar("\"judgeWithin\": \"PT30M\", \"mode\": \"LAST_STATE\"")),
                        "triggers.jars[0]: judgeWithin, mode belongs to upgrade-job, and function is submit-job."),
                argumentSet(
                        "trigger by jar with a jar of its own",
                        with(jar("\"function\": \"upgrade-job\"").replace("{}", "{\"jar\": {}}")),
                        "triggers.jars[0]: job can't have a jar: it is the one that was put there."),
                argumentSet(
                        "term that no upgrade has",
                        with(jar("\"function\": \"upgrade-job\", \"try\": 2")),
                        "triggers.jars[0].try is no setting; there are function, job, judgeWithin, maxCheckpointAge, mode, name, prefix, rollbackAfterCommit."),
                argumentSet(
                        "cluster that isn't there",
                        with(schedule("stop-job", "{\"cluster\": \"elsewhere\"}")),
                        "a trigger names the cluster elsewhere, which isn't among the clusters: analytics."),
                argumentSet(
                        "topic",
                        with("\"alarmTopicArn\": \"alarms\""),
                        "'alarms' is no alarmTopicArn: it is the ARN of an SNS topic, such as arn:aws:sns:eu-central-1:123456789012:alarms."),
                argumentSet(
                        "AWS' own tag",
                        with("\"tags\": {\"aws:team\": \"streams\"}"),
                        "'aws:team' is no tag: it is 1 to 128 letters, digits, spaces and _.:/=+-@, and doesn't start with aws:."),
                argumentSet(
                        "field given twice",
                        with("\"packaging\": \"NATIVE\""),
                        "its JSON is wrong: Duplicate field 'packaging' (line 13, column 14)."),
                argumentSet("more than one value", SETTINGS + "{}", "it has to be one JSON object."),
                argumentSet("no object", "[]", "it has to be one JSON object."));
    }

    private static String schedule(String function, String event) {
        return "\"triggers\": {\"schedules\": [{\"name\": \"s\", \"function\": \"%s\", \"at\": \"rate(1 hour)\", \"event\": %s}]}"
                .formatted(function, event);
    }

    private static String jar(String fields) {
        return "\"triggers\": {\"jars\": [{\"name\": \"j\", \"prefix\": \"jars/j/\", %s, \"job\": {}}]}"
                .formatted(fields);
    }

    @Test
    void read_jarOfAJobToUpgrade_hasItsTerms() throws IOException {
        Settings settings = read(
                "prod",
                with(
                        jar(
                                "\"function\": \"upgrade-job\", \"mode\": \"LAST_STATE\", "
                                        + "\"rollbackAfterCommit\": \"ACCEPT_DUPLICATES\", \"judgeWithin\": \"PT2H\", \"maxCheckpointAge\": \"PT10M\"")));

        Triggers.NewJar jar = settings.triggers().jars().getFirst();
        assertThat(jar.function()).isEqualTo(FunctionName.UPGRADE_JOB);
        assertThat(jar.event())
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "mode", "LAST_STATE",
                        "rollbackAfterCommit", "ACCEPT_DUPLICATES",
                        "judgeWithin", "PT2H",
                        "maxCheckpointAge", "PT10M",
                        "job", Map.of()));
    }

    @Test
    void read_jarWithoutAFunction_isSubmitted() throws IOException {
        Settings settings =
                read("prod", with(jar("\"function\": \"submit-job\"").replace("\"function\": \"submit-job\", ", "")));

        Triggers.NewJar jar = settings.triggers().jars().getFirst();
        assertThat(jar.function()).isEqualTo(FunctionName.SUBMIT_JOB);
        assertThat(jar.event()).containsExactly(Map.entry("job", Map.of()));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void read_badSettings_saysWhatIsWrong(String json, String sentence) {
        assertThatThrownBy(() -> read("prod", json))
                .isInstanceOf(SettingsException.class)
                .hasMessage("%s: %s", directory.resolve("prod.json"), sentence);
    }

    @Test
    void read_unknownStage_namesTheKnownOnes() throws IOException {
        read("prod", SETTINGS);
        read("dev", SETTINGS);
        Stage stage = new Stage("staging");

        assertThatThrownBy(() -> new SettingsReader(directory, Map.of()).read(stage))
                .isInstanceOf(SettingsException.class)
                .hasMessage(
                        "The stage staging has no settings: %s doesn't exist. Stages with settings: dev, prod.",
                        directory.resolve("staging.json"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Prod", "1st", "../prod", "a-stage-with-a-long-name"})
    void stage_badName_isRefused(String name) {
        assertThatThrownBy(() -> new Stage(name))
                .isInstanceOf(SettingsException.class)
                .hasMessage(
                        "'%s' is no stage: it is 1 to 20 lower-case letters, digits and hyphens, and starts with a letter",
                        name);
    }

    /** Settings with a managed cluster that is right, with one thing replaced. */
    private static String managed(String text, String replacement) {
        String cluster = """
                {
                  "type": "MANAGED",
                  "applications": "flink-{job}",
                  "runtime": "FLINK-2_3",
                  "serviceRoleArn": "arn:aws:iam::123456789012:role/flink",
                  "logStreamArn": "arn:aws:logs:eu-central-1:123456789012:log-group:flink:log-stream:jobs",
                  "checkpointInterval": "PT30S",
                  "parallelismPerKpu": 2
                }""";
        assertThat(cluster).contains(text);
        return SETTINGS.replace("\"analytics\"", "\"managed\"").replace(CLUSTER, cluster.replace(text, replacement));
    }

    /** A sample application that is right, with one thing replaced. */
    private static String sample(String text, String replacement) {
        String sample = """
                "sampleApplication": {
                  "jarKey": "jars/flight-delays.jar",
                  "jarVersion": "v1",
                  "input": "s3a://data/flights",
                  "output": "s3://data/delays/"
                }""";
        assertThat(sample).contains(text);
        return sample.replace(text, replacement);
    }

    private static String with(String fields) {
        return SETTINGS.replaceFirst("\\s*}$", ",\n  " + Matcher.quoteReplacement(fields) + "\n}");
    }

    private static String without(String text) {
        assertThat(SETTINGS).contains(text);
        return SETTINGS.replace(text, "");
    }

    private Settings read(String stage, String json) throws IOException {
        return read(stage, json, Map.of());
    }

    private Settings read(String stage, String json, Map<String, String> environment) throws IOException {
        Files.writeString(directory.resolve(stage + ".json"), json);
        return new SettingsReader(directory, environment).read(new Stage(stage));
    }
}
