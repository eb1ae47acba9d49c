package io.sluiceway.jobs.flightdelays;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Versions of the job that go wrong: the second version with a small change of its sources, in a jar of its own.
 *
 * <p>Only tests make them, from the sources and the jar of {@code flink-jobs/v2}, when they need them: no build ships
 * one. Flink has to be on the class path, and the system property {@code project.root} to name the project's root.
 */
public enum BrokenVersion {

    /** Fails when its tasks start, restored or not, so that it never completes a checkpoint. */
    CRASHES_AT_ONCE(new Change(
            "WeatherJoin",
            "weather = input.readWeather();",
            "throw new IllegalStateException(\"There is no weather today.\");")),

    /**
     * Runs well until a checkpoint completes, then fails, and fails whenever it is restored from what it saved itself.
     */
    CRASHES_AFTER_A_CHECKPOINT(
            new Change("WeatherJoin", "extends RichMapFunction<HourlyDelays, HourlyDelays> {", """
                    extends RichMapFunction<HourlyDelays, HourlyDelays>
                            implements org.apache.flink.streaming.api.checkpoint.CheckpointedFunction,
                                    org.apache.flink.api.common.state.CheckpointListener {

                        private transient org.apache.flink.api.common.state.ListState<Boolean> saved;
                        private transient boolean turned;

                        @Override
                        public void initializeState(
                                org.apache.flink.runtime.state.FunctionInitializationContext context) throws Exception {
                            saved = context.getOperatorStateStore()
                                    .getUnionListState(new org.apache.flink.api.common.state.ListStateDescriptor<>(
                                            "saved", org.apache.flink.api.common.typeinfo.Types.BOOLEAN));
                            turned = saved.get().iterator().hasNext();
                            requireFairWeather();
                        }

                        @Override
                        public void snapshotState(
                                org.apache.flink.runtime.state.FunctionSnapshotContext context) throws Exception {
                            requireFairWeather();
                            saved.update(java.util.List.of(true));
                        }

                        @Override
                        public void notifyCheckpointComplete(long checkpointId) {
                            turned = true;
                        }

                        private void requireFairWeather() {
                            if (turned) {
                                throw new IllegalStateException("The weather has turned.");
                            }
                        }
                    """),
            new Change(
                    "WeatherJoin",
                    "public HourlyDelays map(HourlyDelays hour) {",
                    "public HourlyDelays map(HourlyDelays hour) { requireFairWeather();")),

    /** Has given a field of the window's state another type: a restore fails in the window's tasks, again and again. */
    CHANGES_A_TYPE(
            new Change("DelayAccumulator", "public int cancelled;", "public short cancelled;"),
            new Change(
                    "DelayAccumulator",
                    "sum.cancelled = cancelled + other.cancelled;",
                    "sum.cancelled = (short) (cancelled + other.cancelled);"),
            new Change("DelaySummary", "", "")),

    /**
     * Has given the window another uid, so that nothing takes its state over: a restore fails before any task starts.
     */
    CHANGES_A_UID(new Change("FlightDelays", ".uid(\"hourly-delays\")", ".uid(\"delays-by-hour\")"));

    private static final String PACKAGE = "io/sluiceway/jobs/flightdelays/";
    private static final Path JOBS =
            Path.of(System.getProperty("project.root", "../..")).resolve("flink-jobs");

    /** The jar of the job's first version. */
    static final Path FIRST = JOBS.resolve("target/flight-delays.jar");

    /** The jar of its second version. */
    static final Path SECOND = JOBS.resolve("v2/target/flight-delays-v2.jar");

    @SuppressWarnings("ImmutableEnumChecker") // made by List.of
    private final List<Change> changes;

    BrokenVersion(Change... changes) {
        this.changes = List.of(changes);
    }

    /**
     * Writes the version's jar.
     *
     * @param directory where to; the jar is {@code flight-delays-<name>.jar} in it
     * @throws UncheckedIOException when the second version isn't built, or the file can't be written
     * @throws IllegalStateException when the sources no longer have what is to be changed
     */
    public Path write(Path directory) {
        String name = name().toLowerCase(Locale.ROOT).replace('_', '-');
        try {
            Map<String, byte[]> classes = compile(directory.resolve(name));
            Path file = directory.resolve("flight-delays-" + name + ".jar");
            try (JarFile sound = new JarFile(SECOND.toFile());
                    OutputStream out = Files.newOutputStream(file);
                    ZipOutputStream jar = new ZipOutputStream(out)) {
                for (Enumeration<? extends ZipEntry> entries = sound.entries(); entries.hasMoreElements(); ) {
                    ZipEntry entry = entries.nextElement();
                    ZipEntry copy = new ZipEntry(entry.getName());
                    copy.setTime(entry.getTime());
                    jar.putNextEntry(copy);
                    byte[] changed = classes.remove(entry.getName());
                    try (InputStream bytes = sound.getInputStream(entry)) {
                        jar.write(changed == null ? bytes.readAllBytes() : changed);
                    }
                }
            }
            if (!classes.isEmpty()) {
                throw new IllegalStateException("These classes aren't in " + SECOND + ": " + classes.keySet());
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Map<String, byte[]> compile(Path directory) throws IOException {
        Map<String, String> sources = new TreeMap<>();
        for (Change change : changes) {
            String source = sources.containsKey(change.type()) ? sources.get(change.type()) : read(change.type());
            sources.put(change.type(), change.apply(source));
        }
        List<Path> files = new ArrayList<>();
        for (Map.Entry<String, String> source : sources.entrySet()) {
            Path file = directory.resolve("sources/" + PACKAGE + source.getKey() + ".java");
            Files.createDirectories(file.getParent());
            files.add(Files.writeString(file, source.getValue()));
        }
        Path classes = Files.createDirectories(directory.resolve("classes"));
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter said = new StringWriter();
        List<String> options = List.of(
                "--release",
                "17",
                "-parameters",
                "-proc:none",
                "-classpath",
                SECOND + System.getProperty("path.separator") + System.getProperty("java.class.path"),
                "-d",
                classes.toString());
        try (StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            if (!compiler.getTask(said, manager, null, options, null, manager.getJavaFileObjectsFromPaths(files))
                    .call()) {
                throw new IllegalStateException(said.toString());
            }
        }
        Map<String, byte[]> compiled = new TreeMap<>();
        try (Stream<Path> found = Files.walk(classes)) {
            for (Path file : found.filter(Files::isRegularFile).toList()) {
                compiled.put(classes.relativize(file).toString(), Files.readAllBytes(file));
            }
        }
        return compiled;
    }

    /** A class's source in the second version: its own, or else the first's. */
    private static String read(String type) throws IOException {
        String path = "src/main/java/" + PACKAGE + type + ".java";
        Path own = JOBS.resolve("v2").resolve(path);
        return Files.readString(Files.exists(own) ? own : JOBS.resolve(path));
    }

    /**
     * A change of one source.
     *
     * @param type the class's simple name
     * @param from what stands in its source once; empty to compile it anew as it is
     * @param to what stands there instead
     */
    private record Change(String type, String from, String to) {

        String apply(String source) {
            int at = source.indexOf(from);
            if (at < 0 || (!from.isEmpty() && source.indexOf(from, at + 1) >= 0)) {
                throw new IllegalStateException("The source of " + type + " doesn't have this once: " + from);
            }
            return source.substring(0, at) + to + source.substring(at + from.length());
        }
    }
}
