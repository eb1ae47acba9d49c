package io.sluiceway.bench;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.testing.DynamoDbTable;
import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.ManagedFlinkProcess;
import io.sluiceway.testing.MiniStackProcess;
import io.sluiceway.testing.TestJobJar;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationDetail;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationStatus;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;

/**
 * What the benches' functions work on: a real Flink, Managed Flink's double over it, and the AWS of the laptop.
 * Functions find them directly, or through what measures how long they take.
 */
final class BenchLab implements AutoCloseable {
    static final String SESSION = "session";
    static final String MANAGED = "managed";

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String BUCKET = "jars";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** How the JobManager says that a job begins. */
    private static final Pattern BEGUN =
            Pattern.compile(" - Job (\\S+) \\(([0-9a-f]{32})\\) switched from state CREATED to RUNNING\\.");

    /**
     * Where a function's calls go.
     *
     * @param flink Flink's REST interface
     * @param aws every service of AWS but Managed Flink
     * @param managedFlink Managed Flink's
     */
    record Endpoints(URI flink, URI aws, URI managedFlink) {}

    private final HttpClient http = HttpClient.newHttpClient();
    private final FlinkProcesses flink;
    private final MiniStackProcess aws;
    private final ManagedFlinkProcess service;
    private final KinesisAnalyticsV2Client applications;

    BenchLab(Path home) throws IOException {
        Path properties = home.resolve("application_properties.json");
        flink = new FlinkProcesses(
                home.resolve("flink"),
                new FlinkProcesses.Options(
                        4,
                        false,
                        Map.of("jobstore.max-capacity", "20"),
                        Map.of("TEST_JOB_PROPERTIES_FILE", properties.toString()),
                        process -> {}));
        aws = new MiniStackProcess(Files.createDirectories(home.resolve("aws")));
        service = new ManagedFlinkProcess(
                home.resolve("managed"), flink, aws.url(), properties, "--passing", "0.1", "--poll", "0.1");
        applications = service.client();
        try (S3Client s3 = aws.s3()) {
            s3.createBucket(bucket -> bucket.bucket(BUCKET));
            s3.putBucketVersioning(bucket -> bucket.bucket(BUCKET)
                    .versioningConfiguration(versioning -> versioning.status(BucketVersioningStatus.ENABLED)));
            s3.putObject(
                    object -> object.bucket(BUCKET).key("job.jar"),
                    RequestBody.fromFile(TestJobJar.write(home.resolve("job.jar"), 0)));
        }
    }

    /** {@return a ledger of its own} */
    DynamoDbTable table() {
        return new DynamoDbTable(aws.url());
    }

    /** {@return where everything is} */
    Endpoints endpoints() {
        return new Endpoints(flink.url(), aws.url(), service.url());
    }

    /** {@return what a function finds in its environment, the Python function's names included} */
    Map<String, String> environment(DynamoDbTable table, Endpoints endpoints) {
        Map<String, String> variables = new HashMap<>();
        variables.put(
                "SLUICEWAY_CLUSTERS", """
                {"session": {"type": "SESSION", "url": "%s", "savepointRoot": "%s", "checkpointRoot": "%s"},
                 "managed": {"type": "MANAGED", "applications": "bench-{job}", "runtime": "FLINK-2_3",
                             "serviceRoleArn": "arn:aws:iam::000000000000:role/flink"}}
                """.formatted(endpoints.flink(), flink.savepointRoot(), flink.checkpointRoot()));
        variables.put("SLUICEWAY_JAR_BUCKETS", BUCKET);
        variables.put("SLUICEWAY_LEDGER_TABLE", table.name());
        variables.put("SLUICEWAY_EVENT_BUS", "default");
        variables.put("SLUICEWAY_SHARES_FILE_SYSTEM", "true");
        variables.put("SLUICEWAY_TIME_BUDGET", "PT25S");
        variables.put("AWS_ENDPOINT_URL", endpoints.aws().toString());
        variables.put(
                "AWS_ENDPOINT_URL_KINESIS_ANALYTICS_V2",
                endpoints.managedFlink().toString());
        variables.put("AWS_REGION", "us-east-1");
        variables.put("AWS_DEFAULT_REGION", "us-east-1");
        variables.put("AWS_ACCESS_KEY_ID", "test");
        variables.put("AWS_SECRET_ACCESS_KEY", "test");
        variables.put("FLINK_URL", endpoints.flink().toString());
        variables.put("TABLE", table.name());
        return Map.copyOf(variables);
    }

    /** {@return the event that starts a STREAM which runs until somebody ends it} */
    static String submission(String cluster, String name) {
        String behaviour = cluster.equals(SESSION) ? "[\"endless\"]" : "[\"--behaviour\", \"endless\"]";
        return submission(cluster, name, "STREAM", behaviour);
    }

    /** {@return the event that starts a RUN which is soon done} */
    static String run(String name) {
        return submission(SESSION, name, "RUN", "[\"bounded\"]");
    }

    private static String submission(String cluster, String name, String kind, String arguments) {
        return """
                {"requestId": "%s", "try": 1, "job": {"name": "%s", "kind": "%s", "cluster": "%s",
                 "jar": {"uri": "s3://%s/job.jar"}, "args": %s, "parallelism": 1}}
                """.formatted(name, name, kind, cluster, BUCKET, arguments);
    }

    /** Waits until a job's tasks all run. */
    void awaitRunning() {
        await("the job runs")
                .atMost(PATIENCE)
                .until(() -> jobs().anyMatch(job -> job.path("state").asText().equals("RUNNING")
                        && job.path("tasks").path("running").asInt()
                                == job.path("tasks").path("total").asInt()));
    }

    /** Waits until no job lives. */
    void awaitQuiet() {
        await("nothing runs").atMost(PATIENCE).until(() -> jobs().noneMatch(BenchLab::lives));
    }

    /** {@return the names of the jobs that have begun, one for each execution, by the JobManager's log} */
    List<String> begun() throws IOException {
        try (Stream<String> lines = Files.lines(flink.jobManagerLog())) {
            return lines.map(BEGUN::matcher)
                    .filter(Matcher::find)
                    // Behind it the test job has the attempt that it finds in Managed Flink's properties.
                    .map(line -> line.group(1).replaceFirst("@.*", ""))
                    .toList();
        }
    }

    /** Leaves nothing of a job but its jar on the cluster. */
    void end(String cluster, String name) throws IOException, InterruptedException {
        if (cluster.equals(MANAGED)) {
            delete("bench-" + name);
        }
        for (JsonNode job : jobs().filter(BenchLab::lives).toList()) {
            http.send(
                    HttpRequest.newBuilder(URI.create(
                                    flink.url() + "/jobs/" + job.path("jid").asText()))
                            .method("PATCH", HttpRequest.BodyPublishers.noBody())
                            .build(),
                    BodyHandlers.discarding());
        }
        awaitQuiet();
    }

    private void delete(String application) {
        ApplicationDetail detail = applications
                .describeApplication(request -> request.applicationName(application))
                .applicationDetail();
        applications.stopApplication(
                request -> request.applicationName(application).force(true));
        await("the application stops")
                .atMost(PATIENCE)
                .until(() -> applications
                                .describeApplication(request -> request.applicationName(application))
                                .applicationDetail()
                                .applicationStatus()
                        == ApplicationStatus.READY);
        applications.deleteApplication(
                request -> request.applicationName(application).createTimestamp(detail.createTimestamp()));
    }

    private Stream<JsonNode> jobs() throws IOException, InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(flink.url().resolve("/jobs/overview")).build();
        JsonNode answer =
                JSON.readTree(http.send(request, BodyHandlers.ofString()).body());
        return StreamSupport.stream(answer.path("jobs").spliterator(), false);
    }

    private static boolean lives(JsonNode job) {
        return job.path("end-time").asLong() < 0;
    }

    @Override
    public void close() {
        http.close();
        applications.close();
        service.close();
        aws.close();
        flink.close();
    }
}
