package io.sluiceway.cluster.managed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluiceway.cluster.DashboardLink;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.FlinkClusterContract;
import io.sluiceway.cluster.InPlaceChange;
import io.sluiceway.cluster.RunAnswer;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.jar.JarReference;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.BesideOthers;
import io.sluiceway.testing.CountedNumbers;
import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.ManagedFlinkLab;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract on the double of Managed Flink, over a real Flink. */
@BesideOthers
class ManagedClusterIT extends FlinkClusterContract {
    @TempDir
    static Path home;

    private static ManagedFlinkLab lab;
    private static ManagedCluster cluster;

    @BeforeAll
    static void start() {
        lab = new ManagedFlinkLab(home, FlinkProcesses.SLOTS);
        cluster = lab.cluster(new ClusterName("managed"));
    }

    @AfterAll
    static void stop() {
        lab.close();
    }

    @Override
    protected FlinkCluster cluster() {
        return cluster;
    }

    @Override
    protected List<String> arguments(String... words) {
        return words.length == 1
                ? List.of("--behaviour", words[0])
                : List.of("--behaviour", words[0], "--into", words[1]);
    }

    @Override
    protected JarReference jarReference() {
        return lab.jar();
    }

    @Override
    protected String shownName() {
        return ManagedFlinkLab.APPLICATIONS.of(NAME);
    }

    /** The service's word for a job that can be saved is RUNNING. */
    @Override
    protected void awaitUpAndRunning(FlinkJobId id) {
        awaitState(id, JobState.RUNNING);
    }

    @Override
    protected StoragePath missingSavepoint() {
        return cluster.savepointDirectory(NAME, newOperation());
    }

    @Test
    void runJob_programThrows_failsAndTellsWhy() {
        FlinkJobId id = newId();

        cluster().runJob(launch(id, spec("refusing")), Instant.MAX, soon());

        awaitState(id, JobState.FAILED);
        assertThat(find(id).firstFailure().rootCause()).contains("There is no such day");
    }

    @Test
    void runJob_failedStartAgain_isADuplicate() {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec("refusing")), Instant.MAX, soon());
        awaitState(id, JobState.FAILED);

        assertThat(cluster().runJob(launch(id, spec("refusing")), Instant.MAX, soon()))
                .isInstanceOf(RunAnswer.DuplicateId.class);
    }

    @Test
    void runJob_endsByItself_isFailedSinceNobodyCanTell() {
        FlinkJobId id = newId();

        cluster().runJob(launch(id, spec("bounded")), Instant.MAX, soon());

        awaitState(id, JobState.FAILED);
        assertThat(find(id).firstFailure().message()).contains("ended though nobody stopped it");
    }

    @Test
    void runJob_restoreFromNothing_isRefused() {
        StoragePath missing = new StoragePath("snapshot://sluiceway-test-contract-job/missing");

        assertRefused(
                ErrorCode.RESTORE_FAILED,
                () -> cluster()
                        .runJob(
                                launch(newId(), spec(null, new RestorePoint.Savepoint(missing, false), "endless")),
                                Instant.MAX,
                                soon()));
    }

    @Test
    void runJob_whileAnotherAttemptRuns_isRefused() {
        startEndless();

        assertRefused(
                ErrorCode.APPLICATION_IN_USE,
                () -> cluster().runJob(launch(newId(), spec("endless")), Instant.MAX, soon()));
    }

    @Test
    void measure_jobThatKeepsRestarting_showsWhatWasCountedSinceItsStartAlone() {
        FlinkJobId id = newId();
        cluster().runJob(launch(id, spec("ailing")), Instant.MAX, soon());
        awaitState(id, JobState.RUNNING);

        // The first minute that is all its own begins within a minute.
        await().atMost(PATIENCE).untilAsserted(() -> {
            JobStatus measured = measure(id);
            for (Observation<Long> count :
                    List.of(measured.restarts(), measured.checkpoints().failed())) {
                assertThat(count).isInstanceOfSatisfying(Known.class, known -> {
                    assertThat((Long) known.value()).isPositive();
                    assertThat(known.asOf()).isBetween(measured.overview().startedAt(), Instant.now());
                });
            }
        });

        cluster().cancelJob(ref(id), soon());
        awaitState(id, JobState.CANCELED);
        FlinkJobId next = startEndless();

        assertThat(measure(next).restarts().told().orElse(0L)).isZero();
        assertThat(measure(next).checkpoints().failed().told().orElse(0L)).isZero();
    }

    @Test
    void openDashboard_running_leadsToTheJob() throws Exception {
        FlinkJobId id = startEndless();

        Observation<DashboardLink> link = cluster().openDashboard(ref(id), find(id), soon());

        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(
                            link.told().orElseThrow().url())
                    .timeout(Duration.ofSeconds(20))
                    .build();
            HttpResponse<Void> answer = http.send(request, BodyHandlers.discarding());
            assertThat(answer.statusCode()).isEqualTo(302);
            assertThat(answer.headers().firstValue("Location").orElseThrow()).contains("/#/job/");
        }
    }

    private JobStatus measure(FlinkJobId id) {
        return cluster().measure(ref(id), find(id), soon());
    }

    @Test
    void counters_overASnapshotAnUpdateAndAStop_goOnExactly() {
        CountedNumbers counted = new CountedNumbers(directory.resolve("counted"));
        FlinkJobId first = start(1, "counting", counted.file().toString());
        counted.awaitMore();
        OperationId save = newOperation();
        cluster().triggerSavepoint(ref(first), TriggerId.of(save), cluster().savepointDirectory(NAME, save), soon());
        awaitSavepoint(first, TriggerId.of(save));
        counted.awaitMore();
        Instant asked = Instant.now();
        cluster().rescaleJob(ref(first), 2, soon());
        awaitRescale(first, 2, asked);
        counted.awaitMore();
        TriggerId stop = TriggerId.of(newOperation());
        cluster().triggerStop(ref(first), stop, cluster().savepointDirectory(NAME, newOperation()), false, soon());
        StoragePath stopped = awaitStop(first, stop);
        awaitState(first, JobState.FINISHED);

        start(
                2,
                new RestorePoint.Savepoint(stopped, false),
                "counting",
                counted.file().toString());

        counted.awaitMore();
        assertThat(counted.times().values()).containsOnly(1);
    }

    @Test
    void rescaleJob_updateFails_tellsWhyAndWhatItSaved() throws Exception {
        CountedNumbers counted = new CountedNumbers(directory.resolve("counted"));
        FlinkJobId id = start(1, "counting", counted.file().toString());
        counted.awaitMore();
        lab.service().fault("{\"kind\": \"FAIL_START\", \"message\": \"There is no room on the apron.\"}");
        Instant asked = Instant.now();

        cluster().rescaleJob(ref(id), 2, soon());

        awaitState(id, JobState.FAILED);
        assertThat(find(id).firstFailure().rootCause()).isEqualTo("There is no room on the apron.");
        InPlaceChange.Failed failed = (InPlaceChange.Failed)
                cluster().findRescale(ref(id), 2, asked, soon()).orElseThrow();
        assertThat(failed.reason()).isEqualTo("There is no room on the apron.");
        assertThat(cluster().rollBackJob(ref(id), soon())).isInstanceOf(InPlaceChange.NotPossible.class);
        start(
                1,
                new RestorePoint.Savepoint(failed.savepoint(), false),
                "counting",
                counted.file().toString());
        counted.awaitMore();
        assertThat(counted.times().values()).containsOnly(1);
    }

    @Test
    void rollBackJob_updateThatFindsNoSlots_countsOnAsBefore() {
        CountedNumbers counted = new CountedNumbers(directory.resolve("counted"));
        FlinkJobId id = start(1, "counting", counted.file().toString());
        counted.awaitMore();
        Instant asked = Instant.now();
        cluster().rescaleJob(ref(id), FlinkProcesses.SLOTS + 1, soon());
        assertThat(cluster().findRollBack(ref(id), asked, soon())).isEmpty();

        // Until the update has its snapshot there is nothing to go back to.
        await().atMost(PATIENCE)
                .untilAsserted(() ->
                        assertThat(cluster().rollBackJob(ref(id), soon())).isEqualTo(new InPlaceChange.InProgress()));

        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(cluster().findRollBack(ref(id), asked, soon()))
                        .contains(new InPlaceChange.Completed(1)));
        awaitState(id, JobState.RUNNING);
        counted.awaitMore();
        assertThat(counted.times().values()).containsOnly(1);
        assertThat(cluster().rollBackJob(ref(id), soon())).isEqualTo(new InPlaceChange.Completed(1));
        assertThat(cluster()
                        .findRescale(ref(id), FlinkProcesses.SLOTS + 1, asked, soon())
                        .orElseThrow())
                .isInstanceOf(InPlaceChange.Failed.class);
    }

    @Test
    void deleteApplication_stopped_isGoneWithItsSnapshotAndCanBeMadeAnew() {
        FlinkJobId id = startEndless();
        TriggerId stop = TriggerId.of(newOperation());
        cluster.triggerStop(ref(id), stop, cluster.savepointDirectory(NAME, newOperation()), false, soon());
        awaitStop(id, stop);
        awaitState(id, JobState.FINISHED);

        cluster.deleteApplication(ref(id), soon());
        cluster.deleteApplication(ref(id), soon());

        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> assertThat(cluster.findJob(ref(id), soon())).isEmpty());
        startEndless();
        assertThat(lab.client()
                        .listApplicationSnapshots(request -> request.applicationName(shownName()))
                        .snapshotSummaries())
                .isEmpty();
    }

    @Test
    void deleteApplication_running_isRefused() {
        FlinkJobId id = startEndless();

        assertRefused(ErrorCode.APPLICATION_IN_USE, () -> cluster.deleteApplication(ref(id), soon()));
        awaitState(id, JobState.RUNNING);
    }

    @Test
    void triggerStop_drain_isRefused() {
        FlinkJobId id = startEndless();
        OperationId operation = newOperation();

        assertRefused(
                ErrorCode.CLUSTER_REFUSED,
                () -> cluster()
                        .triggerStop(
                                ref(id),
                                TriggerId.of(operation),
                                cluster().savepointDirectory(NAME, operation),
                                true,
                                soon()));
    }
}
