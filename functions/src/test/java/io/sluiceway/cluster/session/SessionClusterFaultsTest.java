package io.sluiceway.cluster.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobRef;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.Processes;
import io.sluiceway.testing.StubServer;
import io.sluiceway.time.Deadline;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A cluster that is down, slow or answers nonsense. */
class SessionClusterFaultsTest {
    private static final FlinkJobId JOB = new FlinkJobId("0".repeat(32));
    private static final TriggerId TRIGGER = new TriggerId("1".repeat(32));

    @Test
    void listJobs_clusterDown_isUnreachable() {
        SessionCluster cluster = cluster(URI.create("http://127.0.0.1:" + Processes.freePort()));

        assertRefused(ErrorCode.CLUSTER_UNREACHABLE, cluster, Duration.ofSeconds(5));
    }

    @Test
    void listJobs_clusterSlow_isATimeoutBeforeTheDeadline() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        try (StubServer server = new StubServer(exchange -> never.await())) {
            assertRefused(ErrorCode.CLUSTER_TIMEOUT, cluster(server.url()), Duration.ofMillis(300));
        }
    }

    @Test
    void listJobs_bodyThatNeverEnds_isATimeoutBeforeTheDeadline() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        try (StubServer server = new StubServer(exchange -> {
            exchange.sendResponseHeaders(200, 1000);
            exchange.getResponseBody().write('{');
            exchange.getResponseBody().flush();
            never.await();
        })) {
            assertRefused(ErrorCode.CLUSTER_TIMEOUT, cluster(server.url()), Duration.ofMillis(300));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "<html>It works!</html>",
                "{\"jobs\":",
                "42",
                "{}",
                "{\"jobs\":[{}]}",
                "{\"jobs\":[{\"jid\":\"../..\",\"name\":\"a\",\"state\":\"RUNNING\",\"start-time\":1,\"end-time\":-1,\"tasks\":{}}]}",
                "{\"jobs\":[{\"jid\":\"00000000000000000000000000000000\",\"name\":\"a\",\"state\":\"DANCING\",\"start-time\":1,\"end-time\":-1,\"tasks\":{}}]}"
            })
    void listJobs_nonsense_isAnInvalidAnswer(String body) {
        try (StubServer server =
                new StubServer(exchange -> StubServer.answer(exchange, 200, body.getBytes(StandardCharsets.UTF_8)))) {
            assertRefused(ErrorCode.CLUSTER_ANSWER_INVALID, cluster(server.url()), Duration.ofSeconds(5));
        }
    }

    @Test
    void listJobs_connectionBreaksOnce_isTriedAgain() {
        AtomicInteger calls = new AtomicInteger();
        try (StubServer server = new StubServer(exchange -> {
            if (calls.incrementAndGet() == 1) {
                throw new IllegalStateException("The test breaks this connection.");
            }
            StubServer.answer(exchange, 200, "{\"jobs\":[]}".getBytes(StandardCharsets.UTF_8));
        })) {
            assertThat(cluster(server.url()).listJobs(in(Duration.ofSeconds(5))))
                    .isEmpty();
        }
    }

    @Test
    void triggerSavepoint_connectionBreaks_isNotTriedAgain() {
        AtomicInteger calls = new AtomicInteger();
        try (StubServer server = new StubServer(exchange -> {
            calls.incrementAndGet();
            throw new IllegalStateException("The test breaks this connection.");
        })) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> cluster(server.url())
                            .triggerSavepoint(
                                    JobRef.unnamed(JOB),
                                    TRIGGER,
                                    new StoragePath("s3://state/1"),
                                    in(Duration.ofSeconds(5))))
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CLUSTER_TIMEOUT));
        }
        assertThat(calls).hasValue(1);
    }

    @Test
    void listJobs_serverError_saysSoInTheClustersWords() {
        String body = "{\"errors\":[\"Internal server error.\",\"<Exception on server side:\\n"
                + "org.apache.flink.Outer: outer\\n\\tat a.b(C.java:1)\\nCaused by: java.io.IOException: inner\\n\"]}";
        try (StubServer server =
                new StubServer(exchange -> StubServer.answer(exchange, 500, body.getBytes(StandardCharsets.UTF_8)))) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> cluster(server.url()).listJobs(in(Duration.ofSeconds(5))))
                    .withMessage("Cluster 'stub' answered 500: java.io.IOException: inner")
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CLUSTER_TIMEOUT));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 429, 502, 503, 504})
    void listJobs_clusterCantWorkAtTheMoment_isUnreachableAfterAFewTries(int status) {
        AtomicInteger calls = new AtomicInteger();
        try (StubServer server = new StubServer(exchange -> {
            calls.incrementAndGet();
            StubServer.answer(exchange, status, "{\"errors\":[\"no leader\"]}".getBytes(StandardCharsets.UTF_8));
        })) {
            assertRefused(ErrorCode.CLUSTER_UNREACHABLE, cluster(server.url()), Duration.ofSeconds(5));
        }
        assertThat(calls).hasValue(3);
    }

    @Test
    void cancelJob_clusterCantWorkAtTheMoment_isATimeoutBecauseItMayHaveBeenDone() {
        try (StubServer server = new StubServer(exchange -> StubServer.answer(exchange, 503, new byte[0]))) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> cluster(server.url()).cancelJob(JobRef.unnamed(JOB), in(Duration.ofSeconds(5))))
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CLUSTER_TIMEOUT));
        }
    }

    @Test
    void findJob_notFoundOfAProxy_isAnInvalidAnswerAndNoUnknownJob() {
        try (StubServer server = new StubServer(exchange ->
                StubServer.answer(exchange, 404, "{\"message\":\"not found\"}".getBytes(StandardCharsets.UTF_8)))) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> cluster(server.url()).findJob(JobRef.unnamed(JOB), in(Duration.ofSeconds(5))))
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CLUSTER_ANSWER_INVALID));
        }
    }

    @Test
    void listJobs_answerTooLarge_isInvalidAndNotAskedForAgain() {
        AtomicInteger calls = new AtomicInteger();
        try (StubServer server = new StubServer(exchange -> {
            calls.incrementAndGet();
            StubServer.answer(exchange, 200, new byte[17 << 20]);
        })) {
            assertRefused(ErrorCode.CLUSTER_ANSWER_INVALID, cluster(server.url()), Duration.ofSeconds(5));
        }
        assertThat(calls).hasValue(1);
    }

    @Test
    void triggerSavepoint_noTimeLeft_isNotSent() {
        AtomicInteger calls = new AtomicInteger();
        try (StubServer server = new StubServer(exchange -> calls.incrementAndGet())) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> cluster(server.url())
                            .triggerSavepoint(
                                    JobRef.unnamed(JOB), TRIGGER, new StoragePath("s3://state/1"), in(Duration.ZERO)));
        }
        assertThat(calls).hasValue(0);
    }

    @Test
    void fixedSlots_noTaskManager_isUnreachable() {
        String body = "{\"slots-total\":0}";
        try (StubServer server =
                new StubServer(exchange -> StubServer.answer(exchange, 200, body.getBytes(StandardCharsets.UTF_8)))) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> cluster(server.url()).fixedSlots(in(Duration.ofSeconds(5))))
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CLUSTER_UNREACHABLE));
        }
    }

    @Test
    void hasJar_idThatIsAPath_isAnInvalidAnswer() {
        String digest = "ab".repeat(32);
        String body = "{\"files\":[{\"id\":\"../jobs/x\",\"name\":\"" + digest + ".jar\"}]}";
        try (StubServer server =
                new StubServer(exchange -> StubServer.answer(exchange, 200, body.getBytes(StandardCharsets.UTF_8)))) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> cluster(server.url()).hasJar(new JarDigest(digest), in(Duration.ofSeconds(5))))
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CLUSTER_ANSWER_INVALID));
        }
    }

    @Test
    void rootCause_causeOfASuppressedException_isNotTaken() {
        String trace = """
                a.Outer: outer
                \tat a.b(C.java:1)
                Caused by: a.Inner: inner
                \tat a.b(C.java:2)
                \tSuppressed: a.Close: close
                \tCaused by: a.Disk: disk
                """;

        assertThat(new FlinkWords(trace).rootCause()).isEqualTo("a.Inner: inner");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a",
                "\n",
                "Caused by: ",
                "\nCaused by: org.apache.flink.util.SerializedThrowable: ",
                "entry point class '",
                "A savepoint has been created at: ",
                "A savepoint has been created at: x"
            })
    @Timeout(10)
    void words_asManyAsAnAnswerHolds_areReadInTime(String part) {
        FlinkWords words = new FlinkWords("First.\n" + part.repeat((16 << 20) / part.length()) + "\nCaused by: a.B: c");

        assertThat(words.tellOfDuplicateId()
                        || words.tellOfNoEntryClass()
                        || words.tellOfProgramFailure()
                        || words.tellOfRestoreFailure()
                        || words.savepointWithoutStop().isPresent())
                .isFalse();
        assertThat(words.firstLine()).isEqualTo("First.");
        assertThat(words.rootCause()).isEqualTo("a.B: c");
    }

    @Test
    void without_argumentsInAProgramsWords_areMasked() {
        FlinkWords words = new FlinkWords("Unknown --password=hunter2 at s3://bucket/secret with 42");

        assertThat(words.without(List.of("--password=hunter2", "--from", "s3://bucket/secret", "42"))
                        .text())
                .isEqualTo("Unknown --password=… at … with 42");
    }

    @Test
    void findSavepoint_stopFailedAfterItsSavepoint_namesTheSavepoint() {
        String body = "{\"status\":{\"id\":\"COMPLETED\"},\"operation\":{\"failure-cause\":{\"class\":\"a.B\","
                + "\"stack-trace\":\"a.StopWithSavepointStoppingException: A savepoint has been created at: "
                + "s3://state/savepoints/1, but the corresponding job 0 failed during stopping.\\n"
                + "Caused by: org.apache.flink.util.SerializedThrowable: java.io.IOException: disk full\\n\","
                + "\"serialized-throwable\":\"rO0ABQ==\"}}}";
        try (StubServer server =
                new StubServer(exchange -> StubServer.answer(exchange, 200, body.getBytes(StandardCharsets.UTF_8)))) {
            assertThat(cluster(server.url()).findSavepoint(JobRef.unnamed(JOB), TRIGGER, in(Duration.ofSeconds(5))))
                    .contains(new SavepointProgress.Failed(
                            "java.io.IOException: disk full", new StoragePath("s3://state/savepoints/1")));
        }
    }

    private static void assertRefused(ErrorCode code, SessionCluster cluster, Duration patience) {
        Deadline deadline = in(patience);
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> cluster.listJobs(deadline))
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
        // Half a second for the machine to notice.
        assertThat(Clock.systemUTC().instant()).isBefore(deadline.at().plusMillis(500));
    }

    private static Deadline in(Duration patience) {
        return Deadline.in(patience, Clock.systemUTC());
    }

    private static SessionCluster cluster(URI url) {
        return new SessionCluster(
                new ClusterName("stub"),
                new ClusterSettings.Session(
                        url, null, new StoragePath("s3://state/savepoints"), null, List.of(), Slots.FIXED),
                SessionCluster.newHttpClient());
    }
}
