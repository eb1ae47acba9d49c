package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.jar.s3.S3JarStore;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.savepoint.storage.SchemeSavepointStore;
import io.sluiceway.testing.ManagedFlinkLab;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Rescalings on the double of Managed Flink, over a real Flink. What is measured comes by minutes, so the tests mostly
 * wait, at the same time.
 */
@TestInstance(Lifecycle.PER_CLASS)
@Execution(ExecutionMode.CONCURRENT)
class ManagedRescaleIT {
    private static final ClusterName CLUSTER = new ClusterName("managed");
    private static final Duration JUDGE_WITHIN = Duration.ofMinutes(11);
    private static final int SLOTS = 8;

    private final FakeJobLedger ledger = new FakeJobLedger();

    private Path directory;
    private ManagedFlinkLab lab;
    private Ports ports;
    private Jars jars;

    @BeforeAll
    void start(@TempDir Path place) throws Exception {
        directory = place;
        lab = new ManagedFlinkLab(directory.resolve("lab"), SLOTS);
        jars = new Jars(
                new S3JarStore(lab::s3),
                Set.of(ManagedFlinkLab.BUCKET),
                Files.createDirectory(directory.resolve("work")));
        ports = new Ports(
                new Clusters(List.of(lab.cluster(CLUSTER))),
                ledger,
                new SchemeSavepointStore(
                        () -> {
                            throw new AssertionError("Snapshots lie nowhere that can be listed.");
                        },
                        false),
                VerbFixture.LIMITS);
    }

    @AfterAll
    void stop() {
        lab.close();
    }

    @Test
    void rescale_upAndDown_isTheSameAttemptAndEachNumberIsCountedOnce(TestInfo test) {
        RescaledCounting job = job(test, "managed");
        FlinkJobId id = start(job, 1);

        Operation up = job.rescale(2, JUDGE_WITHIN, Ending.RESCALED);
        assertThat(Objects.requireNonNull(up.rescale()).inPlace()).isTrue();
        job.assertGoesOn(id, true);

        Operation down = job.rescale(1, JUDGE_WITHIN, Ending.RESCALED);
        assertThat(Objects.requireNonNull(down.rescale()).inPlace()).isTrue();
        job.assertGoesOn(id, true);
        job.end();
    }

    @Test
    void rescale_updateFails_goesOnFromItsSnapshotAndEachNumberIsCountedOnce(TestInfo test) throws Exception {
        RescaledCounting job = job(test, "managed, update fails");
        start(job, 1);
        lab.service()
                .fault("{\"kind\": \"FAIL_START\", \"application\": \"%s\", \"message\": \"There is no room.\"}"
                        .formatted(ManagedFlinkLab.APPLICATIONS.of(job.name())));

        Operation done = job.rescale(2, JUDGE_WITHIN, Ending.ROLLED_BACK);

        assertThat(done.failure()).contains("There is no room.");
        job.assertGoesOn(Objects.requireNonNull(done.upgrade()).back(), true);
        job.end();
    }

    private RescaledCounting job(TestInfo test, String what) {
        return new RescaledCounting(ports, jars, CLUSTER, directory, test, what);
    }

    private FlinkJobId start(RescaledCounting job, int parallelism) {
        return job.start(
                lab.jar(),
                parallelism,
                List.of("--behaviour", "counting", "--into", job.file().toString()),
                "PT10S");
    }
}
