package io.sluiceway.cluster.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.InPlaceChange;
import io.sluiceway.cluster.SessionClusterContract;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.CountedNumbers;
import io.sluiceway.testing.FlinkProcesses;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract on a real Flink cluster, with the scheduler that can rescale its jobs. */
class SessionClusterIT extends SessionClusterContract {
    @TempDir
    static Path home;

    private static FlinkProcesses flink;
    private static FlinkCluster cluster;

    @BeforeAll
    static void start() {
        flink = new FlinkProcesses(
                home,
                new FlinkProcesses.Options(
                        FlinkProcesses.SLOTS,
                        false,
                        Map.of(
                                "jobmanager.scheduler",
                                "adaptive",
                                // Else it waits for half a minute after each change, a start among them.
                                "jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling",
                                "0s"),
                        Map.of(),
                        process -> {}));
        cluster = cluster(flink);
    }

    static SessionCluster cluster(FlinkProcesses flink) {
        return new SessionCluster(
                new ClusterName("real"),
                new ClusterSettings.Session(
                        flink.url(),
                        null,
                        new StoragePath(flink.savepointRoot().toString()),
                        new StoragePath(flink.checkpointRoot().toString()),
                        List.of(),
                        Slots.FIXED),
                SessionCluster.newHttpClient());
    }

    @AfterAll
    static void stop() {
        flink.close();
    }

    @Override
    protected FlinkCluster cluster() {
        return cluster;
    }

    @Override
    protected int slots() {
        return FlinkProcesses.SLOTS;
    }

    @Test
    void rescaleJob_upAndDown_countsOnWithItsState() {
        CountedNumbers counted = new CountedNumbers(directory.resolve("counted"));
        FlinkJobId id = start(2, "counting", counted.file().toString());
        counted.awaitMore();

        for (int parallelism : List.of(3, 2)) {
            Instant asked = Instant.now();
            cluster().rescaleJob(ref(id), parallelism, soon());
            awaitRescale(id, parallelism, asked);
            counted.awaitMore();
        }

        // Between the last checkpoint and a rescaling Flink counts twice, and that from the same state.
        assertThat(counted.times()).containsEntry(0L, 1);
    }

    /** The one reader of its numbers has a parallelism of its own. */
    @Test
    void rescaleJob_toThatOfOneOfItsOperators_isNotPossibleInPlace() {
        CountedNumbers counted = new CountedNumbers(directory.resolve("counted"));
        FlinkJobId id = start(2, "counting", counted.file().toString());

        assertThat(cluster().rescaleJob(ref(id), 1, soon())).isInstanceOf(InPlaceChange.NotPossible.class);
    }

    @Test
    void rescaleJob_beyondTheJobsMaximum_isRefusedInFlinksWords() {
        FlinkJobId id = start(2, "endless");

        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> cluster().rescaleJob(ref(id), 30_000, soon()))
                .withMessageContaining("exceeds its maximum parallelism")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CLUSTER_REFUSED));
    }
}
