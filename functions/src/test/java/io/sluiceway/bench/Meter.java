package io.sluiceway.bench;

import com.sun.net.httpserver.HttpExchange;
import io.sluiceway.testing.StubServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Stands before a service and measures how long it takes to answer, itself included: what a call takes beyond that is
 * the caller's own. The way over loopback counts as the caller's.
 */
final class Meter implements AutoCloseable {
    /** What concerns a connection and not a call; client and server say it themselves. */
    private static final Set<String> OWN =
            Set.of("connection", "content-length", "expect", "host", "transfer-encoding", "upgrade");

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final URI service;
    private final StubServer server;
    private final AtomicLong nanos;
    private final AtomicInteger calls;

    /**
     * Opens the way to a service.
     *
     * @param nanos is added to what each answer takes
     * @param calls counts them
     */
    Meter(URI service, AtomicLong nanos, AtomicInteger calls) {
        this.service = service;
        this.nanos = nanos;
        this.calls = calls;
        this.server = new StubServer(this::pass);
    }

    /** {@return where callers find the service} */
    URI url() {
        return server.url();
    }

    private void pass(HttpExchange exchange) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        HttpRequest.Builder request = HttpRequest.newBuilder(
                URI.create(service + exchange.getRequestURI().toString()));
        byte[] body = exchange.getRequestBody().readAllBytes();
        request.method(
                exchange.getRequestMethod(),
                body.length == 0 ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofByteArray(body));
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (!OWN.contains(name.toLowerCase(Locale.ROOT))) {
                values.forEach(value -> request.header(name, value));
            }
        });
        HttpResponse<byte[]> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        answer.headers().map().forEach((name, values) -> {
            if (!OWN.contains(name.toLowerCase(Locale.ROOT))) {
                values.forEach(value -> exchange.getResponseHeaders().add(name, value));
            }
        });
        if (exchange.getRequestMethod().equals("HEAD")) {
            answer.headers()
                    .firstValue("content-length")
                    .ifPresent(length -> exchange.getResponseHeaders().set("Content-Length", length));
        }
        calls.incrementAndGet();
        nanos.addAndGet(System.nanoTime() - begin);
        StubServer.answer(exchange, answer.statusCode(), answer.body());
    }

    @Override
    public void close() {
        server.close();
        http.close();
    }
}
