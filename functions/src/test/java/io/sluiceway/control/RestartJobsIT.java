package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.session.SessionCluster;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.jar.FakeJarStore;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestartPolicy;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.metrics.MetricsSink;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.savepoint.storage.SchemeSavepointStore;
import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.time.Deadline;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job on a real cluster that fails for good, and goes on from its checkpoint without anybody asking. */
class RestartJobsIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final ClusterName CLUSTER = new ClusterName("real");
    private static final JobName NAME = new JobName("mortal");
    private static final String JAR = "s3://jars/job.jar";

    private final FakeJobLedger ledger = new FakeJobLedger();

    @TempDir
    private Path directory;

    @Test
    void sweep_jobThatFailedForGood_goesOnFromItsNewestCheckpoint() throws Exception {
        try (FlinkProcesses flink = new FlinkProcesses(directory.resolve("flink"))) {
            Ports ports = ports(flink);
            Jars jars = jars();
            FlinkJobId first = new SubmitJob(ports, jars)
                    .submit(new Request(new RequestId("start"), 1), spec(), false, soon())
                    .attempt()
                    .id();

            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(500)).until(() -> {
                sweep(ports, jars);
                return ledger.attempts().size() == 2
                        && ledger.attempts().getLast().state() == AttemptState.SUBMITTED;
            });

            Attempt failed = ledger.attempts().getFirst();
            Attempt again = ledger.attempts().getLast();
            StoragePath checkpoint = again.restoredFrom();
            assertThat(failed.id()).isEqualTo(first);
            assertThat(failed.state()).isEqualTo(AttemptState.FAILED);
            assertThat(checkpoint).isNotNull();
            assertThat(checkpoint.value()).contains(first.value()).endsWith("/chk-4");
            // A checkpoint behind the one that it goes on from shows that it runs with that state.
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(500)).until(() -> {
                JobObserved seen = new ObserveJob(ports).observe(new Target(CLUSTER, NAME, null), soon());
                return seen.status() != null
                        && seen.status().overview().id().equals(again.id())
                        && seen.status().overview().state() == JobState.RUNNING
                        && Optional.of(seen.status().checkpoints().last())
                                .flatMap(last -> last.told().map(CompletedCheckpoint::id))
                                .filter(id -> id > 4)
                                .isPresent();
            });
            sweep(ports, jars);
            assertThat(ledger.attempts()).hasSize(2);
        }
    }

    private static void sweep(Ports ports, Jars jars) {
        assertThat(new MonitorJobs(ports, MetricsSink.none(), jars)
                        .monitor(null, List.of(), soon())
                        .clusters()
                        .getFirst()
                        .problems())
                .isEmpty();
    }

    private Jars jars() throws Exception {
        FakeJarStore store = new FakeJarStore();
        store.put(JAR, TestJobJar.write(directory.resolve("job.jar"), 0));
        return new Jars(store, Set.of("jars"), Files.createDirectory(directory.resolve("work")));
    }

    private Ports ports(FlinkProcesses flink) {
        SessionCluster cluster = new SessionCluster(
                CLUSTER,
                new ClusterSettings.Session(
                        flink.url(),
                        null,
                        new StoragePath(flink.savepointRoot().toString()),
                        new StoragePath(flink.checkpointRoot().toString()),
                        List.of(),
                        Slots.FIXED),
                SessionCluster.newHttpClient());
        return new Ports(
                new Clusters(List.of(cluster)),
                ledger,
                new SchemeSavepointStore(
                        () -> {
                            throw new AssertionError("The states lie in files.");
                        },
                        true),
                VerbFixture.LIMITS);
    }

    /** It begins without state by its specification, and goes on with what it has made all the same. */
    private static JobSpec spec() {
        return new JobSpec(
                NAME,
                JobKind.STREAM,
                CLUSTER,
                new JarReference(JarUri.parse(JAR), null, null),
                null,
                List.of("mortal"),
                1,
                new RestorePoint.None(),
                OnUnknown.REFUSE,
                OnlyPolicy.of(RestartPolicy.of(1, "PT10S", null, null)));
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(30), Clock.systemUTC());
    }
}
