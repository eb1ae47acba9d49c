package io.sluiceway.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.sun.net.httpserver.HttpExchange;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.session.SessionCluster;
import io.sluiceway.control.ClusterMonitored;
import io.sluiceway.control.Jars;
import io.sluiceway.control.Limits;
import io.sluiceway.control.MonitorJobs;
import io.sluiceway.control.Ports;
import io.sluiceway.control.SubmitJob;
import io.sluiceway.health.Health;
import io.sluiceway.jar.FakeJarStore;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.Policies;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.LedgerChange.PutAttempt;
import io.sluiceway.ledger.LedgerChange.PutJob;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.metrics.MetricsSink;
import io.sluiceway.operation.OperationId;
import io.sluiceway.savepoint.FakeSavepointStore;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.MovableClock;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.testing.StubServer;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a sweep costs, at ever more jobs that are well. It prints a table, and fails when a sweep writes, or asks Flink
 * more than it has to: none of that depends on the machine, as the times do.
 *
 * <p>Some jobs run on a real cluster, whose requests are counted on their way. For many, the answers of Flink are
 * recorded ones, served by a server in the same process; so the times are those of the sweep itself, of its requests,
 * and of that server. The ledger is in memory, with pages of 1,000.
 */
class SweepBench {
    private static final List<Integer> SIZES = Stream.of(
                    System.getProperty("bench.jobs", "10,100,1000,10000").split(","))
            .map(Integer::valueOf)
            .toList();

    /** As many as a cluster on this machine bears beside each other. */
    private static final int REAL_JOBS = 10;

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static final ClusterName CLUSTER = new ClusterName("bench");
    private static final Duration A_MINUTE = Duration.ofMinutes(1);
    private static final int MINUTES_A_ROUND = 5;
    private static final int SWEEPS_AT_REST = 5;
    private static final double MEGABYTE = 1 << 20;
    private static final double MICROS_A_MILLI = 1000;

    /** Some hours behind the recording, so that its job has settled. */
    private static final Pattern RECORDED_TIME = Pattern.compile("17954\\d{8}");

    private static final long LATER = Duration.ofHours(2).toMillis();
    private static final String JAR = "s3://jars/job.jar";
    private static final Policies SETTLED_SOON =
            OnlyPolicy.of(HealthPolicy.of("PT5S", null, null, null, null, null, null));
    private static final Path RECORDED = Path.of("src/test/resources/flink-2.3.0");

    private final BenchFile file = new BenchFile("local/run/bench-sweep.json");

    private final PrintStream out = System.out;

    @TempDir
    private Path directory;

    /** Which sweeps were measured. */
    private enum Kind {
        FIRST("the first"),
        ROUND("each minute"),
        REST("nothing due"),
        REAL_FIRST("the first, real"),
        REAL_REST("nothing due, real");

        private final String label;

        Kind(String label) {
            this.label = label;
        }
    }

    /**
     * What sweeps cost on the average.
     *
     * @param flink requests to Flink
     * @param reads requests to the ledger
     */
    private record Cost(int jobs, Kind kind, double flink, double reads, int writes, double micros, double peakMemory) {
        String row() {
            return "%,8d  %-17s %,10.1f %,9.1f %7d %,11.1f %12.3f %10.1f"
                    .formatted(
                            jobs,
                            kind.label,
                            flink,
                            reads,
                            writes,
                            micros / MICROS_A_MILLI,
                            micros / MICROS_A_MILLI / jobs,
                            peakMemory / MEGABYTE);
        }
    }

    @Test
    void sweep_everMoreQuietJobs_costsLittle() throws Exception {
        out.printf(
                "Sweeps over quiet jobs: a real Flink 2.3.0 where it says so, else its recorded answers from a server in this process; a ledger in memory; %s, %d processors, heap up to %,.0f MB.%n",
                Runtime.version(),
                Runtime.getRuntime().availableProcessors(),
                Runtime.getRuntime().maxMemory() / MEGABYTE);
        out.println("Warming up");
        measure(SIZES.getFirst());
        measure(SIZES.getFirst());
        out.printf("Sweeping over %,d jobs on a real cluster%n", REAL_JOBS);
        List<Cost> costs = new ArrayList<>(measureReal());
        for (int jobs : SIZES) {
            out.printf("Sweeping over %,d jobs%n", jobs);
            costs.addAll(measure(jobs));
        }
        print(costs);
        write(costs);
        assertThat(costs).allSatisfy(cost -> {
            assertThat(cost.writes()).isZero();
            if (cost.kind() == Kind.REST) {
                assertThat(cost.flink()).isEqualTo(1);
            }
        });
        for (int jobs : SIZES) {
            double first = of(Kind.FIRST, jobs, costs).flink() - 1;
            assertThat((of(Kind.ROUND, jobs, costs).flink() - 1) * MINUTES_A_ROUND)
                    .isEqualTo(first);
        }
    }

    private void print(List<Cost> costs) {
        out.printf(
                "%n%8s  %-17s %10s %9s %7s %11s %12s %10s%n",
                "jobs", "sweep", "to Flink", "reads", "writes", "ms", "ms a job", "peak MB");
        costs.stream().map(Cost::row).forEach(out::println);
        for (Kind kind : List.of(Kind.FIRST, Kind.ROUND, Kind.REST)) {
            List<Cost> ofKind =
                    costs.stream().filter(cost -> cost.kind() == kind).toList();
            out.printf("%nGrowth of the time, %s: N^%.2f", kind.label, exponent(ofKind));
        }
        out.printf(
                "%n%nto Flink: requests a sweep; reads: requests to the ledger; peak MB: heap in use at the most, the server's, the ledger's and the recorded answers' included.%n");
        out.println(
                "the first: by a process that remembers nothing; each minute: the mean of the five sweeps of one round; nothing due: once more at the same moment.");
    }

    /** For {@code bench/cost.py}. */
    private void write(List<Cost> costs) throws IOException {
        ArrayNode sweeps = file.content().putArray("sweeps");
        costs.forEach(cost -> sweeps.addObject()
                .put("jobs", cost.jobs())
                .put("sweep", cost.kind().label)
                .put("toFlink", cost.flink())
                .put("reads", cost.reads())
                .put("millis", cost.micros() / MICROS_A_MILLI));
        file.write();
    }

    private static Cost of(Kind kind, int jobs, List<Cost> costs) {
        return costs.stream()
                .filter(cost -> cost.kind() == kind && cost.jobs() == jobs)
                .findFirst()
                .orElseThrow();
    }

    /** The slope of the times' logarithms over those of the numbers, by least squares. */
    private static double exponent(List<Cost> costs) {
        double[] x = costs.stream().mapToDouble(cost -> Math.log(cost.jobs())).toArray();
        double[] y = costs.stream().mapToDouble(cost -> Math.log(cost.micros())).toArray();
        double meanX = Arrays.stream(x).average().orElseThrow();
        double meanY = Arrays.stream(y).average().orElseThrow();
        double covariance = IntStream.range(0, x.length)
                .mapToDouble(i -> (x[i] - meanX) * (y[i] - meanY))
                .sum();
        double variance =
                Arrays.stream(x).map(each -> (each - meanX) * (each - meanX)).sum();
        return covariance / variance;
    }

    private List<Cost> measure(int jobs) throws Exception {
        MovableClock clock = new MovableClock(Instant.parse("2026-11-23T00:00:00Z"));
        FakeJobLedger ledger = new FakeJobLedger();
        List<FlinkJobId> ids = IntStream.range(0, jobs)
                .mapToObj(i -> FlinkJobId.derive(CLUSTER, new JobName("job-" + i), new RequestId("bench"), 1))
                .toList();
        for (int i = 0; i < jobs; i++) {
            put(ledger, new JobName("job-" + i), ids.get(i), clock);
        }
        AtomicInteger asked = new AtomicInteger();
        Map<String, byte[]> answers = answers(ids);
        try (StubServer server = new StubServer(exchange -> {
            asked.incrementAndGet();
            answer(exchange, answers);
        })) {
            Supplier<ClusterMonitored> sweep = sweeps(
                    ports(server.url(), new StoragePath("s3://state/savepoints"), ledger), new FakeJarStore(), clock);
            List<Cost> costs = new ArrayList<>();
            costs.add(cost(jobs, Kind.FIRST, 1, sweep, asked, ledger, () -> {}));
            clock.move(A_MINUTE.multipliedBy(MINUTES_A_ROUND));
            assertThat(sweep.get().problems()).isEmpty();
            costs.add(cost(jobs, Kind.ROUND, MINUTES_A_ROUND, sweep, asked, ledger, () -> clock.move(A_MINUTE)));
            costs.add(cost(jobs, Kind.REST, SWEEPS_AT_REST, sweep, asked, ledger, () -> {}));
            return costs;
        }
    }

    private List<Cost> measureReal() throws Exception {
        Clock clock = Clock.systemUTC();
        FakeJobLedger ledger = new FakeJobLedger();
        FakeJarStore store = new FakeJarStore();
        store.put(JAR, TestJobJar.write(directory.resolve("job.jar"), 0));
        AtomicInteger asked = new AtomicInteger();
        try (FlinkProcesses flink = new FlinkProcesses(
                        directory.resolve("flink"),
                        new FlinkProcesses.Options(REAL_JOBS, false, Map.of(), Map.of(), process -> {}));
                Meter counter = new Meter(flink.url(), new AtomicLong(), asked)) {
            StoragePath savepoints = new StoragePath(flink.savepointRoot().toString());
            SubmitJob submitJob = new SubmitJob(ports(flink.url(), savepoints, ledger), jars(store));
            for (int i = 0; i < REAL_JOBS; i++) {
                submitJob.submit(
                        new Request(new RequestId("bench"), 1),
                        spec(new JobName("job-" + i), List.of("endless"), SETTLED_SOON),
                        false,
                        Deadline.in(PATIENCE, clock));
            }
            Ports ports = ports(counter.url(), savepoints, ledger);
            await("all are well")
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofSeconds(1))
                    .until(() ->
                            sweeps(ports, store, clock).get().health().equals(Map.of(Health.State.STABLE, REAL_JOBS)));
            Supplier<ClusterMonitored> sweep = sweeps(ports, store, clock);
            return List.of(
                    cost(REAL_JOBS, Kind.REAL_FIRST, 1, sweep, asked, ledger, () -> {}),
                    cost(REAL_JOBS, Kind.REAL_REST, SWEEPS_AT_REST, sweep, asked, ledger, () -> {}));
        }
    }

    private static Ports ports(URI flink, StoragePath savepointRoot, FakeJobLedger ledger) {
        return new Ports(
                new Clusters(List.of(new SessionCluster(
                        CLUSTER,
                        new ClusterSettings.Session(flink, null, savepointRoot, null, List.of(), Slots.FIXED),
                        SessionCluster.newHttpClient()))),
                ledger,
                new FakeSavepointStore(),
                new Limits(
                        Duration.ofSeconds(15),
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(30),
                        Duration.ofMinutes(15)));
    }

    /** The sweeps of a process that remembers nothing at first. */
    private Supplier<ClusterMonitored> sweeps(Ports ports, FakeJarStore store, Clock clock) {
        MonitorJobs monitorJobs = new MonitorJobs(ports, MetricsSink.none(), jars(store));
        return () -> monitorJobs
                .monitor(null, List.of(), Deadline.in(Duration.ofMinutes(15), clock))
                .clusters()
                .getFirst();
    }

    private Jars jars(FakeJarStore store) {
        return new Jars(store, Set.of("jars"), directory);
    }

    private static JobSpec spec(JobName name, List<String> arguments, Policies policies) {
        return new JobSpec(
                name,
                JobKind.STREAM,
                CLUSTER,
                new JarReference(JarUri.parse(JAR), null, null),
                null,
                arguments,
                1,
                new RestorePoint.None(),
                OnUnknown.REFUSE,
                policies);
    }

    private static Cost cost(
            int jobs,
            Kind kind,
            int sweeps,
            Supplier<ClusterMonitored> sweep,
            AtomicInteger asked,
            FakeJobLedger ledger,
            Runnable before) {
        resetPeaks();
        int askedBefore = asked.get();
        int reads = ledger.reads();
        int writes = ledger.commits();
        long micros = 0;
        for (int i = 0; i < sweeps; i++) {
            before.run();
            long start = System.nanoTime();
            ClusterMonitored found = sweep.get();
            micros += Duration.ofNanos(System.nanoTime() - start).toNanos() / 1000;
            assertThat(found.problems()).isEmpty();
            assertThat(found.left()).isZero();
            assertThat(found.health()).isEqualTo(Map.of(Health.State.STABLE, jobs));
        }
        return new Cost(
                jobs,
                kind,
                (asked.get() - askedBefore) / (double) sweeps,
                (ledger.reads() - reads) / (double) sweeps,
                ledger.commits() - writes,
                micros / (double) sweeps,
                peak());
    }

    private static List<MemoryPoolMXBean> heap() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .toList();
    }

    private static void resetPeaks() {
        System.gc();
        heap().forEach(MemoryPoolMXBean::resetPeakUsage);
    }

    private static double peak() {
        return heap().stream()
                .mapToDouble(pool -> pool.getPeakUsage().getUsed())
                .sum();
    }

    private static void put(FakeJobLedger ledger, JobName name, FlinkJobId id, MovableClock clock)
            throws LedgerConflictException {
        Instant at = clock.instant().minus(Duration.ofHours(1));
        Attempt attempt = new Attempt(
                id,
                new RequestId("bench"),
                1,
                spec(name, List.of("--day", "2013-01-05"), Policies.NONE),
                null,
                null,
                new Request(new RequestId("bench"), 1),
                AttemptState.SUBMITTED,
                at,
                at,
                "recorded",
                null,
                OperationId.derive(CLUSTER, name, "submit-job", new RequestId("bench"), 1),
                null,
                at,
                null,
                null,
                2,
                at,
                null,
                null);
        ledger.commit(
                List.of(new PutJob(new Job(CLUSTER, name, JobKind.STREAM, id, id), 0), new PutAttempt(attempt, 0)),
                Deadline.in(Duration.ofMinutes(1), clock));
    }

    /** What the recorded job was answered with, by what follows a job's id in a path, and the list of all jobs. */
    private static Map<String, byte[]> answers(List<FlinkJobId> ids) throws IOException {
        String job = recorded("jobs.json");
        String one = job.substring(job.indexOf('[') + 1, job.lastIndexOf(']')).strip();
        String list = "{\"jobs\":["
                + String.join(
                        ",",
                        ids.stream()
                                .map(id -> one.replace("0123456789abcdef0123456789abcdef", id.value()))
                                .toList())
                + "]}";
        return Map.of(
                "/v1/jobs/overview", list.getBytes(StandardCharsets.UTF_8),
                "", bytes(recorded("job.json").replaceAll("(\"now\": )17954\\d{8}", "$1" + later("1795406256339"))),
                "/status", bytes(recorded("job-state.json")),
                "/checkpoints",
                        bytes(RECORDED_TIME
                                .matcher(recorded("checkpoints.json"))
                                .replaceAll(time -> later(time.group()))),
                "/checkpoints/config", bytes(recorded("checkpoint-config.json")),
                "/exceptions?maxExceptions=100", bytes(recorded("exceptions.json")),
                "/metrics?get=numRestarts", bytes(recorded("metrics.json")));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String later(String millis) {
        return Long.toString(Long.parseLong(millis) + LATER);
    }

    private static String recorded(String file) throws IOException {
        return Files.readString(RECORDED.resolve(file));
    }

    private static void answer(HttpExchange exchange, Map<String, byte[]> answers) throws IOException {
        String path = exchange.getRequestURI().toString();
        byte[] whole = answers.get(path);
        if (whole != null) {
            StubServer.answer(exchange, 200, whole);
            return;
        }
        String id = path.substring("/v1/jobs/".length(), "/v1/jobs/".length() + 32);
        byte[] answer = answers.get(path.substring("/v1/jobs/".length() + id.length()));
        if (answer == null) {
            throw new IOException("Nothing was recorded for " + path);
        }
        String own = new String(answer, StandardCharsets.UTF_8).replace("0123456789abcdef0123456789abcdef", id);
        StubServer.answer(exchange, 200, bytes(own));
    }
}
