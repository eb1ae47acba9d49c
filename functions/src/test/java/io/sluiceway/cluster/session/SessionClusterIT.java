package io.sluiceway.cluster.session;

import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.SessionClusterContract;
import io.sluiceway.job.ClusterName;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.FlinkProcesses;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The contract on a real Flink cluster. */
class SessionClusterIT extends SessionClusterContract {
    @TempDir
    static Path home;

    private static FlinkProcesses flink;
    private static FlinkCluster cluster;

    @BeforeAll
    static void start() {
        flink = new FlinkProcesses(home);
        cluster = new SessionCluster(
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
}
