package io.sluiceway.event.eventbridge;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.error.Quoted;
import io.sluiceway.event.EventBus;
import io.sluiceway.event.EventId;
import io.sluiceway.event.JobEvent;
import io.sluiceway.time.Bounded;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.eventbridge.EventBridgeClient;
import software.amazon.awssdk.services.eventbridge.EventBridgeClientBuilder;
import software.amazon.awssdk.services.eventbridge.model.PutEventsRequestEntry;
import software.amazon.awssdk.services.eventbridge.model.PutEventsResponse;
import software.amazon.awssdk.services.eventbridge.model.PutEventsResultEntry;

/**
 * A bus in Amazon EventBridge. <a
 * href="https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html">PutEvents</a> takes ten events
 * at a time and answers for each of them by itself, in their order.
 */
public final class EventBridgeBus implements EventBus {
    /** The source of all of Sluiceway's events. */
    static final String SOURCE = "sluiceway";

    private static final int MOST_ENTRIES = 10;
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);
    private static final Duration SOCKET_TIMEOUT = Duration.ofSeconds(3);
    private static final int TRIES = 2;
    private static final int LONGEST_CODE = 60;

    private final Supplier<EventBridgeClient> client;
    private final String name;

    /**
     * A bus.
     *
     * @param client gives the one client, made by {@link #newClientBuilder()} when there is something to publish
     * @param name the bus's name or ARN
     */
    public EventBridgeBus(Supplier<EventBridgeClient> client, String name) {
        this.client = client;
        this.name = name;
    }

    /** Makes clients that try twice, and give a lost connection up in time. */
    public static EventBridgeClientBuilder newClientBuilder() {
        // An event that arrives twice is one that was told twice, which everybody has to bear anyway.
        return EventBridgeClient.builder()
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(CONNECT_TIMEOUT)
                        .socketTimeout(SOCKET_TIMEOUT))
                .overrideConfiguration(c -> c.retryStrategy(AwsRetryStrategy.standardRetryStrategy().toBuilder()
                        .maxAttempts(TRIES)
                        .build()));
    }

    @Override
    public Publication publish(List<JobEvent> events, Deadline deadline) {
        Set<EventId> taken = new HashSet<>();
        String trouble = null;
        for (int from = 0; from < events.size(); from += MOST_ENTRIES) {
            List<JobEvent> batch = events.subList(from, Math.min(from + MOST_ENTRIES, events.size()));
            try {
                Publication answered = put(batch, deadline);
                taken.addAll(answered.taken());
                trouble = trouble == null ? answered.trouble() : trouble;
            } catch (UnansweredException e) {
                // The next batch would only wait for the same.
                return new Publication(
                        taken, "EventBridge took no events for bus %s: %s".formatted(Quoted.of(name), e.why));
            }
        }
        return new Publication(taken, trouble);
    }

    /** A whole batch came to nothing, or nobody knows. */
    private static final class UnansweredException extends Exception {
        private static final long serialVersionUID = 1;
        private final String why;

        private UnansweredException(String why) {
            super(why);
            this.why = why;
        }
    }

    private Publication put(List<JobEvent> batch, Deadline deadline) throws UnansweredException {
        if (deadline.remaining().isZero()) {
            throw new UnansweredException("the time was up.");
        }
        // A millisecond at least, since the SDK takes no zero; the wait for the call is over by then.
        Duration left = deadline.remaining().plusMillis(1);
        List<PutEventsRequestEntry> entries = batch.stream().map(this::entry).toList();
        try {
            PutEventsResponse response = Bounded.call(
                    "events",
                    deadline,
                    () -> client.get()
                            .putEvents(put -> put.entries(entries)
                                    .overrideConfiguration(
                                            c -> c.apiCallTimeout(left).apiCallAttemptTimeout(left))));
            return publication(batch, response.entries());
        } catch (TimeoutException e) {
            throw new UnansweredException("no answer came in time.");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnansweredException("this call was interrupted.");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case AwsServiceException refused ->
                    throw new UnansweredException(
                            "%d (%s).".formatted(refused.statusCode(), Quoted.plain(codeOf(refused), LONGEST_CODE)));
                case SdkException unanswered ->
                    throw new UnansweredException("no whole answer came (%s)."
                            .formatted(unanswered.getClass().getSimpleName()));
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }

    private Publication publication(List<JobEvent> batch, List<PutEventsResultEntry> results) {
        Set<EventId> taken = new HashSet<>();
        String trouble = null;
        for (int i = 0; i < batch.size(); i++) {
            String code = i < results.size() ? results.get(i).errorCode() : "no result";
            if (code == null) {
                taken.add(batch.get(i).id());
            } else if (trouble == null) {
                trouble = "EventBridge didn't take an event for bus %s (%s)."
                        .formatted(Quoted.of(name), Quoted.plain(code, LONGEST_CODE));
            }
        }
        return new Publication(taken, trouble);
    }

    private static String codeOf(AwsServiceException e) {
        AwsErrorDetails details = e.awsErrorDetails();
        return details == null || details.errorCode() == null ? "no error code" : details.errorCode();
    }

    private PutEventsRequestEntry entry(JobEvent event) {
        return PutEventsRequestEntry.builder()
                .eventBusName(name)
                .source(SOURCE)
                .detailType(event.type())
                .time(event.occurredAt())
                .detail(json(event.detail()).toString())
                .build();
    }

    private static ObjectNode json(Map<?, ?> fields) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        fields.forEach((name, value) -> {
            String field = name.toString();
            switch (value) {
                case Map<?, ?> inner -> json.set(field, json(inner));
                case List<?> list -> {
                    ArrayNode array = json.putArray(field);
                    list.forEach(each -> array.add(json((Map<?, ?>) each)));
                }
                case Boolean truth -> json.put(field, truth);
                case Long number -> json.put(field, number);
                case null, default -> json.put(field, String.valueOf(value));
            }
        });
        return json;
    }
}
