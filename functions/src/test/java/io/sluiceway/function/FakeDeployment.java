package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.control.Jars;
import io.sluiceway.control.Limits;
import io.sluiceway.control.Outbox;
import io.sluiceway.control.Ports;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.event.FakeEventBus;
import io.sluiceway.jar.FakeJarStore;
import io.sluiceway.job.ClusterName;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.metrics.FakeMetricsSink;
import io.sluiceway.savepoint.FakeSavepointStore;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.MovableClock;
import io.sluiceway.testing.TestJobJar;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** All functions over fakes, called with an event's bytes as Quarkus calls them. */
final class FakeDeployment {
    record Config(Optional<String> clusters, Optional<Set<String>> jarBuckets, Duration timeBudget)
            implements SluicewayConfig {
        @Override
        public Optional<String> ledgerTable() {
            return Optional.empty();
        }

        @Override
        public Duration ledgerRetention() {
            return Duration.ofDays(400);
        }

        @Override
        public Optional<String> eventBus() {
            throw new UnsupportedOperationException("The wiring reads this.");
        }

        @Override
        public Duration eventRetention() {
            throw new UnsupportedOperationException("The wiring reads this.");
        }

        @Override
        public Optional<String> metricsNamespace() {
            throw new UnsupportedOperationException("The wiring reads this.");
        }

        @Override
        public Duration metricsPeriod() {
            throw new UnsupportedOperationException("The wiring reads this.");
        }

        @Override
        public boolean sharesFileSystem() {
            return false;
        }

        @Override
        public Submission submission() {
            throw new UnsupportedOperationException("The wiring reads this.");
        }
    }

    /** The mapper that Quarkus hands to Funqy. */
    private static final ObjectMapper JSON = mapper();

    final MovableClock clock = new MovableClock(Instant.parse("2013-01-05T10:00:00Z"));
    final FakeSavepointStore store = new FakeSavepointStore();
    final FakeJobLedger ledger = new FakeJobLedger();
    final FakeFlinkCluster cluster = new FakeFlinkCluster(new ClusterName("local"), 4, clock, store) {
        // The files name the savepoints of the laptop.
        @Override
        public synchronized boolean mayRestoreFrom(StoragePath path) {
            return path.isWithin(new StoragePath("s3://sluiceway-local-data/savepoints"));
        }
    };
    final FakeJarStore jars = new FakeJarStore();
    final FakeEventBus bus = new FakeEventBus();
    final FakeMetricsSink metrics = new FakeMetricsSink();
    final Config config =
            new Config(Optional.empty(), Optional.of(Set.of("sluiceway-local-jobs")), Duration.ofSeconds(20));
    final Ports ports;
    private final Map<String, Function<Event, JsonNode>> functions;

    FakeDeployment(Path directory) {
        this(directory, null);
    }

    /** With another cluster in the place of the fake one. */
    FakeDeployment(Path directory, io.sluiceway.cluster.FlinkCluster other) {
        Clusters clusters = new Clusters(List.of(other == null ? cluster : other));
        Path jar = directory.resolve("job.jar");
        jars.put("s3://sluiceway-local-jobs/jars/test.jar", Files.exists(jar) ? jar : TestJobJar.write(jar, 0));
        ports = new Ports(
                clusters,
                new Outbox(ledger, bus),
                store,
                new Limits(
                        Duration.ofSeconds(15),
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(30),
                        Duration.ofMinutes(15)));
        Invocation invocation = new Invocation(config, clock);
        Jars bringing =
                new Jars(jars, config.jarBuckets().orElseThrow(), Path.of(System.getProperty("java.io.tmpdir")));
        functions = Map.of(
                "submit-job", new SubmitJobFunction(invocation, () -> ports, () -> bringing)::submitJob,
                "job-status", new JobStatusFunction(invocation, () -> ports, () -> bringing)::jobStatus,
                "upgrade-job", new UpgradeJobFunction(invocation, () -> ports, () -> bringing)::upgradeJob,
                "rescale-job", new RescaleJobFunction(invocation, () -> ports, () -> bringing)::rescaleJob,
                "take-savepoint", new TakeSavepointFunction(invocation, () -> ports)::takeSavepoint,
                "stop-job", new StopJobFunction(invocation, () -> ports)::stopJob,
                "list-jobs", new ListJobsFunction(invocation, () -> ports)::listJobs,
                "list-events", new ListEventsFunction(invocation, () -> ports)::listEvents,
                "monitor-jobs",
                        new MonitorJobsFunction(invocation, () -> ports, () -> metrics, () -> bringing)::monitorJobs);
    }

    private static ObjectMapper mapper() {
        ObjectMapper mapper = new ObjectMapper();
        new StrictEvents().customize(mapper);
        return mapper;
    }

    static Event event(byte[] bytes) {
        try {
            return JSON.readerFor(Event.class).readValue(new ByteArrayInputStream(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Event event(String text) {
        return event(text.getBytes(StandardCharsets.UTF_8));
    }

    JsonNode call(String function, byte[] event) {
        return functions.get(function).apply(event(event));
    }

    JsonNode call(String function, String event) {
        return call(function, event.getBytes(StandardCharsets.UTF_8));
    }

    /** Calls, and takes a failure for its refusal. */
    JsonNode answer(String function, byte[] event) {
        try {
            return call(function, event);
        } catch (FunctionFailedException e) {
            return refusal(e);
        }
    }

    JsonNode answer(String function, String event) {
        return answer(function, event.getBytes(StandardCharsets.UTF_8));
    }

    static JsonNode refusal(FunctionFailedException failure) {
        String text = failure.getMessage();
        try {
            ErrorCode code = ErrorCode.valueOf(text.substring(0, text.indexOf(':')));
            return JSON.readTree(text.substring(code.name().length() + 2));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether nothing was asked of anybody: no effect, no jar fetched, the ledger neither read nor written. */
    boolean isUntouched() {
        return cluster.effects().isEmpty() && jars.fetches() == 0 && ledger.reads() == 0 && ledger.commits() == 0;
    }
}
