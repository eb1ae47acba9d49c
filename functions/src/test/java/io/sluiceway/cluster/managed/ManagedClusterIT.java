package io.sluiceway.cluster.managed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluiceway.cluster.DashboardLink;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.FlinkClusterContract;
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
class ManagedClusterIT extends FlinkClusterContract {
    @TempDir
    static Path home;

    private static ManagedFlinkLab lab;
    private static FlinkCluster cluster;

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
        return List.of("--behaviour", words[0]);
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
