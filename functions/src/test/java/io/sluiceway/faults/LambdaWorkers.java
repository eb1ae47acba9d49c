package io.sluiceway.faults;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.testing.LambdaRuntime;
import io.sluiceway.testing.Processes;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Runs the packaged functions as Lambda does: each environment is a process of the unpacked zip's {@code bootstrap} for
 * one function, which handles one event at a time and is used again, until it dies.
 */
final class LambdaWorkers implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration START_PATIENCE = Duration.ofSeconds(60);
    private static final int PROCESSES_STARTING_AT_ONCE = 2;

    /** What came of a call. */
    sealed interface Result {
        /**
         * The function answered.
         *
         * @param error whether it failed
         * @param body the answer, or {@code errorMessage} and {@code errorType}
         */
        record Answered(boolean error, JsonNode body) implements Result {
            String errorMessage() {
                return body.path("errorMessage").asText();
            }
        }

        /** The function's process ended before it answered. */
        record Died() implements Result {}

        /** Lambda's timeout was up; the process was killed. */
        record TimedOut() implements Result {}
    }

    /**
     * Which environments are alike.
     *
     * @param function the function that they run
     * @param settings environment variables of their own
     * @param clock how much their clock is ahead
     */
    record Variant(String function, Map<String, String> settings, Duration clock) {
        static Variant of(String function) {
            return new Variant(function, Map.of(), Duration.ZERO);
        }
    }

    private record Pool(BlockingDeque<Worker> idle, AtomicInteger starting, AtomicInteger spares) {}

    private final Path task;
    private final Path log;
    private final Path agent;
    private final FaultProxy proxy;
    private final BiFunction<FaultProxy.Caller, String, Map<String, String>> environment;
    private final List<String> jvmOptions = new CopyOnWriteArrayList<>();
    private final Guardian guardian = new Guardian();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<Variant, Pool> pools = new ConcurrentHashMap<>();
    private final Set<Worker> workers = ConcurrentHashMap.newKeySet();
    private final Semaphore startingAtOnce = new Semaphore(PROCESSES_STARTING_AT_ONCE);
    private final AtomicInteger numbers = new AtomicInteger();
    private volatile boolean closed;
    private volatile @Nullable RuntimeException startFailure;

    /**
     * @param zip the artifact that is deployed
     * @param directory where to unpack it, and for logs
     * @param environment the environment variables of a process that the proxy knows as this caller, for a function
     */
    LambdaWorkers(
            Path zip,
            Path directory,
            FaultProxy proxy,
            BiFunction<FaultProxy.Caller, String, Map<String, String>> environment) {
        this.task = LambdaRuntime.unpack(zip, directory);
        this.log = directory.resolve("functions.log");
        this.agent = ClockAgent.write(directory.resolve("clock.jar"));
        this.proxy = proxy;
        this.environment = environment;
    }

    /**
     * Lets processes that start from now on share the classes that one such call loads. It halves the time that they
     * take to start, and changes nothing in what they do.
     */
    void shareClasses(Variant variant, String event) {
        if (!Files.isDirectory(task.resolve("lib"))) {
            // There is no JVM in it.
            return;
        }
        Path archive = log.resolveSibling("classes.jsa");
        jvmOptions.add("-XX:ArchiveClassesAtExit=" + archive);
        Worker worker = take(variant);
        jvmOptions.removeLast();
        Result _ = worker.invoke("sharing", event, START_PATIENCE);
        Processes.stop(worker.process);
        if (Files.exists(archive)) {
            jvmOptions.add("-XX:SharedArchiveFile=" + archive);
        }
    }

    /** Keeps so many idle processes ready, and waits until they are. */
    void warm(Variant variant, int spares) {
        Pool pool = pool(variant);
        pool.spares.set(spares);
        refill(variant, pool);
        while (pool.idle.size() < spares) {
            Worker worker = take(variant);
            pool.idle.addLast(worker);
        }
    }

    /** Takes an idle process, or starts one. It is the taker's until it is given back or dies. */
    Worker take(Variant variant) {
        Pool pool = pool(variant);
        for (Worker worker = pool.idle.pollFirst(); worker != null; worker = pool.idle.pollFirst()) {
            if (worker.process.isAlive()) {
                return worker;
            }
        }
        refill(variant, pool);
        if (pool.starting.get() == 0) {
            start(variant, pool);
        }
        try {
            for (Instant giveUp = Instant.now().plus(START_PATIENCE);
                    Instant.now().isBefore(giveUp); ) {
                if (startFailure != null) {
                    throw startFailure;
                }
                Worker worker = pool.idle.pollFirst(100, TimeUnit.MILLISECONDS);
                if (worker != null && worker.process.isAlive()) {
                    return worker;
                }
                if (worker == null && pool.starting.get() == 0) {
                    start(variant, pool);
                }
            }
            throw new IllegalStateException("No function process came up; see " + log);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Gives a process back for the next call. */
    void giveBack(Worker worker) {
        Pool pool = pool(worker.variant);
        if (worker.process.isAlive() && !closed) {
            worker.caller.begin("none");
            pool.idle.addFirst(worker);
        } else {
            refill(worker.variant, pool);
        }
    }

    private Pool pool(Variant variant) {
        return pools.computeIfAbsent(
                variant, key -> new Pool(new LinkedBlockingDeque<>(), new AtomicInteger(), new AtomicInteger()));
    }

    private void refill(Variant variant, Pool pool) {
        int missing = pool.spares.get() - pool.idle.size() - pool.starting.get();
        for (int i = 0; i < missing; i++) {
            start(variant, pool);
        }
    }

    private void start(Variant variant, Pool pool) {
        if (closed) {
            return;
        }
        pool.starting.incrementAndGet();
        threads.execute(() -> {
            startingAtOnce.acquireUninterruptibly();
            try {
                if (!closed) {
                    pool.idle.addLast(new Worker(variant));
                }
            } catch (RuntimeException e) {
                startFailure = e;
            } finally {
                startingAtOnce.release();
                pool.starting.decrementAndGet();
            }
        });
    }

    @Override
    public void close() {
        closed = true;
        // Whoever is starting a process has registered it, or sees that this is closed.
        startingAtOnce.acquireUninterruptibly(PROCESSES_STARTING_AT_ONCE);
        workers.forEach(Worker::kill);
        threads.shutdownNow();
        guardian.close();
    }

    /** One function process, and the Runtime API (2018-06-01) that it asks for events. */
    final class Worker implements FaultProxy.Victim {
        private final Variant variant;
        private final FaultProxy.Caller caller;
        private final Process process;
        private final ServerSocket api;
        private final CountDownLatch ready = new CountDownLatch(1);
        private final LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();
        private volatile @Nullable CompletableFuture<Result> pending;

        private Worker(Variant variant) {
            this.variant = variant;
            this.caller = proxy.open(variant.function + "#" + numbers.incrementAndGet());
            try {
                this.api = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            threads.execute(this::accept);
            this.process = Processes.start(
                    log, variables(), List.of(task.resolve("bootstrap").toString()));
            guardian.guard(process);
            workers.add(this);
            caller.attach(this);
            CompletableFuture<Void> _ = process.onExit().thenRun(this::ended);
            awaitReady();
        }

        private Map<String, String> variables() {
            Map<String, String> variables = new HashMap<>(environment.apply(caller, variant.function));
            variables.putAll(LambdaRuntime.variables(variant.function, task, api.getLocalPort()));
            List<String> options = new ArrayList<>(jvmOptions);
            if (!variant.clock.isZero()) {
                options.add("-javaagent:" + agent + "=" + variant.clock);
            }
            variables.put("JAVA_TOOL_OPTIONS", String.join(" ", options));
            variables.putAll(variant.settings);
            return variables;
        }

        private void awaitReady() {
            try {
                if (!ready.await(START_PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                    kill();
                    throw new IllegalStateException("A function process didn't ask for events; see " + log);
                }
                if (!process.isAlive()) {
                    throw new IllegalStateException("A function process ended at its start; see " + log);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                kill();
            }
        }

        String name() {
            return caller.name();
        }

        /** Whether it handles a call of a trial whose name begins so. */
        boolean isHandling(String start) {
            CompletableFuture<Result> waiting = pending;
            return waiting != null && !waiting.isDone() && caller.trial().startsWith(start);
        }

        /** Calls the function, and kills it when it hasn't answered in time, as Lambda does. */
        Result invoke(String trial, String event, Duration timeout) {
            CompletableFuture<Result> result = new CompletableFuture<>();
            pending = result;
            caller.begin(trial);
            if (!process.isAlive()) {
                return new Result.Died();
            }
            events.add(event);
            try {
                return result.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                kill();
                return new Result.TimedOut();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            } catch (ExecutionException e) {
                throw new IllegalStateException(e);
            }
        }

        /** Ends the process as a crash does, and returns when it is gone. */
        @Override
        public void kill() {
            try {
                process.destroyForcibly().waitFor();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void freeze() {
            signal("STOP");
        }

        @Override
        public void thaw() {
            signal("CONT");
        }

        private void signal(String signal) {
            try {
                int failed = new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                        .start()
                        .waitFor();
                if (failed != 0 && process.isAlive()) {
                    throw new IllegalStateException("kill -" + signal + " failed.");
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private void ended() {
            ready.countDown();
            CompletableFuture<Result> waiting = pending;
            if (waiting != null) {
                waiting.complete(new Result.Died());
            }
            workers.remove(this);
            caller.close();
            try {
                api.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            if (!closed) {
                refill(variant, pool(variant));
            }
        }

        private void accept() {
            while (true) {
                try {
                    Socket socket = api.accept();
                    threads.execute(() -> serve(socket));
                } catch (IOException closedNow) {
                    return;
                }
            }
        }

        private void serve(Socket socket) {
            try (socket) {
                socket.setTcpNoDelay(true);
                InputStream in = new BufferedInputStream(socket.getInputStream());
                while (true) {
                    HttpMessage request = HttpMessage.readRequest(in, socket.getOutputStream())
                            .orElse(null);
                    if (request == null) {
                        return;
                    }
                    socket.getOutputStream().write(answer(request).bytes());
                }
            } catch (IOException | InterruptedException gone) {
                // The process is dead, or everything is being closed.
            }
        }

        private HttpMessage answer(HttpMessage request) throws IOException, InterruptedException {
            String target = request.target();
            if (target.endsWith("/runtime/invocation/next")) {
                ready.countDown();
                String event = events.take();
                return HttpMessage.answer(200, LambdaRuntime.eventHeaders(), event);
            }
            CompletableFuture<Result> waiting = pending;
            if (waiting != null) {
                waiting.complete(new Result.Answered(!target.endsWith("/response"), JSON.readTree(request.content())));
            }
            return HttpMessage.answer(202, List.of("Content-Type: application/json"), "{}");
        }
    }
}
