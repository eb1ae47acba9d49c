package io.sluiceway.event.eventbridge;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import io.sluiceway.event.EventBus;
import io.sluiceway.event.EventBus.Publication;
import io.sluiceway.event.EventBusContract;
import io.sluiceway.event.EventData.JobUnhealthy;
import io.sluiceway.event.EventDraft;
import io.sluiceway.event.EventId;
import io.sluiceway.event.JobEvent;
import io.sluiceway.health.Reason;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.testing.StubServer;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.eventbridge.EventBridgeClient;

/** The adapter against a server that answers as PutEvents does, and otherwise. */
class EventBridgeBusTest extends EventBusContract {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** What PutEvents takes at once. */
    private static final int MOST_BYTES = 256 * 1024;

    private static final JobName JOB = new JobName("flight-delays");

    private final List<JsonNode> requests = new ArrayList<>();
    private final List<JsonNode> taken = new ArrayList<>();
    private StubServer.Handler answer = this::takeAll;
    private StubServer server;
    private EventBridgeClient client;

    @BeforeEach
    void start() {
        server = new StubServer(exchange -> answer.handle(exchange));
        client = EventBridgeBus.newClientBuilder()
                .endpointOverride(server.url())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .build();
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
    }

    @Override
    protected EventBus bus() {
        return new EventBridgeBus(() -> client, "sluiceway-test");
    }

    @Override
    protected synchronized List<EventId> arrived(JobName of) {
        return taken.stream()
                .map(EventBridgeBusTest::detail)
                .filter(detail -> detail.at("/data/jobName").asText().equals(of.value()))
                .map(detail -> new EventId(detail.at("/metadata/id").asText()))
                .toList();
    }

    private static JsonNode detail(JsonNode entry) {
        try {
            return JSON.readTree(entry.path("Detail").asText());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void takeAll(HttpExchange exchange) throws IOException {
        take(exchange, List.of());
    }

    /** Takes all entries but those at these places. */
    private synchronized void take(HttpExchange exchange, List<Integer> refused) throws IOException {
        JsonNode request = JSON.readTree(exchange.getRequestBody().readAllBytes());
        requests.add(request);
        ObjectNode response = JSON.createObjectNode().put("FailedEntryCount", refused.size());
        ArrayNode entries = response.putArray("Entries");
        for (int i = 0; i < request.path("Entries").size(); i++) {
            if (refused.contains(i)) {
                entries.addObject().put("ErrorCode", "ThrottlingException").put("ErrorMessage", "hunter2");
            } else {
                entries.addObject().put("EventId", "e" + i);
                taken.add(request.path("Entries").get(i));
            }
        }
        answer(exchange, 200, response.toString());
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        exchange.getResponseHeaders().add("Content-Type", "application/x-amz-json-1.1");
        StubServer.answer(exchange, status, body.getBytes(UTF_8));
    }

    @Test
    void publish_entry_isWhatTheDocumentSays() throws Exception {
        JobEvent event = events(JOB, 1).getFirst();

        bus().publish(List.of(event), soon());

        JsonNode entry = requests.getFirst().at("/Entries/0");
        assertThat(entry.path("EventBusName").asText()).isEqualTo("sluiceway-test");
        assertThat(entry.path("Source").asText()).isEqualTo("sluiceway");
        assertThat(entry.path("DetailType").asText()).isEqualTo("Flink Job State Changed");
        assertThat(Instant.ofEpochMilli(Math.round(entry.path("Time").asDouble() * 1000)))
                .isEqualTo(event.occurredAt());
        assertThat(detail(entry)).isEqualTo(JSON.readTree(JSON.writeValueAsString(event.detail())));
    }

    @Test
    void publish_eventWithReasons_isWhatTheDocumentSays() throws Exception {
        JobEvent event = unhealthy();

        bus().publish(List.of(event), soon());

        assertThat(detail(requests.getFirst().at("/Entries/0")))
                .isEqualTo(JSON.readTree(JSON.writeValueAsString(event.detail())));
    }

    private static JobEvent unhealthy() {
        return new EventDraft(
                        new ClusterName("local"),
                        JOB,
                        new FlinkJobId("0f".repeat(16)),
                        null,
                        Instant.parse("2013-01-05T10:00:00.123Z"),
                        new JobUnhealthy(
                                1,
                                List.of(
                                        new Reason(Reason.Code.RESTART_LOOP, "It failed 3 times."),
                                        new Reason(Reason.Code.WATERMARK_LAGS, "It is late.")),
                                "java.lang.ArithmeticException: No such runway.",
                                Instant.parse("2013-01-05T09:00:00Z")))
                .numbered(1);
    }

    @Test
    void publish_moreThanTen_goInBatchesOfTen() {
        bus().publish(events(JOB, 25), soon());

        assertThat(requests)
                .extracting(request -> request.path("Entries").size())
                .containsExactly(10, 10, 5);
    }

    @Test
    void publish_someEntriesFail_theOthersAreTakenAndThoseOfLaterBatchesToo() {
        List<JobEvent> events = events(JOB, 12);
        answer = exchange -> take(exchange, requests.isEmpty() ? List.of(1, 9) : List.of());

        Publication publication = bus().publish(events, soon());

        assertThat(publication.taken())
                .hasSize(10)
                .doesNotContain(events.get(1).id(), events.get(9).id());
        assertThat(publication.taken()).isEqualTo(Set.copyOf(arrived(JOB)));
        assertThat(publication.trouble())
                .isEqualTo("EventBridge didn't take an event for bus 'sluiceway-test' (ThrottlingException).");
    }

    @Test
    void publish_refused_saysItsCodeAndNotItsWords() {
        answer = exchange ->
                answer(exchange, 400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"hunter2 may not\"}");

        Publication publication = bus().publish(events(JOB, 12), soon());

        assertThat(publication.taken()).isEmpty();
        assertThat(publication.trouble())
                .isEqualTo("EventBridge took no events for bus 'sluiceway-test': 400 (AccessDeniedException).");
    }

    @Test
    void publish_serverFailsOnce_isTriedAgain() {
        int[] calls = new int[1];
        answer = exchange -> {
            if (calls[0]++ == 0) {
                answer(exchange, 500, "{\"__type\":\"InternalException\"}");
            } else {
                takeAll(exchange);
            }
        };

        assertThat(bus().publish(events(JOB, 2), soon()).taken()).hasSize(2);
    }

    @Test
    void publish_connectionBreaks_takesNothingAndThrowsNothing() {
        answer = exchange -> {
            throw new IOException("It breaks.");
        };

        Publication publication = bus().publish(events(JOB, 2), soon());

        assertThat(publication.taken()).isEmpty();
        assertThat(publication.trouble()).startsWith("EventBridge took no events for bus 'sluiceway-test': no whole");
    }

    @Test
    void publish_noAnswer_endsWithTheDeadlineAndAsksNoMore() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        int[] calls = new int[1];
        answer = exchange -> {
            calls[0]++;
            over.await(30, TimeUnit.SECONDS);
        };
        Instant begun = Instant.now();

        Publication publication =
                bus().publish(events(JOB, 20), Deadline.in(Duration.ofMillis(300), Clock.systemUTC()));
        over.countDown();

        assertThat(Duration.between(begun, Instant.now())).isLessThan(Duration.ofSeconds(3));
        assertThat(publication.taken()).isEmpty();
        assertThat(publication.trouble()).isNotNull();
        assertThat(calls[0]).isLessThanOrEqualTo(2);
    }

    @Test
    void publish_nonsense_takesNothing() {
        for (String body : List.of("{}", "{\"Entries\":[]}", "[]", "no json")) {
            answer = exchange -> answer(exchange, 200, body);

            Publication publication = bus().publish(events(JOB, 2), soon());

            assertThat(publication.taken()).as(body).isEmpty();
            assertThat(publication.trouble()).as(body).endsWith(".");
        }
    }

    @Test
    void publish_tenOfTheLargest_fitIntoHalfOfWhatABatchMayHold() {
        bus().publish(Collections.nCopies(10, largest()), soon());

        assertThat(requests.getFirst().toString().getBytes(UTF_8).length).isLessThan(MOST_BYTES / 2);
    }
}
