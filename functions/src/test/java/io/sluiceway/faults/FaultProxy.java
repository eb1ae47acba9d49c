package io.sluiceway.faults;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Stands between function processes and all that they have an effect on. It sees each request before it has its effect
 * and its answer before it is seen, names and counts them, and lets happen what is armed.
 *
 * <p>Each caller has ports of its own, by which its requests are told from others'. Requests and answers are passed on
 * byte for byte, each when it is there as a whole.
 */
final class FaultProxy implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 120_000;
    private static final Duration DRIP = Duration.ofMillis(400);

    /** What the proxy may do to a caller's process. */
    interface Victim {
        void kill();

        void freeze();

        void thaw();
    }

    /**
     * What is to happen, once.
     *
     * @param trial to a request that is made in this trial
     * @param caller by this caller; absent: by any
     * @param call with this name, such as {@code flink POST /jars/:jarid/run}
     * @param nth when it is the n-th of that name: the caller's in that trial, or anybody's where no caller is named
     * @param fault what then happens
     */
    record Trap(String trial, @Nullable String caller, String call, int nth, Fault fault) {}

    /**
     * A request that was seen.
     *
     * @param at when it was there as a whole
     * @param trial in which trial
     * @param caller by whom
     * @param call its name
     * @param nth which of that name, by that caller in that trial
     * @param target its path and query
     * @param request its body, where that is text
     * @param fault what happened to it; absent: nothing
     * @param status what the upstream answered; 0: it wasn't asked, or gave no answer
     * @param answer the upstream's answer, where that is text
     * @param millis how long the upstream took
     */
    record Seen(
            Instant at,
            String trial,
            String caller,
            String call,
            int nth,
            String target,
            String request,
            Fault.@Nullable Kind fault,
            int status,
            String answer,
            long millis) {}

    private record CountKey(String trial, String caller, String call) {}

    private final Map<Service, URI> upstreams;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Set<Caller> callers = ConcurrentHashMap.newKeySet();
    private final Set<Trap> traps = ConcurrentHashMap.newKeySet();
    private final Map<String, UnaryOperator<HttpMessage>> tampering = new ConcurrentHashMap<>();
    private final Map<CountKey, AtomicInteger> counts = new ConcurrentHashMap<>();
    private final Map<String, Queue<Seen>> log = new ConcurrentHashMap<>();
    private final Set<Passage> underWay = ConcurrentHashMap.newKeySet();
    private final Set<Service> down = ConcurrentHashMap.newKeySet();

    FaultProxy(Map<Service, URI> upstreams) {
        this.upstreams = Map.copyOf(upstreams);
    }

    /** Opens a caller's ports. */
    Caller open(String name) {
        Caller caller = new Caller(name);
        callers.add(caller);
        return caller;
    }

    /** Lets a fault happen, once. */
    void arm(Trap trap) {
        traps.add(trap);
    }

    /** Whether what was armed has happened. */
    boolean sprung(Trap trap) {
        return !traps.contains(trap);
    }

    /** From now on, rewrites every request of a name before it is passed on. */
    void tamper(String call, UnaryOperator<HttpMessage> rewrite) {
        tampering.put(call, rewrite);
    }

    /** Passes every request on as it is again. */
    void stopTampering() {
        tampering.clear();
    }

    /** What was seen in the trials whose names begin so, the oldest first. */
    List<Seen> logOf(String start) {
        return log.entrySet().stream()
                .filter(entry -> entry.getKey().startsWith(start))
                .flatMap(entry -> entry.getValue().stream())
                .sorted(Comparator.comparing(Seen::at))
                .toList();
    }

    /** Whether requests of the trials whose names begin so are on their way. */
    boolean underWay(String start) {
        return underWay.stream().anyMatch(passage -> passage.trial().startsWith(start));
    }

    /** Whether a fault of this kind happens to a request of this trial at this moment. */
    boolean underWay(String trial, Fault.Kind kind) {
        return underWay.stream().anyMatch(passage -> passage.trial().equals(trial) && passage.fault() == kind);
    }

    /** Forgets the trials whose names begin so. */
    void forget(String start) {
        log.keySet().removeIf(trial -> trial.startsWith(start));
        counts.keySet().removeIf(key -> key.trial().startsWith(start));
        traps.removeIf(trap -> trap.trial().startsWith(start));
    }

    /** Lets nobody connect to a service, and breaks all connections to it: nothing listens there any more. */
    void takeDown(Service service) {
        down.add(service);
        callers.forEach(caller -> caller.gates.get(service).shut());
    }

    /** Lets everybody connect to a service again. */
    void bringUp(Service service) {
        down.remove(service);
        callers.forEach(caller -> caller.gates.get(service).open());
    }

    @Override
    public void close() {
        for (Caller caller : callers.toArray(Caller[]::new)) {
            caller.close();
        }
        threads.shutdownNow();
    }

    private int count(String trial, String caller, String call) {
        return counts.computeIfAbsent(new CountKey(trial, caller, call), key -> new AtomicInteger())
                .incrementAndGet();
    }

    private Optional<Fault> spring(String trial, String caller, String call, int ownCount, int anybodysCount) {
        return traps.stream()
                .filter(trap -> trap.trial().equals(trial)
                        && trap.call().equals(call)
                        && (trap.caller() == null
                                ? trap.nth() == anybodysCount
                                : trap.caller().equals(caller) && trap.nth() == ownCount))
                .findFirst()
                .filter(traps::remove)
                .map(Trap::fault);
    }

    /** One function process, as the proxy knows it. */
    final class Caller implements AutoCloseable {
        private static final Victim NOBODY = new Victim() {
            @Override
            public void kill() {}

            @Override
            public void freeze() {}

            @Override
            public void thaw() {}
        };

        private final String name;
        private final Map<Service, Gate> gates = new EnumMap<>(Service.class);
        private volatile String trial = "none";
        private volatile Victim victim = NOBODY;

        private Caller(String name) {
            this.name = name;
            upstreams.keySet().forEach(service -> gates.put(service, new Gate(this, service)));
            gates.values().forEach(gate -> {
                if (!down.contains(gate.service)) {
                    gate.open();
                }
            });
        }

        String name() {
            return name;
        }

        /** Where this caller finds a service. */
        URI url(Service service) {
            return URI.create("http://127.0.0.1:" + gates.get(service).port);
        }

        String trial() {
            return trial;
        }

        /** Says whose requests belong to this caller. */
        void attach(Victim process) {
            this.victim = process;
        }

        /** Counts this caller's requests for a trial from now on. */
        void begin(String newTrial) {
            this.trial = newTrial;
        }

        @Override
        public void close() {
            callers.remove(this);
            gates.values().forEach(Gate::shut);
        }
    }

    /** One listening port. */
    private final class Gate {
        private final Caller caller;
        private final Service service;
        private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
        private int port;
        private @Nullable ServerSocket listening;
        private @Nullable Thread accepting;

        private Gate(Caller caller, Service service) {
            this.caller = caller;
            this.service = service;
        }

        private synchronized void open() {
            try {
                ServerSocket server = new ServerSocket();
                server.setReuseAddress(true);
                server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
                port = server.getLocalPort();
                listening = server;
                accepting = Thread.startVirtualThread(() -> accept(server));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void shut() {
            Thread ending = stopListening();
            if (ending != null) {
                // The port is free only when the thread has left it.
                join(ending);
            }
            connections.forEach(FaultProxy::reset);
        }

        private synchronized @Nullable Thread stopListening() {
            try {
                if (listening != null) {
                    listening.close();
                    listening = null;
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return accepting;
        }

        /** Takes a connection in, unless the service went down while it was being made. */
        private synchronized boolean admit(Socket socket, ServerSocket server) {
            return server.equals(listening) && connections.add(socket);
        }

        private void accept(ServerSocket server) {
            while (true) {
                try {
                    Socket socket = server.accept();
                    if (admit(socket, server)) {
                        threads.execute(() -> serve(socket));
                    } else {
                        reset(socket);
                    }
                } catch (IOException closed) {
                    return;
                }
            }
        }

        private void serve(Socket socket) {
            try (socket) {
                socket.setTcpNoDelay(true);
                InputStream in = new BufferedInputStream(socket.getInputStream());
                boolean more = true;
                while (more) {
                    HttpMessage request = HttpMessage.readRequest(in, socket.getOutputStream())
                            .orElse(null);
                    more = request != null && exchange(request, socket) && !request.closes();
                }
            } catch (IOException gone) {
                // The caller closed it, or was killed; what was asked for is in the log.
            } finally {
                connections.remove(socket);
            }
        }

        /** Passes one request on; tells whether the connection lives on. */
        private boolean exchange(HttpMessage request, Socket socket) throws IOException {
            String trial = caller.trial;
            String call = service.callOf(request);
            int nth = count(trial, caller.name, call);
            int anybodysNth = count(trial, "", call);
            Fault fault = spring(trial, caller.name, call, nth, anybodysNth).orElse(null);
            Passage passage =
                    new Passage(trial, call, nth, request, Instant.now(), fault == null ? null : fault.kind());
            underWay.add(passage);
            try {
                if (fault == null) {
                    HttpMessage answer = forward(passage, null, socket);
                    write(socket, answer.bytes());
                    return !answer.closes();
                }
                return happen(fault, passage, socket);
            } finally {
                underWay.remove(passage);
            }
        }

        private boolean happen(Fault fault, Passage passage, Socket socket) throws IOException {
            return switch (fault.kind()) {
                case KILL_BEFORE -> {
                    caller.victim.kill();
                    record(passage, fault.kind(), null);
                    yield false;
                }
                case KILL_AFTER -> {
                    try {
                        forward(passage, fault.kind(), socket);
                    } finally {
                        caller.victim.kill();
                    }
                    yield false;
                }
                case LOSE_ANSWER -> {
                    forward(passage, fault.kind(), socket);
                    yield false;
                }
                case CLOSE_AFTER -> {
                    write(socket, forward(passage, fault.kind(), socket).bytes());
                    yield false;
                }
                case LOSE_CALL -> {
                    record(passage, fault.kind(), null);
                    yield false;
                }
                case RESET -> {
                    record(passage, fault.kind(), null);
                    reset(socket);
                    yield false;
                }
                case UNAVAILABLE_503, THROTTLE, SERVER_ERROR, CONDITION_FAILED, IN_USE -> {
                    record(passage, fault.kind(), null);
                    write(
                            socket,
                            Refusals.of(fault.kind(), service, passage.request).bytes());
                    yield true;
                }
                case TRUNCATE -> {
                    write(socket, forward(passage, fault.kind(), socket).half());
                    yield false;
                }
                case SLOW -> {
                    drip(socket, forward(passage, fault.kind(), socket).bytes(), fault.duration());
                    yield false;
                }
                case PAUSE -> {
                    pause(fault.duration());
                    HttpMessage answer = forward(passage, fault.kind(), socket);
                    write(socket, answer.bytes());
                    yield !answer.closes();
                }
                case FREEZE -> {
                    HttpMessage answer = forward(passage, fault.kind(), socket);
                    caller.victim.freeze();
                    pause(fault.duration());
                    write(socket, answer.bytes());
                    caller.victim.thaw();
                    yield !answer.closes();
                }
            };
        }

        private HttpMessage forward(Passage passage, Fault.@Nullable Kind fault, Socket client) throws IOException {
            UnaryOperator<HttpMessage> rewrite = tampering.getOrDefault(passage.call, UnaryOperator.identity());
            HttpMessage request = rewrite.apply(passage.request);
            URI upstream = upstreams.get(service);
            HttpMessage answer = null;
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(upstream.getHost(), upstream.getPort()), PATIENCE_MILLIS);
                socket.setTcpNoDelay(true);
                socket.setSoTimeout(PATIENCE_MILLIS);
                if (request.expectsContinue()) {
                    request = request.without("Expect");
                }
                write(socket, request.bytes());
                answer = HttpMessage.readAnswer(new BufferedInputStream(socket.getInputStream()), request.method());
                return answer;
            } catch (IOException e) {
                // Nobody is there any more: the caller sees what it would without a proxy in between.
                reset(client);
                throw e;
            } finally {
                record(passage, fault, answer);
            }
        }

        private void record(Passage passage, Fault.@Nullable Kind fault, @Nullable HttpMessage answer) {
            boolean binary = passage.call.contains("/jars/upload") || passage.call.equals("s3 GET object");
            log.computeIfAbsent(passage.trial, key -> new ConcurrentLinkedQueue<>())
                    .add(new Seen(
                            passage.at,
                            passage.trial,
                            caller.name,
                            passage.call,
                            passage.nth,
                            passage.request.target(),
                            binary ? "" : passage.request.text(),
                            fault,
                            answer == null ? 0 : answer.status(),
                            answer == null || binary ? "" : answer.text(),
                            Duration.between(passage.at, Instant.now()).toMillis()));
        }
    }

    /** A request on its way. */
    private record Passage(
            String trial, String call, int nth, HttpMessage request, Instant at, Fault.@Nullable Kind fault) {}

    private static void write(Socket socket, byte[] bytes) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(bytes);
        out.flush();
    }

    /** A byte now and then, until the time is up or the reader gives up. */
    private static void drip(Socket socket, byte[] bytes, Duration duration) throws IOException {
        Instant end = Instant.now().plus(duration);
        for (int i = 0; i < bytes.length - 1 && Instant.now().isBefore(end); i++) {
            write(socket, new byte[] {bytes[i]});
            pause(DRIP);
        }
    }

    private static void pause(Duration duration) {
        try {
            Thread.sleep(duration);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends a connection as a crashed peer does: with RST rather than FIN. */
    private static void reset(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            // It is closed already.
        }
    }
}
