package io.sluiceway.cluster.session;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.time.Bounded;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/**
 * Sends requests to one JobManager's REST endpoint and reads JSON answers: the transport below {@link SessionCluster}.
 *
 * <p>Reads are repeated a few times when no answer came, or the cluster can't answer at the moment; writes never are,
 * because what they asked for may have been done.
 */
final class FlinkRest {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(3);
    private static final Duration READ_TIMEOUT = Duration.ofSeconds(10);
    private static final int READ_ATTEMPTS = 3;
    private static final int RETRY_PAUSE_MILLIS = 200;
    private static final int MAX_ANSWER_BYTES = 16 << 20;
    private static final int OK_BELOW = 300;

    /**
     * While a leader is elected Flink answers 503, and 408 when it gave up waiting for itself; the others are proxies'.
     */
    private static final Set<Integer> UNAVAILABLE = Set.of(408, 429, 502, 503, 504);

    /** How {@code BodyHandlers.limiting} begins to say that an answer is too large. */
    private static final String TOO_LARGE = "body exceeds capacity";

    private static final String BOUNDARY = "sluiceway-3f1f2d9c7a5e4b60";

    private final String cluster;
    private final URI base;
    private final HttpClient client;
    private final ObjectMapper json = new ObjectMapper();

    /**
     * @param cluster the cluster's name, for messages
     * @param base the REST endpoint, without the version of the API and without a slash at its end
     */
    FlinkRest(String cluster, URI base, HttpClient client) {
        this.cluster = cluster;
        this.base = base;
        this.client = client;
    }

    /**
     * A client that fits a Flink JobManager and a function that may be frozen between two calls. The first one made in
     * a process says for how long all clients of the JDK keep idle connections, unless a system property does.
     */
    static HttpClient newClient() {
        // A connection that a frozen function kept is dead when it thaws; Flink's own idle timeout is far longer.
        if (System.getProperty("jdk.httpclient.keepalive.timeout") == null) {
            System.setProperty("jdk.httpclient.keepalive.timeout", "4");
        }
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(CONNECT_TIMEOUT)
                // What the client's own thread has to hand over is short, and waits for nobody: handing it over takes
                // longer.
                .executor(Runnable::run)
                .build();
    }

    /** An answer: its status is a success, or its body, a JSON object or array, has Flink's {@code errors}. */
    record Answer(int status, JsonNode body) {
        /** Without the body: a cluster can repeat what it was given. */
        @Override
        public String toString() {
            return "Answer[" + status + "]";
        }

        boolean ok() {
            return status < OK_BELOW;
        }

        /** The cluster's own words about what went wrong, its stack trace included. */
        FlinkWords errors() {
            StringBuilder text = new StringBuilder();
            for (JsonNode error : body.path("errors")) {
                text.append(text.isEmpty() ? "" : "\n").append(error.asText());
            }
            return new FlinkWords(text.toString());
        }
    }

    Answer get(String path, Deadline deadline) {
        HttpRequest request = request(path).GET().build();
        for (int attempt = 1; ; attempt++) {
            try {
                return send(request, deadline.remainingAtMost(READ_TIMEOUT), ErrorCode.CLUSTER_UNREACHABLE);
            } catch (RefusedException e) {
                boolean last = attempt == READ_ATTEMPTS
                        || deadline.remaining().toMillis() < 2L * RETRY_PAUSE_MILLIS
                        || e.code() == ErrorCode.CLUSTER_ANSWER_INVALID;
                if (last) {
                    throw e;
                }
                pause();
            }
        }
    }

    Answer post(String path, JsonNode body, Deadline deadline) {
        return send(
                request(path)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofByteArray(bytes(body)))
                        .build(),
                deadline.remaining(),
                ErrorCode.CLUSTER_TIMEOUT);
    }

    Answer put(String path, JsonNode body, Deadline deadline) {
        return send(
                request(path)
                        .header("Content-Type", "application/json")
                        .PUT(BodyPublishers.ofByteArray(bytes(body)))
                        .build(),
                deadline.remaining(),
                ErrorCode.CLUSTER_TIMEOUT);
    }

    Answer patch(String path, Deadline deadline) {
        return send(
                request(path).method("PATCH", BodyPublishers.noBody()).build(),
                deadline.remaining(),
                ErrorCode.CLUSTER_TIMEOUT);
    }

    /** Uploads a file as the one part of a form, streamed from disk. */
    Answer upload(String path, String fileName, Path file, Deadline deadline) {
        String head = "--" + BOUNDARY + "\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\"" + fileName
                + "\"\r\nContent-Type: application/x-java-archive\r\n\r\n";
        String tail = "\r\n--" + BOUNDARY + "--\r\n";
        BodyPublisher body;
        try {
            body = BodyPublishers.concat(
                    BodyPublishers.ofString(head, StandardCharsets.UTF_8),
                    BodyPublishers.ofFile(file),
                    BodyPublishers.ofString(tail, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return send(
                request(path)
                        .header("Content-Type", "multipart/form-data; boundary=" + BOUNDARY)
                        .POST(body)
                        .build(),
                deadline.remaining(),
                ErrorCode.CLUSTER_TIMEOUT);
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(base + "/v1" + path));
    }

    /**
     * Sends a request and waits for its whole answer.
     *
     * @param unavailable what it means when the cluster says that it can't answer at the moment
     */
    private Answer send(HttpRequest request, Duration bound, ErrorCode unavailable) {
        if (bound.isZero()) {
            throw new RefusedException(
                    ErrorCode.CLUSTER_TIMEOUT,
                    "The time of this call was up before cluster '%s' could be asked.".formatted(cluster));
        }
        try {
            HttpResponse<byte[]> response = Bounded.call(
                    "flink",
                    bound,
                    () -> client.send(request, BodyHandlers.limiting(BodyHandlers.ofByteArray(), MAX_ANSWER_BYTES)));
            if (UNAVAILABLE.contains(response.statusCode())) {
                throw new RefusedException(
                        unavailable,
                        "Cluster '%s' answered %d: it can't work at the moment."
                                .formatted(cluster, response.statusCode()));
            }
            return new Answer(response.statusCode(), parse(response));
        } catch (TimeoutException e) {
            throw new RefusedException(
                    ErrorCode.CLUSTER_TIMEOUT,
                    "Cluster '%s' gave no answer within %d ms.".formatted(cluster, bound.toMillis()),
                    e);
        } catch (ExecutionException e) {
            throw refusal(e.getCause() == null ? e : e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RefusedException(ErrorCode.CLUSTER_TIMEOUT, "The call was interrupted.", e);
        }
    }

    private RefusedException refusal(Throwable cause) {
        if (cause instanceof ConnectException
                || cause instanceof HttpConnectTimeoutException
                || cause instanceof SSLHandshakeException) {
            return new RefusedException(
                    ErrorCode.CLUSTER_UNREACHABLE,
                    "No connection to cluster '%s' could be made.".formatted(cluster),
                    cause);
        }
        if (String.valueOf(cause.getMessage()).startsWith(TOO_LARGE)) {
            return new RefusedException(
                    ErrorCode.CLUSTER_ANSWER_INVALID,
                    "Cluster '%s' answered with more than %d bytes.".formatted(cluster, MAX_ANSWER_BYTES),
                    cause);
        }
        return new RefusedException(
                ErrorCode.CLUSTER_TIMEOUT,
                "The connection to cluster '%s' broke before it answered (%s)."
                        .formatted(cluster, cause.getClass().getSimpleName()),
                cause);
    }

    private JsonNode parse(HttpResponse<byte[]> response) {
        try {
            JsonNode body = json.readTree(response.body());
            // A failure without Flink's errors is that of something in between.
            boolean flinks =
                    response.statusCode() < OK_BELOW || body.path("errors").isArray();
            if (body.isContainerNode() && flinks) {
                return body;
            }
        } catch (IOException e) {
            throw nonsense(response, e);
        }
        throw nonsense(response, null);
    }

    private RefusedException nonsense(HttpResponse<byte[]> response, @Nullable IOException e) {
        String message = "Cluster '%s' answered %d with something that isn't Flink's%s."
                .formatted(cluster, response.statusCode(), beginning(response));
        return e == null
                ? new RefusedException(ErrorCode.CLUSTER_ANSWER_INVALID, message)
                : new RefusedException(ErrorCode.CLUSTER_ANSWER_INVALID, message, e);
    }

    /** What is between may answer a write with what was written, program arguments among it. */
    private static String beginning(HttpResponse<byte[]> response) {
        if (!response.request().method().equals("GET")) {
            return "";
        }
        byte[] body = response.body();
        return ": " + Quoted.of(new String(body, 0, Math.min(body.length, 80), StandardCharsets.UTF_8));
    }

    private byte[] bytes(JsonNode body) {
        try {
            return json.writeValueAsBytes(body);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A tree of JSON nodes can be written.", e);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(RETRY_PAUSE_MILLIS / 2 + ThreadLocalRandom.current().nextInt(RETRY_PAUSE_MILLIS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
