package io.sluiceway.cluster.managed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNoException;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import io.sluiceway.cluster.ApplicationNames;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Ownership;
import io.sluiceway.cluster.DashboardLink;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.cluster.RunAnswer;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.EntryClass;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Policies;
import io.sluiceway.job.RestartPolicy;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.MovableClock;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.testing.StubServer;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the adapter asks the service, and what it makes of each of its answers. */
class ManagedClusterTest {
    private static final JobName NAME = new JobName("delays");
    private static final FlinkJobId ID = new FlinkJobId("0123456789abcdef0123456789abcdef");
    private static final FlinkJobId OTHER = new FlinkJobId("f".repeat(32));
    private static final JobRef JOB = new JobRef(NAME, ID);
    private static final TriggerId TRIGGER = new TriggerId("a".repeat(32));
    private static final StoragePath SNAPSHOT = new StoragePath("snapshot://team-delays/before");
    private static final StoragePath TAKEN = new StoragePath("snapshot://team-delays/" + TRIGGER);
    private static final double MARKED_AT = 1_700_000_000.25;

    private final ScriptedService service = new ScriptedService();
    private final ManagedCluster cluster = cluster(Ownership.SLUICEWAY);

    @AfterEach
    void close() {
        service.close();
    }

    @ParameterizedTest
    @CsvSource({
        "STARTING, INITIALIZING",
        "RUNNING, RUNNING",
        "UPDATING, RECONCILING",
        "AUTOSCALING, RECONCILING",
        "MAINTENANCE, RECONCILING",
        "ROLLING_BACK, RECONCILING",
        "SOMETHING_NEW, RECONCILING",
        "STOPPING, CANCELLING",
        "FORCE_STOPPING, CANCELLING",
        "DELETING, CANCELLING",
    })
    void findJob_statusThatIsAlive_isAlive(String status, JobState state) {
        describe(application(status, ID));
        operations(operation("StartApplication", "SUCCESSFUL", 1));

        assertThat(cluster.findJob(JOB, soon()).orElseThrow().state()).isEqualTo(state);
    }

    @Test
    void findJob_anotherAttemptsMark_isEmpty() {
        describe(application("RUNNING", OTHER));

        assertThat(cluster.findJob(JOB, soon())).isEmpty();
    }

    @Test
    void findJob_noApplication_isEmpty() {
        assertThat(cluster.findJob(JOB, soon())).isEmpty();
    }

    @Test
    void findJob_markedAndNeverStarted_isEmpty() {
        describe(application("READY", ID));
        operations();

        assertThat(cluster.findJob(JOB, soon())).isEmpty();
    }

    @Test
    void findJob_startOfAnEarlierAttempt_isNotItsOwn() {
        describe(application("READY", ID));
        operations(operation("StartApplication", "SUCCESSFUL", -60), operation("StopApplication", "SUCCESSFUL", -5));

        assertThat(cluster.findJob(JOB, soon())).isEmpty();
    }

    @Test
    void findJob_versionBeforeIsAnothers_startBeforeItsOwnIsNotCounted() {
        describe(application("READY", ID, 8, MARKED_AT + 500));
        service.answer(
                "DescribeApplicationVersion",
                "{\"ApplicationVersionDetail\":%s}".formatted(application("READY", OTHER, 7, MARKED_AT)));
        operations(operation("StartApplication", "SUCCESSFUL", 1));

        // Version 7 is another attempt's, so what was started before version 8 was that one.
        assertThat(cluster.findJob(JOB, soon())).isEmpty();
    }

    @Test
    void findJob_earlierVersionWithItsMark_countsFromThere() {
        describe(application("READY", ID, 2, MARKED_AT + 500));
        service.answer(
                "DescribeApplicationVersion",
                "{\"ApplicationVersionDetail\":%s}".formatted(application("READY", ID, 1, MARKED_AT)));
        operations(operation("StartApplication", "SUCCESSFUL", 1));

        assertThat(cluster.findJob(JOB, soon()).orElseThrow().state()).isEqualTo(JobState.FAILED);
    }

    @Test
    void observeJob_startFailed_tellsWhy() {
        describe(application("READY", ID));
        operations(operation("StartApplication", "FAILED", 1));
        service.answer("DescribeApplicationOperation", """
                {"ApplicationOperationInfoDetails": {"Operation": "StartApplication", "StartTime": 1700000001,
                  "EndTime": 1700000009, "OperationStatus": "FAILED",
                  "OperationFailureDetails": {"ErrorInfo": {"ErrorString": "There is no\\u0007 runway."}}}}
                """);

        var status = cluster.observeJob(JOB, soon()).orElseThrow();

        assertThat(status.overview().state()).isEqualTo(JobState.FAILED);
        assertThat(status.firstFailure().rootCause()).isEqualTo("There is no? runway.");
    }

    @Test
    void observeJob_startFailed_hasCompletedNoCheckpoint() {
        describe(application("READY", ID));
        operations(operation("StartApplication", "FAILED", 1), operation("StartApplication", "FAILED", 20));

        var status = cluster.observeJob(JOB, soon()).orElseThrow();

        assertThat(status.overview().state()).isEqualTo(JobState.FAILED);
        assertThat(status.checkpoints().completed()).isEqualTo(Observation.now(0L));
        assertThat(status.checkpoints().last()).isInstanceOf(Observation.NothingYet.class);
        assertThat(status.lastSavepoint()).isInstanceOf(Observation.NothingYet.class);
    }

    /** In each it may have run long enough to complete one. */
    @ParameterizedTest
    @CsvSource({
        "StartApplication CANCELLED, ''",
        "StartApplication FAILED, StartApplication CANCELLED",
        "StartApplication SUCCESSFUL, StartApplication FAILED",
        "StartApplication SUCCESSFUL, ''",
        "StartApplication SUCCESSFUL, UpdateApplication FAILED",
        "StartApplication CANCELLED, StopApplication SUCCESSFUL",
        "StartApplication FAILED, StopApplication SUCCESSFUL",
    })
    void observeJob_mayHaveRun_completedCheckpointsAreUnknown(String first, String second) {
        describe(application("READY", ID));
        String[] one = first.split(" ", -1);
        String[] other = second.split(" ", -1);
        operations(Stream.concat(
                        Stream.of(operation(one[0], one[1], 1)),
                        second.isEmpty() ? Stream.of() : Stream.of(operation(other[0], other[1], 20)))
                .toArray(String[]::new));

        var status = cluster.observeJob(JOB, soon()).orElseThrow();

        assertThat(status.checkpoints().completed()).isInstanceOf(Observation.NotObservable.class);
    }

    @Test
    void checkUpgrade_ownApplications_goOnFromSnapshotsOrAnew() {
        assertThatNoException().isThrownBy(() -> {
            cluster.checkUpgrade(spec(), Upgrade.Mode.SAVEPOINT);
            cluster.checkUpgrade(spec(), Upgrade.Mode.STATELESS);
        });
        assertRefused(ErrorCode.JOB_UNSUPPORTED, () -> cluster.checkUpgrade(spec(), Upgrade.Mode.LAST_STATE));
    }

    @ParameterizedTest
    @EnumSource
    void checkUpgrade_applicationsOfOthers_isRefused(Upgrade.Mode mode) {
        assertRefused(
                ErrorCode.JOB_UNSUPPORTED, () -> cluster(Ownership.EXTERNAL).checkUpgrade(spec(), mode));
    }

    @Test
    void observeJob_endedByItself_saysThatNobodyCanTellHow() {
        describe(application("READY", ID));
        operations(operation("StartApplication", "SUCCESSFUL", 1));

        var status = cluster.observeJob(JOB, soon()).orElseThrow();

        assertThat(status.overview().state()).isEqualTo(JobState.FAILED);
        assertThat(status.firstFailure().message())
                .isEqualTo(
                        "Job 'delays' ended though nobody stopped it: it finished or failed, which the service doesn't tell.");
    }

    @Test
    void observeJob_whatTheServiceNeverTells_isNotObservable() {
        describe(application("RUNNING", ID));

        var status = cluster.observeJob(JOB, soon()).orElseThrow();

        assertThat(List.of(
                        status.checkpoints().completed(), status.checkpoints().last(), status.lastSavepoint()))
                .containsOnly(new Observation.NotObservable<>("Managed Service for Apache Flink doesn't tell."));
    }

    @Test
    void openDashboard_running_isThePresignedUrlForAnHour() {
        String url = "https://abc.kinesisanalytics.us-east-1.amazonaws.com/flinkdashboard?authToken=a%2Fb%3D";
        service.answer("CreateApplicationPresignedUrl", "{\"AuthorizedUrl\":\"%s\"}".formatted(url));

        assertThat(openDashboard("RUNNING")).isEqualTo(Observation.now(new DashboardLink(URI.create(url))));
        assertThat(service.requests("CreateApplicationPresignedUrl").getFirst())
                .hasToString(
                        "{\"ApplicationName\":\"team-delays\",\"UrlType\":\"FLINK_DASHBOARD_URL\",\"SessionExpirationDurationInSeconds\":3600}");
    }

    @ParameterizedTest
    @CsvSource({"STARTING, INITIALIZING", "UPDATING, RECONCILING", "STOPPING, CANCELLING"})
    void openDashboard_notRunning_saysSoAndAsksNobody(String status, JobState state) {
        assertThat(openDashboard(status))
                .isEqualTo(new Observation.NotObservable<>(
                        "There is a dashboard only while the application is RUNNING; the job is %s.".formatted(state)));
        assertThat(service.requests("CreateApplicationPresignedUrl")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "400, ResourceInUseException",
        "400, AccessDeniedException",
        "400, ThrottlingException",
        "500, InternalFailure"
    })
    void openDashboard_refused_saysSo(int status, String error) {
        service.fail("CreateApplicationPresignedUrl", status, error, "Not now.");

        assertThat(openDashboard("RUNNING"))
                .isInstanceOfSatisfying(
                        Observation.NotObservable.class,
                        not -> assertThat(not.why()).contains(error));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"AuthorizedUrl\":\"no url\"}", "{\"AuthorizedUrl\":\"\"}"})
    void openDashboard_noLink_saysSo(String answer) {
        service.answer("CreateApplicationPresignedUrl", answer);

        assertThat(openDashboard("RUNNING"))
                .isEqualTo(new Observation.NotObservable<>("The service gave no link to the dashboard."));
    }

    private Observation<DashboardLink> openDashboard(String status) {
        describe(application(status, ID));
        operations(operation("StartApplication", "SUCCESSFUL", 1));
        return cluster.openDashboard(JOB, cluster.observeJob(JOB, soon()).orElseThrow(), soon());
    }

    @Test
    void findJob_stoppedWithItsSnapshot_isFinished() {
        stopped("SUCCESSFUL", snapshot("STOP-team-delays-1", "READY", 12));

        assertThat(cluster.findJob(JOB, soon()).orElseThrow().state()).isEqualTo(JobState.FINISHED);
        assertThat(cluster.findStop(JOB, TRIGGER, Instant.EPOCH, soon()))
                .contains(
                        new SavepointProgress.Completed(new StoragePath("snapshot://team-delays/STOP-team-delays-1")));
        assertThat(cluster.findSavepointAtEnd(JOB, soon()))
                .contains(new StoragePath("snapshot://team-delays/STOP-team-delays-1"));
    }

    @Test
    void findJob_stoppedByForce_isCanceled() {
        stopped("SUCCESSFUL", snapshot("earlier", "READY", 3));

        assertThat(cluster.findJob(JOB, soon()).orElseThrow().state()).isEqualTo(JobState.CANCELED);
        assertThat(cluster.findStop(JOB, TRIGGER, Instant.EPOCH, soon()))
                .contains(new SavepointProgress.Failed("The application was stopped without a snapshot.", null));
        assertThat(cluster.findSavepointAtEnd(JOB, soon())).isEmpty();
    }

    @Test
    void findSavepointAtEnd_anotherAttemptsMark_isEmpty() {
        describe(application("READY", OTHER));

        assertThat(cluster.findSavepointAtEnd(JOB, soon())).isEmpty();
    }

    @Test
    void findJob_savedAndThenStoppedByForceWithinASecond_isCanceled() {
        stopped("SUCCESSFUL", snapshot(TRIGGER.value(), "READY", 10));

        assertThat(cluster.findJob(JOB, soon()).orElseThrow().state()).isEqualTo(JobState.CANCELED);
    }

    @Test
    void findStop_failedBeforeItWasAskedFor_isAnothers() {
        describe(application("RUNNING", ID));
        operations(operation("StartApplication", "SUCCESSFUL", 1), operation("StopApplication", "FAILED", 10));
        Instant stop = Instant.ofEpochSecond((long) MARKED_AT + 10);

        assertThat(cluster.findStop(JOB, TRIGGER, stop.plusSeconds(5), soon())).isEmpty();
        assertThat(cluster.findStop(JOB, TRIGGER, stop.minusSeconds(5), soon()))
                .contains(new SavepointProgress.StopFailed("The service says that the stop failed.", stop));
    }

    @ParameterizedTest
    @CsvSource({"CREATING, InProgress", "READY, Completed", "FAILED, Failed", "DELETING, Failed"})
    void findSavepoint_eachStatus_isItsProgress(String status, String progress) {
        service.answer(
                "DescribeApplicationSnapshot",
                "{\"SnapshotDetails\":%s}".formatted(snapshot(TRIGGER.value(), status, 1)));

        assertThat(cluster.findSavepoint(JOB, TRIGGER, soon())
                        .orElseThrow()
                        .getClass()
                        .getSimpleName())
                .isEqualTo(progress);
    }

    @Test
    void runJob_noApplication_createsItWithItsMarkAndStartsItWithoutState() {
        service.answer("CreateApplication", "{\"ApplicationDetail\":%s}".formatted(application("READY", ID)))
                .answer("StartApplication", "{}");

        assertThat(run(launch(null))).isInstanceOf(RunAnswer.Started.class);

        JsonNode created = service.requests("CreateApplication").getFirst();
        assertThat(created.at("/ApplicationName").asText()).isEqualTo("team-delays");
        assertThat(created.at("/RuntimeEnvironment").asText()).isEqualTo("FLINK-2_3");
        assertThat(created.at("/ApplicationConfiguration/EnvironmentProperties/PropertyGroups"))
                .hasToString(
                        "[{\"PropertyGroupId\":\"program-arguments\",\"PropertyMap\":{\"output\":\"s3://b/o\"}},{\"PropertyGroupId\":\"sluiceway\",\"PropertyMap\":{\"attemptId\":\"%s\"}}]"
                                .formatted(ID));
        assertThat(created.at("/ApplicationConfiguration/ApplicationCodeConfiguration/CodeContent/S3ContentLocation"))
                .hasToString(
                        "{\"BucketARN\":\"arn:aws:s3:::jars\",\"FileKey\":\"delays.jar\",\"ObjectVersion\":\"v1\"}");
        assertThat(created.at("/ApplicationConfiguration/FlinkApplicationConfiguration/ParallelismConfiguration"
                                + "/AutoScalingEnabled")
                        .asText())
                .isEqualTo("false");
        assertThat(service.requests("StartApplication").getFirst().at("/RunConfiguration"))
                .hasToString(
                        "{\"FlinkRunConfiguration\":{\"AllowNonRestoredState\":false},\"ApplicationRestoreConfiguration\":{\"ApplicationRestoreType\":\"SKIP_RESTORE_FROM_SNAPSHOT\"}}");
    }

    @Test
    void runJob_earlierAttempt_isReplacedOnlyWhileNobodyElseChangesIt() {
        describe(application("READY", OTHER));
        service.handle("UpdateApplication", exchange -> {
            describe(application("READY", ID));
            StubServer.answer(exchange, 200, "{}".getBytes(StandardCharsets.UTF_8));
        });
        service.answer("StartApplication", "{}");

        assertThat(run(launch(SNAPSHOT))).isInstanceOf(RunAnswer.Started.class);

        JsonNode updated = service.requests("UpdateApplication").getFirst();
        assertThat(updated.at("/ConditionalToken").asText()).isEqualTo("token");
        assertThat(service.requests("StartApplication").getFirst().at("/RunConfiguration"))
                .hasToString(
                        "{\"FlinkRunConfiguration\":{\"AllowNonRestoredState\":true},\"ApplicationRestoreConfiguration\":{\"ApplicationRestoreType\":\"RESTORE_FROM_CUSTOM_SNAPSHOT\",\"SnapshotName\":\"before\"}}");
    }

    @Test
    void runJob_markedByALostCall_isOnlyStarted() {
        describe(application("READY", ID));
        operations();
        service.answer("StartApplication", "{}");

        assertThat(run(launch(null))).isInstanceOf(RunAnswer.Started.class);
        assertThat(service.requests("UpdateApplication")).isEmpty();
    }

    @Test
    void runJob_startedByALostCall_isADuplicate() {
        describe(application("STARTING", ID));

        assertThat(run(launch(null))).isInstanceOf(RunAnswer.DuplicateId.class);
        assertThat(service.requests("StartApplication")).isEmpty();
    }

    @Test
    void runJob_startedAndEnded_isADuplicate() {
        stopped("SUCCESSFUL", snapshot("STOP-team-delays-1", "READY", 12));

        assertThat(run(launch(null))).isInstanceOf(RunAnswer.DuplicateId.class);
        assertThat(service.requests("StartApplication")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"RUNNING", "STARTING", "STOPPING", "MAINTENANCE", "SOMETHING_NEW"})
    void runJob_applicationOfSomebodyElseIsBusy_isRefusedUntouched(String status) {
        describe(application(status, OTHER));

        assertRefused(ErrorCode.APPLICATION_IN_USE, () -> run(launch(null)));
        assertThat(service.requests("UpdateApplication")).isEmpty();
        assertThat(service.requests("StartApplication")).isEmpty();
    }

    @Test
    void runJob_applicationThatSluicewayDidNotMake_isNotOverwritten() {
        describe(application("READY", null));

        assertRefused(ErrorCode.APPLICATION_IN_USE, () -> run(launch(null)));
        assertThat(service.requests("UpdateApplication")).isEmpty();
    }

    @Test
    void runJob_external_onlyPutsItsMarkAmongTheProperties() {
        describe(application("READY", null));
        service.handle("UpdateApplication", exchange -> {
            describe(application("READY", ID));
            StubServer.answer(exchange, 200, "{}".getBytes(StandardCharsets.UTF_8));
        });
        service.answer("StartApplication", "{}");

        assertThat(cluster(Ownership.EXTERNAL).runJob(external(), Instant.MAX, soon()))
                .isInstanceOf(RunAnswer.Started.class);

        JsonNode updated = service.requests("UpdateApplication").getFirst();
        assertThat(updated.at("/ApplicationConfigurationUpdate"))
                .hasToString(
                        "{\"EnvironmentPropertyUpdates\":{\"PropertyGroups\":[{\"PropertyGroupId\":\"team\",\"PropertyMap\":{\"a\":\"b\"}},{\"PropertyGroupId\":\"sluiceway\",\"PropertyMap\":{\"attemptId\":\"%s\"}}]}}"
                                .formatted(ID));
    }

    @Test
    void runJob_externalWithoutApplication_isRefused() {
        assertRefused(
                ErrorCode.JOB_NOT_FOUND, () -> cluster(Ownership.EXTERNAL).runJob(external(), Instant.MAX, soon()));
        assertThat(service.requests("CreateApplication")).isEmpty();
    }

    @Test
    void runJob_behindItsFence_changesNothing() {
        describe(application("READY", OTHER));

        assertThat(cluster.runJob(launch(null), Instant.EPOCH, soon())).isInstanceOf(RunAnswer.TooLate.class);
        assertThat(service.requests("UpdateApplication")).isEmpty();
        assertThat(service.requests("StartApplication")).isEmpty();
    }

    @Test
    void runJob_bucketWithoutVersions_isRefused() {
        JobLaunch launch = new JobLaunch(ID, spec(), new JarDigest("0".repeat(64)), null, null);

        assertRefused(ErrorCode.JOB_UNSUPPORTED, () -> run(launch));
    }

    @Test
    void runJob_snapshotOfAnotherApplication_isRefused() {
        assertRefused(ErrorCode.RESTORE_FAILED, () -> run(launch(new StoragePath("snapshot://team-others/before"))));
    }

    @ParameterizedTest
    @CsvSource({
        "ResourceInUseException, 400, DuplicateId",
        "ConcurrentModificationException, 400, DuplicateId",
        "ResourceNotFoundException, 400, AnswerLost",
        "InternalFailure, 500, AnswerLost",
        "ServiceUnavailable, 503, AnswerLost",
    })
    void runJob_startAnswersAnError_isDescribedBeforeItIsDecided(String error, int status, String answer) {
        describe(application("READY", ID));
        operations();
        service.fail("StartApplication", status, error, "Why.");

        assertThat(run(launch(null)).getClass().getSimpleName()).isEqualTo(answer);
        assertThat(service.requests("StartApplication")).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({
        "ThrottlingException, CLUSTER_UNREACHABLE",
        "TooManyRequestsException, CLUSTER_UNREACHABLE",
        "ExpiredTokenException, CLUSTER_UNREACHABLE",
        "LimitExceededException, CLUSTER_REFUSED",
        "InvalidRequestException, CLUSTER_REFUSED",
        "InvalidApplicationConfigurationException, CLUSTER_REFUSED",
        "UnsupportedOperationException, CLUSTER_REFUSED",
        "AccessDeniedException, CLUSTER_REFUSED",
        "InvalidArgumentException, RESTORE_FAILED",
    })
    void runJob_startIsRefused_isRefusedWithTheServicesWords(String error, ErrorCode code) {
        describe(application("READY", ID));
        operations();
        service.fail("StartApplication", 400, error, "Words of the service.");

        assertRefused(code, () -> run(launch(SNAPSHOT)));
        assertThat(service.requests("StartApplication")).hasSize(1);
    }

    @Test
    void runJob_startBreaksOff_isLostAndNotSentAgain() {
        describe(application("READY", ID));
        operations();
        service.handle("StartApplication", exchange -> {
            throw new IllegalStateException("The test breaks this connection.");
        });

        assertThat(run(launch(null))).isInstanceOf(RunAnswer.AnswerLost.class);
        assertThat(service.requests("StartApplication")).hasSize(1);
    }

    @Test
    void runJob_startHangs_isLostWhenTheTimeIsUp() {
        CountDownLatch end = new CountDownLatch(1);
        describe(application("READY", ID));
        operations();
        service.handle("StartApplication", exchange -> end.await());

        assertThat(cluster.runJob(launch(null), Instant.MAX, Deadline.in(Duration.ofMillis(1500), Clock.systemUTC())))
                .isInstanceOf(RunAnswer.AnswerLost.class);
        end.countDown();
    }

    @Test
    void runJob_startsRefusalBreaksOff_isLostAndNotSentAgain() {
        describe(application("READY", ID));
        operations();
        service.handle("StartApplication", ManagedClusterTest::halfOfAnError);

        assertThat(run(launch(null))).isInstanceOf(RunAnswer.AnswerLost.class);
        assertThat(service.requests("StartApplication")).hasSize(1);
    }

    @Test
    void findSavepoint_refusalBreaksOff_mayBeAskedAgain() {
        service.handle("DescribeApplicationSnapshot", ManagedClusterTest::halfOfAnError);

        assertRefused(ErrorCode.CLUSTER_TIMEOUT, () -> cluster.findSavepoint(JOB, TRIGGER, soon()));
    }

    @Test
    void runJob_updateConflicts_isLostForWhoeverLooksAgain() {
        describe(application("READY", OTHER));
        service.fail("UpdateApplication", 400, "ConcurrentModificationException", "Another version.");

        assertThat(run(launch(null))).isInstanceOf(RunAnswer.AnswerLost.class);
        assertThat(service.requests("StartApplication")).isEmpty();
    }

    @Test
    void disposeSavepoint_snapshotThatIsThere_isDeletedByNameAndTime() {
        snapshotIs("READY");
        service.answer("DeleteApplicationSnapshot", "{}");

        assertThat(cluster.disposeSavepoint(JOB.name(), TAKEN, soon()))
                .as("the service still shows it")
                .isFalse();

        JsonNode request = service.requests("DeleteApplicationSnapshot").getFirst();
        assertThat(request.at("/ApplicationName").asText()).isEqualTo("team-delays");
        assertThat(request.at("/SnapshotName").asText()).isEqualTo(TRIGGER.value());
        assertThat(request.at("/SnapshotCreationTimestamp").asDouble()).isEqualTo(1_700_000_001);
    }

    @Test
    void disposeSavepoint_isBeingDeleted_isLeftToItself() {
        snapshotIs("DELETING");

        assertThat(cluster.disposeSavepoint(JOB.name(), TAKEN, soon())).isFalse();
        assertThat(service.requests("DeleteApplicationSnapshot")).isEmpty();
    }

    @Test
    void disposeSavepoint_isntThere_countsAsRemoved() {
        assertThat(cluster.disposeSavepoint(JOB.name(), TAKEN, soon())).isTrue();
        assertThat(service.requests("DeleteApplicationSnapshot")).isEmpty();
    }

    @Test
    void disposeSavepoint_goneBetweenLookAndCall_countsAsRemoved() {
        snapshotIs("READY");
        service.fail("DeleteApplicationSnapshot", 400, "ResourceNotFoundException", "There is none.");

        assertThat(cluster.disposeSavepoint(JOB.name(), TAKEN, soon())).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "ResourceInUseException, CLUSTER_UNREACHABLE",
        "ConcurrentModificationException, CLUSTER_UNREACHABLE",
        "InvalidArgumentException, CLUSTER_REFUSED",
        "UnsupportedOperationException, CLUSTER_REFUSED"
    })
    void disposeSavepoint_serviceRefuses_isTold(String error, ErrorCode code) {
        snapshotIs("READY");
        service.fail("DeleteApplicationSnapshot", 400, error, "Not now.");

        assertRefused(code, () -> cluster.disposeSavepoint(JOB.name(), TAKEN, soon()));
    }

    @Test
    void disposeSavepoint_answerIsLost_isSaidSo() {
        snapshotIs("READY");
        service.handle("DeleteApplicationSnapshot", ManagedClusterTest::halfOfAnError);

        assertRefused(ErrorCode.CLUSTER_TIMEOUT, () -> cluster.disposeSavepoint(JOB.name(), TAKEN, soon()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3://state/savepoints/1", "snapshot://sluiceway-another/1", "snapshot://somebodys/1"})
    void disposeSavepoint_ofAnotherApplication_isRefusedUnasked(String path) {
        assertRefused(
                ErrorCode.CLUSTER_REFUSED, () -> cluster.disposeSavepoint(JOB.name(), new StoragePath(path), soon()));
        assertThat(service.requests("DescribeApplicationSnapshot")).isEmpty();
        assertThat(service.requests("DeleteApplicationSnapshot")).isEmpty();
    }

    private void snapshotIs(String status) {
        service.answer(
                "DescribeApplicationSnapshot",
                "{\"SnapshotDetails\":%s}".formatted(snapshot(TRIGGER.value(), status, 1)));
    }

    @Test
    void triggerSavepoint_nameIsThere_joinsIt() {
        describe(application("RUNNING", ID));
        service.fail("CreateApplicationSnapshot", 400, "ResourceInUseException", "It exists.")
                .answer(
                        "DescribeApplicationSnapshot",
                        "{\"SnapshotDetails\":%s}".formatted(snapshot(TRIGGER.value(), "CREATING", 1)));

        cluster.triggerSavepoint(JOB, TRIGGER, SNAPSHOT, soon());

        assertThat(service.requests("CreateApplicationSnapshot")
                        .getFirst()
                        .at("/SnapshotName")
                        .asText())
                .isEqualTo(TRIGGER.value());
    }

    @Test
    void triggerSavepoint_anotherIsBeingTaken_mayBeTriedLater() {
        describe(application("RUNNING", ID));
        service.fail("CreateApplicationSnapshot", 400, "ResourceInUseException", "One at a time.");

        assertRefused(ErrorCode.CLUSTER_UNREACHABLE, () -> cluster.triggerSavepoint(JOB, TRIGGER, SNAPSHOT, soon()));
    }

    @Test
    void triggerSavepoint_ofAnotherAttempt_isRefusedUntouched() {
        describe(application("RUNNING", OTHER));

        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> cluster.triggerSavepoint(JOB, TRIGGER, SNAPSHOT, soon()));
        assertThat(service.requests("CreateApplicationSnapshot")).isEmpty();
    }

    @Test
    void triggerStop_answerIsLost_isSaidSo() {
        describe(application("RUNNING", ID));
        service.fail("StopApplication", 500, "InternalFailure", "Why.");

        assertRefused(ErrorCode.CLUSTER_TIMEOUT, () -> cluster.triggerStop(JOB, TRIGGER, SNAPSHOT, false, soon()));
        assertThat(service.requests("StopApplication").getFirst().at("/Force").asText())
                .isEqualTo("false");
    }

    @Test
    void triggerStop_whileTheJobIsDown_tellsTheServicesReason() {
        describe(application("RUNNING", ID));
        service.fail(
                "StopApplication",
                400,
                "InvalidApplicationConfigurationException",
                "The application is currently experiencing downtime.");

        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> cluster.triggerStop(JOB, TRIGGER, SNAPSHOT, false, soon()))
                .withMessageContaining("experiencing downtime")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CLUSTER_REFUSED));
    }

    @Test
    void cancelJob_ofAnotherAttempt_isRefusedUntouched() {
        describe(application("RUNNING", OTHER));

        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> cluster.cancelJob(JOB, soon()));
        assertThat(service.requests("StopApplication")).isEmpty();
    }

    @Test
    void cancelJob_running_isForced() {
        describe(application("RUNNING", ID));
        service.answer("StopApplication", "{}");

        cluster.cancelJob(JOB, soon());

        assertThat(service.requests("StopApplication").getFirst().at("/Force").asText())
                .isEqualTo("true");
    }

    @Test
    void listJobs_twoPages_areThoseOfItsOwnNames() {
        service.handle("ListApplications", exchange -> {
            boolean first = service.requests("ListApplications").size() == 1;
            String names = first
                    ? "{\"ApplicationSummaries\":[%s,%s],\"NextToken\":\"next\"}"
                            .formatted(summary("team-delays"), summary("elsewhere-delays"))
                    : "{\"ApplicationSummaries\":[%s]}".formatted(summary("team-"));
            StubServer.answer(exchange, 200, names.getBytes(StandardCharsets.UTF_8));
        });
        describe(application("RUNNING", ID));

        assertThat(cluster.listJobs(soon())).extracting(job -> job.id()).containsExactly(ID);
        assertThat(service.requests("ListApplications")).hasSize(2);
        assertThat(service.requests("DescribeApplication")).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"RUNNING", "READY"})
    void listJobs_applicationThatIsAsItWas_isDescribedOnceInFiveMinutes(String status) {
        MovableClock clock = new MovableClock(Instant.parse("2026-11-23T00:00:00Z"));
        list(status, 1);
        describe(application(status, ID));
        operations(operation("StartApplication", "SUCCESSFUL", 1));
        List<JobOverview> first = cluster.listJobs(Deadline.in(Duration.ofSeconds(20), clock));

        for (int minute = 1; minute <= 10; minute++) {
            clock.move(Duration.ofMinutes(1));
            assertThat(cluster.listJobs(Deadline.in(Duration.ofSeconds(20), clock)))
                    .isEqualTo(first)
                    .hasSize(1);
        }

        assertThat(service.requests("ListApplications")).hasSize(11);
        assertThat(service.requests("DescribeApplication")).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource({"RUNNING, 1, STOPPING, 1", "RUNNING, 1, RUNNING, 2", "STARTING, 1, STARTING, 1"})
    void listJobs_applicationThatIsNotAsItWasOrDoesNotRest_isDescribed(
            String status, long version, String laterStatus, long laterVersion) {
        MovableClock clock = new MovableClock(Instant.parse("2026-11-23T00:00:00Z"));
        list(status, version);
        describe(application(status, ID, version, MARKED_AT));
        cluster.listJobs(Deadline.in(Duration.ofSeconds(20), clock));
        list(laterStatus, laterVersion);

        cluster.listJobs(Deadline.in(Duration.ofSeconds(20), clock));

        assertThat(service.requests("DescribeApplication")).hasSize(2);
    }

    private void list(String status, long version) {
        service.answer(
                "ListApplications",
                "{\"ApplicationSummaries\":[{\"ApplicationName\":\"team-delays\",\"ApplicationARN\":\"arn\",\"ApplicationStatus\":\"%s\",\"ApplicationVersionId\":%d}]}"
                        .formatted(status, version));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "<html>It works!</html>", "{\"ApplicationDetail\":", "42", "{}"})
    void findJob_nonsense_isRefused(String body) {
        service.answer("DescribeApplication", body);

        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> cluster.findJob(JOB, soon()))
                .satisfies(e -> assertThat(e.code().retryable()).isTrue());
    }

    @Test
    void findJob_nobodyThere_isUnreachable() {
        service.close();

        assertRefused(ErrorCode.CLUSTER_UNREACHABLE, () -> cluster.findJob(JOB, soon()));
    }

    static Stream<Arguments> unsupported() {
        return Stream.<Supplier<JobSpec>>of(
                        () -> spec(JobKind.RUN, null, List.of()),
                        () -> spec(JobKind.STREAM, new EntryClass("a.B"), List.of()),
                        () -> spec(JobKind.STREAM, null, List.of("positional")),
                        () -> spec(JobKind.STREAM, null, List.of("--flag")),
                        () -> spec(JobKind.STREAM, null, List.of("--a", "1", "--a", "2")),
                        () -> spec(JobKind.STREAM, null, List.of("--a", "")),
                        () -> spec(JobKind.STREAM, null, List.of("--a", "x".repeat(2049))),
                        () -> spec(
                                JobKind.STREAM,
                                null,
                                IntStream.range(0, 51)
                                        .boxed()
                                        .flatMap(i -> Stream.of("--a" + i, "b"))
                                        .toList()),
                        () -> with(OnlyPolicy.of(
                                DataReadyPolicy.of("results", DataReadyPolicy.Every.PT1H, null, null, null))),
                        () -> with(OnlyPolicy.of(RestartPolicy.DEFAULT)))
                .map(spec -> Arguments.of(spec.get()));
    }

    @ParameterizedTest
    @MethodSource("unsupported")
    void check_whatAnApplicationCannotBeMadeFrom_isRefused(JobSpec spec) {
        assertRefused(ErrorCode.JOB_UNSUPPORTED, () -> cluster.check(spec));
    }

    @Test
    void check_nameTooLong_isRefused() {
        JobSpec spec = new JobSpec(
                new JobName("a".repeat(127)),
                JobKind.STREAM,
                new ClusterName("managed"),
                new JarReference(JarUri.parse("s3://jars/delays.jar"), null, null),
                null,
                Collections.emptyList(),
                1,
                new RestorePoint.None(),
                JobSpec.OnUnknown.REFUSE);

        assertRefused(ErrorCode.JOB_UNSUPPORTED, () -> cluster.check(spec));
    }

    @ParameterizedTest
    @CsvSource({
        "snapshot://team-delays/before, true",
        "snapshot://others-delays/before, false",
        "snapshot://team-delays/before/more, false",
        "s3://team-delays/before, false",
    })
    void mayRestoreFrom_onlySnapshotsOfItsApplications(String path, boolean may) {
        assertThat(cluster.mayRestoreFrom(new StoragePath(path))).isEqualTo(may);
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
                        1),
                service::client,
                service::metrics,
                ManagedCluster.METRICS_PERIOD,
                "us-east-1");
    }

    private RunAnswer run(JobLaunch launch) {
        return cluster.runJob(launch, Instant.MAX, soon());
    }

    private static JobLaunch launch(StoragePath restoreFrom) {
        JobSpec spec = restoreFrom == null
                ? spec()
                : spec(new RestorePoint.Savepoint(restoreFrom, true), List.of("--output", "s3://b/o"), 2);
        return new JobLaunch(ID, spec, new JarDigest("0".repeat(64)), "v1", restoreFrom);
    }

    private static JobLaunch external() {
        return new JobLaunch(
                ID, spec(new RestorePoint.None(), List.of(), null), new JarDigest("0".repeat(64)), "v1", null);
    }

    private static JobSpec spec() {
        return spec(JobKind.STREAM, null, List.of("--output", "s3://b/o"));
    }

    private static JobSpec spec(JobKind kind, EntryClass entryClass, List<String> arguments) {
        return new JobSpec(
                NAME,
                kind,
                new ClusterName("managed"),
                new JarReference(JarUri.parse("s3://jars/delays.jar"), null, null),
                entryClass,
                arguments,
                2,
                new RestorePoint.None(),
                JobSpec.OnUnknown.REFUSE);
    }

    private static JobSpec with(Policies policies) {
        JobSpec plain = spec();
        return new JobSpec(
                plain.name(),
                plain.kind(),
                plain.cluster(),
                plain.jar(),
                null,
                plain.arguments(),
                null,
                plain.restore(),
                plain.onUnknown(),
                policies);
    }

    private static JobSpec spec(RestorePoint restore, List<String> arguments, Integer parallelism) {
        return new JobSpec(
                NAME,
                JobKind.STREAM,
                new ClusterName("managed"),
                new JarReference(JarUri.parse("s3://jars/delays.jar"), null, null),
                null,
                arguments,
                parallelism,
                restore,
                JobSpec.OnUnknown.REFUSE);
    }

    private void describe(String application) {
        service.answer("DescribeApplication", "{\"ApplicationDetail\":%s}".formatted(application));
    }

    private void operations(String... operations) {
        service.answer(
                "ListApplicationOperations",
                "{\"ApplicationOperationInfoList\":[%s]}".formatted(String.join(",", operations)));
    }

    private void stopped(String status, String... snapshots) {
        describe(application("READY", ID));
        operations(operation("StartApplication", "SUCCESSFUL", 1), operation("StopApplication", status, 10));
        service.answer(
                "ListApplicationSnapshots", "{\"SnapshotSummaries\":[%s]}".formatted(String.join(",", snapshots)));
    }

    private static String application(String status, FlinkJobId mark) {
        return application(status, mark, 1, MARKED_AT);
    }

    private static String application(String status, FlinkJobId mark, long version, double madeAt) {
        String groups = mark == null
                ? "{\"PropertyGroupId\":\"team\",\"PropertyMap\":{\"a\":\"b\"}}"
                : "{\"PropertyGroupId\":\"sluiceway\",\"PropertyMap\":{\"attemptId\":\"%s\"}}".formatted(mark);
        return """
                {"ApplicationARN": "arn:aws:kinesisanalytics:us-east-1:111122223333:application/team-delays",
                 "ApplicationName": "team-delays", "RuntimeEnvironment": "FLINK-2_3", "ApplicationStatus": "%s",
                 "ApplicationVersionId": %d, "CreateTimestamp": 1600000000, "ApplicationVersionCreateTimestamp": %s,
                 "ConditionalToken": "token", "ApplicationConfigurationDescription": {
                   "ApplicationCodeConfigurationDescription": {"CodeContentType": "ZIPFILE", "CodeContentDescription": {
                     "S3ApplicationCodeLocationDescription": {"BucketARN": "arn:aws:s3:::jars", "FileKey": "delays.jar",
                       "ObjectVersion": "v1"}}},
                   "EnvironmentPropertyDescriptions": {"PropertyGroupDescriptions": [%s]}}}
                """.formatted(status, version, Double.toString(madeAt), groups);
    }

    private static String operation(String operation, String status, long after) {
        long start = (long) MARKED_AT + after;
        return "{\"Operation\":\"%s\",\"OperationId\":\"%s%d\",\"OperationStatus\":\"%s\",\"StartTime\":%d,\"EndTime\":%d}"
                .formatted(operation, operation, start, status, start, start + 5);
    }

    private static String snapshot(String name, String status, long after) {
        return "{\"SnapshotName\":\"%s\",\"SnapshotStatus\":\"%s\",\"ApplicationVersionId\":1,\"SnapshotCreationTimestamp\":%d}"
                .formatted(name, status, (long) MARKED_AT + after);
    }

    private static String summary(String application) {
        return "{\"ApplicationName\":\"%s\",\"ApplicationARN\":\"arn\",\"ApplicationStatus\":\"RUNNING\",\"ApplicationVersionId\":1}"
                .formatted(application);
    }

    private static void halfOfAnError(HttpExchange exchange) throws IOException {
        byte[] half = "{\"__type\":\"ResourceNo".getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(400, 2L * half.length);
        exchange.getResponseBody().write(half);
        exchange.getResponseBody().flush();
        throw new IllegalStateException("The test breaks this connection.");
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
