package io.sluiceway.cluster.managed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluiceway.cluster.ApplicationNames;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Ownership;
import io.sluiceway.cluster.InPlaceChange;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobState;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.StubServer;
import io.sluiceway.time.Deadline;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rescaling, rolling back and deleting: what the adapter asks the service, and what it makes of each answer. */
class ApplicationChangeTest {
    private static final FlinkJobId ID = new FlinkJobId("0123456789abcdef0123456789abcdef");
    private static final FlinkJobId OTHER = new FlinkJobId("f".repeat(32));
    private static final JobRef JOB = new JobRef(new JobName("delays"), ID);
    private static final long MARKED_AT = 1_700_000_000;
    private static final Instant ASKED = Instant.ofEpochSecond(MARKED_AT + 100);
    private static final InPlaceChange IN_PROGRESS = new InPlaceChange.InProgress();

    private final ScriptedService service = new ScriptedService();
    private final ManagedCluster cluster = cluster(Ownership.SLUICEWAY);

    @AfterEach
    void close() {
        service.close();
    }

    @Test
    void rescaleJob_running_updatesTheParallelismAlone() {
        describe("RUNNING", ID, 2);
        service.answer("UpdateApplication", "{}");

        assertThat(cluster.rescaleJob(JOB, 4, soon())).isEqualTo(IN_PROGRESS);

        JsonNode update = service.requests("UpdateApplication").getFirst();
        assertThat(update.at("/ConditionalToken").asText()).isEqualTo("token");
        assertThat(update.at("/ApplicationConfigurationUpdate"))
                .hasToString(
                        "{\"FlinkApplicationConfigurationUpdate\":{\"ParallelismConfigurationUpdate\":{\"ConfigurationTypeUpdate\":\"CUSTOM\",\"ParallelismUpdate\":4}}}");
        assertThat(update.at("/RunConfigurationUpdate"))
                .hasToString(
                        "{\"FlinkRunConfiguration\":{\"AllowNonRestoredState\":false},\"ApplicationRestoreConfiguration\":{\"ApplicationRestoreType\":\"RESTORE_FROM_LATEST_SNAPSHOT\"}}");
    }

    @ParameterizedTest
    @CsvSource({"RUNNING, Completed", "UPDATING, InProgress", "MAINTENANCE, InProgress"})
    void rescaleJob_askedForBefore_asksNothing(String status, String progress) {
        describe(status, ID, 4);

        assertThat(cluster.rescaleJob(JOB, 4, soon()).getClass().getSimpleName())
                .isEqualTo(progress);
        assertThat(service.requests("UpdateApplication")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"UPDATING", "AUTOSCALING", "MAINTENANCE", "STARTING", "STOPPING", "SOMETHING_NEW"})
    void rescaleJob_passingStatus_mayBeTriedLater(String status) {
        describe(status, ID, 2);

        assertRefused(ErrorCode.CLUSTER_UNREACHABLE, () -> cluster.rescaleJob(JOB, 4, soon()));
        assertThat(service.requests("UpdateApplication")).isEmpty();
    }

    @Test
    void rescaleJob_ofAnotherAttempt_isRefusedUntouched() {
        describe("RUNNING", OTHER, 2);

        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> cluster.rescaleJob(JOB, 4, soon()));
        assertThat(service.requests("UpdateApplication")).isEmpty();
    }

    @Test
    void rescaleJob_snapshotsSwitchedOff_isNotPossibleInPlace() {
        service.answer(
                "DescribeApplication",
                application("RUNNING", ID, 2).replace("\"SnapshotsEnabled\": true", "\"SnapshotsEnabled\": false"));

        assertThat(cluster.rescaleJob(JOB, 4, soon())).isInstanceOf(InPlaceChange.NotPossible.class);
        assertThat(service.requests("UpdateApplication")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "ThrottlingException, 400, CLUSTER_UNREACHABLE",
        "ResourceInUseException, 400, CLUSTER_UNREACHABLE",
        "ConcurrentModificationException, 400, CLUSTER_UNREACHABLE",
        "ResourceNotFoundException, 400, JOB_NOT_FOUND",
        "LimitExceededException, 400, PARALLELISM_EXCEEDS_SLOTS",
        "InvalidApplicationConfigurationException, 400, CLUSTER_REFUSED",
        "InvalidRequestException, 400, CLUSTER_REFUSED",
        "InvalidArgumentException, 400, CLUSTER_REFUSED",
        "AccessDeniedException, 400, CLUSTER_REFUSED",
        "InternalFailure, 500, CLUSTER_TIMEOUT",
    })
    void rescaleJob_eachError_hasOneMeaning(String error, int status, ErrorCode code) {
        describe("RUNNING", ID, 2);
        service.fail("UpdateApplication", status, error, "Words of the service.");

        assertRefused(code, () -> cluster.rescaleJob(JOB, 4, soon()));
        assertThat(service.requests("UpdateApplication")).hasSize(1);
    }

    @Test
    void rescaleJob_beyondTheQuota_tellsTheKpus() {
        describe("RUNNING", ID, 2);
        service.fail("UpdateApplication", 400, "LimitExceededException", "At most 64 KPUs.");

        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> cluster.rescaleJob(JOB, 129, soon()))
                .withMessage(
                        "A parallelism of 129 takes application 'team-delays' 65 KPUs, 2 subtasks in each, which the service refuses: At most 64 KPUs.");
    }

    @Test
    void rescaleJob_conflictWithItsOwnLostCall_isInProgress() {
        describe("RUNNING", ID, 2);
        service.handle("UpdateApplication", exchange -> {
            describe("UPDATING", ID, 4);
            StubServer.answer(
                    exchange,
                    400,
                    "{\"__type\":\"ConcurrentModificationException\",\"message\":\"Another version.\"}"
                            .getBytes(StandardCharsets.UTF_8));
        });

        assertThat(cluster.rescaleJob(JOB, 4, soon())).isEqualTo(IN_PROGRESS);
    }

    @Test
    void rescaleJob_connectionBreaks_isATimeoutAndNotSentAgain() {
        describe("RUNNING", ID, 2);
        service.handle("UpdateApplication", exchange -> {
            throw new IllegalStateException("The test breaks this connection.");
        });

        assertRefused(ErrorCode.CLUSTER_TIMEOUT, () -> cluster.rescaleJob(JOB, 4, soon()));
        assertThat(service.requests("UpdateApplication")).hasSize(1);
    }

    static Stream<Consumer<ManagedCluster>> changes() {
        return Stream.of(
                cluster -> cluster.rescaleJob(JOB, 4, soon()),
                cluster -> cluster.rollBackJob(JOB, soon()),
                cluster -> cluster.deleteApplication(JOB, soon()));
    }

    @ParameterizedTest
    @MethodSource("changes")
    void anyChange_ofAnApplicationOfOthers_isRefusedUnasked(Consumer<ManagedCluster> change) {
        assertRefused(ErrorCode.JOB_UNSUPPORTED, () -> change.accept(cluster(Ownership.EXTERNAL)));
        assertThat(service.requests("DescribeApplication")).isEmpty();
    }

    @Test
    void findRescale_notAskedFor_isEmpty() {
        describe("RUNNING", ID, 2);
        operations(operation("StartApplication", "SUCCESSFUL", 1));

        assertThat(cluster.findRescale(JOB, 4, ASKED, soon())).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"UPDATING", "AUTOSCALING", "MAINTENANCE", "SOMETHING_NEW"})
    void findRescale_passingStatus_isInProgressIfItWasAskedFor(String status) {
        describe(status, ID, 4);

        assertThat(cluster.findRescale(JOB, 4, ASKED, soon())).contains(IN_PROGRESS);
        assertThat(cluster.findRescale(JOB, 5, ASKED, soon())).isEmpty();
    }

    @Test
    void findRescale_updateSucceeded_isCompletedWithWhatRuns() {
        service.answer(
                "DescribeApplication",
                application("RUNNING", ID, 4).replace("\"CurrentParallelism\": 4", "\"CurrentParallelism\": 8"));
        operations(operation("StartApplication", "SUCCESSFUL", 1), operation("UpdateApplication", "SUCCESSFUL", 101));

        assertThat(cluster.findRescale(JOB, 4, ASKED, soon())).contains(new InPlaceChange.Completed(8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"READY", "RUNNING"})
    void findRescale_updateFailed_tellsWhyAndWhatItSaved(String status) {
        describe(status, ID, 4);
        operations(operation("StartApplication", "SUCCESSFUL", 1), operation("UpdateApplication", "FAILED", 101));
        reason("No room on the apron.");
        snapshots(snapshot("a".repeat(32), 90), snapshot("b".repeat(32), 101), snapshot("UPDATEAPPLICATION-x-1", 101));

        assertThat(cluster.findRescale(JOB, 4, ASKED, soon()))
                .contains(new InPlaceChange.Failed(
                        "No room on the apron.", new StoragePath("snapshot://team-delays/UPDATEAPPLICATION-x-1")));
    }

    @Test
    void findRescale_updateFailedBeforeItWasAskedFor_isAnothers() {
        describe("RUNNING", ID, 2);
        operations(operation("StartApplication", "SUCCESSFUL", 1), operation("UpdateApplication", "FAILED", 50));

        assertThat(cluster.findRescale(JOB, 4, ASKED, soon())).isEmpty();
    }

    @Test
    void findRescale_rolledBack_isFailed() {
        describe("RUNNING", ID, 2);
        operations(
                operation("StartApplication", "SUCCESSFUL", 1),
                operation("UpdateApplication", "CANCELLED", 101),
                operation("RollbackApplication", "SUCCESSFUL", 102));
        snapshots();

        assertThat(cluster.findRescale(JOB, 4, ASKED, soon()))
                .contains(new InPlaceChange.Failed("The application was rolled back.", null));
    }

    @Test
    void findRescale_stoppedMeanwhile_isFailed() {
        describe("READY", ID, 4);
        operations(
                operation("StartApplication", "SUCCESSFUL", 1),
                operation("UpdateApplication", "SUCCESSFUL", 101),
                operation("StopApplication", "SUCCESSFUL", 110));

        assertThat(cluster.findRescale(JOB, 4, ASKED, soon()))
                .contains(new InPlaceChange.Failed("Application 'team-delays' doesn't run any more.", null));
    }

    @Test
    void findJob_updateThatFailed_leavesTheAttemptFailedWithItsReason() {
        describe("READY", ID, 4);
        operations(
                operation("StartApplication", "SUCCESSFUL", 1),
                operation("UpdateApplication", "FAILED", 101),
                operation("RollbackApplication", "FAILED", 110));
        reason("No room on the apron.");

        var status = cluster.observeJob(JOB, soon()).orElseThrow();

        assertThat(status.overview().state()).isEqualTo(JobState.FAILED);
        assertThat(status.overview().endedAt()).isEqualTo(Instant.ofEpochSecond(MARKED_AT + 106));
        assertThat(status.firstFailure().message()).isEqualTo("No room on the apron.");
        assertThat(service.requests("DescribeApplicationOperation"))
                .extracting(request -> request.at("/OperationId").asText())
                .containsExactly("UpdateApplication" + (MARKED_AT + 101));
    }

    @Test
    void findJob_endedByItselfBehindAChangeThatSucceeded_isNotLaidToAnEarlierOne() {
        describe("READY", ID, 4);
        operations(
                operation("StartApplication", "SUCCESSFUL", 1),
                operation("UpdateApplication", "FAILED", 101),
                operation("UpdateApplication", "SUCCESSFUL", 120));

        assertThat(cluster.observeJob(JOB, soon()).orElseThrow().firstFailure().message())
                .contains("ended though nobody stopped it");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 100, 299, 300})
    void findJob_attemptWithManyVersions_countsFromItsFirst(long first) {
        service.answer(
                "DescribeApplication",
                application("READY", ID, 4)
                        .replace("\"ApplicationVersionId\": 7", "\"ApplicationVersionId\": 300")
                        .replace(
                                "\"ApplicationVersionCreateTimestamp\": " + MARKED_AT,
                                "\"ApplicationVersionCreateTimestamp\": " + (MARKED_AT + 300 - first)));
        service.handle("DescribeApplicationVersion", exchange -> {
            long version = service.requests("DescribeApplicationVersion")
                    .getLast()
                    .at("/ApplicationVersionId")
                    .asLong();
            String detail = application("READY", version < first ? OTHER : ID, 4)
                    .replace("ApplicationDetail", "ApplicationVersionDetail")
                    .replace(
                            "\"ApplicationVersionCreateTimestamp\": " + MARKED_AT,
                            "\"ApplicationVersionCreateTimestamp\": " + (MARKED_AT + version - first));
            StubServer.answer(exchange, 200, detail.getBytes(StandardCharsets.UTF_8));
        });
        operations(operation("StartApplication", "SUCCESSFUL", 0), operation("StopApplication", "SUCCESSFUL", 400));

        assertThat(cluster.findJob(JOB, soon()).orElseThrow().startedAt()).isEqualTo(Instant.ofEpochSecond(MARKED_AT));
        assertThat(service.requests("DescribeApplicationVersion")).hasSizeLessThan(18);
    }

    @Test
    void findJob_updateOfARunningAttempt_isReconcilingUnderItsMark() {
        describe("UPDATING", ID, 4);
        operations(operation("StartApplication", "SUCCESSFUL", 1), operation("UpdateApplication", "IN_PROGRESS", 101));

        assertThat(cluster.findJob(JOB, soon()).orElseThrow().state()).isEqualTo(JobState.RECONCILING);
    }

    @Test
    void findStop_forcedInTheSecondOfAnUpdatesSnapshot_hasNoSavepoint() {
        describe("READY", ID, 4);
        operations(
                operation("StartApplication", "SUCCESSFUL", 1),
                operation("UpdateApplication", "CANCELLED", 101),
                operation("StopApplication", "SUCCESSFUL", 101));
        snapshots(snapshot("UPDATEAPPLICATION-team-delays-1", 101));

        assertThat(cluster.findJob(JOB, soon()).orElseThrow().state()).isEqualTo(JobState.CANCELED);
        assertThat(cluster.findStop(JOB, new TriggerId("a".repeat(32)), Instant.EPOCH, soon()))
                .contains(new SavepointProgress.Failed("The application was stopped without a snapshot.", null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"UPDATING", "RUNNING"})
    void rollBackJob_updateOfThisAttempt_isTakenBackInItsVersion(String status) {
        describe(status, ID, 4);
        updated();
        service.answer("RollbackApplication", "{}");

        assertThat(cluster.rollBackJob(JOB, soon())).isEqualTo(IN_PROGRESS);
        assertThat(service.requests("RollbackApplication").getFirst())
                .hasToString("{\"ApplicationName\":\"team-delays\",\"CurrentApplicationVersionId\":7}");
    }

    @Test
    void rollBackJob_nothingChangedSinceItsStart_wouldBringAnEarlierAttemptBack() {
        describe("RUNNING", ID, 4);
        operations(operation("UpdateApplication", "SUCCESSFUL", 0), operation("StartApplication", "SUCCESSFUL", 1));

        assertThat(cluster.rollBackJob(JOB, soon())).isInstanceOf(InPlaceChange.NotPossible.class);
        assertThat(service.requests("RollbackApplication")).isEmpty();
    }

    @Test
    void rollBackJob_versionBeforeIsAnothers_wouldBringThatBack() {
        describe("RUNNING", ID, 4);
        updated();
        versionBefore(OTHER);

        assertThat(cluster.rollBackJob(JOB, soon())).isInstanceOf(InPlaceChange.NotPossible.class);
        assertThat(service.requests("RollbackApplication")).isEmpty();
    }

    @Test
    void rollBackJob_noSnapshotSinceTheUpdate_wouldGoBackToAnOlderState() {
        describe("UPDATING", ID, 4);
        updated();
        snapshots(snapshot("b".repeat(32), 90));

        assertThat(cluster.rollBackJob(JOB, soon())).isInstanceOf(InPlaceChange.NotPossible.class);
        assertThat(service.requests("RollbackApplication")).isEmpty();
    }

    @Test
    void rollBackJob_readyAfterAFailedUpdate_isNotPossible() {
        describe("READY", ID, 4);

        assertThat(cluster.rollBackJob(JOB, soon()))
                .isEqualTo(new InPlaceChange.NotPossible(
                        "Application 'team-delays' is READY; what doesn't run can't be rolled back."));
    }

    @Test
    void rollBackJob_updateThatIsNotListedYet_mayBeTriedLater() {
        describe("UPDATING", ID, 4);
        operations(operation("StartApplication", "SUCCESSFUL", 1));

        assertRefused(ErrorCode.CLUSTER_UNREACHABLE, () -> cluster.rollBackJob(JOB, soon()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"AUTOSCALING", "MAINTENANCE", "STARTING", "STOPPING"})
    void rollBackJob_passingStatus_mayBeTriedLater(String status) {
        describe(status, ID, 4);

        assertRefused(ErrorCode.CLUSTER_UNREACHABLE, () -> cluster.rollBackJob(JOB, soon()));
        assertThat(service.requests("RollbackApplication")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"ROLLING_BACK, IN_PROGRESS, InProgress", "RUNNING, SUCCESSFUL, Completed", "RUNNING, FAILED, Failed"})
    void rollBackJob_askedForBefore_asksNothing(String status, String operation, String progress) {
        describe(status, ID, 2);
        operations(
                operation("StartApplication", "SUCCESSFUL", 1),
                operation("UpdateApplication", "CANCELLED", 101),
                operation("RollbackApplication", operation, 102));
        snapshots();

        assertThat(cluster.rollBackJob(JOB, soon()).getClass().getSimpleName()).isEqualTo(progress);
        assertThat(cluster.findRollBack(JOB, ASKED, soon())
                        .orElseThrow()
                        .getClass()
                        .getSimpleName())
                .isEqualTo(progress);
        assertThat(service.requests("RollbackApplication")).isEmpty();
    }

    @Test
    void findRollBack_failedAndReady_isFailedWithWhatTheServiceSays() {
        describe("READY", ID, 2);
        operations(
                operation("StartApplication", "SUCCESSFUL", 1),
                operation("UpdateApplication", "FAILED", 101),
                operation("RollbackApplication", "FAILED", 110));
        snapshots(snapshot("UPDATEAPPLICATION-x-1", 101));
        reason("The gate is closed.");

        assertThat(cluster.findRollBack(JOB, ASKED, soon()))
                .contains(new InPlaceChange.Failed(
                        "The gate is closed.", new StoragePath("snapshot://team-delays/UPDATEAPPLICATION-x-1")));
    }

    @Test
    void findRollBack_notAskedFor_isEmpty() {
        describe("UPDATING", ID, 4);
        updated();

        assertThat(cluster.findRollBack(JOB, ASKED, soon())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "ThrottlingException, 400, CLUSTER_UNREACHABLE",
        "ResourceInUseException, 400, CLUSTER_UNREACHABLE",
        "ConcurrentModificationException, 400, CLUSTER_UNREACHABLE",
        "ResourceNotFoundException, 400, JOB_NOT_FOUND",
        "InvalidRequestException, 400, CLUSTER_REFUSED",
        "UnsupportedOperationException, 400, CLUSTER_REFUSED",
        "InternalFailure, 500, CLUSTER_TIMEOUT",
    })
    void rollBackJob_eachError_hasOneMeaning(String error, int status, ErrorCode code) {
        describe("RUNNING", ID, 4);
        updated();
        service.fail("RollbackApplication", status, error, "Words of the service.");

        assertRefused(code, () -> cluster.rollBackJob(JOB, soon()));
        assertThat(service.requests("RollbackApplication")).hasSize(1);
    }

    @Test
    void deleteApplication_readyWithTheLastAttemptsMark_isDeletedAsItWasCreated() {
        describe("READY", ID, 2);
        service.answer("DeleteApplication", "{}");

        cluster.deleteApplication(JOB, soon());

        JsonNode request = service.requests("DeleteApplication").getFirst();
        assertThat(request.at("/ApplicationName").asText()).isEqualTo("team-delays");
        assertThat(request.at("/CreateTimestamp").asLong()).isEqualTo(1_600_000_000);
    }

    @Test
    void deleteApplication_goneOrGoing_isHarmless() {
        cluster.deleteApplication(JOB, soon());
        describe("DELETING", ID, 2);

        cluster.deleteApplication(JOB, soon());

        assertThat(service.requests("DeleteApplication")).isEmpty();
    }

    @Test
    void deleteApplication_anotherAttemptsOrNobodysMark_isRefusedUntouched() {
        describe("READY", OTHER, 2);
        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> cluster.deleteApplication(JOB, soon()));
        describe("READY", null, 2);
        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> cluster.deleteApplication(JOB, soon()));
        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> cluster.deleteApplication(JobRef.unnamed(ID), soon()));

        assertThat(service.requests("DeleteApplication")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"RUNNING", "STARTING", "STOPPING", "UPDATING", "ROLLED_BACK", "SOMETHING_NEW"})
    void deleteApplication_notReady_isRefusedUntouched(String status) {
        describe(status, ID, 2);

        assertRefused(ErrorCode.APPLICATION_IN_USE, () -> cluster.deleteApplication(JOB, soon()));
        assertThat(service.requests("DeleteApplication")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "ThrottlingException, 400, CLUSTER_UNREACHABLE",
        "ResourceInUseException, 400, APPLICATION_IN_USE",
        "ConcurrentModificationException, 400, APPLICATION_IN_USE",
        "InvalidArgumentException, 400, CLUSTER_REFUSED",
        "InternalFailure, 500, CLUSTER_TIMEOUT",
    })
    void deleteApplication_eachError_hasOneMeaning(String error, int status, ErrorCode code) {
        describe("READY", ID, 2);
        service.fail("DeleteApplication", status, error, "Words of the service.");

        assertRefused(code, () -> cluster.deleteApplication(JOB, soon()));
        assertThat(service.requests("DeleteApplication")).hasSize(1);
    }

    @Test
    void deleteApplication_deletedAtTheSameTime_isHarmless() {
        describe("READY", ID, 2);
        service.fail("DeleteApplication", 400, "ResourceNotFoundException", "It is gone.");

        cluster.deleteApplication(JOB, soon());

        assertThat(service.requests("DeleteApplication")).hasSize(1);
    }

    private ManagedCluster cluster(Ownership ownership) {
        boolean own = ownership == Ownership.SLUICEWAY;
        return new ManagedCluster(
                new ClusterName("managed"),
                new ClusterSettings.Managed(
                        new ApplicationNames("team-{job}"),
                        ownership,
                        own ? "FLINK-2_3" : null,
                        own ? "arn:aws:iam::111122223333:role/flink" : null,
                        null,
                        Duration.ofMinutes(1),
                        2),
                service::client,
                service::metrics,
                ManagedCluster.METRICS_PERIOD,
                "us-east-1");
    }

    private void describe(String status, FlinkJobId mark, int parallelism) {
        service.answer("DescribeApplication", application(status, mark, parallelism));
    }

    private void updated() {
        operations(operation("StartApplication", "SUCCESSFUL", 1), operation("UpdateApplication", "IN_PROGRESS", 101));
        snapshots(snapshot("UPDATEAPPLICATION-x-1", 101));
        versionBefore(ID);
    }

    private void versionBefore(FlinkJobId mark) {
        service.answer(
                "DescribeApplicationVersion",
                application("READY", mark, 2).replace("ApplicationDetail", "ApplicationVersionDetail"));
    }

    private void operations(String... operations) {
        service.answer(
                "ListApplicationOperations",
                "{\"ApplicationOperationInfoList\":[%s]}".formatted(String.join(",", operations)));
    }

    private void snapshots(String... snapshots) {
        service.answer(
                "ListApplicationSnapshots", "{\"SnapshotSummaries\":[%s]}".formatted(String.join(",", snapshots)));
    }

    private void reason(String reason) {
        service.answer("DescribeApplicationOperation", """
                {"ApplicationOperationInfoDetails": {"Operation": "UpdateApplication", "StartTime": 1700000101,
                  "EndTime": 1700000109, "OperationStatus": "FAILED",
                  "OperationFailureDetails": {"ErrorInfo": {"ErrorString": "%s"}}}}
                """.formatted(reason));
    }

    private static String application(String status, FlinkJobId mark, int parallelism) {
        String groups = mark == null
                ? ""
                : "{\"PropertyGroupId\":\"sluiceway\",\"PropertyMap\":{\"attemptId\":\"%s\"}}".formatted(mark);
        return """
                {"ApplicationDetail": {
                 "ApplicationARN": "arn:aws:kinesisanalytics:us-east-1:111122223333:application/team-delays",
                 "ApplicationName": "team-delays", "RuntimeEnvironment": "FLINK-2_3", "ApplicationStatus": "%s",
                 "ApplicationVersionId": 7, "ApplicationVersionUpdatedFrom": 6, "CreateTimestamp": 1600000000, "ApplicationVersionCreateTimestamp": %d,
                 "ConditionalToken": "token", "ApplicationConfigurationDescription": {
                   "FlinkApplicationConfigurationDescription": {"ParallelismConfigurationDescription": {
                     "ConfigurationType": "CUSTOM", "Parallelism": %d, "ParallelismPerKPU": 2,
                     "CurrentParallelism": %d, "AutoScalingEnabled": false}},
                   "ApplicationSnapshotConfigurationDescription": {"SnapshotsEnabled": true},
                   "EnvironmentPropertyDescriptions": {"PropertyGroupDescriptions": [%s]}}}}
                """.formatted(status, MARKED_AT, parallelism, parallelism, groups);
    }

    private static String operation(String operation, String status, long after) {
        long start = MARKED_AT + after;
        return "{\"Operation\":\"%s\",\"OperationId\":\"%s%d\",\"OperationStatus\":\"%s\",\"StartTime\":%d,\"EndTime\":%d}"
                .formatted(operation, operation, start, status, start, start + 5);
    }

    private static String snapshot(String name, long after) {
        return "{\"SnapshotName\":\"%s\",\"SnapshotStatus\":\"READY\",\"ApplicationVersionId\":6,\"SnapshotCreationTimestamp\":%d}"
                .formatted(name, MARKED_AT + after);
    }

    private static void assertRefused(ErrorCode code, ThrowingCallable call) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(call)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(10), Clock.systemUTC());
    }
}
