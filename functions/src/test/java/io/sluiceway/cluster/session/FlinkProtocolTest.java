package io.sluiceway.cluster.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.InPlaceChange;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.EntryClass;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.job.Vitals.Flow;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.ready.SinkView;
import io.sluiceway.ready.SinkView.Watermark;
import io.sluiceway.ready.SinkView.Watermark.Why;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.StubServer;
import io.sluiceway.time.Deadline;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.jobgraph.JobResourceRequirements;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.runtime.messages.webmonitor.MultipleJobsDetails;
import org.apache.flink.runtime.rest.handler.RestHandlerSpecification;
import org.apache.flink.runtime.rest.handler.async.AsynchronousOperationInfo;
import org.apache.flink.runtime.rest.handler.async.AsynchronousOperationResult;
import org.apache.flink.runtime.rest.handler.async.TriggerResponse;
import org.apache.flink.runtime.rest.handler.legacy.messages.ClusterOverviewWithVersion;
import org.apache.flink.runtime.rest.messages.ClusterOverviewHeaders;
import org.apache.flink.runtime.rest.messages.JobCancellationHeaders;
import org.apache.flink.runtime.rest.messages.JobExceptionsHeaders;
import org.apache.flink.runtime.rest.messages.JobExceptionsInfoWithHistory;
import org.apache.flink.runtime.rest.messages.JobVertexDetailsHeaders;
import org.apache.flink.runtime.rest.messages.JobVertexDetailsInfo;
import org.apache.flink.runtime.rest.messages.JobsOverviewHeaders;
import org.apache.flink.runtime.rest.messages.RequestBody;
import org.apache.flink.runtime.rest.messages.ResponseBody;
import org.apache.flink.runtime.rest.messages.TerminationModeQueryParameter;
import org.apache.flink.runtime.rest.messages.TerminationModeQueryParameter.TerminationMode;
import org.apache.flink.runtime.rest.messages.checkpoints.CheckpointConfigHeaders;
import org.apache.flink.runtime.rest.messages.checkpoints.CheckpointConfigInfo;
import org.apache.flink.runtime.rest.messages.checkpoints.CheckpointingStatistics;
import org.apache.flink.runtime.rest.messages.checkpoints.CheckpointingStatisticsHeaders;
import org.apache.flink.runtime.rest.messages.job.JobDetailsHeaders;
import org.apache.flink.runtime.rest.messages.job.JobDetailsInfo;
import org.apache.flink.runtime.rest.messages.job.JobExecutionResultHeaders;
import org.apache.flink.runtime.rest.messages.job.JobExecutionResultResponseBody;
import org.apache.flink.runtime.rest.messages.job.JobResourceRequirementsBody;
import org.apache.flink.runtime.rest.messages.job.JobResourceRequirementsHeaders;
import org.apache.flink.runtime.rest.messages.job.JobResourcesRequirementsUpdateHeaders;
import org.apache.flink.runtime.rest.messages.job.JobStatusInfoHeaders;
import org.apache.flink.runtime.rest.messages.job.SubtaskExecutionAttemptDetailsInfo;
import org.apache.flink.runtime.rest.messages.job.metrics.AggregatedMetricsResponseBody;
import org.apache.flink.runtime.rest.messages.job.metrics.AggregatedSubtaskMetricsHeaders;
import org.apache.flink.runtime.rest.messages.job.metrics.IOMetricsInfo;
import org.apache.flink.runtime.rest.messages.job.metrics.JobMetricsHeaders;
import org.apache.flink.runtime.rest.messages.job.metrics.JobVertexMetricsHeaders;
import org.apache.flink.runtime.rest.messages.job.metrics.Metric;
import org.apache.flink.runtime.rest.messages.job.metrics.MetricCollectionResponseBody;
import org.apache.flink.runtime.rest.messages.job.savepoints.SavepointDisposalRequest;
import org.apache.flink.runtime.rest.messages.job.savepoints.SavepointDisposalStatusHeaders;
import org.apache.flink.runtime.rest.messages.job.savepoints.SavepointDisposalTriggerHeaders;
import org.apache.flink.runtime.rest.messages.job.savepoints.SavepointStatusHeaders;
import org.apache.flink.runtime.rest.messages.job.savepoints.SavepointTriggerHeaders;
import org.apache.flink.runtime.rest.messages.job.savepoints.SavepointTriggerRequestBody;
import org.apache.flink.runtime.rest.messages.job.savepoints.stop.StopWithSavepointRequestBody;
import org.apache.flink.runtime.rest.messages.job.savepoints.stop.StopWithSavepointTriggerHeaders;
import org.apache.flink.runtime.rest.util.RestMapperUtils;
import org.apache.flink.runtime.rest.versioning.RestAPIVersion;
import org.apache.flink.runtime.webmonitor.handlers.JarListHeaders;
import org.apache.flink.runtime.webmonitor.handlers.JarListInfo;
import org.apache.flink.runtime.webmonitor.handlers.JarRunHeaders;
import org.apache.flink.runtime.webmonitor.handlers.JarRunRequestBody;
import org.apache.flink.runtime.webmonitor.handlers.JarUploadHeaders;
import org.apache.flink.util.FlinkException;
import org.apache.flink.util.SerializedThrowable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Holds what the adapter sends and reads against Flink's own message types: every method and path is one of Flink's
 * handlers', every request body is read by Flink's strict mapper, every recorded answer by both.
 */
class FlinkProtocolTest {
    private static final String JOB = "0123456789abcdef0123456789abcdef";
    private static final FlinkJobId ID = new FlinkJobId(JOB);
    private static final String VERTEX = "cbc357ccb763df2852fee8c4fc7d55f2";
    private static final String FLOW = VitalSigns.BACKPRESSURE + "," + VitalSigns.WATERMARK;
    private static final TriggerId TRIGGER = new TriggerId("fedcba9876543210fedcba9876543210");
    private static final JarDigest JAR = new JarDigest("ab".repeat(32));
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String METRICS_CALL = "GET /v1/jobs/" + JOB + "/vertices/" + VERTEX + "/metrics?get=0";

    private record Call(String method, String path, String body) {}

    private final List<Call> calls = new ArrayList<>();
    private final Map<String, String> answers = new HashMap<>();
    private StubServer server;
    private SessionCluster cluster;

    @BeforeEach
    void start() {
        server = new StubServer(this::answer);
        cluster = new SessionCluster(
                new ClusterName("recorded"),
                new ClusterSettings.Session(
                        server.url(), null, new StoragePath("s3://state/savepoints"), null, List.of(), Slots.FIXED),
                SessionCluster.newHttpClient());
    }

    @AfterEach
    void stop() {
        server.close();
    }

    /** Answers with what a Flink 2.3.0 cluster answered, recorded in files. */
    private void answer(HttpExchange exchange) throws Exception {
        String path = exchange.getRequestURI().toString();
        calls.add(new Call(
                exchange.getRequestMethod(),
                path,
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.ISO_8859_1)));
        String file = Map.ofEntries(
                        Map.entry("GET /v1/jobs/" + JOB, "job.json"),
                        Map.entry("GET /v1/jobs/" + JOB + "/status", "job-state.json"),
                        Map.entry("GET /v1/jobs/" + JOB + "/checkpoints", "checkpoints.json"),
                        Map.entry("GET /v1/jobs/" + JOB + "/checkpoints/config", "checkpoint-config.json"),
                        Map.entry(
                                "GET /v1/jobs/" + JOB + "/vertices/" + VERTEX + "/subtasks/metrics?get=" + FLOW
                                        + "&agg=min,max",
                                "subtask-metrics.json"),
                        Map.entry("GET /v1/jobs/" + JOB + "/exceptions?maxExceptions=100", "exceptions.json"),
                        Map.entry("GET /v1/jobs/" + JOB + "/metrics?get=numRestarts", "metrics.json"),
                        Map.entry("GET /v1/jobs/overview", "jobs.json"),
                        Map.entry("GET /v1/overview", "overview.json"),
                        Map.entry("GET /v1/jars", "jars.json"),
                        Map.entry("GET /v1/jobs/" + JOB + "/savepoints/" + TRIGGER, "savepoint.json"))
                .getOrDefault(exchange.getRequestMethod() + " " + path, "accepted.json");
        // The order of the names in a request for metrics is any.
        String scripted = answers.get(exchange.getRequestMethod() + " " + path.replaceAll("\\?get=0.*", "?get=0"));
        StubServer.answer(exchange, 200, scripted == null ? recorded(file) : scripted.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] recorded(String file) throws Exception {
        return Files.readAllBytes(Path.of("src/test/resources/flink-2.3.0", file));
    }

    @Test
    void observeJob_detailsOfBeforeItHadTasks_isNoMoreThanTheySay() throws Exception {
        String details = new String(recorded("job.json"), StandardCharsets.UTF_8);
        answers.put(
                "GET /v1/jobs/" + JOB,
                details.replace("\"state\": \"RUNNING\"", "\"state\": \"INITIALIZING\"")
                        .replace("\"RUNNING\": 1,", "\"RUNNING\": 0,"));

        JobStatus status = cluster.observeJob(JobRef.unnamed(ID), soon()).orElseThrow();

        assertThat(status.overview().tasks()).isEmpty();
        assertThat(status.overview().state()).isEqualTo(JobState.INITIALIZING);
    }

    @Test
    void observeJob_detailsOlderThanItsState_isInTheStateThatItIsIn() {
        answers.put("GET /v1/jobs/" + JOB + "/status", "{\"status\":\"RESTARTING\"}");

        JobStatus status = cluster.observeJob(JobRef.unnamed(ID), soon()).orElseThrow();

        assertThat(status.overview().state()).isEqualTo(JobState.RESTARTING);
    }

    @Test
    void observeJob_readsWhatFlinkWrites() throws Exception {
        JobStatus status = cluster.observeJob(JobRef.unnamed(ID), soon()).orElseThrow();

        assertThat(status.overview().state()).isEqualTo(JobState.RUNNING);
        assertThat(status.overview().name()).isEqualTo("recorded-job");
        assertThat(status.overview().tasks()).containsEntry("RUNNING", 1).doesNotContainKey("FAILED");
        assertThat(status.restarts()).isEqualTo(Observation.now(2L));
        assertThat(status.checkpoints().completed().told().orElseThrow()).isPositive();
        assertThat(status.checkpoints().last().told().orElseThrow().path()).isNotNull();
        assertThat(status.lastSavepoint().told().orElseThrow().path()).isNotNull();
        assertThat(status.firstFailure().rootCause()).isEqualTo("java.lang.ArithmeticException: No such runway.");
        assertFlinkReads("job.json", JobDetailsInfo.class);
        assertFlinkReads("checkpoints.json", CheckpointingStatistics.class);
        assertFlinkReads("exceptions.json", JobExceptionsInfoWithHistory.class);
        assertFlinkReads("checkpoint-config.json", CheckpointConfigInfo.class);
        assertCalls(
                JobDetailsHeaders.getInstance(),
                JobStatusInfoHeaders.getInstance(),
                CheckpointingStatisticsHeaders.getInstance(),
                JobMetricsHeaders.getInstance(),
                JobExceptionsHeaders.getInstance(),
                CheckpointConfigHeaders.getInstance());
    }

    @Test
    void observeJob_readsTheVitalsThatFlinkWrites() throws Exception {
        Vitals vitals = cluster.observeJob(JobRef.unnamed(ID), soon())
                .flatMap(status -> status.vitals().told())
                .orElseThrow();

        assertThat(vitals.at()).isEqualTo(Instant.ofEpochMilli(1795406256339L));
        assertThat(vitals.runningSince()).isEqualTo(Observation.now(Instant.ofEpochMilli(1795406232383L)));
        assertThat(vitals.failures().told().orElseThrow()).hasSize(2).allMatch(at -> at.isBefore(vitals.at()));
        assertThat(vitals.checkpointing()).isEqualTo(new Checkpointing.Seen(Duration.ofMillis(500), 0, null, false));
        assertThat(vitals.flow().watermark()).isInstanceOf(NotObservable.class);
    }

    @Test
    void observeFlow_readsWhatFlinkWrites() throws Exception {
        JobStatus status = cluster.observeJob(JobRef.unnamed(ID), soon()).orElseThrow();
        calls.clear();

        JobStatus flowing = cluster.observeFlow(JobRef.unnamed(ID), status, soon());

        assertThat(flowing.vitals().told().orElseThrow().flow())
                .isEqualTo(new Flow(Observation.now(0.988), Observation.now(Instant.ofEpochMilli(1795402656000L))));
        assertFlinkReads("subtask-metrics.json", AggregatedMetricsResponseBody.class);
        assertCalls(JobDetailsHeaders.getInstance(), AggregatedSubtaskMetricsHeaders.getInstance());
    }

    /** In milliseconds, the newest first; an hour is 3,600,000. */
    @ParameterizedTest
    @CsvSource({"5000000, 5000000", "'5000000 4000000 3000000', 3000000", "'9000000 5400000 1799999', 5400000"})
    void observeJob_severalFailures_tellsWithWhichTheNewestTroubleBegan(String times, long first) {
        answers.put(
                "GET /v1/jobs/" + JOB + "/exceptions?maxExceptions=100",
                Arrays.stream(times.split(" ", -1))
                        .map("{\"timestamp\":%1$s,\"stacktrace\":\"Failure of %1$s\"}"::formatted)
                        .collect(Collectors.joining(",", "{\"exceptionHistory\":{\"entries\":[", "]}}")));

        assertThat(cluster.observeJob(JobRef.unnamed(ID), soon()).orElseThrow().firstFailure())
                .isEqualTo(new JobStatus.Failure(
                        "Failure of " + first, "Failure of " + first, Instant.ofEpochMilli(first)));
    }

    @Test
    void observeSink_readsWhatFlinkWrites() throws Exception {
        answerMetrics(true, "7.5", "1357380000000");

        SinkView sink = cluster.observeSink(JobRef.unnamed(ID), "Sink", soon()).orElseThrow();

        assertThat(sink.watermark()).isEqualTo(new Watermark.Lowest(Instant.parse("2013-01-05T10:00:00Z"), 0));
        assertThat(sink.at()).isEqualTo(Instant.ofEpochMilli(1_795_406_256_400L));
        assertThat(sink.pendingCommittables()).isNull();
        assertThat(sink.checkpoints().execution()).isEqualTo("0");
        assertThat(sink.checkpoints().restored()).isNull();
        assertThat(sink.checkpoints().triggered()).isGreaterThanOrEqualTo(26);
        assertThat(sink.checkpoints().completed())
                .contains(new SinkView.Completed(26, false, Instant.ofEpochMilli(1_795_406_256_334L)));
        assertCalls(
                JobDetailsHeaders.getInstance(),
                JobVertexMetricsHeaders.getInstance(),
                JobVertexDetailsHeaders.getInstance(),
                CheckpointingStatisticsHeaders.getInstance());
    }

    @Test
    void observeSink_metricsOfAnotherExecution_areNotTaken() throws Exception {
        answerMetrics(true, "8.5", "1357380000000");
        assertUnknown(Why.OLD_METRICS);
        answerMetrics(false, "7.5", "1357380000000");
        assertUnknown(Why.OLD_METRICS);
    }

    @Test
    void observeSink_writersWithoutWatermark_areNotKnown() throws Exception {
        answerMetrics(true, "7.5", Long.toString(Long.MIN_VALUE));
        assertUnknown(Why.NO_WATERMARK);
        answers.put(METRICS_CALL, "[]");
        assertUnknown(Why.NO_METRICS);
    }

    @Test
    void observeSink_endOfEventTime_isNoMoment() throws Exception {
        answerMetrics(true, "7.5", Long.toString(Long.MAX_VALUE));

        assertThat(cluster.observeSink(JobRef.unnamed(ID), "Sink", soon()))
                .get()
                .extracting(SinkView::watermark)
                .isEqualTo(new Watermark.Ended());
    }

    private void assertUnknown(Why why) {
        assertThat(cluster.observeSink(JobRef.unnamed(ID), "Sink", soon()))
                .get()
                .extracting(SinkView::watermark)
                .isEqualTo(new Watermark.Unknown(why));
    }

    /** Answers as Flink's own types write it: the metrics of the writer's vertex, and its details. */
    private void answerMetrics(boolean complete, String busy, String watermark) throws Exception {
        answers.put(
                METRICS_CALL,
                written(new MetricCollectionResponseBody(List.of(
                        new Metric("0.numRecordsIn", "1"),
                        new Metric("0.numRecordsOut", "2"),
                        new Metric("0.accumulateIdleTimeMs", "3"),
                        new Metric("0.accumulateBackPressuredTimeMs", "4"),
                        new Metric("0.accumulateBusyTimeMs", busy),
                        new Metric("0.Sink__Writer.currentInputWatermark", watermark)))));
        answers.put(
                "GET /v1/jobs/" + JOB + "/vertices/" + VERTEX,
                written(new JobVertexDetailsInfo(
                        JobVertexID.fromHexString(VERTEX),
                        "Source: Sequence Source -> Map -> Sink: Writer",
                        1,
                        128,
                        1_795_406_256_400L,
                        List.of(new SubtaskExecutionAttemptDetailsInfo(
                                0,
                                ExecutionState.RUNNING,
                                2,
                                "127.0.0.1:1",
                                0,
                                -1,
                                1,
                                new IOMetricsInfo(0, true, 0, true, 1, complete, 2, true, 4, 3, 7.5),
                                "tm",
                                Arrays.stream(ExecutionState.values())
                                        .collect(Collectors.toMap(state -> state, _ -> 0L)),
                                null)))));
    }

    private static String written(ResponseBody body) throws Exception {
        return RestMapperUtils.getStrictObjectMapper().writeValueAsString(body);
    }

    @Test
    void listJobs_readsWhatFlinkWrites() throws Exception {
        assertThat(cluster.listJobs(soon())).hasSize(1).first().satisfies(job -> {
            assertThat(job.name()).isEqualTo("recorded-job");
            assertThat(job.tasks()).containsOnlyKeys("RUNNING");
        });
        assertFlinkReads("jobs.json", MultipleJobsDetails.class);
        assertCalls(JobsOverviewHeaders.getInstance());
    }

    @Test
    void fixedSlots_readsWhatFlinkWrites() throws Exception {
        assertThat(cluster.fixedSlots(soon())).hasValue(3);
        assertFlinkReads("overview.json", ClusterOverviewWithVersion.class);
        assertCalls(ClusterOverviewHeaders.getInstance());
    }

    @Test
    void hasJar_readsWhatFlinkWrites() throws Exception {
        assertThat(cluster.hasJar(JAR, soon())).isTrue();
        assertFlinkReads("jars.json", JarListInfo.class);
        assertCalls(JarListHeaders.getInstance());
    }

    @Test
    void addJar_sendsOneFile(@TempDir Path directory) throws Exception {
        Path file = Files.writeString(directory.resolve("job.jar"), "the jar");

        cluster.addJar(JAR, file, soon());

        assertThat(calls.getFirst().body()).contains("filename=\"" + JAR.fileName() + "\"", "\r\n\r\nthe jar\r\n--");
        assertCalls(JarUploadHeaders.getInstance());
    }

    @Test
    void runJob_sendsWhatFlinkReads() throws Exception {
        JobSpec spec = new JobSpec(
                new JobName("recorded-job"),
                JobKind.STREAM,
                cluster.name(),
                new JarReference(JarUri.parse("s3://jars/a.jar"), null, null),
                new EntryClass("a.B"),
                List.of("--day", "1 2"),
                3,
                new RestorePoint.Latest(true),
                JobSpec.OnUnknown.REFUSE);

        cluster.runJob(
                new JobLaunch(ID, spec, JAR, null, new StoragePath("s3://state/savepoints/1")), Instant.MAX, soon());

        JarRunRequestBody body = flinkReadsRequest(JarRunRequestBody.class);
        assertThat(body.getJobId()).isEqualTo(JobID.fromHexString(JOB));
        assertThat(body.getEntryClassName()).isEqualTo("a.B");
        assertThat(body.getProgramArgumentsList()).containsExactly("--day", "1 2");
        assertThat(body.getParallelism()).isEqualTo(3);
        assertThat(body.getSavepointPath()).isEqualTo("s3://state/savepoints/1");
        assertThat(body.getAllowNonRestoredState()).isTrue();
        assertThat(body.getRecoveryClaimMode()).isEqualTo(RecoveryClaimMode.NO_CLAIM);
        assertThat(body.getFlinkConfiguration().toMap()).containsEntry("pipeline.name", "recorded-job");
        assertCalls(JarListHeaders.getInstance(), JarRunHeaders.getInstance());
    }

    @Test
    void findSavepoint_readsWhatFlinkWrites() {
        assertThat(cluster.findSavepoint(JobRef.unnamed(ID), TRIGGER, soon()))
                .get()
                .isInstanceOf(SavepointProgress.Completed.class);
        assertCalls(SavepointStatusHeaders.getInstance());
    }

    @Test
    void triggerSavepoint_sendsWhatFlinkReads() throws Exception {
        cluster.triggerSavepoint(JobRef.unnamed(ID), TRIGGER, new StoragePath("s3://state/savepoints/1"), soon());

        SavepointTriggerRequestBody body = flinkReadsRequest(SavepointTriggerRequestBody.class);
        assertThat(body.getTargetDirectory()).contains("s3://state/savepoints/1");
        assertThat(body.isCancelJob()).isFalse();
        assertThat(body.getTriggerId().map(Object::toString)).contains(TRIGGER.value());
        assertCalls(SavepointTriggerHeaders.getInstance());
    }

    @Test
    void disposeSavepoint_sendsWhatFlinkReadsAndReadsWhatItWrites() throws Exception {
        disposalIs(AsynchronousOperationResult.completed(AsynchronousOperationInfo.complete()));

        assertThat(dispose()).isTrue();

        assertThat(RestMapperUtils.getStrictObjectMapper()
                        .readValue(calls.getFirst().body(), SavepointDisposalRequest.class)
                        .getSavepointPath())
                .isEqualTo("s3://state/savepoints/1");
        assertCalls(SavepointDisposalTriggerHeaders.getInstance(), SavepointDisposalStatusHeaders.getInstance());
    }

    @Test
    void disposeSavepoint_takesLong_isUnderWay() throws Exception {
        disposalIs(AsynchronousOperationResult.inProgress());

        assertThat(cluster.disposeSavepoint(
                        new JobName("flights"),
                        new StoragePath("s3://state/savepoints/1"),
                        Deadline.in(Duration.ofMillis(500), Clock.systemUTC())))
                .isFalse();
    }

    /** As {@code AbstractFsCheckpointStorageAccess} says it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "Cannot find checkpoint or savepoint file/directory 's3://state/savepoints/1' on file system 's3'.",
                "Cannot find meta data file '_metadata' in directory 's3://state/savepoints/1'. Please try to load the checkpoint/savepoint directly from the metadata file instead of the directory."
            })
    void disposeSavepoint_isntThere_countsAsRemoved(String words) throws Exception {
        disposalFailsWith(new CompletionException(new FileNotFoundException(words)));

        assertThat(dispose()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("failuresToDispose")
    void disposeSavepoint_fails_isRefusedInFlinksWords(Exception failure, String words) throws Exception {
        disposalFailsWith(failure);

        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(this::dispose)
                .withMessageContaining("'s3://state/savepoints/1'")
                .withMessageContaining(words)
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CLUSTER_REFUSED));
    }

    static Stream<Arguments> failuresToDispose() {
        return Stream.of(
                Arguments.of(new CompletionException(new IOException("Access Denied")), "Access Denied"),
                Arguments.of(
                        new CompletionException(new FileNotFoundException("No such bucket: state")), "No such bucket"),
                Arguments.of(
                        new FlinkException("Could not dispose savepoint s3://state/savepoints/1."),
                        "Could not dispose savepoint"));
    }

    private boolean dispose() {
        return cluster.disposeSavepoint(new JobName("flights"), new StoragePath("s3://state/savepoints/1"), soon());
    }

    private void disposalFailsWith(Exception failure) throws Exception {
        disposalIs(AsynchronousOperationResult.completed(
                AsynchronousOperationInfo.completeExceptional(new SerializedThrowable(failure))));
    }

    private void disposalIs(AsynchronousOperationResult<AsynchronousOperationInfo> result) throws Exception {
        answers.put(
                "POST /v1/savepoint-disposal",
                RestMapperUtils.getStrictObjectMapper()
                        .writeValueAsString(new TriggerResponse(
                                org.apache.flink.runtime.rest.messages.TriggerId.fromHexString(TRIGGER.value()))));
        answers.put(
                "GET /v1/savepoint-disposal/" + TRIGGER,
                RestMapperUtils.getStrictObjectMapper().writeValueAsString(result));
    }

    @Test
    void triggerStop_sendsWhatFlinkReads() throws Exception {
        cluster.triggerStop(JobRef.unnamed(ID), TRIGGER, new StoragePath("s3://state/savepoints/1"), true, soon());

        StopWithSavepointRequestBody body = flinkReadsRequest(StopWithSavepointRequestBody.class);
        assertThat(body.getTargetDirectory()).contains("s3://state/savepoints/1");
        assertThat(body.shouldDrain()).isTrue();
        assertThat(body.getTriggerId().map(Object::toString)).contains(TRIGGER.value());
        assertCalls(StopWithSavepointTriggerHeaders.getInstance());
    }

    @Test
    void rescaleJob_sendsWhatFlinkReads() throws Exception {
        JobVertexID own = new JobVertexID(1, 1);
        JobVertexID following = new JobVertexID(2, 2);
        answers.put(
                "GET /v1/jobs/" + JOB + "/resource-requirements",
                RestMapperUtils.getStrictObjectMapper()
                        .writeValueAsString(new JobResourceRequirementsBody(JobResourceRequirements.newBuilder()
                                .setParallelismForJobVertex(own, 1, 1)
                                .setParallelismForJobVertex(following, 4, 4)
                                .build())));

        assertThat(cluster.rescaleJob(JobRef.unnamed(ID), 2, soon())).isInstanceOf(InPlaceChange.InProgress.class);

        assertThat(flinkReadsRequest(JobResourceRequirementsBody.class).asJobResourceRequirements())
                .contains(JobResourceRequirements.newBuilder()
                        .setParallelismForJobVertex(own, 1, 1)
                        .setParallelismForJobVertex(following, 2, 2)
                        .build());
        assertCalls(
                JobDetailsHeaders.getInstance(),
                JobStatusInfoHeaders.getInstance(),
                JobResourceRequirementsHeaders.INSTANCE,
                JobResourcesRequirementsUpdateHeaders.INSTANCE);
    }

    @Test
    void findRescale_readsWhatFlinkWrites() throws Exception {
        JobVertexID vertex = JobVertexID.fromHexString("cbc357ccb763df2852fee8c4fc7d55f2");
        answers.put(
                "GET /v1/jobs/" + JOB + "/resource-requirements",
                RestMapperUtils.getStrictObjectMapper()
                        .writeValueAsString(new JobResourceRequirementsBody(JobResourceRequirements.newBuilder()
                                .setParallelismForJobVertex(vertex, 1, 2)
                                .build())));

        assertThat(cluster.findRescale(JobRef.unnamed(ID), 2, Instant.EPOCH, soon()))
                .contains(new InPlaceChange.InProgress());
        answers.put(
                "GET /v1/jobs/" + JOB,
                new String(recorded("job.json"), StandardCharsets.UTF_8)
                        .replace("\"parallelism\": 1", "\"parallelism\": 2"));
        assertThat(cluster.findRescale(JobRef.unnamed(ID), 2, Instant.EPOCH, soon()))
                .contains(new InPlaceChange.Completed(2));
        assertThat(cluster.findRescale(JobRef.unnamed(ID), 3, Instant.EPOCH, soon()))
                .isEmpty();
    }

    @Test
    void cancelJob_sendsWhatFlinkReads() {
        cluster.cancelJob(JobRef.unnamed(ID), soon());

        assertThat(calls.getFirst().path())
                .endsWith("?" + new TerminationModeQueryParameter().getKey() + "="
                        + TerminationMode.CANCEL.name().toLowerCase(Locale.ROOT));

        assertCalls(JobCancellationHeaders.getInstance());
    }

    @Test
    void observeJob_failedAtItsStart_readsTheExecutionResultThatFlinkWrites() throws Exception {
        JobResult result = new JobResult.Builder()
                .jobId(JobID.fromHexString(JOB))
                .jobStatus(org.apache.flink.api.common.JobStatus.FAILED)
                .netRuntime(1)
                .serializedThrowable(new SerializedThrowable(
                        new IllegalStateException("outer", new ArithmeticException("No such runway."))))
                .build();
        answers.put(
                "GET /v1/jobs/" + JOB,
                new String(recorded("job.json"), StandardCharsets.UTF_8).replace("\"RUNNING\",", "\"FAILED\","));
        answers.put("GET /v1/jobs/" + JOB + "/exceptions?maxExceptions=100", "{\"exceptionHistory\":{\"entries\":[]}}");
        answers.put(
                "GET /v1/jobs/" + JOB + "/execution-result",
                RestMapperUtils.getStrictObjectMapper()
                        .writeValueAsString(JobExecutionResultResponseBody.created(result)));

        assertThat(cluster.observeJob(JobRef.unnamed(ID), soon())
                        .orElseThrow()
                        .firstFailure()
                        .rootCause())
                .isEqualTo("java.lang.ArithmeticException: No such runway.");
        assertCalls(
                JobDetailsHeaders.getInstance(),
                CheckpointingStatisticsHeaders.getInstance(),
                JobMetricsHeaders.getInstance(),
                JobExceptionsHeaders.getInstance(),
                JobExecutionResultHeaders.getInstance());
    }

    private void assertCalls(RestHandlerSpecification... expected) {
        assertThat(calls).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            RestHandlerSpecification handler = expected[i];
            assertThat(calls.get(i).method()).isEqualTo(handler.getHttpMethod().name());
            String pattern = "/v1" + handler.getTargetRestEndpointURL().replaceAll(":[a-z]+", "[^/?]+");
            assertThat(calls.get(i).path().replaceAll("\\?.*", "")).matches(pattern);
            assertThat(handler.getSupportedAPIVersions())
                    .map(RestAPIVersion::getURLVersionPrefix)
                    .contains("v1");
        }
    }

    private <T extends RequestBody> T flinkReadsRequest(Class<T> type) throws Exception {
        return RestMapperUtils.getStrictObjectMapper().readValue(calls.getLast().body(), type);
    }

    /** Flink's strict mapper refuses unknown fields, so a recorded answer that it reads has Flink's field names. */
    private static <T extends ResponseBody> void assertFlinkReads(String file, Class<T> type) throws Exception {
        T read = RestMapperUtils.getStrictObjectMapper().readValue(recorded(file), type);
        JsonNode written = JSON.readTree(RestMapperUtils.getStrictObjectMapper().writeValueAsBytes(read));
        assertThat(written).isEqualTo(JSON.readTree(recorded(file)));
    }

    private static Deadline soon() throws RefusedException {
        return Deadline.in(Duration.ofSeconds(10), Clock.systemUTC());
    }
}
