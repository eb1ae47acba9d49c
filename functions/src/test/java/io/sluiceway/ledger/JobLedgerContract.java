package io.sluiceway.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.EventId;
import io.sluiceway.event.JobEvent;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.DataReadyPolicy.Every;
import io.sluiceway.job.EntryClass;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.Policies;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestartPolicy;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.job.RetentionPolicy;
import io.sluiceway.job.SavepointsPolicy;
import io.sluiceway.ledger.Attempt.Refusal;
import io.sluiceway.ledger.Attempt.RunJar;
import io.sluiceway.ledger.HistoryEntry.Event;
import io.sluiceway.ledger.LedgerChange.AddEvent;
import io.sluiceway.ledger.LedgerChange.AddHistory;
import io.sluiceway.ledger.LedgerChange.AddSavepoint;
import io.sluiceway.ledger.LedgerChange.PutAttempt;
import io.sluiceway.ledger.LedgerChange.PutJob;
import io.sluiceway.ledger.LedgerChange.PutOperation;
import io.sluiceway.ledger.LedgerChange.PutReadiness;
import io.sluiceway.ledger.LedgerChange.PutRequest;
import io.sluiceway.ledger.LedgerChange.PutSavepoint;
import io.sluiceway.ledger.LedgerChange.RemoveSavepoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.Rescale;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.ready.Readiness;
import io.sluiceway.ready.Readiness.Execution;
import io.sluiceway.ready.Readiness.Proven;
import io.sluiceway.ready.Readiness.Sighting;
import io.sluiceway.savepoint.Disposal;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every {@link JobLedger} promises; the fake promises it too. */
public abstract class JobLedgerContract {
    private static final Instant THEN = Instant.parse("2013-01-05T10:00:00.123456789Z");
    private static final StoragePath PATH = new StoragePath("s3://state/savepoints/savepoint-1");
    private static final int THREADS = 8;

    /** One of its own for each test, since they may share a table. */
    private final ClusterName cluster =
            new ClusterName("cluster-" + UUID.randomUUID().toString().substring(0, 8));

    private final JobName name = new JobName("flight-delays");

    /** The ledger under test. */
    protected abstract JobLedger ledger();

    @Test
    void find_whatIsMissing_isEmpty() {
        assertThat(ledger().findJob(cluster, name, soon())).isEmpty();
        assertThat(ledger().findRequest(key("r"), soon())).isEmpty();
        assertThat(ledger().findAttempt(cluster, newId(), soon())).isEmpty();
        assertThat(ledger().findOperation(newOperationId(), soon())).isEmpty();
        assertThat(ledger().findReadiness(cluster, name, null, soon())).isEmpty();
        assertThat(ledger().findReadiness(cluster, name, new RequestId("r"), soon()))
                .isEmpty();
        assertThat(ledger().savepoints(cluster, name, soon())).isEmpty();
        assertThat(ledger().jobs(cluster, 10, null, soon())).isEqualTo(new Page<>(List.of(), null));
        assertThat(ledger().history(cluster, name, 10, null, soon())).isEqualTo(new Page<>(List.of(), null));
        assertThat(ledger().events(cluster, name, 0, 10, soon())).isEqualTo(new Page<>(List.of(), null));
        assertThat(ledger().pendingEvents(cluster, 10, null, soon())).isEqualTo(new Page<>(List.of(), null));
        assertThat(ledger().livingAttempts(cluster, 10, null, soon())).isEqualTo(new Page<>(List.of(), null));
        assertThat(ledger().openOperations(cluster, 10, null, soon())).isEqualTo(new Page<>(List.of(), null));
        assertThat(ledger().findAttempts(cluster, Set.of(newId()), soon())).isEmpty();
        assertThat(ledger().findAttempts(cluster, Set.of(), soon())).isEmpty();
    }

    @Test
    void commit_newRecords_areReadAtVersionOne() throws Exception {
        Job job = new Job(cluster, name, JobKind.STREAM, newId(), null);
        RequestRecord request = request("r");
        Attempt attempt = attempt(newId());
        Operation operation = operation(newOperationId());
        Savepoint savepoint = savepoint(newOperationId(), THEN);
        HistoryEntry line = line(THEN, "first");

        commit(
                new PutJob(job, LedgerChange.ABSENT),
                new PutRequest(request, LedgerChange.ABSENT),
                new PutAttempt(attempt, LedgerChange.ABSENT),
                new PutOperation(operation, LedgerChange.ABSENT),
                new AddSavepoint(savepoint),
                new AddHistory(line));

        assertThat(ledger().findJob(cluster, name, soon())).contains(new Versioned<>(job, 1));
        assertThat(ledger().findRequest(request.key(), soon())).contains(new Versioned<>(request, 1));
        assertThat(ledger().findAttempt(cluster, attempt.id(), soon())).contains(new Versioned<>(attempt, 1));
        assertThat(ledger().findOperation(operation.id(), soon())).contains(new Versioned<>(operation, 1));
        assertThat(ledger().savepoints(cluster, name, soon())).containsExactly(savepoint);
        assertThat(ledger().history(cluster, name, 10, null, soon()).items()).containsExactly(line);
    }

    @Test
    void commit_atTheVersionThatWasRead_replaces() throws Exception {
        Job job = new Job(cluster, name, JobKind.STREAM, null, null);
        Job taken = job.taken(newId());
        commit(new PutJob(job, LedgerChange.ABSENT));

        commit(new PutJob(taken, 1));

        assertThat(ledger().findJob(cluster, name, soon())).contains(new Versioned<>(taken, 2));
        commit(new PutJob(taken.free(), 2));
        assertThat(ledger().findJob(cluster, name, soon())).contains(new Versioned<>(job, 3));
    }

    @ParameterizedTest
    @ValueSource(longs = {LedgerChange.ABSENT, 1, 3})
    void commit_atAnotherVersion_conflicts(long version) throws Exception {
        RequestRecord request = request("r");
        commit(new PutRequest(request, LedgerChange.ABSENT));
        commit(new PutRequest(request, 1));

        assertConflict(new PutRequest(request, version));

        assertThat(ledger().findRequest(request.key(), soon())).contains(new Versioned<>(request, 2));
    }

    @Test
    void commit_replacingWhatIsMissing_conflicts() {
        Attempt attempt = attempt(newId());

        assertConflict(new PutAttempt(attempt, 1));

        assertThat(ledger().findAttempt(cluster, attempt.id(), soon())).isEmpty();
    }

    @Test
    void commit_whatExistsAsNew_conflicts() throws Exception {
        Operation operation = operation(newOperationId());
        Savepoint savepoint = savepoint(operation.id(), THEN);
        commit(new PutOperation(operation, LedgerChange.ABSENT), new AddSavepoint(savepoint));

        assertConflict(new PutOperation(operation.inProgress(), LedgerChange.ABSENT));
        assertConflict(new AddSavepoint(savepoint(operation.id(), THEN.plusSeconds(1))));

        assertThat(ledger().findOperation(operation.id(), soon())).contains(new Versioned<>(operation, 1));
        assertThat(ledger().savepoints(cluster, name, soon())).containsExactly(savepoint);
    }

    @Test
    void commit_oneOfSeveralStale_writesNothing() throws Exception {
        Job job = new Job(cluster, name, JobKind.STREAM, null, null);
        Attempt attempt = attempt(newId());
        commit(new PutJob(job, LedgerChange.ABSENT), new PutAttempt(attempt, LedgerChange.ABSENT));
        commit(new PutAttempt(attempt, 1));
        Operation operation = operation(newOperationId());

        assertConflict(
                new PutJob(job.taken(attempt.id()), 1),
                new PutRequest(request("r"), LedgerChange.ABSENT),
                new PutOperation(operation, LedgerChange.ABSENT),
                new AddSavepoint(savepoint(operation.id(), THEN)),
                new AddHistory(line(THEN, "never")),
                new PutAttempt(attempt.change().restarts(7).made(), 1));

        assertThat(ledger().findJob(cluster, name, soon())).contains(new Versioned<>(job, 1));
        assertThat(ledger().findRequest(key("r"), soon())).isEmpty();
        assertThat(ledger().findOperation(operation.id(), soon())).isEmpty();
        assertThat(ledger().findAttempt(cluster, attempt.id(), soon())).contains(new Versioned<>(attempt, 2));
        assertThat(ledger().savepoints(cluster, name, soon())).isEmpty();
        assertThat(ledger().history(cluster, name, 10, null, soon()).items()).isEmpty();
    }

    @Test
    void commit_twentyChanges_areMade() throws Exception {
        commit(IntStream.range(0, 20)
                .mapToObj(i -> new PutAttempt(attempt(newId()), LedgerChange.ABSENT))
                .toArray(LedgerChange[]::new));
    }

    @Test
    void commit_noneOrTooManyOrTwiceTheSame_isAMistake() {
        PutAttempt change = new PutAttempt(attempt(newId()), LedgerChange.ABSENT);

        assertThatIllegalArgumentException().isThrownBy(this::commit);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> commit(Collections.nCopies(21, new AddHistory(line(THEN, null)))
                        .toArray(LedgerChange[]::new)));
        assertThatIllegalArgumentException().isThrownBy(() -> commit(change, change));
        assertThat(ledger().findAttempt(cluster, change.attempt().id(), soon())).isEmpty();
    }

    static Stream<JobSpec> specs() {
        ClusterName cluster = new ClusterName("specs");
        JobName name = new JobName("a-job");
        JarUri uri = JarUri.parse("s3://jars/dir/job#1.jar");
        JarReference plain = new JarReference(uri, null, null);
        return Stream.of(
                new JobSpec(
                        name,
                        JobKind.RUN,
                        cluster,
                        plain,
                        null,
                        List.of(),
                        null,
                        new RestorePoint.None(),
                        OnUnknown.REFUSE),
                new JobSpec(
                        name,
                        JobKind.STREAM,
                        cluster,
                        new JarReference(uri, "v.1_~", new JarDigest("0f".repeat(32))),
                        new EntryClass("io.sluiceway.Outer$Inner"),
                        List.of("--day", "", "Zürich 日本 🛬", "line one\nline two\t", "", " ", "{\"a\":[1]}", "--day"),
                        32_768,
                        new RestorePoint.Latest(false),
                        OnUnknown.RERUN),
                new JobSpec(
                        name,
                        JobKind.STREAM,
                        cluster,
                        new JarReference(uri, "v1", null),
                        null,
                        List.of(""),
                        1,
                        new RestorePoint.Latest(true),
                        OnUnknown.REFUSE),
                new JobSpec(
                        name,
                        JobKind.STREAM,
                        cluster,
                        new JarReference(uri, null, new JarDigest("a1".repeat(32))),
                        null,
                        Collections.nCopies(20, "ü".repeat(4096)),
                        null,
                        new RestorePoint.Savepoint(PATH, false),
                        OnUnknown.REFUSE),
                new JobSpec(
                        name,
                        JobKind.STREAM,
                        cluster,
                        plain,
                        null,
                        List.of("x"),
                        null,
                        new RestorePoint.Savepoint(new StoragePath("file:///data/a b"), true),
                        OnUnknown.REFUSE),
                new JobSpec(
                        name,
                        JobKind.STREAM,
                        cluster,
                        plain,
                        null,
                        List.of(),
                        null,
                        new RestorePoint.None(),
                        OnUnknown.REFUSE,
                        new Policies(
                                DataReadyPolicy.of("the results", Every.PT1H, null, null, null),
                                HealthPolicy.of("PT1S", 4, "PT1H", 2, "P7D", 80, "PT12H"),
                                SavepointsPolicy.of(null, "*/5 2,4-6 1 jan-MAR SUN", "America/New_York"),
                                RetentionPolicy.of(1, "PT90M"),
                                RestartPolicy.of(7, "PT11S", "P1D", "P2D"))),
                new JobSpec(
                        name,
                        JobKind.STREAM,
                        cluster,
                        plain,
                        null,
                        List.of(),
                        null,
                        new RestorePoint.None(),
                        OnUnknown.REFUSE,
                        new Policies(
                                null, HealthPolicy.DEFAULT, SavepointsPolicy.of("P1DT6H", null, null), null, null)),
                new JobSpec(
                        name,
                        JobKind.RUN,
                        cluster,
                        plain,
                        null,
                        List.of(),
                        null,
                        new RestorePoint.None(),
                        OnUnknown.REFUSE,
                        new Policies(
                                DataReadyPolicy.of(
                                        "results",
                                        Every.P1D,
                                        "America/New_York",
                                        "2013-01-05T05:00:00Z",
                                        "2013-01-06T05:00:00Z"),
                                null,
                                null,
                                null,
                                null)));
    }

    @ParameterizedTest
    @MethodSource("specs")
    void commit_spec_isReadWhole(JobSpec spec) throws Exception {
        Attempt attempt = withoutOptionals(newId(), spec);

        commit(new PutAttempt(attempt, LedgerChange.ABSENT));

        Attempt read = ledger().findAttempt(spec.cluster(), attempt.id(), soon())
                .orElseThrow()
                .value();
        assertThat(read.spec()).isEqualTo(spec);
        assertThat(read.spec().arguments()).isEqualTo(spec.arguments());
    }

    @Test
    void commit_optionalFields_areReadAbsentAndPresent() throws Exception {
        for (int present = 0; present < 13; present++) {
            Attempt attempt = withOptional(newId(), present);
            commit(new PutAttempt(attempt, LedgerChange.ABSENT));
            assertThat(ledger().findAttempt(cluster, attempt.id(), soon())).contains(new Versioned<>(attempt, 1));
        }
        for (int present = 0; present < 8; present++) {
            Operation operation = operationWithOptional(newOperationId(), present);
            commit(new PutOperation(operation, LedgerChange.ABSENT));
            assertThat(ledger().findOperation(operation.id(), soon())).contains(new Versioned<>(operation, 1));
        }
        for (int present = 0; present < 5; present++) {
            RequestRecord request = requestWithOptional("r" + present, present);
            commit(new PutRequest(request, LedgerChange.ABSENT));
            assertThat(ledger().findRequest(request.key(), soon())).contains(new Versioned<>(request, 1));
        }
        for (Job job : List.of(
                new Job(cluster, new JobName("a"), JobKind.RUN, null, null),
                new Job(cluster, new JobName("b"), JobKind.STREAM, newId(), null),
                new Job(cluster, new JobName("c"), JobKind.STREAM, null, newId()),
                new Job(cluster, new JobName("d"), JobKind.STREAM, newId(), newId()),
                new Job(
                        cluster,
                        new JobName("f"),
                        JobKind.STREAM,
                        newId(),
                        newId(),
                        new OperationId("0123456789abcdef".repeat(2)),
                        3),
                new Job(cluster, new JobName("e"), JobKind.RUN, null, null, null, 999_999_999_999L))) {
            commit(new PutJob(job, LedgerChange.ABSENT));
            assertThat(ledger().findJob(cluster, job.name(), soon())).contains(new Versioned<>(job, 1));
        }
    }

    @Test
    void commit_fieldGivenUp_isReadAbsent() throws Exception {
        Attempt failed = withOptional(newId(), 8);
        commit(new PutAttempt(failed, LedgerChange.ABSENT));
        Attempt submitted = failed.change().submitted(THEN).made();

        commit(new PutAttempt(submitted, 1));

        assertThat(submitted.failure()).isNull();
        assertThat(ledger().findAttempt(cluster, failed.id(), soon())).contains(new Versioned<>(submitted, 2));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1970-01-01T00:00:00Z",
                "2013-01-05T10:00:00Z",
                "2013-01-05T10:00:00.100Z",
                "2999-12-31T23:59:59.999999999Z"
            })
    void commit_instant_isReadToTheNanosecond(Instant at) throws Exception {
        Savepoint savepoint = savepoint(newOperationId(), at);
        HistoryEntry line = line(at, null);

        commit(new AddSavepoint(savepoint), new AddHistory(line));

        assertThat(ledger().savepoints(cluster, name, soon())).containsExactly(savepoint);
        assertThat(ledger().history(cluster, name, 1, null, soon()).items()).containsExactly(line);
    }

    @Test
    void findRequest_keysThatLookAlike_areNeverMixedUp() throws Exception {
        JobName longer = new JobName("flight-delays-2");
        List<RequestKey> keys = List.of(
                key("a"),
                key("A"),
                key("a#b"),
                key("#"),
                key("##"),
                key("a#"),
                key("#a"),
                key("submit-job#a"),
                key("x".repeat(512)),
                key("#".repeat(512)),
                key("#".repeat(511)),
                key("~!@$%^&*()_+|}{\":?><,./;'[]\\=-`"),
                new RequestKey(cluster, name, "stop-job", new RequestId("a")),
                new RequestKey(cluster, longer, "submit-job", new RequestId("a")),
                new RequestKey(new ClusterName(cluster + "-2"), name, "submit-job", new RequestId("a")));
        for (RequestKey key : keys) {
            commit(new PutRequest(request(key, keys.indexOf(key) + 1), LedgerChange.ABSENT));
        }

        for (RequestKey key : keys) {
            assertThat(ledger().findRequest(key, soon()))
                    .as(key.toString())
                    .contains(new Versioned<>(request(key, keys.indexOf(key) + 1), 1));
        }
        assertThat(ledger().findRequest(key("b"), soon())).isEmpty();
    }

    @Test
    void findAttempt_sameIdInAnotherCluster_isAnother() throws Exception {
        Attempt attempt = attempt(newId());
        commit(new PutAttempt(attempt, LedgerChange.ABSENT));

        assertThat(ledger().findAttempt(new ClusterName("elsewhere"), attempt.id(), soon()))
                .isEmpty();
    }

    static Stream<Readiness> readiness() {
        FlinkJobId id = new FlinkJobId("0123456789abcdef0123456789abcdef");
        return Stream.of(
                Readiness.NONE,
                new Readiness(new Execution(id, "2@1357380000000", THEN, true), null, null, null),
                new Readiness(
                        new Execution(id, "FINISHED", Instant.EPOCH, false),
                        new Sighting(THEN, 7, THEN.plusNanos(1)),
                        new Proven(Instant.parse("0001-01-01T00:00:00Z"), Long.MAX_VALUE),
                        Instant.parse("9999-12-31T23:59:59Z")));
    }

    @ParameterizedTest
    @MethodSource("readiness")
    void commit_readiness_isReadWholeAndReplaced(Readiness readiness) throws Exception {
        JobReadiness first = new JobReadiness(cluster, name, null, readiness);
        commit(new PutReadiness(first, LedgerChange.ABSENT));

        assertThat(ledger().findReadiness(cluster, name, null, soon())).contains(new Versioned<>(first, 1));

        JobReadiness none = new JobReadiness(cluster, name, null, Readiness.NONE);
        commit(new PutReadiness(none, 1));
        assertThat(ledger().findReadiness(cluster, name, null, soon())).contains(new Versioned<>(none, 2));
        assertConflict(new PutReadiness(first, 1));
    }

    @Test
    void findReadiness_ofARunsRequest_isItsOwn() throws Exception {
        JobReadiness stream = new JobReadiness(cluster, name, null, Readiness.NONE);
        JobReadiness one =
                new JobReadiness(cluster, name, new RequestId("one"), new Readiness(null, null, null, Instant.EPOCH));
        commit(new PutReadiness(one, LedgerChange.ABSENT), new PutReadiness(stream, LedgerChange.ABSENT));

        assertThat(ledger().findReadiness(cluster, name, new RequestId("one"), soon()))
                .contains(new Versioned<>(one, 1));
        assertThat(ledger().findReadiness(cluster, name, null, soon())).contains(new Versioned<>(stream, 1));
        assertThat(ledger().findReadiness(cluster, name, new RequestId("two"), soon()))
                .isEmpty();
        assertThat(ledger().savepoints(cluster, name, soon())).isEmpty();
    }

    @Test
    void savepoints_several_areNewestFirst() throws Exception {
        Savepoint middle = savepoint(newOperationId(), THEN.plusNanos(1));
        Savepoint oldest = savepoint(newOperationId(), THEN);
        Savepoint newest = new Savepoint(
                cluster,
                name,
                newId(),
                newOperationId(),
                SavepointOrigin.STOP,
                PATH,
                THEN.plusSeconds(60),
                false,
                3,
                true,
                new Disposal(THEN, 2, THEN.plusNanos(1)));
        commit(new AddSavepoint(middle));
        commit(new AddSavepoint(newest), new AddSavepoint(oldest));
        commit(new AddHistory(line(THEN, null)));

        assertThat(ledger().savepoints(cluster, name, soon())).containsExactly(newest, middle, oldest);
        assertThat(ledger().savepoints(cluster, new JobName("flight-delays-2"), soon()))
                .isEmpty();
        assertThat(ledger().savepoints(cluster, new JobName("flight"), soon())).isEmpty();
    }

    @Test
    void commit_savepointThatIsToBeRemoved_isReadAsItIsUntilItIs() throws Exception {
        Savepoint savepoint = savepoint(newOperationId(), THEN);
        Savepoint other = savepoint(newOperationId(), THEN.plusSeconds(1));
        commit(new AddSavepoint(savepoint), new AddSavepoint(other));

        Savepoint going = savepoint.pin().disposed(new Disposal(THEN.plusSeconds(5), 0, THEN.plusSeconds(6)));
        commit(new PutSavepoint(going, 1));
        assertThat(ledger().findSavepoint(cluster, name, savepoint.operation(), soon()))
                .contains(new Versioned<>(going, 2));
        assertThat(ledger().savepoints(cluster, name, soon())).containsExactly(other, going);

        commit(new RemoveSavepoint(going, 2), new AddHistory(line(THEN, null)));
        assertThat(ledger().findSavepoint(cluster, name, savepoint.operation(), soon()))
                .isEmpty();
        assertThat(ledger().savepoints(cluster, name, soon())).containsExactly(other);
    }

    @Test
    void commit_savepointThatSomebodyElseChanged_conflictsAndLeavesIt() throws Exception {
        Savepoint savepoint = savepoint(newOperationId(), THEN);
        commit(new AddSavepoint(savepoint));
        commit(new PutSavepoint(savepoint.pin(), 1));

        for (LedgerChange late : List.of(
                new AddSavepoint(savepoint), new PutSavepoint(savepoint, 1), new RemoveSavepoint(savepoint, 1))) {
            assertThatExceptionOfType(LedgerConflictException.class)
                    .isThrownBy(() -> commit(new AddHistory(line(THEN, null)), late));
        }
        assertThat(ledger().findSavepoint(cluster, name, savepoint.operation(), soon()))
                .contains(new Versioned<>(savepoint.pin(), 2));
        assertThat(ledger().history(cluster, name, 10, null, soon()).items()).isEmpty();

        commit(new RemoveSavepoint(savepoint, 2));
        for (LedgerChange late : List.of(new PutSavepoint(savepoint, 2), new RemoveSavepoint(savepoint, 2))) {
            assertThatExceptionOfType(LedgerConflictException.class).isThrownBy(() -> commit(late));
        }
        assertThat(ledger().savepoints(cluster, name, soon())).isEmpty();
    }

    @Test
    void findSavepoint_ofAnotherJobOrCluster_isEmpty() throws Exception {
        Savepoint savepoint = savepoint(newOperationId(), THEN);
        commit(new AddSavepoint(savepoint));

        assertThat(ledger().findSavepoint(cluster, new JobName("flight"), savepoint.operation(), soon()))
                .isEmpty();
        assertThat(ledger().findSavepoint(new ClusterName("elsewhere"), name, savepoint.operation(), soon()))
                .isEmpty();
    }

    @Test
    void history_linesOfOneCommitAtOnce_keepTheirOrder() throws Exception {
        commit(IntStream.range(0, 12)
                .mapToObj(i -> new AddHistory(line(THEN, "line " + i)))
                .toArray(LedgerChange[]::new));

        assertThat(ledger().history(cluster, name, 1000, null, soon()).items())
                .extracting(HistoryEntry::detail)
                .containsExactly(
                        IntStream.range(0, 12).mapToObj(i -> "line " + (11 - i)).toArray(String[]::new));
    }

    @Test
    void history_optionalFields_areReadAbsentAndPresent() throws Exception {
        Request by = new Request(new RequestId("r#1"), 1_000_000);
        List<HistoryEntry> lines = new ArrayList<>();
        Instant at = THEN;
        for (Event event : Event.values()) {
            at = at.plusNanos(1);
            lines.add(new HistoryEntry(cluster, name, at, event, null, null, null, null));
        }
        lines.add(new HistoryEntry(cluster, name, at.plusNanos(1), Event.ATTEMPT_ENDED, by, null, null, null));
        lines.add(new HistoryEntry(cluster, name, at.plusNanos(2), Event.ATTEMPT_ENDED, null, newId(), null, null));
        lines.add(new HistoryEntry(
                cluster, name, at.plusNanos(3), Event.ATTEMPT_ENDED, null, null, newOperationId(), null));
        lines.add(new HistoryEntry(cluster, name, at.plusNanos(4), Event.ATTEMPT_ENDED, null, null, null, "Zürich."));
        for (HistoryEntry line : lines) {
            commit(new AddHistory(line));
        }

        assertThat(ledger().history(cluster, name, 1000, null, soon()).items())
                .containsExactlyElementsOf(lines.reversed());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 6, 7, 8, 1000})
    void history_pageByPage_isWholeAndNewestFirst(int limit) throws Exception {
        for (int i = 0; i < 7; i++) {
            commit(new AddHistory(line(THEN.plusSeconds(i / 2), "line " + i)));
        }
        commit(new AddHistory(line(cluster, new JobName("flight-delays-2"), THEN, "another job's")));
        commit(new AddSavepoint(savepoint(newOperationId(), THEN)));
        List<HistoryEntry> whole =
                ledger().history(cluster, name, 1000, null, soon()).items();

        List<HistoryEntry> lines =
                pages(limit, (size, after) -> ledger().history(cluster, name, size, after, soon()), 7);

        assertThat(lines).containsExactlyElementsOf(whole);
        assertThat(lines).hasSize(7).doesNotHaveDuplicates();
        assertThat(lines).extracting(HistoryEntry::at).isSortedAccordingTo(Collections.reverseOrder());
    }

    @Test
    void history_lineAddedBetweenPages_shiftsNothing() throws Exception {
        for (int i = 0; i < 4; i++) {
            commit(new AddHistory(line(THEN.plusSeconds(i), "line " + i)));
        }
        Page<HistoryEntry> first = ledger().history(cluster, name, 2, null, soon());
        commit(new AddHistory(line(THEN.plusSeconds(9), "line 9")));

        Page<HistoryEntry> second = ledger().history(cluster, name, 2, first.next(), soon());

        assertThat(first.items()).extracting(HistoryEntry::detail).containsExactly("line 3", "line 2");
        assertThat(second.items()).extracting(HistoryEntry::detail).containsExactly("line 1", "line 0");
        assertThat(second.next()).isNull();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 5, 6, 1000})
    void jobs_pageByPage_areAllByName(int limit) throws Exception {
        List<String> names = List.of("b", "a-1", "a", "a1", "c-" + "x".repeat(126));
        for (String each : names) {
            commit(new PutJob(new Job(cluster, new JobName(each), JobKind.STREAM, null, newId()), LedgerChange.ABSENT));
        }
        commit(new PutJob(
                new Job(new ClusterName(cluster + "-2"), new JobName("elsewhere"), JobKind.RUN, null, null),
                LedgerChange.ABSENT));

        List<Job> jobs = pages(limit, (size, after) -> ledger().jobs(cluster, size, after, soon()), 5);

        assertThat(jobs)
                .extracting(job -> job.name().value())
                .containsExactly("a", "a-1", "a1", "b", "c-" + "x".repeat(126));
    }

    @Test
    void findAttempts_several_areThoseThatAreKnownInThisCluster() throws Exception {
        Attempt first = attempt(newId());
        Attempt second = attempt(newId());
        Attempt notAsked = attempt(newId());
        Attempt elsewhere = withoutOptionals(newId(), specIn(new ClusterName(cluster + "-2"), name));
        for (Attempt each : List.of(first, second, notAsked, elsewhere)) {
            commit(new PutAttempt(each, LedgerChange.ABSENT));
        }
        Attempt changed = second.change().restarts(7).made();
        commit(new PutAttempt(changed, 1));

        assertThat(ledger().findAttempts(cluster, Set.of(first.id(), second.id(), elsewhere.id(), newId()), soon()))
                .containsExactlyInAnyOrder(new Versioned<>(first, 1), new Versioned<>(changed, 2));
    }

    @Test
    void findAttempts_moreThanAnAnswerHolds_areRead() throws Exception {
        List<Attempt> attempts =
                Stream.generate(() -> attempt(newId())).limit(230).toList();
        for (int from = 0; from < attempts.size(); from += 20) {
            commit(attempts.subList(from, Math.min(from + 20, attempts.size())).stream()
                    .map(attempt -> new PutAttempt(attempt, LedgerChange.ABSENT))
                    .toArray(LedgerChange[]::new));
        }

        assertThat(ledger().findAttempts(
                                cluster, attempts.stream().map(Attempt::id).collect(Collectors.toSet()), soon()))
                .extracting(Versioned::value)
                .containsExactlyInAnyOrderElementsOf(attempts);
    }

    @ParameterizedTest
    @EnumSource(AttemptState.class)
    void livingAttempts_attemptInAState_isAmongThemUntilItHasEnded(AttemptState state) throws Exception {
        Attempt attempt = attempt(newId());
        commit(new PutAttempt(attempt, LedgerChange.ABSENT));
        assertThat(ledger().livingAttempts(cluster, 10, null, soon()).items())
                .containsExactly(new Versioned<>(attempt, 1));
        Attempt changed =
                attempt.change().held(state, THEN.plusSeconds(60)).restarts(3).made();

        commit(new PutAttempt(changed, 1));

        assertThat(ledger().livingAttempts(cluster, 10, null, soon()).items())
                .isEqualTo(state.terminal() ? List.of() : List.of(new Versioned<>(changed, 2)));
        assertThat(ledger().findAttempt(cluster, attempt.id(), soon())).contains(new Versioned<>(changed, 2));
    }

    @ParameterizedTest
    @EnumSource(OperationState.class)
    void openOperations_operationInAState_isAmongThemUntilItHasEnded(OperationState state) throws Exception {
        Operation operation = operation(newOperationId());
        commit(new PutOperation(operation, LedgerChange.ABSENT));
        assertThat(ledger().openOperations(cluster, 10, null, soon()).items())
                .containsExactly(new Versioned<>(operation, 1));
        Operation changed = switch (state) {
            case PENDING -> operation;
            case IN_PROGRESS -> operation.inProgress();
            case COMPLETED -> operation.completed(PATH, THEN);
            case FAILED -> operation.failed(null, "It failed.", THEN);
            case ABANDONED -> operation.abandoned("It was given up.", THEN);
        };

        commit(new PutOperation(changed, 1));

        assertThat(ledger().openOperations(cluster, 10, null, soon()).items())
                .isEqualTo(state.terminal() ? List.of() : List.of(new Versioned<>(changed, 2)));
        assertThat(ledger().findOperation(operation.id(), soon())).contains(new Versioned<>(changed, 2));
    }

    @Test
    void commit_onAStaleVersion_changesNothingOfWhatIsListed() throws Exception {
        Attempt attempt = attempt(newId());
        Operation operation = operation(newOperationId());
        commit(new PutAttempt(attempt, LedgerChange.ABSENT), new PutOperation(operation, LedgerChange.ABSENT));

        assertConflict(
                new PutOperation(operation.completed(null, THEN), 1),
                new PutAttempt(attempt.change().ended(AttemptState.FAILED, THEN).made(), 2));

        assertThat(ledger().livingAttempts(cluster, 10, null, soon()).items())
                .containsExactly(new Versioned<>(attempt, 1));
        assertThat(ledger().openOperations(cluster, 10, null, soon()).items())
                .containsExactly(new Versioned<>(operation, 1));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 1000})
    void livingAttempts_pageByPage_areAllByJob(int limit) throws Exception {
        List<String> names = List.of("b", "a-1", "a", "a");
        for (String each : names) {
            commit(new PutAttempt(withoutOptionals(newId(), specIn(cluster, new JobName(each))), LedgerChange.ABSENT));
        }
        commit(new PutAttempt(
                withoutOptionals(newId(), specIn(new ClusterName(cluster + "-2"), name)), LedgerChange.ABSENT));

        assertThat(pages(limit, (size, after) -> ledger().livingAttempts(cluster, size, after, soon()), 4))
                .extracting(found -> found.value().spec().name().value())
                .containsExactlyInAnyOrderElementsOf(names)
                .satisfies(found -> assertThat(found.indexOf("a") + 1).isEqualTo(found.lastIndexOf("a")));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 1000})
    void openOperations_pageByPage_areAll(int limit) throws Exception {
        List<Operation> operations =
                Stream.generate(() -> operation(newOperationId())).limit(3).toList();
        for (Operation each : operations) {
            commit(new PutOperation(each, LedgerChange.ABSENT));
        }

        assertThat(pages(limit, (size, after) -> ledger().openOperations(cluster, size, after, soon()), 3))
                .extracting(Versioned::value)
                .containsExactlyInAnyOrderElementsOf(operations);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "#", "../..", "JOB#a", "a b", "{}", "HISTORY#2013", "\u0000", "🛬"})
    void page_tokenThatNoPageGave_isRefused(String token) {
        assertRefused(ErrorCode.FIELD_INVALID, () -> ledger().jobs(cluster, 1, token, soon()));
        assertRefused(ErrorCode.FIELD_INVALID, () -> ledger().history(cluster, name, 1, token, soon()));
        assertRefused(ErrorCode.FIELD_INVALID, () -> ledger().livingAttempts(cluster, 1, token, soon()));
        assertRefused(ErrorCode.FIELD_INVALID, () -> ledger().openOperations(cluster, 1, token, soon()));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 1001})
    void page_limitOutOfRange_isAMistake(int limit) {
        assertThatIllegalArgumentException().isThrownBy(() -> ledger().jobs(cluster, limit, null, soon()));
        assertThatIllegalArgumentException().isThrownBy(() -> ledger().history(cluster, name, limit, null, soon()));
        assertThatIllegalArgumentException().isThrownBy(() -> ledger().livingAttempts(cluster, limit, null, soon()));
        assertThatIllegalArgumentException().isThrownBy(() -> ledger().openOperations(cluster, limit, null, soon()));
    }

    @Test
    void commit_sameVersionFromManyThreads_isMadeOncePerVersion() throws Exception {
        RequestRecord request = request("r");
        Map<Long, String> winners = new ConcurrentHashMap<>();
        commit(new PutRequest(request, LedgerChange.ABSENT));

        atOnce(thread -> {
            for (int won = 0; won < 5; ) {
                Versioned<RequestRecord> read =
                        ledger().findRequest(request.key(), soon()).orElseThrow();
                RequestRecord next = request(request.key(), read.value().tryNumber() + 1);
                HistoryEntry line = line(THEN.plusSeconds(read.version()), "from " + read.version());
                try {
                    commit(new PutRequest(next, read.version()), new AddHistory(line));
                } catch (LedgerConflictException e) {
                    continue;
                }
                assertThat(winners.put(read.version(), "thread " + thread)).isNull();
                won++;
            }
        });

        int made = THREADS * 5;
        assertThat(ledger().findRequest(request.key(), soon()))
                .contains(new Versioned<>(request(request.key(), made + 1), made + 1L));
        assertThat(winners).hasSize(made);
        assertThat(ledger().history(cluster, name, 1000, null, soon()).items())
                .extracting(HistoryEntry::detail)
                .containsExactly(IntStream.range(0, made)
                        .mapToObj(i -> "from " + (made - i))
                        .toArray(String[]::new));
    }

    @Test
    void commit_newRecordFromManyThreads_isMadeOnce() throws Exception {
        List<FlinkJobId> winners = Collections.synchronizedList(new ArrayList<>());

        atOnce(thread -> {
            FlinkJobId id = newId();
            try {
                commit(
                        new PutJob(new Job(cluster, name, JobKind.STREAM, id, null), LedgerChange.ABSENT),
                        new PutAttempt(attempt(id), LedgerChange.ABSENT));
                winners.add(id);
            } catch (LedgerConflictException lost) {
                assertThat(ledger().findAttempt(cluster, id, soon())).isEmpty();
            }
        });

        assertThat(winners).hasSize(1);
        assertThat(ledger().findJob(cluster, name, soon()).orElseThrow().value().active())
                .isEqualTo(winners.getFirst());
    }

    @Test
    void commit_event_isReadWhole() throws Exception {
        JobEvent whole = new JobEvent(
                EventId.derive(cluster, name, 1),
                "Flink Job State Changed",
                2,
                cluster,
                name,
                1,
                newId(),
                new RequestId("r"),
                THEN,
                Map.of(
                        "text",
                        "Zürich 日本 🛬 \"{}\"",
                        "empty",
                        "",
                        "number",
                        Long.MIN_VALUE,
                        "truth",
                        true,
                        "lie",
                        false,
                        "list",
                        List.of(Map.of("text", "Zürich", "number", 1L, "truth", true), Map.of()),
                        "nothing",
                        List.of()));
        JobEvent least = new JobEvent(
                EventId.derive(cluster, name, 2),
                "Flink Data Ready",
                1,
                cluster,
                name,
                2,
                newId(),
                null,
                THEN,
                Map.of());

        commit(new AddEvent(whole, true), new AddEvent(least, false));

        assertThat(ledger().events(cluster, name, 0, 10, soon())).isEqualTo(new Page<>(List.of(whole, least), null));
        assertThat(ledger().pendingEvents(cluster, 10, null, soon())).isEqualTo(new Page<>(List.of(whole), null));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 11, 12, 1000})
    void events_oldestFirst_pageByPage(int limit) throws Exception {
        JobName longer = new JobName("flight-delays-2");
        for (long sequence = 11; sequence >= 1; sequence--) {
            // That one was recorded later, or by a clock that is behind, makes no difference.
            commit(new AddEvent(event(name, sequence), true));
        }
        commit(new AddEvent(event(longer, 1), true), new AddHistory(line(THEN, null)));

        assertThat(pages(
                        limit,
                        (most, after) ->
                                ledger().events(cluster, name, after == null ? 0 : Long.parseLong(after), most, soon()),
                        11))
                .extracting(JobEvent::sequence)
                .containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L, 11L);
        assertThat(ledger().events(cluster, name, 9, limit, soon()).items())
                .extracting(JobEvent::sequence)
                .first()
                .isEqualTo(10L);
        assertThat(ledger().events(cluster, name, 11, limit, soon()).items()).isEmpty();
    }

    @Test
    void events_behindANumberThatIsMissing_beginsBehindIt() throws Exception {
        commit(new AddEvent(event(name, 3), false), new AddEvent(event(name, 5), false));

        assertThat(ledger().events(cluster, name, 1, 10, soon()).items())
                .extracting(JobEvent::sequence)
                .containsExactly(3L, 5L);
        assertThat(ledger().events(cluster, name, 4, 10, soon()).items())
                .extracting(JobEvent::sequence)
                .containsExactly(5L);
        assertThat(ledger().events(cluster, name, 999_999_999_999L, 10, soon()).items())
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void commit_eventWithANumberThatIsTaken_conflicts(boolean pending) throws Exception {
        JobEvent first = event(name, 1);
        commit(new AddEvent(first, pending));
        ledger().published(List.of(first), soon());

        assertConflict(new AddEvent(event(name, 1), pending), new AddHistory(line(THEN, "never")));

        assertThat(ledger().events(cluster, name, 0, 10, soon()).items()).containsExactly(first);
        assertThat(ledger().pendingEvents(cluster, 10, null, soon()).items()).isEmpty();
        assertThat(ledger().history(cluster, name, 10, null, soon()).items()).isEmpty();
    }

    @Test
    void commit_eventBesideWhatIsStale_isNotRecorded() throws Exception {
        Job job = new Job(cluster, name, JobKind.STREAM, null, null);
        commit(new PutJob(job, LedgerChange.ABSENT));

        assertConflict(new PutJob(job.told(1), LedgerChange.ABSENT), new AddEvent(event(name, 1), true));

        assertThat(ledger().events(cluster, name, 0, 10, soon()).items()).isEmpty();
        assertThat(ledger().pendingEvents(cluster, 10, null, soon()).items()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 1000})
    void pendingEvents_oldestFirst_untilTheyAreSaidToBePublished(int limit) throws Exception {
        JobName other = new JobName("a-job");
        JobEvent oldest = event(name, 2, THEN.minusSeconds(60));
        JobEvent second = event(other, 1, THEN);
        JobEvent third = event(name, 1, THEN);
        JobEvent newest = event(other, 2, THEN.plusNanos(1));
        commit(new AddEvent(newest, true), new AddEvent(third, true));
        commit(new AddEvent(second, true), new AddEvent(oldest, true));

        assertThat(pages(limit, (most, after) -> ledger().pendingEvents(cluster, most, after, soon()), 4))
                .containsExactly(oldest, second, third, newest);

        ledger().published(List.of(second, newest), soon());
        ledger().published(List.of(second), soon());

        assertThat(pages(limit, (most, after) -> ledger().pendingEvents(cluster, most, after, soon()), 2))
                .containsExactly(oldest, third);
        assertThat(ledger().events(cluster, other, 0, 10, soon()).items()).containsExactly(second, newest);
        ClusterName elsewhere = new ClusterName(cluster + "-2");
        assertThat(ledger().pendingEvents(elsewhere, 10, null, soon()).items()).isEmpty();
    }

    @Test
    void pendingEvents_notATokenOfItsOwn_isRefused() {
        assertRefused(ErrorCode.FIELD_INVALID, () -> ledger().pendingEvents(cluster, 1, "hunter2", soon()));
    }

    @Test
    void commit_eventsFromManyThreads_areNumberedWithoutGaps() throws Exception {
        commit(new PutJob(new Job(cluster, name, JobKind.STREAM, null, null), LedgerChange.ABSENT));
        int each = 5;

        atOnce(thread -> {
            for (int made = 0; made < each; ) {
                Versioned<Job> job = ledger().findJob(cluster, name, soon()).orElseThrow();
                try {
                    commit(
                            new PutJob(job.value().told(1), job.version()),
                            new AddEvent(event(name, job.value().lastEvent() + 1), true));
                } catch (LedgerConflictException lost) {
                    continue;
                }
                made++;
            }
        });

        assertThat(ledger().events(cluster, name, 0, 1000, soon()).items())
                .extracting(JobEvent::sequence)
                .containsExactly(IntStream.rangeClosed(1, THREADS * each)
                        .mapToObj(Long::valueOf)
                        .toArray(Long[]::new));
        assertThat(ledger().findJob(cluster, name, soon()).orElseThrow().value().lastEvent())
                .isEqualTo((long) THREADS * each);
    }

    private JobEvent event(JobName job, long sequence) {
        return event(job, sequence, THEN);
    }

    private JobEvent event(JobName job, long sequence, Instant at) {
        return new JobEvent(
                EventId.derive(cluster, job, sequence),
                "Flink Job State Changed",
                1,
                cluster,
                job,
                sequence,
                newId(),
                new RequestId("r"),
                at,
                Map.of("state", "RUNNING"));
    }

    @Test
    void anyCall_pastItsDeadline_isUnavailableAndWithoutEffect() {
        Deadline past = Deadline.in(Duration.ZERO, Clock.systemUTC());
        Job job = new Job(cluster, name, JobKind.STREAM, null, null);

        for (ThrowingCallable call : List.<ThrowingCallable>of(
                () -> ledger().findJob(cluster, name, past),
                () -> ledger().findRequest(key("r"), past),
                () -> ledger().findAttempt(cluster, newId(), past),
                () -> ledger().findOperation(newOperationId(), past),
                () -> ledger().savepoints(cluster, name, past),
                () -> ledger().jobs(cluster, 1, null, past),
                () -> ledger().history(cluster, name, 1, null, past),
                () -> ledger().events(cluster, name, 0, 1, past),
                () -> ledger().pendingEvents(cluster, 1, null, past),
                () -> ledger().livingAttempts(cluster, 1, null, past),
                () -> ledger().openOperations(cluster, 1, null, past),
                () -> ledger().findAttempts(cluster, Set.of(newId()), past),
                () -> ledger().published(List.of(event(name, 1)), past),
                () -> ledger().commit(List.of(new PutJob(job, LedgerChange.ABSENT)), past))) {
            assertRefused(ErrorCode.LEDGER_UNAVAILABLE, call);
        }
        assertThat(ledger().findJob(cluster, name, soon())).isEmpty();
    }

    private interface Racer {
        void run(int thread) throws Exception;
    }

    private static void atOnce(Racer racer) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Callable<Void>> racers = IntStream.range(0, THREADS)
                    .<Callable<Void>>mapToObj(thread -> () -> {
                        racer.run(thread);
                        return null;
                    })
                    .toList();
            for (Future<Void> future : threads.invokeAll(racers)) {
                future.get();
            }
        }
    }

    private static <T> List<T> pages(int limit, BiFunction<Integer, String, Page<T>> ask, int total) {
        List<T> all = new ArrayList<>();
        String after = null;
        do {
            Page<T> page = ask.apply(limit, after);
            assertThat(page.items()).hasSize(Math.min(limit, total - all.size()));
            all.addAll(page.items());
            after = page.next();
        } while (after != null);
        return all;
    }

    private void commit(LedgerChange... changes) throws LedgerConflictException {
        ledger().commit(List.of(changes), soon());
    }

    private void assertConflict(LedgerChange... changes) {
        assertThatExceptionOfType(LedgerConflictException.class).isThrownBy(() -> commit(changes));
    }

    private static void assertRefused(ErrorCode code, ThrowingCallable call) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(call)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    private RequestKey key(String id) {
        return new RequestKey(cluster, name, "submit-job", new RequestId(id));
    }

    private RequestRecord request(String id) {
        return request(key(id), 1);
    }

    private static RequestRecord request(RequestKey key, int tryNumber) {
        return new RequestRecord(key, tryNumber, "ab".repeat(32), 0, null, null, null, THEN);
    }

    private RequestRecord requestWithOptional(String id, int present) {
        return new RequestRecord(
                key(id),
                1_000_000,
                "ab".repeat(32),
                7,
                present == 1 || present == 4 ? newId() : null,
                present == 2 || present == 4 ? newOperationId() : null,
                present == 3 || present == 4 ? new Refusal(ErrorCode.JOB_KIND_MISMATCH, "It is a RUN.") : null,
                THEN);
    }

    private JobSpec spec() {
        return specIn(cluster, name);
    }

    private static JobSpec specIn(ClusterName cluster, JobName name) {
        return new JobSpec(
                name,
                JobKind.STREAM,
                cluster,
                new JarReference(JarUri.parse("s3://jars/job.jar"), null, null),
                null,
                List.of("--day", "2013-01-05"),
                2,
                new RestorePoint.None(),
                OnUnknown.REFUSE);
    }

    private Attempt attempt(FlinkJobId id) {
        return withoutOptionals(id, spec());
    }

    private static Attempt withoutOptionals(FlinkJobId id, JobSpec spec) {
        return new Attempt(
                id,
                new RequestId("r#1"),
                1,
                spec,
                null,
                null,
                new Request(new RequestId("r#1"), 1),
                AttemptState.PREPARING,
                THEN,
                THEN.plusSeconds(30),
                null,
                null,
                new OperationId("1".repeat(32)),
                null,
                null,
                null,
                null,
                0,
                null,
                null,
                null);
    }

    /** With the one optional field of that number, with none for 0. */
    private Attempt withOptional(FlinkJobId id, int present) {
        return new Attempt(
                id,
                new RequestId("r#1"),
                12,
                spec(),
                present == 1 ? "cd".repeat(32) : null,
                present >= 11
                        ? new RunJar(new JarDigest("ab".repeat(32)), present == 11 ? null : "3/L4kqtJlcpXroDTDmJ+rmSp")
                        : null,
                new Request(new RequestId("another#2"), 3),
                List.of(AttemptState.values()).get(present % 8),
                THEN,
                THEN.plusSeconds(30),
                present == 2 ? "http://10.0.0.1:8081 1700000000000" : null,
                present == 3 ? PATH : null,
                new OperationId("1".repeat(32)),
                present == 4 ? new OperationId("2".repeat(32)) : null,
                present == 5 ? THEN : null,
                present == 6 ? THEN.plusSeconds(1) : null,
                present >= 7 ? new Refusal(ErrorCode.PROGRAM_FAILED, present == 7 ? "" : "It fell.") : null,
                Long.MAX_VALUE,
                present >= 9 ? THEN.plusSeconds(2) : null,
                present >= 10 ? THEN.plusSeconds(3) : null,
                present >= 12 ? Integer.valueOf(4) : null);
    }

    private Operation operation(OperationId id) {
        return operationWithOptional(id, 0);
    }

    private Operation operationWithOptional(OperationId id, int present) {
        return new Operation(
                id,
                List.of(OperationType.values()).get(present % 7),
                cluster,
                name,
                new FlinkJobId("3".repeat(32)),
                new Request(new RequestId("r"), 2),
                present == 5 ? OperationState.FAILED : OperationState.PENDING,
                present == 1 ? TriggerId.of(id) : null,
                present == 2 ? new StoragePath("s3://state/savepoints/op") : null,
                present == 1
                        ? SavepointOrigin.PERIODIC
                        : List.of(OperationType.values()).get(present % 7).savepointOrigin(),
                present == 1,
                present == 3 ? PATH : null,
                present >= 4 ? "It failed: Zürich\nis closed." : null,
                THEN,
                present == 5 ? THEN.plusSeconds(1) : null,
                present >= 6 ? upgrade(present == 7) : null,
                present == 8 ? new Rescale(2, 4, true, THEN.plusSeconds(5)) : null);
    }

    private Upgrade upgrade(boolean whole) {
        return new Upgrade(
                attempt(newId()).spec(),
                "5".repeat(64),
                Upgrade.Mode.LAST_STATE,
                Upgrade.AfterCommit.ACCEPT_DUPLICATES,
                Duration.ofHours(1),
                Upgrade.Step.JUDGING_RETURN,
                whole ? THEN.plusSeconds(4) : null,
                new OperationId("6".repeat(32)),
                whole ? new FlinkJobId("7".repeat(32)) : null,
                whole ? new OperationId("8".repeat(32)) : null,
                whole ? new FlinkJobId("9".repeat(32)) : null,
                whole ? "It isn't STABLE." : null,
                whole ? new Upgrade.Repeated(THEN, THEN.plusSeconds(9)) : null,
                whole ? Upgrade.Ending.ROLLED_BACK : null);
    }

    private Savepoint savepoint(OperationId operation, Instant completedAt) {
        return new Savepoint(
                cluster,
                name,
                new FlinkJobId("3".repeat(32)),
                operation,
                SavepointOrigin.USER_REQUEST,
                PATH,
                completedAt,
                true,
                0,
                false,
                null);
    }

    private HistoryEntry line(Instant at, String detail) {
        return line(cluster, name, at, detail);
    }

    private static HistoryEntry line(ClusterName cluster, JobName job, Instant at, String detail) {
        return new HistoryEntry(cluster, job, at, Event.ATTEMPT_SUBMITTED, null, null, null, detail);
    }

    private static FlinkJobId newId() {
        return new FlinkJobId(randomHex());
    }

    private static OperationId newOperationId() {
        return new OperationId(randomHex());
    }

    private static String randomHex() {
        return UUID.randomUUID().toString().replace("-", "");
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(20), Clock.systemUTC());
    }
}
