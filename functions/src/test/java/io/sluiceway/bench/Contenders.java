package io.sluiceway.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.testing.LambdaRuntime;
import io.sluiceway.testing.Processes;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The ways to run a function that this machine can start; of each other it is said what makes it. With
 * {@code -Dbench.other=PACKAGE.zip} they are the native package, that one and the floor, to try a way to build.
 */
final class Contenders {
    static final String NATIVE = "native";
    private static final String OTHER = "other";
    static final String PYTHON = "python";
    static final String FLOOR = "floor";

    private final Path home;
    private final PrintStream out;
    private final List<Contender> found = new ArrayList<>();

    private Contenders(Path home, PrintStream out) {
        this.home = home;
        this.out = out;
    }

    /** Unpacks what there is. */
    static List<Contender> find(Path home, PrintStream out) throws IOException {
        Contenders contenders = new Contenders(home, out);
        contenders.addZip(NATIVE, "functions/target/native/function.zip", "make native");
        String other = System.getProperty("bench.other", "");
        if (!other.isEmpty()) {
            assertThat(Processes.root().resolve(other))
                    .as("the package that BENCH_OTHER names")
                    .exists();
            contenders.addZip(OTHER, other, "BENCH_OTHER");
            contenders.addFloor();
            return contenders.found;
        }
        contenders.addZip("jvm", "functions/target/function-local.zip", "make build");
        // With this option a JVM that can't use its cache doesn't start, rather than being measured without.
        contenders.addZip("jvm + aot", "functions/target/function-aot.zip", "make aot", "-XX:AOTMode=on");
        contenders.addPython();
        contenders.addFloor();
        return contenders.found;
    }

    private void addZip(String name, String zip, String madeBy, String... options) throws IOException {
        Path file = Processes.root().resolve(zip);
        if (isThere(name, file, madeBy)) {
            Path task = LambdaRuntime.unpack(file, home.resolve(name.replaceAll("\\W+", "-")));
            found.add(new Contender(
                    name,
                    task,
                    Files.size(file),
                    Stream.concat(Stream.of(task.resolve("bootstrap").toString()), Stream.of(options))
                            .toList(),
                    Map.of("DISABLE_SIGNAL_HANDLERS", "true"),
                    false));
        }
    }

    private void addPython() throws IOException {
        Path packaged = Processes.root().resolve("bench/python/target/package");
        if (isThere(PYTHON, packaged, "make bench")) {
            found.add(new Contender(
                    PYTHON,
                    packaged,
                    Files.size(packaged.resolveSibling("function.zip")),
                    List.of(python().toString(), "-m", "awslambdaric", "submit_job.handler"),
                    Map.of("PYTHONPATH", packaged.toString()),
                    true));
        }
    }

    private void addFloor() throws IOException {
        Path floor = Processes.root().resolve("bench/floor/target/release/floor");
        if (isThere(FLOOR, floor, "cargo build --release in bench/floor")) {
            found.add(new Contender(FLOOR, floor, Files.size(floor), List.of(floor.toString()), Map.of(), false));
        }
    }

    private boolean isThere(String name, Path artifact, String madeBy) {
        if (!Files.exists(artifact)) {
            out.printf("Left out: %s, whose artifact is made by '%s'%n", name, madeBy);
        }
        return Files.exists(artifact);
    }

    /** {@return the Python that runs Python's function: the tests', unless {@code -Dbench.python} names another} */
    static Path python() {
        return Processes.root().resolve(System.getProperty("bench.python", ".venv/bin/python"));
    }

    /** Which Python that is, as it says itself. */
    static String pythonVersion() throws IOException {
        Process process = new ProcessBuilder(
                        python().toString(), "-c", "import platform; print(platform.python_version())")
                .redirectErrorStream(true)
                .start();
        try (var said = process.inputReader()) {
            return said.readLine();
        }
    }
}
