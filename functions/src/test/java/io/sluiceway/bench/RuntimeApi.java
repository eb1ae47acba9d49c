package io.sluiceway.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import io.sluiceway.testing.LambdaRuntime;
import io.sluiceway.testing.Processes;
import io.sluiceway.testing.StubServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One function's process, and the Runtime API (2018-06-01) that it asks for events. The clock of the first call starts
 * with the process, as a caller of Lambda waits for it.
 */
final class RuntimeApi implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /**
     * What a call came to.
     *
     * @param error whether the function failed
     * @param body what it answered
     * @param millis from the start of the process, or from when the event was there, to the answer
     */
    record Answered(boolean error, JsonNode body, double millis) {}

    private record Told(boolean error, String body, long at) {}

    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    private final BlockingQueue<Told> answers = new LinkedBlockingQueue<>();
    private final StubServer api = new StubServer(this::serve);
    private final Process process;
    private final Path log;
    private long clock;

    /**
     * Starts a contender's process.
     *
     * @param function the function that it runs
     * @param environment what that finds
     */
    RuntimeApi(Contender contender, String function, Map<String, String> environment, Path log) {
        this.log = log;
        Map<String, String> variables = new HashMap<>(environment);
        variables.putAll(LambdaRuntime.variables(
                function, contender.artifact(), api.url().getPort()));
        variables.putAll(contender.environment());
        clock = System.nanoTime();
        process = Processes.startAlone(log, variables, contender.command());
    }

    /** Calls the function; the first call's time is from the start of its process. */
    Answered call(String event) {
        try {
            events.add(event);
            Told told = answers.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            if (told == null) {
                throw new IllegalStateException("A function didn't answer; see " + log);
            }
            return new Answered(told.error(), JSON.readTree(told.body()), (told.at() - clock) / 1e6);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As {@link #call}, of a process that waits for it. */
    Answered callWarm(String event) {
        clock = System.nanoTime();
        return call(event);
    }

    /** What the process holds at this moment, in megabytes of 1,048,576 bytes. */
    double residentMegabytes() {
        return Processes.megabytes(process, "VmRSS").orElseThrow();
    }

    private void serve(HttpExchange exchange) throws Exception {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        long at = System.nanoTime();
        String path = exchange.getRequestURI().getPath();
        if (path.endsWith("/runtime/invocation/next")) {
            LambdaRuntime.give(exchange, events.take());
        } else {
            StubServer.answer(exchange, 202, new byte[0]);
            answers.add(new Told(!path.endsWith("/response"), body, at));
        }
    }

    /** Ends the process as Lambda ends an environment, and waits until it has written what it wants to leave. */
    void end() {
        process.destroy();
        process.onExit().join();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        process.onExit().join();
        api.close();
    }
}
