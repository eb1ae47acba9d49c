package io.sluiceway.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.testing.Processes;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/** What a bench leaves for the programs in {@code bench/}: its numbers, and the machine that they come from. */
final class BenchFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ObjectNode content = JSON.createObjectNode();
    private final Path file;

    /**
     * Begins with the machine, and how busy it is before anything is measured.
     *
     * @param usual where the file is, below the project's root, unless {@code -Dbench.file} names another place
     */
    BenchFile(String usual) {
        file = Processes.root().resolve(System.getProperty("bench.file", usual));
        content.put("at", Instant.now().toString())
                .put("processors", Runtime.getRuntime().availableProcessors())
                .put("load", load())
                .put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"))
                .put("java", Runtime.version().toString());
    }

    /** {@return what is written, to be added to} */
    ObjectNode content() {
        return content;
    }

    /** Writes it, with how busy the machine is now; returns where, below the project's root. */
    Path write() throws IOException {
        content.put("loadAtEnd", load());
        Files.createDirectories(file.getParent());
        Files.writeString(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(content));
        return Processes.root().relativize(file);
    }

    private static double load() {
        return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    }
}
