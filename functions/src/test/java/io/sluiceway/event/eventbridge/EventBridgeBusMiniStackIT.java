package io.sluiceway.event.eventbridge;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.event.EventBus;
import io.sluiceway.event.EventBusContract;
import io.sluiceway.event.EventId;
import io.sluiceway.job.JobName;
import io.sluiceway.testing.MiniStackProcess;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.eventbridge.EventBridgeClient;
import software.amazon.awssdk.services.eventbridge.model.Target;

/** The bus of MiniStack, with a rule and a queue behind it as the CDK app makes them. */
class EventBridgeBusMiniStackIT extends EventBusContract {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String BUS = "sluiceway-test";

    @TempDir
    static Path home;

    private static MiniStackProcess aws;
    private static EventBridgeClient client;
    private static String queue;
    private static final List<JsonNode> RECEIVED = new ArrayList<>();

    @BeforeAll
    static void start() throws Exception {
        aws = new MiniStackProcess(home);
        client = EventBridgeBus.newClientBuilder()
                .endpointOverride(aws.url())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .build();
        queue = sqs("CreateQueue", object().put("QueueName", "events"))
                .path("QueueUrl")
                .asText();
        ObjectNode attributes = object().put("QueueUrl", queue);
        attributes.putArray("AttributeNames").add("QueueArn");
        String arn =
                sqs("GetQueueAttributes", attributes).at("/Attributes/QueueArn").asText();
        client.createEventBus(bus -> bus.name(BUS));
        client.putRule(rule -> rule.name("ours").eventBusName(BUS).eventPattern("{\"source\":[\"sluiceway\"]}"));
        client.putTargets(targets -> targets.rule("ours")
                .eventBusName(BUS)
                .targets(Target.builder().id("queue").arn(arn).build()));
    }

    @AfterAll
    static void stop() {
        if (client != null) {
            client.close();
        }
        if (aws != null) {
            aws.close();
        }
    }

    @Override
    protected EventBus bus() {
        return new EventBridgeBus(() -> client, BUS);
    }

    @Override
    protected List<EventId> arrived(JobName of) {
        try {
            for (JsonNode messages = receive(); !messages.isEmpty(); messages = receive()) {
                for (JsonNode message : messages) {
                    RECEIVED.add(JSON.readTree(message.path("Body").asText()));
                    sqs(
                            "DeleteMessage",
                            object().put("QueueUrl", queue)
                                    .put(
                                            "ReceiptHandle",
                                            message.path("ReceiptHandle").asText()));
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        return RECEIVED.stream()
                .filter(event -> event.at("/detail/data/jobName").asText().equals(of.value()))
                .peek(event -> {
                    assertThat(event.path("source").asText()).isEqualTo("sluiceway");
                    assertThat(event.path("detail-type").asText()).isEqualTo("Flink Job State Changed");
                    assertThat(event.at("/detail/data/failure").asText()).isEqualTo("Zürich 日本 \"🛬\"");
                })
                .map(event -> new EventId(event.at("/detail/metadata/id").asText()))
                .toList();
    }

    private static JsonNode receive() throws IOException, InterruptedException {
        // MiniStack hands events over before it answers who published them.
        return sqs(
                        "ReceiveMessage",
                        object().put("QueueUrl", queue)
                                .put("MaxNumberOfMessages", 10)
                                .put("WaitTimeSeconds", 1))
                .path("Messages");
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    private static JsonNode sqs(String action, ObjectNode request) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpResponse<String> answer = http.send(
                    HttpRequest.newBuilder(aws.url().resolve("/"))
                            .header("Content-Type", "application/x-amz-json-1.0")
                            .header("X-Amz-Target", "AmazonSQS." + action)
                            .header(
                                    "Authorization",
                                    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request,"
                                            + " SignedHeaders=host, Signature=0")
                            .POST(BodyPublishers.ofString(request.toString()))
                            .build(),
                    BodyHandlers.ofString());
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            return JSON.readTree(answer.body());
        }
    }
}
