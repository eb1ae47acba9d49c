package io.sluiceway.function;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.testing.LogListener;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lines as CloudWatch Logs Insights is asked for them: by request, job and operation. */
class FunctionLogTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Instant THEN = Instant.parse("2026-11-23T04:00:00Z");
    private static final String JOB = "7d1f8c3b2a4e5f60718293a4b5c6d7e8";

    private final List<JsonNode> lines = new ArrayList<>();
    private final LogListener listener = new LogListener(line -> lines.add(json(line.getMessage())));

    private final FunctionLog log = new FunctionLog(THEN);

    @AfterEach
    void stopListening() {
        listener.close();
    }

    @Test
    void answered_submission_hasTheIdsOfEventAndAnswer() throws Exception {
        log.read(JSON.readTree("""
                {"requestId": "nightly/1", "try": 2, "job": {"name": "delays", "cluster": "local",
                 "args": ["--password", "xyzzy"]}}"""));
        log.answered(JSON.readTree("""
                {"outcome": "STARTED", "job": {"name": "delays", "flinkJobId": "%s"},
                 "operation": {"operationId": "%s", "cluster": "local"}}""".formatted(JOB, "0f".repeat(16))), THEN.plusMillis(250));

        assertThat(lines).containsExactly(JSON.readTree("""
                {"timestamp": "2026-11-23T04:00:00.250Z", "level": "INFO", "message": "The call was answered: STARTED.",
                 "requestId": "nightly/1", "try": 2, "cluster": "local", "jobName": "delays", "flinkJobId": "%s",
                 "operationId": "%s", "outcome": "STARTED", "durationMs": 250}""".formatted(JOB, "0f".repeat(16))));
    }

    @Test
    void answered_dryRun_saysThatItIsOne() throws Exception {
        log.read(JSON.readTree("{\"requestId\": \"nightly/1\", \"dryRun\": true}"));

        log.answered(JSON.readTree("{\"outcome\": \"PLANNED\"}"), THEN);

        assertThat(lines).singleElement().satisfies(line -> {
            assertThat(line.path("dryRun").asBoolean()).isTrue();
            assertThat(line.path("outcome").asText()).isEqualTo("PLANNED");
        });
    }

    @Test
    void warn_refusal_hasItsCodeAndStaysOneLine() throws Exception {
        log.read(JSON.readTree("{\"cluster\": \"local\", \"flinkJobId\": \"%s\"}".formatted(JOB)));

        log.warn(org.jboss.logging.Logger.Level.WARN, "JOB_NOT_FOUND", "JOB_NOT_FOUND: \"a\nb\"", THEN);

        assertThat(lines).singleElement().satisfies(line -> {
            assertThat(line.path("level").asText()).isEqualTo("WARN");
            assertThat(line.path("errorCode").asText()).isEqualTo("JOB_NOT_FOUND");
            assertThat(line.path("message").asText()).isEqualTo("JOB_NOT_FOUND: \"a\nb\"");
            assertThat(line.path("flinkJobId").asText()).isEqualTo(JOB);
            assertThat(line.toString()).doesNotContain("\n");
        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"requestId\": \"a b\", \"jobName\": \"Xyzzy=1\", \"cluster\": \"xyzzy canary\"}",
                "{\"requestId\": 7, \"jobName\": [\"xyzzy\"], \"flinkJobId\": {\"xyzzy\": 1}, \"try\": \"xyzzy\"}",
                "{\"job\": \"xyzzy\", \"operationId\": null, \"password\": \"xyzzy\"}",
                "[\"xyzzy\"]"
            })
    void read_whatIsNoNameOrId_isNotLogged(String event) throws Exception {
        log.read(JSON.readTree(event));

        log.warn(org.jboss.logging.Logger.Level.WARN, "FIELD_INVALID", "Refused.", THEN);

        assertThat(lines)
                .containsExactly(
                        JSON.readTree(
                                "{\"timestamp\": \"2026-11-23T04:00:00Z\", \"level\": \"WARN\", \"message\": \"Refused.\", \"errorCode\": \"FIELD_INVALID\", \"durationMs\": 0}"));
    }

    private static JsonNode json(String line) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new AssertionError(line, e);
        }
    }
}
