package io.sluiceway.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.testing.DynamoDbTable;
import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.LambdaRuntime;
import io.sluiceway.testing.LambdaRuntime.Result;
import io.sluiceway.testing.MiniStackProcess;
import io.sluiceway.testing.Processes;
import io.sluiceway.testing.StubServer;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.testing.TlsProxy;
import java.io.IOException;
import java.net.URI;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.runtime.client.JobStatusMessage;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * The packaged functions through Lambda's Runtime API, a fresh process for each call, on a real Flink cluster and the
 * laptop's S3; Flink's own client observes what they did. {@code -Dfunctions.zip} names another package with a
 * {@code bootstrap}, such as the native one.
 */
class PackagedFunctionsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final String BUCKET = "sluiceway-jars";
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    static Path home;

    private static FlinkProcesses flink;
    private static MiniStackProcess aws;
    private static DynamoDbTable table;
    private static LambdaRuntime lambda;
    private static RestClusterClient<String> observer;

    @BeforeAll
    static void start() throws Exception {
        flink = new FlinkProcesses(home.resolve("flink"));
        aws = new MiniStackProcess(Files.createDirectory(home.resolve("aws")));
        Path jar = TestJobJar.write(home.resolve("job.jar"), 0);
        try (S3Client s3 = aws.s3()) {
            s3.createBucket(b -> b.bucket(BUCKET));
            s3.putObject(p -> p.bucket(BUCKET).key("job.jar"), RequestBody.fromFile(jar));
            s3.putObject(p -> p.bucket(BUCKET).key("text.jar"), RequestBody.fromString("no jar"));
            s3.putObject(
                    p -> p.bucket(BUCKET).key("flight-delays.jar"),
                    RequestBody.fromFile(Processes.root().resolve("flink-jobs/target/flight-delays.jar")));
            Path padded = TestJobJar.write(home.resolve("padded.jar"), 8L << 20);
            s3.putObject(p -> p.bucket(BUCKET).key("padded.jar"), RequestBody.fromFile(padded));
            Path large = TestJobJar.write(home.resolve("large.jar"), 300L << 20);
            s3.putObject(p -> p.bucket(BUCKET).key("large.jar"), RequestBody.fromFile(large));
        }
        table = new DynamoDbTable(aws.url());
        lambda = new LambdaRuntime(
                Processes.root().resolve(System.getProperty("functions.zip", "functions/target/function-local.zip")),
                home,
                Map.of(
                        "SLUICEWAY_CLUSTERS", clusters(flink.url()),
                        "SLUICEWAY_JAR_BUCKETS", BUCKET,
                        "SLUICEWAY_LEDGER_TABLE", table.name(),
                        "SLUICEWAY_EVENT_BUS", "default",
                        "SLUICEWAY_SHARES_FILE_SYSTEM", "true",
                        "SLUICEWAY_TIME_BUDGET", "PT120S",
                        "AWS_ENDPOINT_URL", aws.url().toString(),
                        "AWS_REGION", "us-east-1",
                        "AWS_ACCESS_KEY_ID", "test",
                        "AWS_SECRET_ACCESS_KEY", "test"));
        Configuration configuration = new Configuration();
        configuration.set(RestOptions.ADDRESS, flink.url().getHost());
        configuration.set(RestOptions.PORT, flink.url().getPort());
        observer = new RestClusterClient<>(configuration, "observer");
    }

    /** The setting that names the cluster, reached there. */
    private static String clusters(URI url) {
        return """
                {"test": {"type": "SESSION", "url": "%s", "savepointRoot": "%s", "checkpointRoot": "%s"}}
                """.formatted(url, flink.savepointRoot(), flink.checkpointRoot());
    }

    @AfterAll
    static void stop() {
        observer.close();
        table.close();
        aws.close();
        flink.close();
    }

    @Test
    void stream_startedSavedStoppedAndStartedAgain_keepsItsState() throws Exception {
        JsonNode first = answer("submit-job", submission("life", 1, "job.jar", "endless", ""));
        String job = first.at("/job/flinkJobId").asText();
        assertThat(first.at("/outcome").asText()).isEqualTo("STARTED");
        awaitStatus(job, JobStatus.RUNNING);

        JsonNode again = answer("submit-job", submission("life", 1, "job.jar", "endless", ""));
        assertThat(again.at("/outcome").asText()).isEqualTo("REPLAYED");
        assertThat(again.at("/job/flinkJobId").asText()).isEqualTo(job);
        awaitFirstCheckpoint(job);

        String act = "\"requestId\":\"life/save\",\"try\":1,\"cluster\":\"test\",\"flinkJobId\":\"" + job + "\"";
        JsonNode savepoint = awaitOperation(answer("take-savepoint", "{" + act + "}"));
        assertThat(savepoint.at("/operation/state").asText()).isEqualTo("COMPLETED");
        assertThat(savepoint.at("/job/state").asText()).isEqualTo("RUNNING");

        JsonNode stopped = awaitOperation(answer("stop-job", "{" + act.replace("save", "stop") + "}"));
        assertThat(stopped.at("/operation/state").asText()).isEqualTo("COMPLETED");
        assertThat(stopped.at("/job/state").asText()).isEqualTo("FINISHED");
        assertThat(observer.getJobStatus(JobID.fromHexString(job)).get()).isEqualTo(JobStatus.FINISHED);

        assertThat(stopped.at("/operation/savepointPath").asText()).contains("/packaged-life/");

        // The same again, in a request of its own: it goes on from the savepoint.
        String second = answer(
                        "submit-job",
                        submission("life", 1, "job.jar", "endless", "")
                                .replace("\"requestId\":\"life\"", "\"requestId\":\"life/next\""))
                .at("/job/flinkJobId")
                .asText();
        assertThat(second).isNotEqualTo(job);
        awaitStatus(second, JobStatus.RUNNING);
        assertThat(answer("job-status", "{\"cluster\":\"test\",\"jobName\":\"packaged-life\"}")
                        .at("/job/restoredFrom"))
                .isEqualTo(stopped.at("/operation/savepointPath"));

        JsonNode cancelled = awaitOperation(answer(
                "stop-job",
                "{\"requestId\":\"life/end\",\"try\":1,\"mode\":\"CANCEL\",\"cluster\":\"test\",\"flinkJobId\":\""
                        + second + "\"}"));
        assertThat(cancelled.at("/operation/state").asText()).isEqualTo("COMPLETED");
        assertThat(observer.getJobStatus(JobID.fromHexString(second)).get()).isEqualTo(JobStatus.CANCELED);
    }

    @Test
    void stream_upgradedTwice_keepsTheVersionThatIsWell() throws Exception {
        String version = """
                {"requestId": "%s", "try": 1, "judgeWithin": "PT1M", "job": {"name": "packaged-upgraded",
                 "kind": "STREAM", "cluster": "test", "jar": {"uri": "s3://%s/job.jar"}, "args": ["%s"],
                 "parallelism": %d, "policies": {"health": {"settlingTime": "PT5S"}}}}
                """;
        String first = answer(
                        "submit-job",
                        version.replace("\"judgeWithin\": \"PT1M\", ", "").formatted("one", BUCKET, "endless", 1))
                .at("/job/flinkJobId")
                .asText();
        awaitFirstCheckpoint(first);

        JsonNode good = awaitOperation(answer("upgrade-job", version.formatted("two", BUCKET, "endless", 2)));

        assertThat(good.at("/operation/upgrade/ending").asText()).isEqualTo("UPGRADED");
        assertThat(good.at("/job/restoredFrom")).isEqualTo(good.at("/operation/savepointPath"));
        String second = good.at("/operation/upgrade/newFlinkJobId").asText();
        assertThat(observer.getJobStatus(JobID.fromHexString(first)).get()).isEqualTo(JobStatus.FINISHED);
        assertThat(observer.getJobStatus(JobID.fromHexString(second)).get()).isEqualTo(JobStatus.RUNNING);

        JsonNode bad = awaitOperation(answer("upgrade-job", version.formatted("three", BUCKET, "refusing", 2)));

        assertThat(bad.at("/operation/state").asText()).isEqualTo("FAILED");
        assertThat(bad.at("/operation/upgrade/ending").asText()).isEqualTo("ROLLED_BACK");
        assertThat(bad.at("/operation/failure").asText()).contains("There is no such day");
        String third = bad.at("/operation/upgrade/returnedFlinkJobId").asText();
        assertThat(observer.getJobStatus(JobID.fromHexString(third)).get()).isEqualTo(JobStatus.RUNNING);
        assertThat(answer("upgrade-job", version.formatted("four", BUCKET, "endless", 2))
                        .at("/outcome")
                        .asText())
                .isEqualTo("UNCHANGED");
        observer.cancel(JobID.fromHexString(third)).get();
    }

    @Test
    void dryRun_submission_startsNothingAndSaysWhatTheCallThenDoes() throws Exception {
        String event = submission("planned", 1, "job.jar", "bounded", "");

        JsonNode planned = answer("submit-job", event.replace("\"try\":1", "\"try\":1,\"dryRun\":true"));

        assertThat(planned.at("/outcome").asText()).isEqualTo("PLANNED");
        assertThat(planned.at("/plan/action").asText()).isEqualTo("NEW_ATTEMPT");
        String job = planned.at("/plan/flinkJobId").asText();
        assertThat(observer.listJobs().get())
                .extracting(JobStatusMessage::getJobId)
                .doesNotContain(JobID.fromHexString(job));
        assertThat(table.items()).noneMatch(item -> item.toString().contains("packaged-planned"));

        assertThat(answer("submit-job", event).at("/job/flinkJobId").asText()).isEqualTo(job);
        awaitStatus(job, JobStatus.FINISHED);
    }

    @Test
    void run_bounded_finishesAndIsListed() throws Exception {
        String job = answer("submit-job", submission("bounded", 1, "job.jar", "bounded", ""))
                .at("/job/flinkJobId")
                .asText();

        awaitStatus(job, JobStatus.FINISHED);

        JsonNode status = answer("job-status", "{\"cluster\":\"test\",\"flinkJobId\":\"" + job + "\"}");
        assertThat(status.at("/job/terminal").asBoolean()).isTrue();
        assertThat(answer("list-jobs", "{\"cluster\":\"test\"}").at("/jobs").findValuesAsText("flinkJobId"))
                .contains(job);
        JsonNode events = answer("list-events", "{\"cluster\":\"test\",\"jobName\":\"packaged-bounded\"}");
        assertThat(events.at("/events").findValuesAsText("state")).last().isEqualTo("FINISHED");
        assertThat(events.at("/events").findValuesAsText("operationType")).containsExactly("SUBMIT_JOB");
        // What the bus took is pending no more.
        assertThat(table.items())
                .noneMatch(item -> item.get("pk").s().startsWith("PENDING#")
                        && item.get("job").s().equals("packaged-bounded"));
    }

    /** A year of flights in about a minute; the reference program shares no code with the job. */
    @Test
    void stream_taskManagerKilledOnItsWay_countsEveryFlightOnce() throws Exception {
        Path flights = Processes.root().resolve("flink-jobs/data/nycflights13");
        Path output = home.resolve("delays");
        String event = """
                {"requestId": "year", "try": 1, "job": {"name": "flight-delays", "kind": "STREAM", "cluster": "test",
                 "jar": {"uri": "s3://%s/flight-delays.jar"}, "parallelism": 1, "args": ["--input", "file:%s",
                 "--output", "file:%s", "--replay", "864000", "--checkpoint-interval", "PT1S"]}}
                """.formatted(BUCKET, flights, output);
        String job = answer("submit-job", event).at("/job/flinkJobId").asText();
        awaitFirstCheckpoint(job);
        await().atMost(PATIENCE).until(() -> !lines(output).isEmpty());

        flink.replaceTaskManager();

        List<String> expected = reference(flights);
        await().atMost(Duration.ofMinutes(4))
                .pollInterval(Duration.ofSeconds(2))
                .until(() -> lines(output).size() >= expected.size());
        assertThat(lines(output)).isEqualTo(expected);
        // Whoever asks for restarts first has Flink fetch its metrics, and is told of those that it had before.
        JsonNode status = await().atMost(PATIENCE)
                .until(
                        () -> answer("job-status", "{\"cluster\":\"test\",\"flinkJobId\":\"" + job + "\"}"),
                        told -> told.at("/job/restarts").asInt() > 0);
        assertThat(status.at("/job/firstFailure/message").asText()).isNotEmpty();
        assertThat(status.at("/job/state").asText()).isEqualTo("RUNNING");
        answer(
                "stop-job",
                "{\"requestId\":\"year/end\",\"try\":1,\"mode\":\"CANCEL\",\"cluster\":\"test\",\"flinkJobId\":\"" + job
                        + "\"}");
        awaitStatus(job, JobStatus.CANCELED);
    }

    /** Nobody asks after the savepoint and the stop: sweeps alone bring them to their end. */
    @Test
    void monitor_callerWentAway_sweepsEndItsOperationsAndMeasure() throws Exception {
        String job = answer("submit-job", submission("swept", 1, "job.jar", "endless", ""))
                .at("/job/flinkJobId")
                .asText();
        awaitFirstCheckpoint(job);
        await().atMost(PATIENCE).until(() -> sweep().at("/operations/open").asInt() == 0);
        String act = "\"requestId\":\"swept/save\",\"try\":1,\"cluster\":\"test\",\"flinkJobId\":\"" + job + "\"";

        answer("take-savepoint", "{" + act + "}");
        awaitSweepThatCompletesOne();
        // Flink fetches a job's metrics when somebody asks for them, and tells them from then on.
        await().atMost(PATIENCE).until(() -> {
            sweep();
            return measurements().stream()
                    .anyMatch(line -> line.at("/job").asText().equals("packaged-swept") && line.has("Restarts"));
        });
        JsonNode saved = sweep();
        answer("stop-job", "{" + act.replace("save", "stop") + "}");
        awaitSweepThatCompletesOne();

        assertThat(observer.getJobStatus(JobID.fromHexString(job)).get()).isEqualTo(JobStatus.FINISHED);
        assertThat(saved.at("/jobs/RUNNING").asInt()).isPositive();
        assertThat(saved.at("/left").asInt()).isZero();
        assertThat(saved.at("/errors")).isEmpty();
        List<JsonNode> measured = measurements();
        assertThat(measured)
                .allSatisfy(line -> assertThat(
                                line.at("/_aws/CloudWatchMetrics/0/Namespace").asText())
                        .isEqualTo("Sluiceway/test"))
                .anySatisfy(line -> {
                    assertThat(line.at("/cluster").asText()).isEqualTo("test");
                    assertThat(line.at("/ClusterUnreachable").asInt(-1)).isZero();
                    assertThat(line.at("/JobsRunning").asInt()).isPositive();
                })
                .anySatisfy(line -> {
                    assertThat(line.at("/job").asText()).isEqualTo("packaged-swept");
                    assertThat(line.at("/Restarts").asInt(-1)).isZero();
                    assertThat(line.at("/LastCheckpointAge").asDouble(-1)).isBetween(0.0, 60.0);
                    assertThat(line.at("/LastSavepointAge").asDouble(-1)).isBetween(0.0, 60.0);
                });
    }

    private static JsonNode sweep() {
        Result result = lambda.invoke(
                "monitor-jobs",
                "{\"requestId\":\"sweep\",\"clusters\":[\"test\"]}",
                Map.of("SLUICEWAY_METRICS_NAMESPACE", "Sluiceway/test"));
        assertThat(result.error()).as(result.body().toString()).isFalse();
        return result.body().at("/clusters/0");
    }

    private static void awaitSweepThatCompletesOne() {
        await().atMost(PATIENCE).until(() -> sweep().at("/operations/completed").asInt() == 1);
    }

    /** The lines that CloudWatch would take for metrics: JSON from their first character on. */
    private static List<JsonNode> measurements() throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(home.resolve("functions.log"))) {
            if (line.contains("\"CloudWatchMetrics\"")) {
                lines.add(JSON.readTree(line));
            }
        }
        return lines;
    }

    private static List<String> lines(Path output) throws IOException {
        if (!Files.isDirectory(output)) {
            return List.of();
        }
        List<String> lines = new ArrayList<>();
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(output, "part-*.jsonl")) {
            for (Path part : parts) {
                lines.addAll(Files.readAllLines(part));
            }
        }
        Collections.sort(lines);
        return lines;
    }

    private static List<String> reference(Path flights) throws IOException, InterruptedException {
        Path result = home.resolve("reference.jsonl");
        Process program = Processes.start(
                result,
                Map.of(),
                List.of(
                        Processes.root().resolve(".venv/bin/python").toString(),
                        Processes.root()
                                .resolve("flink-jobs/reference/flight_delays.py")
                                .toString(),
                        "--input",
                        flights.toString(),
                        "--from",
                        "2013-01-01",
                        "--to",
                        "2014-01-01"));
        assertThat(program.waitFor()).as(() -> "see " + result).isZero();
        List<String> lines = new ArrayList<>(Files.readAllLines(result));
        Collections.sort(lines);
        return lines;
    }

    @Test
    void submit_jarOf300Megabytes_passesWith512OfMemory() {
        Result result = lambda.invoke("submit-job", submission("large", 1, "large.jar", "bounded", ""));

        assertThat(result.error()).as(result.body().toString()).isFalse();
        assertThat(result.peakMegabytes()).isLessThan(512);
        String job = result.body().at("/job/flinkJobId").asText();

        awaitStatus(job, JobStatus.FINISHED);
    }

    @Test
    void submit_refused_failsWithItsCodeFirstAndLeavesNothing() throws Exception {
        Set<JobID> before = jobs();

        assertRefused("submit-job", submission("missing-jar", 1, "missing.jar", "endless", ""), "JAR_NOT_FOUND");
        assertRefused("submit-job", submission("text-jar", 1, "text.jar", "endless", ""), "JAR_NOT_A_JAR");
        assertRefused("submit-job", submission("refusing", 1, "job.jar", "refusing", ""), "PROGRAM_FAILED");
        assertRefused(
                "submit-job",
                submission("wide", 1, "job.jar", "endless", "").replace("\"parallelism\":1", "\"parallelism\":9"),
                "PARALLELISM_EXCEEDS_SLOTS");
        assertRefused("list-jobs", "{\"cluster\":\"test\",\"url\":\"" + flink.url() + "\"}", "FIELD_UNKNOWN");
        assertThat(jobs()).isEqualTo(before);
    }

    @Test
    void submit_secretInArguments_isInNoErrorAndNoLog() throws IOException {
        String secret = "xyzzy-canary-42";
        String good = submission("canary", 1, "job.jar", "refusing\",\"--password=" + secret, "");

        // The program quotes it, and Flink the program.
        assertRefused("submit-job", good, "PROGRAM_FAILED", secret);
        assertRefused("submit-job", good.replace("\"STREAM\"", "\"" + secret + "\""), "FIELD_INVALID", secret);
        assertRefused("submit-job", good.replace("\"args\"", "\"--password=" + secret + "\""), "FIELD_UNKNOWN", secret);
        assertRefused("submit-job", secret + " " + good, "EVENT_UNREADABLE", secret);
        assertRefused("submit-job", good.replace("\"--", secret + "\"--"), "EVENT_UNREADABLE", secret);
        assertThat(home.resolve("functions.log"))
                .content()
                .contains("PROGRAM_FAILED: ")
                .doesNotContain(secret);
    }

    private static void assertRefused(String function, String event, String code, String secret) {
        Result result = lambda.invoke(function, event);

        assertThat(result.errorMessage()).startsWith(code + ": {");
        assertThat(result.body().toString()).doesNotContain(secret);
    }

    @Test
    void submit_awsOverTls_isTrustedByItsCertificateAlone() {
        String event = submission("tls", 1, "job.jar", "bounded", "").replace("\"STREAM\"", "\"RUN\"");
        try (TlsProxy tls = new TlsProxy(home.resolve("tls"), aws.url())) {
            Map<String, String> settings = Map.of("AWS_ENDPOINT_URL", tls.url().toString());

            Result unknown = lambda.invoke("submit-job", event, settings);
            assertThat(unknown.errorMessage())
                    .startsWith("LEDGER_UNAVAILABLE: ")
                    .contains("CertPath");

            Result trusted = lambda.invoke("submit-job", event, settings, tls.trust());
            assertThat(trusted.body().at("/outcome").asText())
                    .as(trusted.body().toString())
                    .isEqualTo("STARTED");
        }
    }

    @Test
    void submit_flinkOverTls_isTrustedByItsCertificateAlone() {
        String event = submission("flink-tls", 1, "padded.jar", "bounded", "").replace("\"STREAM\"", "\"RUN\"");
        try (TlsProxy tls = new TlsProxy(home.resolve("flink-tls"), flink.url())) {
            Map<String, String> settings = Map.of("SLUICEWAY_CLUSTERS", clusters(tls.url()));

            Result unknown = lambda.invoke("submit-job", event, settings);
            assertThat(unknown.errorMessage()).startsWith("CLUSTER_UNREACHABLE: ");

            Result trusted = lambda.invoke("submit-job", event, settings, tls.trust());
            assertThat(trusted.body().at("/outcome").asText())
                    .as(trusted.body().toString())
                    .isEqualTo("STARTED");
        }
    }

    @Test
    void everyFunction_clusterThatNeverAnswers_failsWithinItsTime() throws Exception {
        String id = answer("submit-job", submission("silent", 1, "job.jar", "endless", ""))
                .at("/job/flinkJobId")
                .asText();
        CountDownLatch never = new CountDownLatch(1);
        try (StubServer silent = new StubServer(exchange -> never.await())) {
            Map<String, String> settings =
                    Map.of("SLUICEWAY_CLUSTERS", clusters(silent.url()), "SLUICEWAY_TIME_BUDGET", "PT6S");
            String job = "\"cluster\":\"test\",\"flinkJobId\":\"" + id + "\"";
            String request = "{\"requestId\":\"silent\",\"try\":1," + job + "}";
            Map<String, String> events = Map.of(
                    "submit-job",
                    submission("silent", 1, "job.jar", "endless", ""),
                    "job-status",
                    "{" + job + "}",
                    "take-savepoint",
                    request,
                    "stop-job",
                    request,
                    "list-jobs",
                    "{\"cluster\":\"test\"}");
            for (Map.Entry<String, String> event : events.entrySet()) {
                Instant called = Instant.now();

                Result result = lambda.invoke(event.getKey(), event.getValue(), settings);

                assertThat(result.errorMessage()).as(event.getKey()).startsWith("CLUSTER_TIMEOUT: ");
                // What is above the budget is the start of the process.
                assertThat(Duration.between(called, Instant.now())).isLessThan(Duration.ofSeconds(16));
            }
            Instant called = Instant.now();

            Result swept = lambda.invoke("monitor-jobs", "{}", settings);

            assertThat(swept.body().at("/clusters/0/reachable").asBoolean(true)).isFalse();
            assertThat(swept.body().at("/clusters/0/errors/0/code").asText()).isEqualTo("CLUSTER_TIMEOUT");
            assertThat(swept.body().at("/left").asInt()).isPositive();
            assertThat(Duration.between(called, Instant.now())).isLessThan(Duration.ofSeconds(16));
        }
        answer(
                "stop-job",
                "{\"requestId\":\"silent/end\",\"try\":1,\"mode\":\"CANCEL\",\"cluster\":\"test\",\"jobName\":\"packaged-silent\"}");
        awaitStatus(id, JobStatus.CANCELED);
    }

    @Test
    void everyFunction_unknownJob_failsWithItsCodeFirst() {
        String job = "\"cluster\":\"test\",\"flinkJobId\":\"" + "0".repeat(32) + "\"";
        String request = "{\"requestId\":\"unknown\",\"try\":1," + job + "}";

        assertRefused("job-status", "{" + job + "}", "JOB_NOT_FOUND");
        assertRefused("take-savepoint", request, "JOB_NOT_FOUND");
        assertRefused("stop-job", request, "JOB_NOT_FOUND");
        assertRefused("list-jobs", "{\"cluster\":\"elsewhere\"}", "CLUSTER_UNKNOWN");
        assertRefused("list-events", "{\"cluster\":\"test\",\"jobName\":\"nobodys\"}", "JOB_NOT_FOUND");
        assertRefused("monitor-jobs", "{\"clusters\":[\"test\",\"elsewhere\"]}", "CLUSTER_UNKNOWN");
    }

    private static void assertRefused(String function, String event, String code) {
        Result result = lambda.invoke(function, event);

        assertThat(result.error()).isTrue();
        assertThat(result.errorMessage()).startsWith(code + ": {\"outcome\":\"REFUSED\"");
    }

    private static JsonNode answer(String function, String event) {
        Result result = lambda.invoke(function, event);
        assertThat(result.error()).as(result.body().toString()).isFalse();
        return result.body();
    }

    private static JsonNode awaitOperation(JsonNode triggered) {
        String event = "{\"operationId\":" + triggered.at("/operation/operationId") + "}";
        return await().atMost(PATIENCE)
                .until(
                        () -> answer("job-status", event),
                        status -> status.at("/operation/terminal").asBoolean());
    }

    private static void awaitFirstCheckpoint(String job) {
        await().atMost(PATIENCE)
                .until(() -> answer("job-status", "{\"cluster\":\"test\",\"flinkJobId\":\"" + job + "\"}")
                        .at("/job/lastCheckpoint")
                        .isObject());
    }

    private static void awaitStatus(String job, JobStatus status) {
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(
                                observer.getJobStatus(JobID.fromHexString(job)).get(10, TimeUnit.SECONDS))
                        .isEqualTo(status));
    }

    private static Set<JobID> jobs() throws Exception {
        return observer.listJobs().get().stream()
                .map(JobStatusMessage::getJobId)
                .collect(Collectors.toSet());
    }

    private static String submission(String requestId, int tryNumber, String jar, String behaviour, String more) {
        return "{\"requestId\":\"%s\",\"try\":%d,\"job\":{\"name\":\"packaged-%s\",\"kind\":\"STREAM\",\"cluster\":\"test\","
                        .formatted(requestId, tryNumber, requestId)
                + "\"jar\":{\"uri\":\"s3://%s/%s\"},\"args\":[\"%s\"],\"parallelism\":1%s}}"
                        .formatted(BUCKET, jar, behaviour, more);
    }
}
