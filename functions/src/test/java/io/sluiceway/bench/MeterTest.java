package io.sluiceway.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.testing.StubServer;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What the time of a call is divided by. */
class MeterTest {
    private final AtomicLong nanos = new AtomicLong();
    private final AtomicInteger calls = new AtomicInteger();

    @Test
    void call_throughAMeter_isPassedOnAndHasTheServicesTimeAndNoMoreThanItsOwn() throws Exception {
        AtomicLong took = new AtomicLong();
        try (StubServer service = new StubServer(exchange -> {
                    long begin = System.nanoTime();
                    byte[] body = exchange.getRequestBody().readAllBytes();
                    exchange.getResponseHeaders()
                            .add("x-asked", exchange.getRequestURI() + " " + exchange.getRequestMethod());
                    took.addAndGet(System.nanoTime() - begin);
                    StubServer.answer(exchange, 418, body);
                });
                Meter meter = new Meter(service.url(), nanos, calls);
                HttpClient client = HttpClient.newHttpClient()) {
            long begin = System.nanoTime();

            HttpResponse<String> answer = send(client, meter, "a text");

            long whole = System.nanoTime() - begin;
            assertThat(answer.statusCode()).isEqualTo(418);
            assertThat(answer.body()).isEqualTo("a text");
            assertThat(answer.headers().firstValue("x-asked")).hasValue("/path?query=1 POST");
            assertThat(calls).hasValue(1);
            assertThat(nanos.get()).isBetween(took.get(), whole);

            send(client, meter, "another");

            assertThat(calls).hasValue(2);
        }
    }

    private static HttpResponse<String> send(HttpClient client, Meter meter, String text)
            throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(meter.url().resolve("/path?query=1"))
                        .POST(HttpRequest.BodyPublishers.ofString(text, StandardCharsets.UTF_8))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
