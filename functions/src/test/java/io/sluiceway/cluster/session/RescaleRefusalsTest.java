package io.sluiceway.cluster.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.net.httpserver.HttpExchange;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.InPlaceChange;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobRef;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.StubServer;
import io.sluiceway.time.Deadline;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the adapter makes of a Flink that doesn't rescale a job, or of which nobody knows whether it does. */
class RescaleRefusalsTest {
    private static final JobRef JOB = JobRef.unnamed(new FlinkJobId("0123456789abcdef0123456789abcdef"));
    private static final String PATH = "/v1/jobs/" + JOB;
    private static final String VERTEX = "cbc357ccb763df2852fee8c4fc7d55f2";

    private record Answer(int status, String body) {}

    private final Map<String, Answer> answers = new HashMap<>();
    private final StubServer server = new StubServer(this::answer);
    private final SessionCluster cluster = new SessionCluster(
            new ClusterName("stub"),
            new ClusterSettings.Session(
                    server.url(), null, new StoragePath("s3://state/savepoints"), null, List.of(), Slots.FIXED),
            SessionCluster.newHttpClient());

    RescaleRefusalsTest() throws Exception {
        answers.put(
                "GET " + PATH, new Answer(200, Files.readString(Path.of("src/test/resources/flink-2.3.0/job.json"))));
        requirements("{\"%s\":{\"parallelism\":{\"lowerBound\":1,\"upperBound\":2}}}".formatted(VERTEX));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    /** As a Flink 2.3.0 with its default scheduler answered. */
    @Test
    void rescaleJob_defaultScheduler_isNotPossibleInPlace() throws Exception {
        answers.put(
                "GET " + PATH + "/resource-requirements",
                new Answer(
                        500,
                        Files.readString(Path.of("src/test/resources/flink-2.3.0/no-resource-requirements.json"))));

        assertThat(cluster.rescaleJob(JOB, 4, soon())).isInstanceOf(InPlaceChange.NotPossible.class);
        assertThat(cluster.findRescale(JOB, 4, Instant.EPOCH, soon()).orElseThrow())
                .isInstanceOf(InPlaceChange.NotPossible.class);
    }

    @Test
    void rescaleJob_reactiveMode_isNotPossibleInPlace() {
        put(500, "Cannot change the parallelism of a job running in reactive mode.");

        assertThat(cluster.rescaleJob(JOB, 4, soon())).isInstanceOf(InPlaceChange.NotPossible.class);
    }

    @ParameterizedTest
    @CsvSource({
        "400, CLUSTER_REFUSED",
        "404, JOB_NOT_FOUND",
        "409, CLUSTER_UNREACHABLE",
        "500, CLUSTER_TIMEOUT",
        "503, CLUSTER_TIMEOUT",
    })
    void rescaleJob_flinkRefuses_isRefused(int status, ErrorCode code) {
        put(status, "Words of Flink.");

        assertRefused(code, 4);
    }

    @Test
    void rescaleJob_connectionBreaks_isATimeout() {
        assertRefused(ErrorCode.CLUSTER_TIMEOUT, 4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"a\":{}}", "{\"a\":{\"parallelism\":{\"lowerBound\":1}}}", "[]"})
    void rescaleJob_requirementsAreNonsense_isAnInvalidAnswer(String body) {
        requirements(body);

        assertRefused(ErrorCode.CLUSTER_ANSWER_INVALID, 4);
    }

    @ParameterizedTest
    @CsvSource({"2, 2, true", "3, 3, true", "4, 4, false", "4, 5, false"})
    void rescaleJob_operatorWithAParallelismOfItsOwn_isDoneOnlyWhereItStaysTold(
            int own, int wanted, boolean notPossible) {
        requirements(("{\"%s\":{\"parallelism\":{\"lowerBound\":1,\"upperBound\":4}},"
                        + "\"%s\":{\"parallelism\":{\"lowerBound\":1,\"upperBound\":%d}}}")
                .formatted(VERTEX, "0".repeat(32), own));
        answers.put("PUT " + PATH + "/resource-requirements", new Answer(200, "{}"));

        assertThat(cluster.rescaleJob(JOB, wanted, soon()) instanceof InPlaceChange.NotPossible)
                .isEqualTo(notPossible);
    }

    private void requirements(String body) {
        answers.put("GET " + PATH + "/resource-requirements", new Answer(200, body));
    }

    private void put(int status, String error) {
        answers.put(
                "PUT " + PATH + "/resource-requirements", new Answer(status, "{\"errors\":[\"%s\"]}".formatted(error)));
    }

    private void answer(HttpExchange exchange) throws Exception {
        Answer answer = answers.get(exchange.getRequestMethod() + " " + exchange.getRequestURI());
        if (answer == null && exchange.getRequestMethod().equals("PUT")) {
            throw new IllegalStateException("The test breaks this connection.");
        }
        Answer given = answer == null ? new Answer(404, "{\"errors\":[\"There is none.\"]}") : answer;
        StubServer.answer(exchange, given.status(), given.body().getBytes(StandardCharsets.UTF_8));
    }

    private void assertRefused(ErrorCode code, int parallelism) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> cluster.rescaleJob(JOB, parallelism, soon()))
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(10), Clock.systemUTC());
    }
}
