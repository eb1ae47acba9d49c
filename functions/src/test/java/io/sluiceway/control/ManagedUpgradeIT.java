package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.managed.ManagedCluster;
import io.sluiceway.control.UpgradeJob.Terms;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.jar.s3.S3JarStore;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.operation.Upgrade.AfterCommit;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.operation.Upgrade.Mode;
import io.sluiceway.savepoint.storage.SchemeSavepointStore;
import io.sluiceway.testing.CountedNumbers;
import io.sluiceway.testing.ManagedFlinkLab;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.testing.Silence;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.time.Deadline;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
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
 * Upgrades on the double of Managed Flink over a real Flink. The job counts, in state; the file that it writes shows
 * whether a number was lost, or counted again, by a change of versions. Each new version's jar lies in the place of the
 * old one's. What is measured comes by minutes, so the tests mostly wait, at the same time.
 */
@TestInstance(Lifecycle.PER_CLASS)
@Execution(ExecutionMode.CONCURRENT)
class ManagedUpgradeIT {
    private static final Duration PATIENCE = Duration.ofMinutes(10);
    private static final Duration JUDGE_WITHIN = Duration.ofMinutes(11);
    private static final ClusterName CLUSTER = new ClusterName("managed");
    private static final int SLOTS = 8;

    private final FakeJobLedger ledger = new FakeJobLedger();

    private Path directory;
    private ManagedFlinkLab lab;
    private ManagedCluster cluster;
    private Ports ports;
    private Jars jars;
    private Path oldJar;
    private Path newJar;

    @BeforeAll
    void start(@TempDir Path place) throws Exception {
        directory = place;
        lab = new ManagedFlinkLab(directory.resolve("lab"), SLOTS);
        cluster = lab.cluster(CLUSTER);
        oldJar = TestJobJar.write(directory.resolve("old.jar"), 0);
        newJar = TestJobJar.write(directory.resolve("new.jar"), 1);
        jars = new Jars(
                new S3JarStore(lab::s3),
                Set.of(ManagedFlinkLab.BUCKET),
                Files.createDirectory(directory.resolve("work")));
        ports = new Ports(
                new Clusters(List.of(cluster)),
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
    void upgrade_versionThatIsWell_countsOnExactly(TestInfo test) {
        Counting job = new Counting(test);

        Operation done = job.upgrade("counting", 2, AfterCommit.REFUSE);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.UPGRADED);
        job.assertGoesOn(true, upgradeOf(done).next());
    }

    @Test
    void upgrade_versionWhoseMainThrows_oldOneCountsOnExactly(TestInfo test) {
        Counting job = new Counting(test);

        Operation done = job.upgrade("refusing", 1, AfterCommit.REFUSE);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(done.failure()).contains("There is no such day");
        job.assertGoesOn(true, upgradeOf(done).back());
    }

    @Test
    void upgrade_versionWhoseStateDoesNotFit_isRefusedByFlinkAndOldOneCountsOnExactly(TestInfo test) {
        Counting job = new Counting(test);

        Operation done = job.upgrade("endless", 1, AfterCommit.REFUSE);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(done.failure()).containsIgnoringCase("savepoint");
        job.assertGoesOn(true, upgradeOf(done).back());
    }

    @Test
    void upgrade_versionInARestartLoop_isLeftAndTheSnapshotNamed(TestInfo test) {
        Counting job = new Counting(test);

        Operation done = job.upgrade("souring", 1, AfterCommit.REFUSE);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.FAILED);
        assertThat(done.savepoint()).isNotNull();
        assertThat(done.failure())
                .contains("It is UNHEALTHY")
                .contains("may have completed a checkpoint")
                .contains(done.savepoint().value());
        assertThat(job.state(upgradeOf(done).next())).isEqualTo(JobState.RUNNING);
        job.end(upgradeOf(done).next());
    }

    @Test
    void upgrade_versionInARestartLoopAndDuplicatesAreAccepted_oldOneCountsOnFromTheSnapshot(TestInfo test) {
        Counting job = new Counting(test);

        Operation done = job.upgrade("souring", 1, AfterCommit.ACCEPT_DUPLICATES);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(upgradeOf(done).repeated()).isNotNull();
        job.assertGoesOn(false, upgradeOf(done).back());
    }

    @Test
    void upgrade_snapshotFails_leavesTheOldVersionAsItIs(TestInfo test) throws Exception {
        Counting job = new Counting(test);
        lab.service()
                .fault("{\"kind\": \"FAIL_SNAPSHOT\", \"application\": \"%s\"}"
                        .formatted(ManagedFlinkLab.APPLICATIONS.of(job.name)));

        Operation done = job.upgrade("counting", 1, AfterCommit.REFUSE);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.FAILED);
        assertThat(done.failure()).contains("The old version runs on");
        job.assertGoesOn(true, job.old);
    }

    /** A job that counts, in its old version. */
    private final class Counting {
        private final JobName name;
        private final CountedNumbers numbers;
        private final FlinkJobId old;

        private Counting(TestInfo test) {
            name = new JobName(
                    Objects.requireNonNull(test.getTestMethod().orElseThrow().getName())
                            .replaceAll("[^A-Za-z]", "")
                            .toLowerCase(Locale.ROOT));
            numbers = new CountedNumbers(directory.resolve(name + ".txt"));
            lab.putJar(key(), oldJar);
            old = new SubmitJob(ports, jars)
                    .submit(request("start"), version("counting", 1), false, soon())
                    .attempt()
                    .id();
            await("the old version runs").atMost(PATIENCE).until(() -> state(old) == JobState.RUNNING);
            numbers.awaitMore();
        }

        private Operation upgrade(String behaviour, int parallelism, AfterCommit afterCommit) {
            lab.putJar(key(), newJar);
            try (Silence silence = new Silence(numbers.file())) {
                return upgrade(behaviour, parallelism, afterCommit, silence);
            }
        }

        private Operation upgrade(String behaviour, int parallelism, AfterCommit afterCommit, Silence silence) {
            OperationId id = new UpgradeJob(ports, jars)
                    .upgrade(
                            request("upgrade"),
                            version(behaviour, parallelism),
                            new Terms(Mode.SAVEPOINT, afterCommit, JUDGE_WITHIN, null),
                            soon())
                    .operation()
                    .id();
            Operation done = await("the upgrade ends")
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(200))
                    .until(
                            () -> new ObserveJob(ports)
                                    .observe(id, jars, soon())
                                    .operation(),
                            operation -> operation.state().terminal());
            System.out.printf(
                    "upgrade, managed  %-10s %-18s %-12s down %s%n",
                    behaviour, afterCommit, upgradeOf(done).ending(), silence.longest());
            return done;
        }

        /** @param once whether no number may have been counted twice */
        private void assertGoesOn(boolean once, FlinkJobId by) {
            assertThat(state(by)).isEqualTo(JobState.RUNNING);
            numbers.awaitMore();
            assertThat(numbers.times().values()).allMatch(times -> !once || times == 1);
            end(by);
        }

        private JobState state(FlinkJobId id) {
            Optional<JobOverview> job = cluster.findJob(new JobRef(name, id), soon());
            return job.map(JobOverview::state).orElse(null);
        }

        /** Makes room for others. */
        private void end(FlinkJobId id) {
            cluster.cancelJob(new JobRef(name, id), soon());
            await("the job ends").atMost(PATIENCE).until(() -> state(id) == JobState.CANCELED);
        }

        private String key() {
            return name + ".jar";
        }

        private Request request(String id) {
            return new Request(new RequestId(id), 1);
        }

        private JobSpec version(String behaviour, int parallelism) {
            return new JobSpec(
                    name,
                    JobKind.STREAM,
                    CLUSTER,
                    new JarReference(new JarUri(ManagedFlinkLab.BUCKET, key()), null, null),
                    null,
                    List.of("--behaviour", behaviour, "--into", numbers.file().toString()),
                    parallelism,
                    new RestorePoint.Latest(false),
                    OnUnknown.REFUSE,
                    OnlyPolicy.of(HealthPolicy.of("PT10S", null, null, null, null, null, null)));
        }
    }

    private static Upgrade upgradeOf(Operation operation) {
        return Objects.requireNonNull(operation.upgrade());
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(30), Clock.systemUTC());
    }
}
