package io.sluiceway.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * Runs the packaged functions as Lambda does: the unpacked zip's {@code bootstrap}, a fresh process for each call, the
 * Runtime API (2018-06-01) over HTTP.
 */
public final class LambdaRuntime {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    /**
     * What the function's process told the Runtime API.
     *
     * @param error whether it reported an error rather than a response
     * @param body the response, or the error with its {@code errorMessage} and {@code errorType}
     * @param peakMegabytes the most memory that the process has had resident; 0 where the system doesn't tell
     */
    public record Result(boolean error, JsonNode body, long peakMegabytes) {
        public String errorMessage() {
            return body.path("errorMessage").asText();
        }
    }

    private final Path task;
    private final Path log;
    private final Map<String, String> environment;

    /**
     * Unpacks a function.
     *
     * @param zip the artifact that is deployed
     * @param directory where to unpack it
     * @param environment the function's environment variables
     */
    public LambdaRuntime(Path zip, Path directory, Map<String, String> environment) {
        this.task = unpack(zip, directory);
        this.log = directory.resolve("functions.log");
        this.environment = environment;
    }

    /** Calls one function in a process of its own. */
    public Result invoke(String function, String event) {
        return invoke(function, event, Map.of());
    }

    /** Calls one function in a process of its own, with settings of its own. */
    public Result invoke(String function, String event, Map<String, String> settings) {
        return invoke(function, event, settings, List.of());
    }

    /** Calls one function in a process of its own, which is started with arguments. */
    public Result invoke(String function, String event, Map<String, String> settings, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(task.resolve("bootstrap").toString()));
        command.addAll(arguments);
        CompletableFuture<Result> result = new CompletableFuture<>();
        CountDownLatch idle = new CountDownLatch(1);
        try (StubServer api = new StubServer(exchange -> serve(exchange, event, result, idle))) {
            Map<String, String> variables = new HashMap<>(environment);
            variables.putAll(settings);
            variables.putAll(variables(function, task, api.url().getPort()));
            Process process = Processes.startAlone(log, variables, command);
            try {
                CompletableFuture<Void> ended = process.onExit()
                        .thenAccept(exited -> result.completeExceptionally(new IllegalStateException(
                                "The function's process ended with " + exited.exitValue() + "; see " + log)));
                Result told = result.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
                ended.cancel(false);
                return new Result(told.error(), told.body(), (long)
                        Processes.megabytes(process, "VmHWM").orElse(0));
            } finally {
                idle.countDown();
                Processes.stop(process);
            }
        } catch (ExecutionException | TimeoutException | InterruptedException e) {
            throw new IllegalStateException("The function didn't answer; see " + log, e);
        }
    }

    private static void serve(
            HttpExchange exchange, String event, CompletableFuture<Result> result, CountDownLatch idle)
            throws Exception {
        String path = exchange.getRequestURI().getPath();
        byte[] body = exchange.getRequestBody().readAllBytes();
        if (path.endsWith("/runtime/invocation/next")) {
            if (result.isDone()) {
                // As Lambda does between two calls.
                idle.await();
            }
            give(exchange, event);
        } else if (path.endsWith("/response")) {
            StubServer.answer(exchange, 202, new byte[0]);
            result.complete(new Result(false, JSON.readTree(body), 0));
        } else {
            StubServer.answer(exchange, 202, new byte[0]);
            result.complete(new Result(true, JSON.readTree(body), 0));
        }
    }

    /** Answers whoever asks for the next event, as Lambda does. */
    public static void give(HttpExchange exchange, String event) throws IOException {
        for (String header : eventHeaders()) {
            exchange.getResponseHeaders()
                    .add(header.substring(0, header.indexOf(':')), header.substring(header.indexOf(' ') + 1));
        }
        StubServer.answer(exchange, 200, event.getBytes(StandardCharsets.UTF_8));
    }

    /** What Lambda tells with an event, each as {@code Name: value}. */
    public static List<String> eventHeaders() {
        return List.of(
                // AWS's client dies without a content type.
                "Content-Type: application/json",
                "Lambda-Runtime-Aws-Request-Id: " + UUID.randomUUID(),
                "Lambda-Runtime-Deadline-Ms: 4102444800000",
                "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:f");
    }

    /**
     * The environment variables that Lambda sets.
     *
     * @param function which function the process runs
     * @param task where it is unpacked
     * @param apiPort where it finds the Runtime API
     */
    public static Map<String, String> variables(String function, Path task, int apiPort) {
        return Map.of(
                "AWS_LAMBDA_RUNTIME_API",
                "127.0.0.1:" + apiPort,
                "AWS_LAMBDA_FUNCTION_NAME",
                function,
                "AWS_LAMBDA_FUNCTION_VERSION",
                "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                "512",
                "AWS_LAMBDA_LOG_GROUP_NAME",
                "/aws/lambda/" + function,
                "AWS_LAMBDA_LOG_STREAM_NAME",
                "test",
                "LAMBDA_TASK_ROOT",
                task.toString(),
                "_HANDLER",
                "not.used",
                "QUARKUS_FUNQY_EXPORT",
                function);
    }

    /**
     * Unpacks a function's zip below a directory, with the times and the rights to execute that its entries have;
     * returns where its {@code bootstrap} is.
     */
    public static Path unpack(Path zip, Path directory) {
        Path task = directory.resolve("task");
        try (FileSystem archive = FileSystems.newFileSystem(zip, Map.of("enablePosixFileAttributes", true));
                Stream<Path> entries = Files.walk(archive.getPath("/"))) {
            for (Path entry : entries.filter(Files::isRegularFile).toList()) {
                Path target = task.resolve(entry.toString().substring(1));
                Files.createDirectories(target.getParent());
                Files.copy(entry, target, StandardCopyOption.COPY_ATTRIBUTES);
                if (Files.getPosixFilePermissions(entry).contains(PosixFilePermission.OWNER_EXECUTE)
                        && !target.toFile().setExecutable(true)) {
                    throw new IOException(target + " can't be made executable.");
                }
            }
            return task;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
