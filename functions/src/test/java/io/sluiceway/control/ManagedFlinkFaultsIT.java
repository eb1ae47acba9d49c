package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.s3.S3JarStore;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.savepoint.storage.SchemeSavepointStore;
import io.sluiceway.testing.ManagedFlinkLab;
import io.sluiceway.time.Deadline;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationOperationInfo;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.OperationStatus;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.SnapshotDetails;

/**
 * Two lives of a STREAM on the double of Managed Flink, over a real Flink, with one fault at one of the service's
 * calls: each attempt is started once, each operation leaves one snapshot, and the second life goes on from the first
 * one's last state. Whoever calls repeats a call whose answer was lost or that may be repeated.
 *
 * <p>Answers that are lost are tried each time; {@code -Dmanaged.faults=.*} tries all faults, in some minutes.
 */
class ManagedFlinkFaultsIT {
    private static final ClusterName CLUSTER = new ClusterName("managed");
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Limits LIMITS =
            new Limits(Duration.ofSeconds(10), Duration.ofSeconds(4), Duration.ofSeconds(2), Duration.ofMinutes(2));

    @TempDir
    static Path home;

    private static ManagedFlinkLab lab;

    /**
     * What goes wrong once.
     *
     * @param kind the double's word for it
     * @param operation the service's call
     * @param error what a refused call is answered
     * @param after how many of the calls pass before
     */
    record Fault(String kind, String operation, String error, int after) {
        String json(String application) {
            return "{\"kind\":\"%s\",\"operation\":\"%s\",\"application\":\"%s\",\"after\":%d%s}"
                    .formatted(
                            kind, operation, application, after, error == null ? "" : ",\"error\":\"" + error + "\"");
        }

        @Override
        public String toString() {
            return "%s %s %d%s".formatted(kind, operation, after, error == null ? "" : " " + error);
        }
    }

    static Stream<Fault> faults() {
        return Stream.of(
                        // The first of its kind begins a life, the second the other.
                        Stream.of("CreateApplication", "UpdateApplication", "CreateApplicationSnapshot")
                                .flatMap(operation -> everyKind(operation, 0)),
                        Stream.of("StartApplication", "StopApplication")
                                .flatMap(operation -> Stream.of(0, 1).flatMap(after -> everyKind(operation, after))),
                        Stream.of(
                                        "DescribeApplication",
                                        "ListApplicationOperations",
                                        "DescribeApplicationSnapshot",
                                        "ListApplicationSnapshots")
                                .flatMap(operation -> Stream.of(
                                        new Fault("LOSE_ANSWER", operation, null, 1),
                                        new Fault("REFUSE", operation, "ThrottlingException", 2))))
                .flatMap(stream -> stream)
                .filter(fault -> fault.toString().matches(System.getProperty("managed.faults", "LOSE_ANSWER .*")));
    }

    private static Stream<Fault> everyKind(String operation, int after) {
        return Stream.of(
                new Fault("LOSE_REQUEST", operation, null, after),
                new Fault("LOSE_ANSWER", operation, null, after),
                new Fault("REFUSE", operation, "ThrottlingException", after),
                new Fault("REFUSE", operation, "ResourceInUseException", after));
    }

    @BeforeAll
    static void start() {
        lab = new ManagedFlinkLab(home, 8);
    }

    @AfterAll
    static void stop() {
        lab.close();
    }

    @ParameterizedTest
    @MethodSource("faults")
    @Execution(ExecutionMode.CONCURRENT)
    void twoLives_withAFaultAtACall_areStartedOnceEachAndLoseNoState(Fault fault, @TempDir Path work) throws Exception {
        JobName job = new JobName("job-" + Integer.toHexString(fault.toString().hashCode()));
        String application = ManagedFlinkLab.APPLICATIONS.of(job);
        FakeJobLedger ledger = new FakeJobLedger();
        Ports ports = new Ports(
                new Clusters(List.of(lab.cluster(CLUSTER))), ledger, new SchemeSavepointStore(lab::s3, false), LIMITS);
        SubmitJob submitJob =
                new SubmitJob(ports, new Jars(new S3JarStore(lab::s3), Set.of(ManagedFlinkLab.BUCKET), work));
        ObserveJob observeJob = new ObserveJob(ports);
        lab.service().fault(fault.json(application));

        FlinkJobId first =
                started(() -> submitJob.submit(request("first"), spec(job, new RestorePoint.None()), false, soon()));
        awaitRunning(observeJob, first);
        Operation saved =
                completed(observeJob, () -> new TakeSavepoint(ports).take(request("save"), target(first), soon()));
        Operation stopped = completed(
                observeJob,
                () -> new StopJob(ports).stop(request("stop"), target(first), null, Mode.SAVEPOINT, soon()));
        FlinkJobId second = started(
                () -> submitJob.submit(request("second"), spec(job, new RestorePoint.Latest(false)), false, soon()));
        awaitRunning(observeJob, second);
        completed(observeJob, () -> new StopJob(ports).stop(request("end"), target(second), null, Mode.CANCEL, soon()));

        assertThat(second).isNotEqualTo(first);
        assertThat(attempt(ledger, first).state()).isEqualTo(AttemptState.FINISHED);
        assertThat(attempt(ledger, second).state()).isEqualTo(AttemptState.CANCELED);
        assertThat(attempt(ledger, second).restoredFrom()).isEqualTo(stopped.savepoint());
        assertThat(successful(application, "Start")).hasSize(2);
        assertThat(successful(application, "Stop")).hasSize(2);
        assertThat(snapshots(application)).containsExactlyInAnyOrder(saved.savepoint(), stopped.savepoint());
    }

    /** One that is in progress waits until a post that may still be under way can't come any more. */
    private static FlinkJobId started(Supplier<Submitted> submit) {
        return await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(250))
                .until(() -> insist(submit), submitted -> submitted.outcome() != Outcome.IN_PROGRESS)
                .attempt()
                .id();
    }

    /** A caller that repeats what may be repeated, as boto3, Lambda and Airflow do. */
    private static <T> T insist(Supplier<T> call) {
        Callable<T> answered = () -> {
            try {
                return call.get();
            } catch (RefusedException e) {
                if (e.code().retryable()) {
                    return null;
                }
                throw e;
            }
        };
        return await().atMost(PATIENCE).pollInterval(Duration.ofMillis(250)).until(answered, answer -> answer != null);
    }

    private static void awaitRunning(ObserveJob observeJob, FlinkJobId id) {
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(250))
                .until(
                        () -> insist(() -> observeJob.observe(target(id), soon())),
                        seen -> seen.status() != null
                                && seen.status().overview().state() == JobState.RUNNING);
    }

    private static Operation completed(ObserveJob observeJob, Supplier<Answer> ask) {
        OperationId id = ((Triggered) insist(ask)).operation().id();
        Operation ended = await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(250))
                .until(
                        () -> insist(() -> observeJob.observe(id, soon())).operation(),
                        operation -> operation.state().terminal());
        assertThat(ended.state()).as("%s: %s", ended.type(), ended.failure()).isEqualTo(OperationState.COMPLETED);
        return ended;
    }

    private static List<ApplicationOperationInfo> successful(String application, String operation) {
        return lab
                .client()
                .listApplicationOperations(request -> request.applicationName(application))
                .applicationOperationInfoList()
                .stream()
                .filter(one -> one.operation().startsWith(operation))
                .filter(one -> one.operationStatus() == OperationStatus.SUCCESSFUL)
                .toList();
    }

    private static List<StoragePath> snapshots(String application) {
        return lab
                .client()
                .listApplicationSnapshots(request -> request.applicationName(application))
                .snapshotSummaries()
                .stream()
                .map(SnapshotDetails::snapshotName)
                .map(name -> new StoragePath("snapshot://%s/%s".formatted(application, name)))
                .toList();
    }

    private static Attempt attempt(FakeJobLedger ledger, FlinkJobId id) {
        return ledger.findAttempt(CLUSTER, id, soon()).orElseThrow().value();
    }

    private static Request request(String id) {
        return new Request(new RequestId(id), 1);
    }

    private static Target target(FlinkJobId id) {
        return new Target(CLUSTER, null, id);
    }

    private static JobSpec spec(JobName job, RestorePoint restore) {
        return new JobSpec(
                job,
                JobKind.STREAM,
                CLUSTER,
                lab.jar(),
                null,
                List.of("--behaviour", "endless"),
                1,
                restore,
                JobSpec.OnUnknown.REFUSE);
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(10), Clock.systemUTC());
    }
}
