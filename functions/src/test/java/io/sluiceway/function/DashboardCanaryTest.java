package io.sluiceway.function;

import static io.sluiceway.function.Schemas.violations;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import io.sluiceway.cluster.ApplicationNames;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Ownership;
import io.sluiceway.cluster.DashboardLink;
import io.sluiceway.cluster.managed.ManagedCluster;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobName;
import io.sluiceway.job.Observation;
import io.sluiceway.testing.LogListener;
import io.sluiceway.testing.StubServer;
import io.sluiceway.testing.TestJobJar;
import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;

/**
 * A presigned link lets in whoever has it: it is in the answer to the call that asked for it, and in no other, no log,
 * no record of the ledger and no {@code toString()}.
 */
class DashboardCanaryTest {
    private static final String CANARY = "xyzzy-canary-42";
    private static final String URL = "https://dashboard.example/flinkdashboard?authToken=" + CANARY;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final StringWriter logged = new StringWriter();
    private final LogListener listener = new LogListener(line -> {
        logged.append(line.getMessage() + line.getThrown() + "\n");
        for (Object parameter : line.getParameters() == null ? new Object[0] : line.getParameters()) {
            logged.append(parameter + "\n");
        }
    });

    private final StubServer service = new StubServer(this::answer);
    private final KinesisAnalyticsV2Client client = ManagedCluster.newClientBuilder()
            .endpointOverride(service.url())
            .region(Region.US_EAST_1)
            .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
            .build();
    private volatile String attemptId = "";
    private FakeDeployment deployment;

    @TempDir
    Path directory;

    @BeforeEach
    void deploy() {
        deployment = new FakeDeployment(
                directory,
                new ManagedCluster(
                        new ClusterName("local"),
                        new ClusterSettings.Managed(
                                new ApplicationNames("{job}"),
                                Ownership.SLUICEWAY,
                                "FLINK-2_3",
                                "arn:aws:iam::111122223333:role/flink",
                                null,
                                Duration.ofMinutes(1),
                                1),
                        () -> client,
                        () -> {
                            throw new IllegalStateException("There is no CloudWatch.");
                        },
                        ManagedCluster.METRICS_PERIOD,
                        "us-east-1"));
        deployment.jars.put(
                "s3://sluiceway-local-jobs/jars/test.jar", "v1", TestJobJar.write(directory.resolve("v1.jar"), 0));
    }

    @AfterEach
    void close() {
        listener.close();
        client.close();
        service.close();
    }

    @Test
    void jobStatus_dashboardAskedFor_isInItsAnswerAlone() {
        JsonNode submitted = call("submit-job", """
                {"requestId":"r","try":1,"job":{"name":"delays","kind":"STREAM","cluster":"local","restore":{"mode":"NONE"},
                 "jar":{"uri":"s3://sluiceway-local-jobs/jars/test.jar","versionId":"v1"}}}
                """);
        String operation = submitted.at("/operation/operationId").asText();

        for (String named : List.of(
                "\"cluster\":\"local\",\"jobName\":\"delays\"",
                "\"cluster\":\"local\",\"flinkJobId\":\"%s\"".formatted(attemptId),
                "\"operationId\":\"%s\"".formatted(operation))) {
            JsonNode asked = call("job-status", "{%s,\"dashboard\":true}".formatted(named));
            assertThat(asked.at("/job/links/flinkDashboard").asText()).isEqualTo(URL);
            assertThat(violations("job-status.answer", asked.toString())).isEmpty();

            assertThat(call("job-status", "{%s}".formatted(named)).toString()).doesNotContain(CANARY);
            assertThat(call("job-status", "{%s,\"dashboard\":false}".formatted(named))
                            .toString())
                    .doesNotContain(CANARY);
        }

        assertThat(call("list-jobs", "{\"cluster\":\"local\"}").toString()).doesNotContain(CANARY);
        assertThat(call("monitor-jobs", "{}").toString()).doesNotContain(CANARY);
        assertThat(ledger()).contains(attemptId).doesNotContain(CANARY);
        deployment.answer("job-status", "{\"cluster\":\"local\",\"jobName\":\"other\",\"dashboard\":true}");
        assertThat(logged.toString()).contains("JOB_NOT_FOUND").doesNotContain(CANARY);
    }

    @Test
    void toString_ofWhatHoldsALink_leavesItOut() {
        assertThat(Observation.now(new DashboardLink(URI.create(URL))).toString())
                .contains("a link to the dashboard")
                .doesNotContain(CANARY);
    }

    private JsonNode call(String function, String event) {
        return deployment.call(function, event);
    }

    private String ledger() {
        List<Object> records = new ArrayList<>();
        records.addAll(deployment.ledger.jobs());
        records.addAll(deployment.ledger.requests());
        records.addAll(deployment.ledger.attempts());
        records.addAll(deployment.ledger.operations());
        records.addAll(deployment.ledger.savepoints());
        records.addAll(deployment.ledger.history(new ClusterName("local"), new JobName("delays")));
        return records.toString();
    }

    /** The service, with an application that runs from its creation on. */
    private void answer(HttpExchange exchange) throws IOException {
        String operation = exchange.getRequestHeaders().getFirst("X-Amz-Target").split("\\.", -1)[1];
        JsonNode request = JSON.readTree(exchange.getRequestBody());
        exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
        String body = switch (operation) {
            case "CreateApplication" -> {
                attemptId = request.findValue("attemptId").asText();
                yield "{}";
            }
            case "StartApplication" -> "{}";
            case "DescribeApplication" -> attemptId.isEmpty() ? "" : """
                    {"ApplicationDetail": {"ApplicationName": "delays", "ApplicationARN": "arn",
                      "ApplicationStatus": "RUNNING", "ApplicationVersionId": 1, "RuntimeEnvironment": "FLINK-2_3",
                      "CreateTimestamp": 1357380000, "ApplicationConfigurationDescription": {
                        "EnvironmentPropertyDescriptions": {"PropertyGroupDescriptions": [
                          {"PropertyGroupId": "sluiceway", "PropertyMap": {"attemptId": "%s"}}]}}}}
                    """.formatted(attemptId);
            case "ListApplications" ->
                "{\"ApplicationSummaries\":[{\"ApplicationName\":\"delays\",\"ApplicationARN\":\"arn\",\"ApplicationStatus\":\"RUNNING\",\"ApplicationVersionId\":1}]}";
            case "CreateApplicationPresignedUrl" -> "{\"AuthorizedUrl\":\"%s\"}".formatted(URL);
            default -> "";
        };
        if (body.isEmpty()) {
            StubServer.answer(
                    exchange,
                    400,
                    "{\"__type\":\"ResourceNotFoundException\",\"message\":\"There is none.\"}".getBytes(UTF_8));
        } else {
            StubServer.answer(exchange, 200, body.getBytes(UTF_8));
        }
    }
}
