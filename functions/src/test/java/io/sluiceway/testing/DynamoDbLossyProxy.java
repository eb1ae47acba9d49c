package io.sluiceway.testing;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Stands before a DynamoDB and loses the first try of each of its transactions. */
public final class DynamoDbLossyProxy implements AutoCloseable {
    /** What is lost. */
    public enum Loss {
        /** The answer; a DynamoDB knows the next try for the same by its token. */
        ANSWER_LOST,
        /** The answer, and the next try comes with another token, as to a DynamoDB that knows none. */
        ANSWER_LOST_AND_TOKEN_FORGOTTEN,
        /** The call itself. */
        CALL_LOST
    }

    /** What somebody else does meanwhile. */
    public interface Act {
        void run() throws Exception;
    }

    private static final Pattern TOKEN = Pattern.compile("\"ClientRequestToken\":\"([^\"]*)\"");
    private static final Set<String> PASSED_ON =
            Set.of("x-amz-target", "content-type", "authorization", "x-amz-date", "amz-sdk-invocation-id");

    private final URI target;
    private final String operation;
    private final Loss loss;
    private final Act meanwhile;
    private final Set<String> seen = ConcurrentHashMap.newKeySet();
    private final HttpClient client = HttpClient.newHttpClient();
    private final StubServer server = new StubServer(this::handle);

    public DynamoDbLossyProxy(URI target, String operation, Loss loss, Act meanwhile) {
        this.target = target;
        this.operation = operation;
        this.loss = loss;
        this.meanwhile = meanwhile;
    }

    public URI url() {
        return server.url();
    }

    private void handle(HttpExchange exchange) throws Exception {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        Matcher token = TOKEN.matcher(body);
        if (!exchange.getRequestHeaders().getFirst("X-Amz-Target").endsWith("." + operation) || !token.find()) {
            passOn(exchange, body);
            return;
        }
        if (!seen.add(token.group(1))) {
            passOn(
                    exchange,
                    loss == Loss.ANSWER_LOST_AND_TOKEN_FORGOTTEN
                            ? body.replace(token.group(1), UUID.randomUUID().toString())
                            : body);
            return;
        }
        if (loss != Loss.CALL_LOST) {
            ask(exchange, body);
        }
        meanwhile.run();
        throw new IOException("The test breaks this connection.");
    }

    private void passOn(HttpExchange exchange, String body) throws Exception {
        HttpResponse<byte[]> answer = ask(exchange, body);
        answer.headers()
                .firstValue("content-type")
                .ifPresent(type -> exchange.getResponseHeaders().add("Content-Type", type));
        StubServer.answer(exchange, answer.statusCode(), answer.body());
    }

    private HttpResponse<byte[]> ask(HttpExchange exchange, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(target).POST(BodyPublishers.ofString(body));
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (PASSED_ON.contains(name.toLowerCase(Locale.ROOT))) {
                request.header(name, values.getFirst());
            }
        });
        return client.send(request.build(), BodyHandlers.ofByteArray());
    }

    @Override
    public void close() {
        server.close();
        client.close();
    }
}
