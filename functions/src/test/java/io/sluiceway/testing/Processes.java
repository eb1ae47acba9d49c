package io.sluiceway.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** Starts and ends the real programs that slow tests run against. */
public final class Processes {
    private static final int FIRST_PORT = 20_000;
    private static final int PORTS = 10_000;
    private static final AtomicInteger NEXT_PORT =
            new AtomicInteger(ThreadLocalRandom.current().nextInt(PORTS));

    /** Options of a JVM that doesn't live long enough to earn back what its second compiler costs. */
    private static final List<String> SHORT_LIVED = List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

    private Processes() {}

    /** How a program of the JVM that runs the tests begins. */
    public static List<String> java(String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.addAll(SHORT_LIVED);
        command.addAll(List.of(arguments));
        return command;
    }

    /** The root of the source tree. */
    public static Path root() {
        return Path.of(System.getProperty("project.root", ".."))
                .toAbsolutePath()
                .normalize();
    }

    /**
     * A port for a program that is started soon. It is none of those that Linux gives to whoever asks for any, so that
     * nobody gets it meanwhile, and none that was told before.
     */
    public static int freePort() {
        for (int tries = 0; tries < PORTS; tries++) {
            int port = FIRST_PORT + Math.floorMod(NEXT_PORT.getAndIncrement(), PORTS);
            try (ServerSocket _ = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return port;
            } catch (BindException taken) {
                // The next is tried.
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        throw new IllegalStateException("None of %d ports is free.".formatted(PORTS));
    }

    /** Starts a program in the environment of the tests, with these variables besides. */
    public static Process start(Path log, Map<String, String> environment, List<String> command) {
        return start(log, environment, new ProcessBuilder(command));
    }

    /** Starts a function's program as Lambda does: nothing of the environment of the tests reaches it. */
    public static Process startAlone(Path log, Map<String, String> environment, List<String> command) {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().retainAll(Set.of("PATH"));
        builder.environment().putAll(Map.of("LANG", "en_US.UTF-8", "TZ", ":UTC"));
        return start(log, environment, builder);
    }

    private static Process start(Path log, Map<String, String> environment, ProcessBuilder builder) {
        builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().putAll(environment);
        try {
            Files.createDirectories(log.getParent());
            return builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * What a living process holds, in megabytes of 1,048,576 bytes, by Linux' own account; empty where there is none.
     *
     * @param what {@code VmRSS} at this moment, or {@code VmHWM} at the most until now
     */
    public static OptionalDouble megabytes(Process process, String what) {
        Path status = Path.of("/proc", Long.toString(process.pid()), "status");
        if (!Files.exists(status)) {
            return OptionalDouble.empty();
        }
        try (Stream<String> lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith(what + ":"))
                    .mapToDouble(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024.0)
                    .findFirst();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Asks the process to end, and ends it by force when it doesn't. */
    public static void stop(Process process) {
        process.destroy();
        try {
            if (!process.waitFor(Duration.ofSeconds(10).toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }
}
