package io.sluiceway.function;

import static io.sluiceway.function.Schemas.violations;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.control.Plan;
import io.sluiceway.error.ErrorCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
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
    private static final ObjectMapper JSON = new ObjectMapper();

    private FakeDeployment deployment;

    @TempDir
    Path directory;

    @BeforeEach
    void deploy() {
        deployment = new FakeDeployment(directory);
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
        assertThat(violations(function(file) + ".request", text(file))).isEmpty();

        // Read without a complaint about the event; what it names need not exist.
        JsonNode answer = callAnswering(function(file), content(file));

        assertThat(violations(function(file) + ".answer", answer.toString())).isEmpty();
        assertThat(answer.at("/error/code").asText())
                .isIn("", "JAR_NOT_FOUND", "PARALLELISM_EXCEEDS_SLOTS", "JOB_NOT_FOUND", "OPERATION_NOT_FOUND");
    }

    @ParameterizedTest
    @MethodSource("badEvents")
    void call_badEvent_failsWithItsCodeAndNoEffect(Path file) throws IOException {
        ErrorCode code = ErrorCode.valueOf(code(file));

        FunctionFailedException failure = catchThrowableOfType(
                FunctionFailedException.class, () -> deployment.call(function(file), content(file)));

        assertThat(failure).hasMessageStartingWith(code + ": {");
        JsonNode refusal =
                JSON.readTree(failure.getMessage().substring(code.name().length() + 2));
        assertThat(violations(function(file) + ".answer", refusal.toString())).isEmpty();
        assertThat(refusal.at("/error/message").asText())
                .endsWith(".")
                .hasSizeLessThan(600)
                .doesNotContain("hunter2");
        assertThat(refusal.at("/error/action").asText()).isEqualTo(code.action());
        assertThat(refusal.at("/error/retryable").asBoolean()).isEqualTo(code.retryable());
        assertThat(deployment.isUntouched()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("badEvents")
    void schema_badEvent_isViolatedUnlessOnlyTheDeploymentKnows(Path file) {
        String code = code(file);
        if (code.equals("EVENT_UNREADABLE")) {
            // No JSON, or none that nobody can misread, to hold against a schema.
            return;
        }
        boolean onlyTheDeploymentKnows =
                (code.equals("CLUSTER_UNKNOWN") && text(file).contains("elsewhere"))
                        || code.equals("JAR_BUCKET_NOT_ALLOWED")
                        || code.equals("RESTORE_PATH_NOT_ALLOWED");

        assertThat(violations(function(file) + ".request", text(file)).isEmpty())
                .as("the schema accepts it")
                .isEqualTo(onlyTheDeploymentKnows || SEMANTIC.stream().anyMatch(file.toString()::contains));
    }

    /** What a schema can't say, or says less strictly than the code. */
    private static final Set<String> SEMANTIC = Set.of(
            "allow-non-restored-state-with",
            "args-too-long-together",
            // A schema doesn't know halves of characters.
            "args-lone-surrogate",
            "data-ready-time-zone-unknown",
            "data-ready-time-zone-lower",
            "data-ready-start-no-such-day",
            "data-ready-end-at-start",
            "savepoints-every-short",
            "savepoints-every-zero",
            "savepoints-every-long",
            "savepoints-cron-minute-60",
            "savepoints-cron-range-backwards",
            "savepoints-cron-last-day",
            "savepoints-cron-never",
            "savepoints-cron-each-minute",
            "savepoints-cron-four-minutes-round-midnight",
            "savepoints-cron-is-a-secret",
            "savepoints-time-zone-unknown",
            "retention-age-short",
            "retention-age-long",
            "restart-max-backoff-below-backoff",
            "restart-max-backoff-below-default",
            // JSON Schema counts 1.0 and 1e2 among the integers; the contract doesn't.
            "try-is-float",
            "health-restarts-is-float",
            "restart-limit-is-float",
            "try-is-1e2",
            "page-size-1e2");

    @Test
    void badEvents_areDifferent() {
        assertThat(badEvents().map(file -> Map.entry(function(file), ByteBuffer.wrap(content(file)))))
                .doesNotHaveDuplicates();
    }

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
        JsonNode monitored = assertAnswer("monitor-jobs", "{\"requestId\":\"sweep\"}", "MONITORED");
        assertThat(monitored.at("/requestId").asText()).isEqualTo("sweep");
        assertThat(monitored.at("/clusters/0/jobs/RUNNING").asInt()).isEqualTo(1);
        assertThat(monitored.at("/clusters/0/operations/completed").asInt()).isEqualTo(1);
        assertAnswer("job-status", "{\"operationId\":" + savepoint.at("/operation/operationId") + "}", "OBSERVED");
        JsonNode stop = assertAnswer("stop-job", act, "STARTED");
        JsonNode stopped =
                assertAnswer("job-status", "{\"operationId\":" + stop.at("/operation/operationId") + "}", "OBSERVED");
        assertThat(stopped.at("/operation/state").asText()).isEqualTo("COMPLETED");
        assertThat(stopped.at("/job/state").asText()).isEqualTo("FINISHED");
    }

    @Test
    void dryRun_ofEachVerb_answersAPlanBySchemaAndHasNoEffect() {
        JsonNode start = planOf("submit-job", submission("endless"));
        assertThat(start.at("/action").asText()).isEqualTo("NEW_ATTEMPT");
        JsonNode submitted = assertAnswer("submit-job", submission("endless"), "STARTED");
        assertThat(submitted.at("/job/flinkJobId")).isEqualTo(start.at("/flinkJobId"));
        String job = submitted.at("/job/flinkJobId").asText();
        String act = "{\"requestId\":\"r\",\"try\":1,\"cluster\":\"local\",\"flinkJobId\":\"" + job + "\"}";
        String other = submission("endless").replace("\"contract\"", "\"other\"");
        String version = other.replace("\"parallelism\": 1", "\"parallelism\": 2");

        assertThat(planOf("submit-job", submission("endless")).at("/action").asText())
                .isEqualTo("REPLAY");
        assertThat(planOf("submit-job", other).at("/action").asText()).isEqualTo("ADOPT");
        assertThat(planOf("take-savepoint", act).at("/action").asText()).isEqualTo("TAKE_SAVEPOINT");
        assertThat(planOf("stop-job", act).at("/action").asText()).isEqualTo("STOP_WITH_SAVEPOINT");
        assertThat(planOf("upgrade-job", version).at("/action").asText()).isEqualTo("UPGRADE");
        String wider = "{\"requestId\":\"w\",\"try\":1,\"cluster\":\"local\",\"jobName\":\"test\",\"parallelism\":2}";
        assertThat(planOf("rescale-job", wider).at("/action").asText()).isEqualTo("RESCALE_BY_RESTART");
        assertAnswer("take-savepoint", act, "STARTED");
        assertThat(planOf("take-savepoint", act).at("/action").asText()).isEqualTo("REPLAY");
        JsonNode refused = deployment.answer("submit-job", dryRun(version));
        assertThat(violations("submit-job.answer", refused.toString())).isEmpty();
        assertThat(refused.at("/error/code").asText()).isEqualTo("JOB_ALREADY_RUNNING");
        assertThat(deployment.ledger.requests()).hasSize(2);
    }

    @Test
    void schemas_ofPlans_haveEveryActionAndTheJobsAndOperationsOfTheAnswers() throws IOException {
        Set<String> actions = new TreeSet<>();
        for (String verb : List.of("submit-job", "take-savepoint", "stop-job", "upgrade-job", "rescale-job")) {
            JsonNode branches = JSON.readTree(Files.readString(Schemas.DIRECTORY.resolve(verb + ".answer.json")))
                    .path("oneOf");
            JsonNode done = branches.path(0).path("properties");
            JsonNode planned = StreamSupport.stream(branches.spliterator(), false)
                    .map(branch -> branch.path("properties"))
                    .filter(branch -> branch.at("/outcome/const").asText().equals("PLANNED"))
                    .findFirst()
                    .orElseThrow();
            planned.at("/plan/properties/action/enum").forEach(action -> actions.add(action.asText()));
            assertThat(planned.path("job")).isEqualTo(done.path("job"));
            assertThat(planned.path("operation")).isEqualTo(done.path("operation"));
        }

        assertThat(actions)
                .containsExactlyInAnyOrderElementsOf(
                        Stream.of(Plan.Action.values()).map(Enum::name).toList());
    }

    private JsonNode planOf(String function, String event) {
        List<Object> before = List.of(deployment.ledger.state(), deployment.cluster.state(), deployment.bus.arrived());
        JsonNode answer = assertAnswer(function, dryRun(event), "PLANNED");
        assertThat(List.of(deployment.ledger.state(), deployment.cluster.state(), deployment.bus.arrived()))
                .isEqualTo(before);
        return answer.path("plan");
    }

    private static String dryRun(String event) {
        return event.strip().replaceFirst("\\{", "{\"dryRun\": true, ");
    }

    @Test
    void listEvents_ofAJob_areThoseThatWerePublishedInTheFormOfTheirSchemas() {
        callAnswering("submit-job", submission("failing"));
        JsonNode listed = assertAnswer("list-events", "{\"cluster\":\"local\",\"jobName\":\"test\"}", "OBSERVED");

        assertThat(listed.at("/events").findValuesAsText("state")).containsExactly("FAILED");
        assertThat(listed.at("/lastSequence").asInt()).isEqualTo(2);
        assertThat(listed.at("/more").asBoolean()).isFalse();
        for (JsonNode event : listed.at("/events")) {
            String schema = event.path("detailType").asText().equals("Flink Job State Changed")
                    ? "job-state-changed.event"
                    : "operation-completed.event";
            assertThat(violations(schema, event.path("detail").toString())).isEmpty();
        }
        assertThat(deployment.bus.arrived())
                .extracting(event -> event.id().value())
                .containsExactlyElementsOf(listed.at("/events").findValuesAsText("id"));
        assertThat(deployment.ledger.pendingEvents()).isEmpty();
        JsonNode page = assertAnswer(
                "list-events",
                "{\"cluster\":\"local\",\"jobName\":\"test\",\"pageSize\":1,\"afterSequence\":0}",
                "OBSERVED");
        assertThat(page.at("/more").asBoolean()).isTrue();
    }

    @Test
    void submit_refusedForGood_isPublishedAllTheSame() {
        callAnswering("submit-job", submission("refusing"));

        assertThat(deployment.bus.arrived())
                .extracting(event -> event.data().get("failureCode"))
                .contains("PROGRAM_FAILED");
    }

    @Test
    void call_busThatFailsOrHasADefect_answersAllTheSame() {
        deployment.bus.refuse(event -> true);
        assertAnswer("submit-job", submission("endless"), "STARTED");
        assertThat(deployment.ledger.pendingEvents()).hasSize(3);

        deployment.bus.breakDown();
        assertAnswer("submit-job", submission("endless").replace("\"test\"", "\"other\""), "STARTED");

        assertThat(deployment.ledger.pendingEvents()).hasSize(6);
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
        FakeDeployment.Config hasty =
                new FakeDeployment.Config(Optional.empty(), deployment.config.jarBuckets(), Duration.ofSeconds(4));
        ListJobsFunction listJobs =
                new ListJobsFunction(new Invocation(hasty, deployment.clock), () -> deployment.ports);

        assertThatExceptionOfType(FunctionFailedException.class)
                .isThrownBy(() -> listJobs.listJobs(FakeDeployment.event("{\"cluster\":\"local\"}")))
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
        return callAnswering(function, event.getBytes(UTF_8));
    }

    private JsonNode callAnswering(String function, byte[] event) {
        JsonNode answer = deployment.answer(function, event);
        assertThat(violations(function + ".answer", answer.toString())).isEmpty();
        return answer;
    }

    private JsonNode call(String function, String event) {
        return deployment.call(function, event);
    }

    private static String code(Path file) {
        return file.getFileName().toString().split("\\.", -1)[2];
    }

    private static String function(Path file) {
        return file.getFileName().toString().split("\\.", -1)[0];
    }

    private static byte[] content(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Path file) {
        return new String(content(file), UTF_8);
    }

    private static Stream<Path> list(String kind) {
        try (Stream<Path> files = Files.list(EVENTS.resolve(kind))) {
            return files.sorted().toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
