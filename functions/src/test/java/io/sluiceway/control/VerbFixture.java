package io.sluiceway.control;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.control.ClusterMonitored.Problem;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.FakeEventBus;
import io.sluiceway.jar.FakeJarStore;
import io.sluiceway.jar.JarDigest;
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
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.Job;
import io.sluiceway.metrics.MetricsSink;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.savepoint.FakeSavepointStore;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.MovableClock;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A cluster, a ledger, a jar store and requests for the tests of the verbs. */
abstract class VerbFixture {
    static final ClusterName CLUSTER = new ClusterName("fake");
    static final JobName NAME = new JobName("flight-delays");
    static final String JAR_URI = "s3://jars/job.jar";
    static final RestorePoint LATEST = new RestorePoint.Latest(false);
    static final Duration SETTLING = HealthPolicy.DEFAULT.settlingTime();
    static final Limits LIMITS =
            new Limits(Duration.ofSeconds(15), Duration.ofSeconds(10), Duration.ofSeconds(30), Duration.ofMinutes(15));

    final MovableClock clock = new MovableClock(Instant.parse("2013-01-05T10:00:00Z"));
    final FakeSavepointStore store = new FakeSavepointStore();
    final FakeFlinkCluster cluster = newCluster();
    final FakeJobLedger ledger = new FakeJobLedger();
    final FakeJarStore jars = new FakeJarStore();
    final FakeEventBus bus = new FakeEventBus();
    final Outbox outbox = new Outbox(ledger, bus);
    final Ports ports = new Ports(new Clusters(List.of(cluster)), outbox, store, LIMITS);
    final TakeSavepoint takeSavepoint = new TakeSavepoint(ports);
    final StopJob stopJob = new StopJob(ports);
    final ObserveJob observeJob = new ObserveJob(ports);
    SubmitJob submitJob;

    @TempDir
    Path directory;

    Path jarFile;
    Path workDirectory;

    /** The cluster that the verbs act on; made before all that comes behind it above. */
    FakeFlinkCluster newCluster() {
        return new FakeFlinkCluster(CLUSTER, 3, clock, store);
    }

    @BeforeEach
    void putTheJar() throws IOException {
        jarFile = TestJobJar.write(directory.resolve("job.jar"), 0);
        jars.put(JAR_URI, jarFile);
        workDirectory = Files.createDirectory(directory.resolve("work"));
        submitJob = new SubmitJob(ports, jars());
    }

    Jars jars() {
        return new Jars(jars, Set.of("jars"), workDirectory);
    }

    static Request request(String id, int tryNumber) {
        return new Request(new RequestId(id), tryNumber);
    }

    static JobSpec spec(String behaviour) {
        return spec(behaviour, new RestorePoint.None());
    }

    static JobSpec spec(String behaviour, RestorePoint restore) {
        return spec(behaviour, JAR_URI, null, 1, restore);
    }

    static JobSpec spec(String behaviour, String jarUri, JarDigest digest, Integer parallelism, RestorePoint restore) {
        return new JobSpec(
                NAME,
                JobKind.STREAM,
                CLUSTER,
                new JarReference(JarUri.parse(jarUri), null, digest),
                null,
                List.of(behaviour),
                parallelism,
                restore,
                OnUnknown.REFUSE);
    }

    static JobSpec run(String behaviour, OnUnknown onUnknown) {
        return new JobSpec(
                NAME,
                JobKind.RUN,
                CLUSTER,
                new JarReference(JarUri.parse(JAR_URI), null, null),
                null,
                List.of(behaviour),
                1,
                new RestorePoint.None(),
                onUnknown);
    }

    Submitted submit(String request, int tryNumber, JobSpec spec) {
        return submitJob.submit(request(request, tryNumber), spec, false, soon());
    }

    FlinkJobId submitEndless() {
        return submit("start", 1, spec("endless")).attempt().id();
    }

    static Target job(FlinkJobId id) {
        return new Target(CLUSTER, null, id);
    }

    static Target named() {
        return new Target(CLUSTER, NAME, null);
    }

    Attempt attempt(FlinkJobId id) {
        return ledger.findAttempt(CLUSTER, id, soon()).orElseThrow().value();
    }

    Operation operation(OperationId id) {
        return observeJob.observe(id, jars(), soon()).operation();
    }

    /** As it was written, without a look. */
    Operation stored(OperationId id) {
        return ledger.findOperation(id, soon()).orElseThrow().value();
    }

    static Upgrade upgradeOf(Operation operation) {
        return Objects.requireNonNull(operation.upgrade());
    }

    /** The record of the only job. */
    Job job() {
        return ledger.jobs().getFirst();
    }

    /** What runs on the cluster. */
    List<FlinkJobId> living() {
        return cluster.listJobs(soon()).stream()
                .filter(job -> !job.state().terminal())
                .map(JobOverview::id)
                .toList();
    }

    /** Leaves a checkpoint of a job in the store. */
    StoragePath checkpoint(FlinkJobId job, int number) {
        StoragePath path = cluster.checkpointDirectory(job).orElseThrow().child("chk-" + number);
        store.put(path, clock.instant());
        return path;
    }

    /** A process ends, whatever it was about to do. */
    static final Runnable DIES = () -> {
        throw new KilledException();
    };

    static final class KilledException extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** Has something happen right before, or behind, a commit that comes after so many others. */
    void atCommit(int others, boolean before, Runnable what) {
        AtomicInteger left = new AtomicInteger(others);
        Runnable act = new Runnable() {
            @Override
            public void run() {
                if (left.getAndDecrement() == 0) {
                    what.run();
                } else {
                    nextTime(this);
                }
            }

            private void nextTime(Runnable it) {
                if (before) {
                    ledger.beforeNextCommit(it);
                } else {
                    ledger.afterNextCommit(it);
                }
            }
        };
        if (before) {
            ledger.beforeNextCommit(act);
        } else {
            ledger.afterNextCommit(act);
        }
    }

    /** What a sweep of the cluster couldn't do. */
    List<Problem> sweepOnce() {
        return new MonitorJobs(ports, MetricsSink.none(), jars())
                .monitor(null, List.of(), Deadline.in(Duration.ofSeconds(25), clock))
                .clusters()
                .getFirst()
                .problems();
    }

    /**
     * Sweeps until all has ended that goes in steps. Never two executions live, and what can't be done at a moment can
     * be later.
     *
     * @param meanwhile what happens before each sweep
     */
    void finish(Runnable meanwhile) {
        for (int round = 0; round < 40; round++) {
            clock.move(Duration.ofMinutes(2));
            meanwhile.run();
            List<Problem> problems = sweepOnce();
            Assertions.assertThat(living()).hasSizeLessThanOrEqualTo(1);
            Assertions.assertThat(problems)
                    .allSatisfy(problem -> Assertions.assertThat(
                                    problem.refusal().code().retryable()
                                            || problem.refusal().getCause() instanceof KilledException)
                            .as(problem.refusal().sentence())
                            .isTrue());
        }
    }

    List<HistoryEntry.Event> events() {
        return ledger.history(CLUSTER, NAME).stream().map(HistoryEntry::event).toList();
    }

    Deadline soon() {
        return Deadline.in(Duration.ofSeconds(20), clock);
    }

    static void assertRefused(ErrorCode code, ThrowingCallable call) {
        Assertions.assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(call)
                .satisfies(e -> Assertions.assertThat(e.code()).isEqualTo(code));
    }
}
