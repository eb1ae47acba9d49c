package io.sluiceway.control;

import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.session.SessionCluster;
import io.sluiceway.jar.FakeJarStore;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.savepoint.storage.SchemeSavepointStore;
import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.TestJobJar;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;

/** Rescalings of a job that counts, on a real session cluster with one of Flink's schedulers. */
@TestInstance(Lifecycle.PER_CLASS)
abstract class RescaleJobContract {
    static final Duration JUDGE_WITHIN = Duration.ofMinutes(1);

    private static final ClusterName CLUSTER = new ClusterName("real");
    private static final String JAR = "s3://jars/job.jar";
    private static final int SLOTS = 3;

    private Path directory;
    private FlinkProcesses flink;
    private Ports ports;
    private Jars jars;
    RescaledCounting job;

    /** The name of Flink's scheduler. */
    abstract String scheduler();

    @BeforeAll
    void startFlink(@TempDir Path place) throws Exception {
        directory = place;
        flink = new FlinkProcesses(
                directory.resolve("flink"),
                new FlinkProcesses.Options(
                        SLOTS, false, Map.of("jobmanager.scheduler", scheduler()), Map.of(), process -> {}));
        FakeJarStore store = new FakeJarStore();
        store.put(JAR, TestJobJar.write(directory.resolve("job.jar"), 0));
        jars = new Jars(store, Set.of("jars"), Files.createDirectory(directory.resolve("work")));
        ports = new Ports(
                new Clusters(List.of(new SessionCluster(
                        CLUSTER,
                        new ClusterSettings.Session(
                                flink.url(),
                                null,
                                new StoragePath(flink.savepointRoot().toString()),
                                new StoragePath(flink.checkpointRoot().toString()),
                                List.of(),
                                Slots.ELASTIC),
                        SessionCluster.newHttpClient()))),
                new FakeJobLedger(),
                new SchemeSavepointStore(
                        () -> {
                            throw new AssertionError("The states lie in files.");
                        },
                        true),
                VerbFixture.LIMITS);
    }

    @AfterAll
    void stopFlink() {
        flink.close();
    }

    @AfterEach
    void endTheJob() {
        job.end();
    }

    FlinkJobId start(TestInfo test, String what, int parallelism) {
        job = new RescaledCounting(ports, jars, CLUSTER, directory, test, what);
        return job.start(
                new JarReference(JarUri.parse(JAR), null, null),
                parallelism,
                List.of("counting", job.file().toString()),
                "PT5S");
    }
}
