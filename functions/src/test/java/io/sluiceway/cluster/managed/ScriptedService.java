package io.sluiceway.cluster.managed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import io.sluiceway.testing.StubServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;

/**
 * Answers calls of the service and of CloudWatch, by their names, with what a test says, and keeps what it was asked.
 */
final class ScriptedService implements AutoCloseable {
    private static final String TARGET = "KinesisAnalytics_20180523.";
    private static final JsonMapper JSON = new JsonMapper();

    /** One call as it came. */
    record Asked(String operation, JsonNode request) {}

    private final Map<String, StubServer.Handler> answers = new HashMap<>();
    private final List<Asked> asked = new ArrayList<>();
    private final StubServer server = new StubServer(this::handle);
    private final KinesisAnalyticsV2Client client = ManagedCluster.newClientBuilder()
            .endpointOverride(server.url())
            .region(Region.US_EAST_1)
            .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
            .build();

    private final CloudWatchClient metrics = ManagedCluster.newMetricsClientBuilder()
            .endpointOverride(server.url())
            .region(Region.US_EAST_1)
            .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
            .build();

    ScriptedService answer(String operation, String body) {
        return handle(operation, exchange -> send(exchange, 200, body));
    }

    ScriptedService fail(String operation, int status, String error, String message) {
        return handle(
                operation,
                exchange -> send(
                        exchange,
                        status,
                        JSON.createObjectNode()
                                .put("__type", error)
                                .put("message", message)
                                .toString()));
    }

    ScriptedService answerForm(String operation, String xml) {
        return handle(operation, exchange -> sendForm(exchange, 200, xml));
    }

    ScriptedService failForm(String operation, int status, String error) {
        return handle(
                operation,
                exchange -> sendForm(
                        exchange,
                        status,
                        "<ErrorResponse><Error><Code>%s</Code><Message>No.</Message></Error></ErrorResponse>"
                                .formatted(error)));
    }

    ScriptedService handle(String operation, StubServer.Handler handler) {
        answers.put(operation, handler);
        return this;
    }

    KinesisAnalyticsV2Client client() {
        return client;
    }

    CloudWatchClient metrics() {
        return metrics;
    }

    synchronized List<JsonNode> requests(String operation) {
        return asked.stream()
                .filter(call -> call.operation().equals(operation))
                .map(Asked::request)
                .toList();
    }

    private void handle(HttpExchange exchange) throws Exception {
        String target = exchange.getRequestHeaders().getFirst("X-Amz-Target");
        // CloudWatch is asked by forms, which name the operation themselves.
        JsonNode request = target == null ? form(exchange.getRequestBody()) : JSON.readTree(exchange.getRequestBody());
        String operation = target == null ? request.path("Action").asText() : target.substring(TARGET.length());
        synchronized (this) {
            asked.add(new Asked(operation, request));
        }
        StubServer.Handler answer = answers.get(operation);
        if (answer == null) {
            send(exchange, 400, "{\"__type\":\"ResourceNotFoundException\",\"message\":\"The script has none.\"}");
            return;
        }
        answer.handle(exchange);
    }

    private static JsonNode form(InputStream body) throws IOException {
        ObjectNode form = JSON.createObjectNode();
        for (String field : new String(body.readAllBytes(), StandardCharsets.UTF_8).split("&", -1)) {
            String[] parts = field.split("=", 2);
            form.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return form;
    }

    private static void send(HttpExchange exchange, int status, String body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
        StubServer.answer(exchange, status, body.getBytes(StandardCharsets.UTF_8));
    }

    private static void sendForm(HttpExchange exchange, int status, String xml) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "text/xml");
        StubServer.answer(exchange, status, xml.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void close() {
        client.close();
        metrics.close();
        server.close();
    }
}
