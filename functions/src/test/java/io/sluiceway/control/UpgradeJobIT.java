package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.session.SessionCluster;
import io.sluiceway.control.UpgradeJob.Terms;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.FakeJarStore;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
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
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.savepoint.storage.SchemeSavepointStore;
import io.sluiceway.testing.CountedNumbers;
import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.testing.Silence;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.time.Deadline;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;

/**
 * Upgrades of a job on a real cluster. The job counts, in state; the file that it writes shows whether a number was
 * lost, or counted again, by a change of versions.
 */
@TestInstance(Lifecycle.PER_CLASS)
class UpgradeJobIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final ClusterName CLUSTER = new ClusterName("real");
    private static final String JAR = "s3://jars/job.jar";
    private static final int SLOTS = 3;

    private final FakeJobLedger ledger = new FakeJobLedger();

    private Path directory;
    private FlinkProcesses flink;
    private Ports ports;
    private Jars jars;
    private JobName name;
    private CountedNumbers numbers;

    @BeforeAll
    void startFlink(@TempDir Path place) throws Exception {
        directory = place;
        flink = new FlinkProcesses(
                directory.resolve("flink"),
                new FlinkProcesses.Options(
                        SLOTS,
                        false,
                        Map.of("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION"),
                        Map.of(),
                        process -> {}));
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
                                Slots.FIXED),
                        SessionCluster.newHttpClient()))),
                ledger,
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

    @BeforeEach
    void startTheOldVersion(TestInfo test) {
        name = new JobName(
                Objects.requireNonNull(test.getTestMethod().orElseThrow().getName())
                        .replaceAll("[^A-Za-z]", "")
                        .toLowerCase(java.util.Locale.ROOT));
        numbers = new CountedNumbers(directory.resolve(name + ".txt"));
        new SubmitJob(ports, jars)
                .submit(new Request(new RequestId("start"), 1), version("counting", 1), false, soon());
        numbers.awaitMore();
    }

    @Test
    void upgrade_versionThatIsWell_countsOnExactly() {
        Operation done = upgrade("counting", 2, AfterCommit.REFUSE);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.UPGRADED);
        assertGoesOn(true, upgradeOf(done).next());
    }

    @Test
    void upgrade_lastState_countsOnFromTheNewestCheckpoint() {
        Operation done = upgrade("counting", 2, Mode.LAST_STATE, AfterCommit.REFUSE);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.UPGRADED);
        assertThat(restoredFrom(upgradeOf(done).next()))
                .hasValueSatisfying(path -> assertThat(path.value()).contains("/chk-"));
        // What came behind that checkpoint is counted again.
        assertGoesOn(false, upgradeOf(done).next());
    }

    @Test
    void upgrade_stateless_countsFromTheBeginning() {
        Operation done = upgrade("counting", 2, Mode.STATELESS, AfterCommit.REFUSE);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.UPGRADED);
        assertThat(restoredFrom(upgradeOf(done).next())).isEmpty();
        assertThat(numbers.times()).containsEntry(0L, 2);
        assertGoesOn(false, upgradeOf(done).next());
    }

    @Test
    void upgrade_versionThatCrashesBeforeItsFirstCheckpoint_oldOneCountsOnExactly() {
        Operation done = upgrade("crashing", 1, AfterCommit.REFUSE);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(done.failure()).contains("It has no fuel.");
        assertGoesOn(true, upgradeOf(done).back());
    }

    @Test
    void upgrade_versionWhoseStateDoesNotFit_isRefusedByFlinkAndOldOneCountsOnExactly() {
        Operation done = upgrade("endless", 1, AfterCommit.REFUSE);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(done.failure()).containsIgnoringCase("savepoint");
        assertGoesOn(true, upgradeOf(done).back());
    }

    @Test
    void upgrade_versionThatTurnsBadBehindACheckpoint_isLeftAndTheSavepointNamed() {
        Operation done = upgrade("souring", 1, AfterCommit.REFUSE);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.FAILED);
        assertThat(done.failure())
                .contains("may have completed a checkpoint")
                .contains("Its newest checkpoint is ")
                .contains("to be restored from " + Objects.requireNonNull(done.savepoint()));
        assertThat(living()).containsExactly(upgradeOf(done).next());
        cancel();
    }

    @Test
    void upgrade_versionThatTurnsBadAndDuplicatesAreAccepted_oldOneCountsOnFromTheSavepoint() {
        Operation done = upgrade("souring", 1, AfterCommit.ACCEPT_DUPLICATES);

        assertThat(upgradeOf(done).ending()).as(done.failure()).isEqualTo(Ending.ROLLED_BACK);
        assertThat(upgradeOf(done).repeated()).isNotNull();
        assertGoesOn(false, upgradeOf(done).back());
    }

    @Test
    void upgrade_savepointThatCannotBeWritten_leavesTheOldVersionAsItIs() throws Exception {
        FlinkJobId old = living().getFirst();
        try (AutoCloseable _ = flink.blockSavepoints(name.value())) {
            Operation done = upgrade("counting", 2, AfterCommit.REFUSE);

            assertThat(upgradeOf(done).ending()).isEqualTo(Ending.FAILED);
            assertThat(done.failure()).contains("The old version runs on");
        }
        assertGoesOn(true, old);
    }

    private Operation upgrade(String behaviour, int parallelism, AfterCommit afterCommit) {
        return upgrade(behaviour, parallelism, Mode.SAVEPOINT, afterCommit);
    }

    private Operation upgrade(String behaviour, int parallelism, Mode mode, AfterCommit afterCommit) {
        try (Silence silence = new Silence(numbers.file())) {
            return upgrade(
                    version(behaviour, parallelism),
                    new Terms(mode, afterCommit, Duration.ofMinutes(2), null),
                    silence);
        }
    }

    private Operation upgrade(JobSpec version, Terms terms, Silence silence) {
        OperationId id = ask(version, terms);
        Operation done = await("the upgrade ends")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(100))
                .until(
                        () -> {
                            assertThat(living()).hasSizeLessThanOrEqualTo(1);
                            return new ObserveJob(ports)
                                    .observe(id, jars, soon())
                                    .operation();
                        },
                        operation -> operation.state().terminal());
        System.out.printf(
                "upgrade, session  %-10s %-10s %-18s %-12s down %s%n",
                version.arguments().getFirst(),
                terms.mode(),
                terms.afterCommit(),
                upgradeOf(done).ending(),
                silence.longest());
        return done;
    }

    /** The JobManager tells with a delay that all tasks run. */
    private OperationId ask(JobSpec version, Terms terms) {
        return await("the upgrade begins")
                .atMost(PATIENCE)
                .ignoreExceptionsMatching(
                        e -> e instanceof RefusedException refused && refused.code() == ErrorCode.JOB_BUSY)
                .until(
                        () -> new UpgradeJob(ports, jars)
                                .upgrade(new Request(new RequestId("upgrade"), 1), version, terms, soon())
                                .operation()
                                .id(),
                        Objects::nonNull);
    }

    /** @param once whether no number may have been counted twice */
    private void assertGoesOn(boolean once, FlinkJobId by) {
        assertThat(living()).containsExactly(by);
        numbers.awaitMore();
        assertThat(numbers.times().values()).allMatch(times -> !once || times == 1);
        cancel();
    }

    private void cancel() {
        for (FlinkJobId id : living()) {
            new StopJob(ports)
                    .stop(
                            new Request(new RequestId("end/" + id), 1),
                            new Target(CLUSTER, null, id),
                            null,
                            StopJob.Mode.CANCEL,
                            soon());
        }
        await("the job ends").atMost(PATIENCE).until(() -> living().isEmpty());
    }

    private List<FlinkJobId> living() {
        return ports.clusters().named(CLUSTER).listJobs(soon()).stream()
                .filter(job -> !job.state().terminal())
                .map(JobOverview::id)
                .toList();
    }

    private Optional<StoragePath> restoredFrom(FlinkJobId attempt) {
        return Optional.ofNullable(ledger.findAttempt(CLUSTER, attempt, soon())
                .orElseThrow()
                .value()
                .restoredFrom());
    }

    private JobSpec version(String behaviour, int parallelism) {
        return new JobSpec(
                name,
                JobKind.STREAM,
                CLUSTER,
                new JarReference(JarUri.parse(JAR), null, null),
                null,
                List.of(behaviour, numbers.file().toString()),
                parallelism,
                new RestorePoint.Latest(false),
                OnUnknown.REFUSE,
                OnlyPolicy.of(HealthPolicy.of("PT5S", null, null, null, null, null, null)));
    }

    private static Upgrade upgradeOf(Operation operation) {
        return Objects.requireNonNull(operation.upgrade());
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(30), Clock.systemUTC());
    }
}
