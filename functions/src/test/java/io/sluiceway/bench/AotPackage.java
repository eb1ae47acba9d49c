package io.sluiceway.bench;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.bench.RuntimeApi.Answered;
import io.sluiceway.testing.DynamoDbTable;
import io.sluiceway.testing.LambdaRuntime;
import io.sluiceway.testing.Processes;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Makes {@code functions/target/function-aot.zip} ({@code make aot}): the JVM package with a Java runtime of its own
 * and an AOT cache (<a href="https://openjdk.org/jeps/514">JEP 514</a>), for the architecture of this machine. The
 * runtime is part of the package since a cache is good for the very build of the JVM that wrote it, and AWS patches its
 * own.
 *
 * <p>The cache is written by a process that has served a submission to a real Flink and one to Managed Flink's double.
 * It remembers the size and the time of each jar, so the time is one that a zip can tell exactly.
 */
class AotPackage {
    private static final Path TARGET = Processes.root().resolve("functions/target");
    private static final FileTime TIME = FileTime.from(Instant.parse("2025-01-01T00:00:00Z"));

    @TempDir
    private Path home;

    @Test
    void aotPackage_unpackedElsewhere_startsWithItsCache() throws Exception {
        Path task = LambdaRuntime.unpack(TARGET.resolve("function-local.zip"), home.resolve("training"));
        link(task);
        setTimes(task);
        Path zip = home.resolve("function-aot.zip");
        try (BenchLab lab = new BenchLab(home)) {
            // What is loaded for a managed cluster comes last, as does what is loaded to end.
            serve(lab, task, List.of("-XX:AOTCacheOutput=functions.aot"), BenchLab.SESSION, BenchLab.MANAGED);
            assertThat(task.resolve("functions.aot")).isRegularFile();
            pack(task, zip);
            // With this option a JVM that can't use its cache doesn't start.
            serve(
                    lab,
                    LambdaRuntime.unpack(zip, home.resolve("elsewhere")),
                    List.of("-XX:AOTMode=on"),
                    BenchLab.SESSION);
        }
        Files.copy(zip, TARGET.resolve(zip.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        System.out.printf("functions/target/function-aot.zip has %,d bytes%n", Files.size(zip));
    }

    /** Has a process serve a submission to each cluster, and end by itself. */
    private void serve(BenchLab lab, Path task, List<String> options, String... clusters)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(task.resolve("bootstrap").toString()));
        command.addAll(options);
        Contender contender = new Contender("jvm + aot", task, 0, command, Map.of(), false);
        try (DynamoDbTable table = lab.table();
                RuntimeApi process = new RuntimeApi(
                        contender,
                        Verb.SUBMIT.function(),
                        lab.environment(table, lab.endpoints()),
                        home.resolve("aot.log"))) {
            for (String cluster : clusters) {
                Answered answered = process.call(Verb.SUBMIT.event(cluster, "training"));
                assertThat(answered.error()).as(answered.body().toString()).isFalse();
                lab.end(cluster, "training");
            }
            process.end();
        }
    }

    /** Links a runtime with the modules that the functions reach, for this machine. */
    private static void link(Path task) throws IOException {
        List<Path> jars = files(task.resolve("lib"));
        List<String> roots = jars.stream()
                .map(Path::toString)
                .filter(jar -> jar.endsWith("-runner.jar") || jar.contains("runtime-interface-client"))
                .toList();
        List<String> arguments = new ArrayList<>(List.of(
                "--ignore-missing-deps",
                "--multi-release",
                Integer.toString(Runtime.version().feature()),
                "--print-module-deps",
                "--class-path",
                // On the class path, where what a jar says of itself as a module isn't heard.
                jars.stream().map(Path::toString).collect(joining(File.pathSeparator))));
        arguments.addAll(roots);
        // Quarkus reads its own jar as a file system, whose provider nothing names.
        String modules = run("jdeps", arguments).strip() + ",jdk.zipfs";
        run(
                "jlink",
                List.of(
                        "--add-modules",
                        modules,
                        "--strip-java-debug-attributes",
                        "--no-header-files",
                        "--no-man-pages",
                        "--output",
                        task.resolve("runtime").toString()));
    }

    private static String run(String tool, List<String> arguments) {
        StringWriter said = new StringWriter();
        PrintWriter out = new PrintWriter(said);
        int code = ToolProvider.findFirst(tool).orElseThrow().run(out, out, arguments.toArray(String[]::new));
        assertThat(code).as(said.toString()).isZero();
        return said.toString();
    }

    private static void setTimes(Path task) throws IOException {
        for (Path file : files(task)) {
            Files.setLastModifiedTime(file, TIME);
        }
    }

    private static void pack(Path task, Path zip) throws IOException {
        setTimes(task);
        try (FileSystem archive = FileSystems.newFileSystem(
                URI.create("jar:" + zip.toUri()), Map.of("create", true, "enablePosixFileAttributes", true))) {
            for (Path file : files(task)) {
                Path entry = archive.getPath("/").resolve(task.relativize(file).toString());
                Files.createDirectories(entry.getParent());
                Files.copy(file, entry);
                Files.setLastModifiedTime(entry, TIME);
                Files.setPosixFilePermissions(entry, Files.getPosixFilePermissions(file));
            }
        }
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }
}
