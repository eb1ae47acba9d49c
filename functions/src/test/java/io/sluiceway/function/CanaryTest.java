package io.sluiceway.function;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobName;
import io.sluiceway.ledger.FakeJobLedger.Fault;
import io.sluiceway.testing.LogListener;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jboss.logmanager.ExtLogRecord;
import org.jboss.logmanager.formatters.PatternFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A secret in the program's arguments goes through all that can happen to a job, with a cluster that repeats what it is
 * given: it comes out of no answer, error, log, history or {@code toString()}. The attempt's own specification is where
 * it stays.
 */
class CanaryTest {
    private static final String CANARY = "xyzzy-canary-42";

    /** Enough of it to know it by. */
    private static final String FEATHER = CANARY.substring(0, 8);

    private static final String DIGEST = "a".repeat(64);
    private static final ObjectMapper JSON = new ObjectMapper();

    static final List<String> ARGUMENTS = List.of(
            CANARY,
            "--password=" + CANARY,
            "-Dkey=" + CANARY,
            "password=" + CANARY,
            "--options=user=root,password=" + CANARY,
            "jdbc:postgresql://root:" + CANARY + "@db:5432/flights",
            "https://" + CANARY + "@example.com/a",
            "https://jobs.s3.amazonaws.com/a?X-Amz-Signature=" + CANARY + "&X-Amz-Date=20130105",
            "{\"user\": \"root\", \"password\": \"" + CANARY + "\"}",
            "user root\n" + CANARY + "\n",
            "\t" + CANARY + "\u200b\t");

    private final StringWriter heard = new StringWriter();
    private final Set<ErrorCode> codes = EnumSet.noneOf(ErrorCode.class);
    private final TalkativeFlink flink = new TalkativeFlink().have(DIGEST);
    private final PatternFormatter format = new PatternFormatter("%-5p [%c{3.}] %s%e%n");
    private final LogListener listener = new LogListener(line -> heard.append(format.format(ExtLogRecord.wrap(line))));

    private FakeDeployment deployment;

    @TempDir
    Path directory;

    @BeforeEach
    void deploy() {
        deployment = new FakeDeployment(directory, flink.cluster());
    }

    @AfterEach
    void stopListening() {
        listener.close();
    }

    @ParameterizedTest
    @FieldSource("ARGUMENTS")
    void submit_refusedByTheCluster_isToldWithoutIt(String argument) {
        List<String> causes = List.of(
                "ProgramInvocationException",
                "Neither a 'Main-Class', nor a 'program-class' entry",
                "Cannot find meta data file",
                "something else");
        for (String cause : causes) {
            flink.refuse("POST .*/run", words(cause, argument));
            JsonNode event = submission("refused-" + causes.indexOf(cause), 1, argument);
            ((ObjectNode) event.get("job"))
                    .putObject("restore")
                    .put("mode", "SAVEPOINT")
                    .put("path", "s3://sluiceway-local-data/savepoints/a");
            // Once by the cluster's word, once by the ledger's.
            call("submit-job", event);
            call("submit-job", event);
            observeAndStop();
        }
        assertThat(codes)
                .contains(
                        ErrorCode.PROGRAM_FAILED,
                        ErrorCode.ENTRY_CLASS_NOT_FOUND,
                        ErrorCode.RESTORE_FAILED,
                        ErrorCode.CLUSTER_REFUSED,
                        ErrorCode.JOB_NOT_FOUND);
        assertNothingEscaped();
    }

    @ParameterizedTest
    @FieldSource("ARGUMENTS")
    void submit_answerOfSomethingBetween_isToldWithoutIt(String argument) {
        for (int status : new int[] {200, 400, 500, 503}) {
            flink.hushed().know("").say("POST .*/run", status, "<p>You sent " + argument + " and " + CANARY + "</p>");
            call("submit-job", submission("between-" + status, 1, argument));
            deployment.clock.move(Duration.ofHours(1));
            call("submit-job", submission("between-" + status, 1, argument));
            observeAndStop();
        }
        assertThat(codes).contains(ErrorCode.SUBMISSION_UNSETTLED);
        assertNothingEscaped();
    }

    @ParameterizedTest
    @FieldSource("ARGUMENTS")
    void job_failsInItsProgramsWords_isShownWithoutIt(String argument) {
        call("submit-job", submission("failing", 1, argument));
        flink.know("FAILED");
        for (String words : List.of(words("failed", argument), cut(argument))) {
            flink.hushed()
                    .say(
                            "GET .*/exceptions.*",
                            200,
                            text(
                                    "{\"exceptionHistory\":{\"entries\":[{\"timestamp\":1357380000500,\"stacktrace\":%s}]}}",
                                    words));
            call("job-status", job());
            flink.hushed()
                    .say(
                            "GET .*/execution-result",
                            200,
                            text("{\"job-execution-result\":{\"failure-cause\":{\"stack-trace\":%s}}}", words));
            JsonNode status = call("job-status", job());
            assertThat(status.at("/job/firstFailure/rootCause").asText()).contains("…");
        }
        call("submit-job", submission("failing", 1, argument));
        call("submit-job", submission("failing", 2, argument));
        assertNothingEscaped();
    }

    @ParameterizedTest
    @FieldSource("ARGUMENTS")
    void operation_failsInTheClustersWords_isToldWithoutIt(String argument) {
        String failed = text(
                "{\"status\":{\"id\":\"COMPLETED\"},\"operation\":{\"failure-cause\":{\"stack-trace\":%s}}}",
                words("failed", argument));
        call("submit-job", submission("saved", 1, argument));
        int number = 0;
        for (String function : List.of("take-savepoint", "stop-job")) {
            for (String trigger : List.of("POST .*/savepoints", "POST .*/stop", "GET .*/savepoints/.*")) {
                flink.hushed();
                if (trigger.startsWith("GET")) {
                    flink.say("POST .*", 202, "{\"request-id\":\"0\"}");
                } else {
                    flink.refuse(trigger, words("refused", argument));
                }
                JsonNode answer = call(function, change("operation-" + ++number));
                flink.say("GET .*/savepoints/.*", 200, failed);
                String id = answer.at("/operation/operationId").asText();
                call("job-status", JSON.createObjectNode().put("operationId", id));
            }
        }
        flink.hushed().refuse("PATCH .*", words("refused", argument));
        call("stop-job", change("cancelled").put("mode", "CANCEL"));
        flink.hushed().refuse("GET .*/jobs/[0-9a-f]*", words("refused", argument));
        observeAndStop();
        flink.hushed().refuse("GET .*/checkpoints", words("refused", argument));
        observeAndStop();
        flink.hushed().say("GET .*/savepoints/.*", 500, words("no JSON", argument));
        observeAndStop();
        assertThat(codes).contains(ErrorCode.CLUSTER_REFUSED);
        assertThat(deployment.ledger.operations())
                .anyMatch(operation -> String.valueOf(operation.failure()).contains("…"));
        assertNothingEscaped();
    }

    @ParameterizedTest
    @FieldSource("ARGUMENTS")
    void submit_refusedBySluiceway_isToldWithoutIt(String argument) throws IOException {
        Files.writeString(directory.resolve("text.jar"), "no jar");
        deployment.jars.put("s3://sluiceway-local-jobs/jars/text.jar", directory.resolve("text.jar"));
        ObjectNode noDigest = submission("no-digest", 1, argument);
        jar(noDigest).remove("sha256");
        jar(noDigest).put("uri", "s3://sluiceway-local-jobs/jars/missing.jar");
        call("submit-job", noDigest);
        jar(noDigest).put("uri", "s3://sluiceway-local-jobs/jars/text.jar");
        call("submit-job", noDigest.put("try", 2));
        flink.have("b".repeat(64));
        jar(noDigest).put("uri", "s3://sluiceway-local-jobs/jars/test.jar").put("sha256", DIGEST);
        call("submit-job", noDigest.put("try", 3));
        jar(noDigest).put("uri", "s3://elsewhere/jars/test.jar");
        call("submit-job", noDigest.put("try", 4));
        flink.have(DIGEST);
        ObjectNode wide = submission("wide", 1, argument);
        ((ObjectNode) wide.get("job")).put("parallelism", 5);
        call("submit-job", wide);

        for (Fault fault : List.of(Fault.CALL_LOST, Fault.ANSWER_LOST)) {
            deployment.ledger.failNextCommit(fault);
            call("submit-job", submission("lost-" + fault, 1, argument));
        }
        deployment.ledger.failReadsAfter(1);
        call("submit-job", submission("unread", 1, argument));
        deployment.clock.move(Duration.ofHours(1));
        deployment.ledger.beforeNextCommit(() -> {
            throw new IllegalStateException(argument, new IOException(CANARY));
        });
        call("submit-job", submission("defect", 1, argument));
        call(
                "stop-job",
                change("early")
                        .put("mode", "CANCEL")
                        .set(
                                "owner",
                                JSON.createObjectNode()
                                        .put("requestId", "cancelled")
                                        .put("try", 1)));
        call("submit-job", submission("cancelled", 1, argument));

        call("submit-job", submission("good", 2, argument));
        call("submit-job", submission("good", 1, argument));
        call("submit-job", submission("good", 2, argument, "--more=" + CANARY));
        call("submit-job", submission("other", 1, argument, "--more=" + CANARY));
        ObjectNode run = submission("run", 1, argument);
        ((ObjectNode) run.get("job")).put("kind", "RUN");
        call("submit-job", run);
        call(
                "stop-job",
                change("stale")
                        .set(
                                "owner",
                                JSON.createObjectNode().put("requestId", "x").put("try", 1)));
        flink.know("");
        observeAndStop();
        call("submit-job", submission("good", 2, argument));

        assertThat(codes)
                .contains(
                        ErrorCode.JAR_NOT_FOUND,
                        ErrorCode.JAR_NOT_A_JAR,
                        ErrorCode.JAR_CHECKSUM_MISMATCH,
                        ErrorCode.JAR_BUCKET_NOT_ALLOWED,
                        ErrorCode.PARALLELISM_EXCEEDS_SLOTS,
                        ErrorCode.LEDGER_UNAVAILABLE,
                        ErrorCode.INTERNAL_ERROR,
                        ErrorCode.REQUEST_CANCELLED,
                        ErrorCode.STALE_TRY,
                        ErrorCode.REQUEST_CONFLICT,
                        ErrorCode.JOB_ALREADY_RUNNING,
                        ErrorCode.JOB_KIND_MISMATCH,
                        ErrorCode.JOB_OUTCOME_UNKNOWN);
        assertNothingEscaped();
    }

    static Stream<Path> badEvents() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src/test/resources/events/bad"))) {
            return files.sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("badEvents")
    void badEvent_withASecret_isToldWithoutIt(Path file) throws IOException {
        String function = file.getFileName().toString().split("\\.", -1)[0];
        String event = new String(Files.readAllBytes(file), ISO_8859_1);
        for (String secret : List.of("hunter2", "--from", "flight-delays\"", "2013-01-05")) {
            call(
                    function,
                    event.replace(
                                    secret,
                                    secret.endsWith("\"") ? CANARY.toUpperCase(java.util.Locale.ROOT) + "\"" : CANARY)
                            .getBytes(ISO_8859_1));
        }
        try {
            JsonNode tree = JSON.readTree(event);
            if (tree.get("job") instanceof ObjectNode job) {
                ARGUMENTS.forEach(job.putArray("args")::add);
                call(function, tree);
            }
        } catch (IOException e) {
            // It is no JSON; it was sent as it is.
            assertThat(file.toString()).contains("EVENT_UNREADABLE");
        }
        assertThat(heard.toString()).doesNotContainIgnoringCase(FEATHER);
    }

    @Test
    void toString_ofWhatHoldsArguments_leavesThemOut() {
        Event event = FakeDeployment.event(submission("r", 1, CANARY).toString());
        SubmitJobRequest request = EventReader.read(event, SubmitJobRequest.class);

        assertThat(event.toString()).doesNotContain(FEATHER);
        assertThat(request.toString()).contains("flight-delays").doesNotContain(FEATHER);
        assertThat(request.spec().toString()).contains("flight-delays").doesNotContain(FEATHER);
    }

    /** Words that repeat an argument, and the secret in it by itself. */
    private static String words(String cause, String argument) {
        return """
                org.apache.flink.runtime.rest.handler.RestHandlerException: Could not run '%s' (%s).
                \tat a.b.C.d(C.java:1)
                Caused by: java.lang.IllegalArgumentException: %s: '%s' is not allowed in %s
                \t... 3 more
                """.formatted(argument, CANARY, cause, CANARY, argument);
    }

    /** Words that are cut in the middle of the secret. */
    private static String cut(String argument) {
        String start = "java.lang.IllegalStateException: … ";
        return start + "x".repeat(600 - start.length() - 9) + CANARY + " " + argument + "\n";
    }

    private static String text(String json, String text) {
        return json.formatted(JsonNodeFactory.instance.textNode(text));
    }

    private static ObjectNode submission(String requestId, int tryNumber, String... arguments) {
        ObjectNode event = JSON.createObjectNode().put("requestId", requestId).put("try", tryNumber);
        ObjectNode job = event.putObject("job")
                .put("name", "flight-delays")
                .put("kind", "STREAM")
                .put("cluster", "local");
        job.putObject("jar")
                .put("uri", "s3://sluiceway-local-jobs/jars/test.jar")
                .put("sha256", DIGEST);
        job.putObject("restore").put("mode", "NONE");
        for (String argument : arguments) {
            job.withArray("args").add(argument);
        }
        return event;
    }

    private static ObjectNode jar(ObjectNode submission) {
        return (ObjectNode) submission.at("/job/jar");
    }

    private static ObjectNode job() {
        return JSON.createObjectNode().put("cluster", "local").put("jobName", "flight-delays");
    }

    private static ObjectNode change(String requestId) {
        return job().put("requestId", requestId).put("try", 1);
    }

    private void observeAndStop() {
        call("job-status", job());
        call("take-savepoint", change("observe/save"));
        call("stop-job", change("observe/stop"));
        call("monitor-jobs", JSON.createObjectNode());
        List.copyOf(deployment.ledger.attempts())
                .forEach(attempt -> call(
                        "job-status",
                        JSON.createObjectNode()
                                .put("cluster", "local")
                                .put("flinkJobId", attempt.id().value())));
        List.copyOf(deployment.ledger.operations())
                .forEach(operation -> call(
                        "job-status",
                        JSON.createObjectNode()
                                .put("operationId", operation.id().value())));
    }

    private JsonNode call(String function, JsonNode event) {
        return call(function, event.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    /** Calls and hears what is answered, thrown and wrapped. */
    private JsonNode call(String function, byte[] event) {
        JsonNode answer;
        try {
            answer = deployment.call(function, event);
        } catch (FunctionFailedException e) {
            e.printStackTrace(new PrintWriter(heard));
            new IllegalStateException(e).printStackTrace(new PrintWriter(heard));
            answer = FakeDeployment.refusal(e);
        }
        String code = answer.at("/error/code").asText();
        if (!code.isEmpty()) {
            codes.add(ErrorCode.valueOf(code));
        }
        heard.append(answer.toString()).append('\n');
        return answer;
    }

    private void assertNothingEscaped() {
        List<Object> records = new ArrayList<>();
        records.addAll(deployment.ledger.jobs());
        records.addAll(deployment.ledger.requests());
        records.addAll(deployment.ledger.attempts());
        records.addAll(deployment.ledger.operations());
        records.addAll(deployment.ledger.savepoints());
        records.addAll(deployment.ledger.history(new ClusterName("local"), new JobName("flight-delays")));
        assertThat(deployment.ledger.attempts())
                .anyMatch(
                        attempt -> String.join(" ", attempt.spec().arguments()).contains(CANARY));
        assertThat(records.toString()).doesNotContain(FEATHER);
        assertThat(heard.toString()).isNotEmpty().doesNotContain(FEATHER);
    }
}
