package io.sluiceway.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.jar.FakeJarStore;
import io.sluiceway.job.ClusterName;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.TestJobJar;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The contract as callers see it: events in files, the functions over a fake cluster, answers held against the schemas.
 * A bad event's file is named {@code <function>.<reason>.<code>.json}.
 */
class ContractTest {
    private static final Path EVENTS = Path.of("src/test/resources/events");
    private static final Path SCHEMAS = Path.of("src/main/resources/schemas");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final SchemaRegistry REGISTRY =
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    private record Config(Optional<String> clusters, Optional<Set<String>> jarBuckets, Duration timeBudget)
            implements SluicewayConfig {}

    private final Clock clock = Clock.fixed(Instant.parse("2013-01-05T10:00:00Z"), ZoneOffset.UTC);
    private final FakeFlinkCluster cluster = new FakeFlinkCluster(new ClusterName("local"), 4, clock) {
        // The files name the savepoints of the laptop.
        @Override
        public boolean mayRestoreFrom(StoragePath path) {
            return path.isWithin(new StoragePath("s3://sluiceway-local-data/savepoints"));
        }
    };
    private final Clusters clusters = new Clusters(List.of(cluster));
    private final FakeJarStore jars = new FakeJarStore();
    private final Config config =
            new Config(Optional.empty(), Optional.of(Set.of("sluiceway-local-jobs")), Duration.ofSeconds(20));
    private final Invocation invocation = new Invocation(config, clock);
    private final Map<String, Function<Event, JsonNode>> functions = Map.of(
            "submit-job", new SubmitJobFunction(invocation, () -> clusters, jars, config)::submitJob,
            "job-status", new JobStatusFunction(invocation, () -> clusters)::jobStatus,
            "take-savepoint", new TakeSavepointFunction(invocation, () -> clusters)::takeSavepoint,
            "stop-job", new StopJobFunction(invocation, () -> clusters)::stopJob,
            "list-jobs", new ListJobsFunction(invocation, () -> clusters)::listJobs);

    @TempDir
    Path directory;

    @BeforeEach
    void putTheJar() {
        jars.put("s3://sluiceway-local-jobs/jars/test.jar", TestJobJar.write(directory.resolve("job.jar"), 0));
    }

    static Stream<Path> goodEvents() {
        return list("good");
    }

    static Stream<Path> badEvents() {
        return list("bad");
    }

    @ParameterizedTest
    @MethodSource("goodEvents")
    void read_goodEvent_agreesWithItsSchema(Path file) {
        assertThat(violations(function(file) + ".request", content(file))).isEmpty();

        // Read without a complaint about the event; what it names need not exist.
        JsonNode answer = callAnswering(function(file), content(file));

        assertThat(violations(function(file) + ".answer", answer.toString())).isEmpty();
        assertThat(answer.at("/error/code").asText()).isIn("", "JAR_NOT_FOUND", "JOB_NOT_FOUND", "OPERATION_NOT_FOUND");
    }

    @ParameterizedTest
    @MethodSource("badEvents")
    void call_badEvent_failsWithItsCodeAndNoEffect(Path file) throws IOException {
        ErrorCode code = ErrorCode.valueOf(file.getFileName().toString().split("\\.", -1)[2]);

        FunctionFailedException failure =
                catchThrowableOfType(FunctionFailedException.class, () -> call(function(file), content(file)));

        assertThat(failure).hasMessageStartingWith(code + ": {");
        JsonNode refusal =
                JSON.readTree(failure.getMessage().substring(code.name().length() + 2));
        assertThat(violations(function(file) + ".answer", refusal.toString())).isEmpty();
        assertThat(refusal.at("/error/message").asText()).endsWith(".").doesNotContain("hunter2");
        assertThat(refusal.at("/error/action").asText()).isEqualTo(code.action());
        assertThat(refusal.at("/error/retryable").asBoolean()).isEqualTo(code.retryable());
        assertThat(cluster.effects()).isEmpty();
        assertThat(jars.fetches()).isZero();
    }

    @ParameterizedTest
    @MethodSource("badEvents")
    void schema_badEvent_isViolatedUnlessOnlyTheDeploymentKnows(Path file) {
        String code = file.getFileName().toString().split("\\.", -1)[2];
        boolean onlyTheDeploymentKnows =
                (code.equals("CLUSTER_UNKNOWN") && content(file).contains("elsewhere"))
                        || code.equals("JAR_BUCKET_NOT_ALLOWED")
                        || code.equals("RESTORE_PATH_NOT_ALLOWED");

        if (code.equals("EVENT_UNREADABLE")
                && !content(file).startsWith("[")
                && !content(file).startsWith("\"")) {
            return;
        }
        assertThat(violations(function(file) + ".request", content(file)).isEmpty())
                .as("the schema accepts it")
                .isEqualTo(onlyTheDeploymentKnows || SEMANTIC.stream().anyMatch(file.toString()::contains));
    }

    /** What a schema can't say, or says less strictly than the code. */
    private static final Set<String> SEMANTIC = Set.of(
            "jar-uri-dots",
            "jar-uri-dot-segment",
            "restore-path-dots",
            "args-control",
            "allow-non-restored-state-without-restore",
            // JSON Schema counts 1.0 among the integers; the contract doesn't.
            "try-is-float");

    @Test
    void submit_thenEverythingElse_answersBySchema() throws IOException {
        JsonNode submitted = callAnswering("submit-job", submission("endless"));
        String job = submitted.at("/job/flinkJobId").asText();
        String act = "{\"requestId\":\"r\",\"try\":1,\"cluster\":\"local\",\"flinkJobId\":\"" + job + "\"}";

        assertThat(submitted.at("/outcome").asText()).isEqualTo("STARTED");
        assertAnswer("submit-job", submission("endless"), "REPLAYED");
        assertAnswer("job-status", "{\"cluster\":\"local\",\"flinkJobId\":\"" + job + "\"}", "OBSERVED");
        assertAnswer("list-jobs", "{\"cluster\":\"local\"}", "OBSERVED");
        JsonNode savepoint = assertAnswer("take-savepoint", act, "STARTED");
        assertAnswer("job-status", "{\"operationId\":" + savepoint.at("/operation/operationId") + "}", "OBSERVED");
        JsonNode stop = assertAnswer("stop-job", act, "STARTED");
        JsonNode stopped =
                assertAnswer("job-status", "{\"operationId\":" + stop.at("/operation/operationId") + "}", "OBSERVED");
        assertThat(stopped.at("/operation/state").asText()).isEqualTo("COMPLETED");
        assertThat(stopped.at("/job/state").asText()).isEqualTo("FINISHED");
    }

    @Test
    void jobStatus_failedJob_showsTheRootCause() {
        String job = callAnswering("submit-job", submission("failing"))
                .at("/job/flinkJobId")
                .asText();

        JsonNode status =
                assertAnswer("job-status", "{\"cluster\":\"local\",\"flinkJobId\":\"" + job + "\"}", "OBSERVED");

        assertThat(status.at("/job/firstFailure/rootCause").asText()).contains("No such runway.");
    }

    @Test
    void call_refusedWithAnswer_answersTheRefusal() {
        JsonNode answer = call(
                "job-status",
                "{\"cluster\":\"local\",\"flinkJobId\":\"" + "0".repeat(32) + "\",\"onRefusal\":\"ANSWER\"}");

        assertThat(answer.at("/outcome").asText()).isEqualTo("REFUSED");
        assertThat(answer.at("/error/code").asText()).isEqualTo("JOB_NOT_FOUND");
    }

    @Test
    void call_timeBudgetThatLeavesNoTimeToWork_isRefused() {
        Config hasty = new Config(config.clusters(), config.jarBuckets(), Duration.ofSeconds(4));
        ListJobsFunction listJobs = new ListJobsFunction(new Invocation(hasty, clock), () -> clusters);

        assertThatExceptionOfType(FunctionFailedException.class)
                .isThrownBy(() -> listJobs.listJobs(JSON.readValue("{\"cluster\":\"local\"}", Event.class)))
                .withMessageStartingWith("CONFIGURATION_INVALID: ");
    }

    @Test
    void call_unreadableEventThatAsksForAnAnswer_isThrownAllTheSame() {
        assertThatExceptionOfType(FunctionFailedException.class)
                .isThrownBy(() -> call("list-jobs", "{\"cluster\":\"local\",\"onRefusal\":\"ANSWER\",\"limit\":1}"))
                .withMessageStartingWith("FIELD_UNKNOWN: ");
    }

    @Test
    void submit_programArgumentsInARefusal_areNotShown() {
        String event = submission("refusing").replace("[\"refusing\"]", "[\"refusing\",\"hunter2\"]");

        assertThatExceptionOfType(FunctionFailedException.class)
                .isThrownBy(() -> call("submit-job", event))
                .withMessageStartingWith("PROGRAM_FAILED: ")
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("hunter2"));
    }

    private static String submission(String behaviour) {
        return """
               {"requestId": "contract", "try": 1, "job": {"name": "test", "kind": "STREAM", "cluster": "local",
                "jar": {"uri": "s3://sluiceway-local-jobs/jars/test.jar"}, "args": ["%s"], "parallelism": 1}}
               """.formatted(behaviour);
    }

    private JsonNode assertAnswer(String function, String event, String outcome) {
        JsonNode answer = callAnswering(function, event);
        assertThat(answer.at("/outcome").asText()).isEqualTo(outcome);
        return answer;
    }

    /** Calls and holds the answer against its schema, a refusal included. */
    private JsonNode callAnswering(String function, String event) {
        JsonNode answer;
        try {
            answer = call(function, event);
        } catch (FunctionFailedException e) {
            answer = read(e.getMessage().substring(e.getMessage().indexOf(": ") + 2));
        }
        assertThat(violations(function + ".answer", answer.toString())).isEmpty();
        return answer;
    }

    private JsonNode call(String function, String event) {
        try {
            return functions.get(function).apply(JSON.readValue(event, Event.class));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<?> violations(String schema, String json) {
        Schema loaded = REGISTRY.getSchema(content(SCHEMAS.resolve(schema + ".json")));
        return loaded.validate(json, InputFormat.JSON);
    }

    private static String function(Path file) {
        return file.getFileName().toString().split("\\.", -1)[0];
    }

    private static JsonNode read(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String content(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<Path> list(String kind) {
        try (Stream<Path> files = Files.list(EVENTS.resolve(kind))) {
            return files.sorted().toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
