package io.sluiceway.ledger.dynamodb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.EventId;
import io.sluiceway.event.JobEvent;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.JobLedgerContract;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerChange.AddEvent;
import io.sluiceway.ledger.LedgerChange.AddHistory;
import io.sluiceway.ledger.LedgerChange.AddSavepoint;
import io.sluiceway.ledger.LedgerChange.PutAttempt;
import io.sluiceway.ledger.LedgerChange.PutJob;
import io.sluiceway.ledger.LedgerChange.PutOperation;
import io.sluiceway.ledger.LedgerChange.PutRequest;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.RequestRecord;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.DynamoDbLossyProxy;
import io.sluiceway.testing.DynamoDbLossyProxy.Loss;
import io.sluiceway.testing.DynamoDbTable;
import io.sluiceway.time.Deadline;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/** What the ledger promises on any DynamoDB. */
abstract class DynamoDbJobLedgerContract extends JobLedgerContract {
    private static final String CANARY = "canary-7f3a";
    private static final Instant NOW = Instant.parse("2013-01-05T10:00:00.5Z");
    private static final String EXPIRY =
            Long.toString(NOW.plus(DynamoDbTable.RETENTION).getEpochSecond());
    private static final StoragePath PATH = new StoragePath("s3://state/savepoints/savepoint-1");

    private final ClusterName cluster =
            new ClusterName("adapter-" + UUID.randomUUID().toString().substring(0, 8));

    private final JobName name = new JobName("flight-delays");

    /** A table of the DynamoDB under test. */
    protected abstract DynamoDbTable table();

    @Override
    protected JobLedger ledger() {
        return table().ledger();
    }

    @Test
    void commit_whatHasToStay_neverExpires() throws Exception {
        Attempt stopped = attempt(JobKind.STREAM, AttemptState.FINISHED);
        Attempt living = attempt(JobKind.RUN, AttemptState.SUBMITTED);
        Operation pending = operation(OperationState.PENDING);

        commitNow(
                new PutJob(job(), LedgerChange.ABSENT),
                new PutAttempt(stopped, LedgerChange.ABSENT),
                new PutAttempt(living, LedgerChange.ABSENT),
                new PutOperation(pending, LedgerChange.ABSENT),
                new AddSavepoint(savepoint()));

        assertThat(items()).hasSize(7);
        assertThat(expiries()).containsOnlyNulls();
    }

    /** Nobody may ever see it again; its own record stays, for whoever does. */
    @Test
    void commit_attemptOfUnknownFate_isListedForTheRetention() throws Exception {
        Attempt unknown = attempt(JobKind.RUN, AttemptState.UNKNOWN);

        commitNow(new PutAttempt(unknown, LedgerChange.ABSENT));

        assertThat(ofType("ATTEMPT"))
                .singleElement()
                .satisfies(item -> assertThat(item).doesNotContainKey("expiresAt"));
        assertThat(ofType("LIVING"))
                .singleElement()
                .satisfies(item -> assertThat(item.get("expiresAt").n()).isEqualTo(EXPIRY));
        Attempt seen = unknown.change().submitted(NOW).made();
        commitNow(new PutAttempt(seen, 1));
        assertThat(ofType("LIVING"))
                .singleElement()
                .satisfies(item -> assertThat(item).doesNotContainKey("expiresAt"));
    }

    @Test
    void commit_whatHasNotEnded_liesWholeInASecondPlaceUntilItHas() throws Exception {
        Attempt attempt = attempt(JobKind.STREAM, AttemptState.SUBMITTED);
        Operation operation = operation(OperationState.PENDING);
        commitNow(new PutAttempt(attempt, LedgerChange.ABSENT), new PutOperation(operation, LedgerChange.ABSENT));

        assertThat(items())
                .extracting(item -> item.get("pk").s() + " " + item.get("sk").s())
                .containsExactlyInAnyOrder(
                        "ATTEMPT#%s#%s ATTEMPT".formatted(cluster, attempt.id()),
                        "LIVING#%s LIVING#flight-delays#%s".formatted(cluster, attempt.id()),
                        "OPERATION#%s OPERATION".formatted(operation.id()),
                        "OPEN#%s OPEN#flight-delays#%s".formatted(cluster, operation.id()));

        commitNow(
                new PutAttempt(
                        attempt.change().ended(AttemptState.FINISHED, NOW).made(), 1),
                new PutOperation(operation.completed(null, NOW), 1));

        assertThat(items()).extracting(item -> item.get("type").s()).containsExactlyInAnyOrder("ATTEMPT", "OPERATION");
    }

    @Test
    void commit_whatMayGo_expiresAfterTheRetention() throws Exception {
        commitNow(
                new PutRequest(request(), LedgerChange.ABSENT),
                new PutAttempt(attempt(JobKind.RUN, AttemptState.FAILED), LedgerChange.ABSENT),
                new PutOperation(operation(OperationState.COMPLETED), LedgerChange.ABSENT),
                new PutOperation(operation(OperationState.ABANDONED), LedgerChange.ABSENT),
                new AddHistory(line()));

        assertThat(expiries()).hasSize(5).containsOnly(EXPIRY);
    }

    @Test
    void commit_event_expiresAfterARetentionOfItsOwnPublishedOrNot() throws Exception {
        JobEvent event = new JobEvent(
                EventId.derive(cluster, name, 7),
                "Flink Savepoint Completed",
                1,
                cluster,
                name,
                7,
                newId(),
                null,
                NOW,
                Map.of("verified", true));

        commitNow(new AddEvent(event, true));

        assertThat(expiries())
                .hasSize(2)
                .containsOnly(
                        Long.toString(NOW.plus(DynamoDbTable.EVENT_RETENTION).getEpochSecond()));
        assertThat(items())
                .extracting(item -> item.get("pk").s() + " " + item.get("sk").s())
                .containsExactlyInAnyOrder(
                        "JOB#%s#flight-delays EVENT#000000000007".formatted(cluster),
                        "PENDING#%s EVENT#2013-01-05T10:00:00.500000000Z#flight-delays#000000000007"
                                .formatted(cluster));
        assertThat(items().getFirst())
                .containsEntry("detailType", AttributeValue.fromS("Flink Savepoint Completed"))
                .containsEntry("eventId", AttributeValue.fromS(event.id().value()));
    }

    @Test
    void findJob_writtenBeforeThereWereEvents_hasNone() throws Exception {
        commitNow(new PutJob(job(), LedgerChange.ABSENT));
        Map<String, AttributeValue> old = new HashMap<>(items().getFirst());
        old.remove("lastEvent");
        table().client().putItem(put -> put.tableName(table().name()).item(old));

        assertThat(ledger().findJob(cluster, name, soon())).contains(new Versioned<>(job(), 1));
    }

    @Test
    void commit_requestAgain_keepsItTheWholeTimeAnew() throws Exception {
        RequestRecord request = request();
        commitNow(new PutRequest(request, LedgerChange.ABSENT));

        ledger().commit(
                        List.of(new PutRequest(request, 1)),
                        Deadline.in(Duration.ofSeconds(20), Clock.fixed(NOW.plusSeconds(7), ZoneOffset.UTC)));

        assertThat(expiries()).containsExactly(Long.toString(Long.parseLong(EXPIRY) + 7));
    }

    @Test
    void findRequest_expired_isStillThere() throws Exception {
        RequestRecord request = request();
        ledger().commit(
                        List.of(new PutRequest(request, LedgerChange.ABSENT)),
                        Deadline.in(
                                Duration.ofSeconds(20),
                                Clock.fixed(Instant.parse("1999-01-05T10:00:00Z"), ZoneOffset.UTC)));

        assertThat(ledger().findRequest(request.key(), soon())).contains(new Versioned<>(request, 1));
    }

    @Test
    void commit_attempt_canBeReadByAPerson() throws Exception {
        Attempt attempt = attempt(JobKind.STREAM, AttemptState.PREPARING);

        commitNow(new PutAttempt(attempt, LedgerChange.ABSENT));

        Map<String, AttributeValue> item = ofType("ATTEMPT").getFirst();
        assertThat(item.get("version").n()).isEqualTo("1");
        assertThat(item.get("commitId").s()).matches("[0-9a-f]{32}");
        assertThat(item.get("createdAt").s()).isEqualTo("2013-01-05T10:00:00.500Z");
        assertThat(item.get("spec").m().get("args").l())
                .containsExactly(AttributeValue.fromS("--day"), AttributeValue.fromS(CANARY));
        assertThat(item.get("owner").m()).containsEntry("try", AttributeValue.fromN("2"));
        assertThat(item).doesNotContainKeys("stop", "failure", "endedAt");
    }

    @Test
    void commit_mostArgumentsThatAJobMayHave_areStored() throws Exception {
        Attempt attempt = attempt(JobKind.RUN, AttemptState.PREPARING, Collections.nCopies(128, "ü".repeat(1024)));

        commitNow(new PutAttempt(attempt, LedgerChange.ABSENT));

        assertThat(ledger().findAttempt(cluster, attempt.id(), soon())).contains(new Versioned<>(attempt, 1));
    }

    @Test
    void commit_historyOverSeveralAnswers_isReadWhole() throws Exception {
        // A query's answer holds a megabyte.
        int lines = 0;
        for (; lines < 6; lines++) {
            commitNow(new AddHistory(new HistoryEntry(
                    cluster,
                    name,
                    NOW.plusSeconds(lines),
                    HistoryEntry.Event.ATTEMPT_ENDED,
                    null,
                    null,
                    null,
                    "x".repeat(300_000))));
        }

        assertThat(ledger().history(cluster, name, 5, null, soon()).items()).hasSize(5);
        assertThat(ledger().history(cluster, name, 1000, null, soon()).items()).hasSize(lines);
    }

    @Test
    void anyCall_tableThatIsMissing_isInvalid() {
        DynamoDbJobLedger ledger =
                new DynamoDbJobLedger(() -> table().client(), "no-such-table", Duration.ofDays(1), Duration.ofDays(1));

        for (String verb : List.of("get", "query", "commit")) {
            assertThatExceptionOfType(RefusedException.class)
                    .as(verb)
                    .isThrownBy(() -> {
                        switch (verb) {
                            case "get" -> ledger.findJob(cluster, name, soon());
                            case "query" -> ledger.history(cluster, name, 1, null, soon());
                            default -> ledger.commit(List.of(new PutJob(job(), LedgerChange.ABSENT)), soon());
                        }
                    })
                    .withMessage("There is no table 'no-such-table' in the function's account and Region.")
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.LEDGER_INVALID));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"type", "version", "state", "spec", "owner", "restarts", "until"})
    void findAttempt_attributeMissingOrOfAnotherKind_isInvalidAndQuotesNothing(String attribute) throws Exception {
        Attempt attempt = attempt(JobKind.STREAM, AttemptState.SUBMITTED);
        commitNow(new PutAttempt(attempt, LedgerChange.ABSENT));
        Map<String, AttributeValue> whole = ofType("ATTEMPT").getFirst();
        for (AttributeValue broken : new AttributeValue[] {
            null, AttributeValue.fromS(CANARY), AttributeValue.fromN("1.5"), AttributeValue.fromBool(true)
        }) {
            Map<String, AttributeValue> item = new HashMap<>(whole);
            if (broken == null) {
                item.remove(attribute);
            } else {
                item.put(attribute, broken);
            }
            table().client().putItem(put -> put.tableName(table().name()).item(item));

            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> ledger().findAttempt(cluster, attempt.id(), soon()))
                    .withMessageContaining(attribute + " of 'ATTEMPT#" + cluster)
                    .withMessageNotContaining(CANARY)
                    .withNoCause()
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.LEDGER_INVALID));
        }
    }

    @Test
    void findAttempt_specThatIsNone_isInvalidAndQuotesNothing() throws Exception {
        Attempt attempt = attempt(JobKind.STREAM, AttemptState.SUBMITTED);
        commitNow(new PutAttempt(attempt, LedgerChange.ABSENT));
        for (Map<String, AttributeValue> change : List.of(
                Map.of("parallelism", AttributeValue.fromN("0")),
                Map.of("entryClass", AttributeValue.fromS("../" + CANARY)),
                Map.of("onUnknown", AttributeValue.fromS(CANARY)),
                Map.of("restore", AttributeValue.fromM(Map.of("mode", AttributeValue.fromS(CANARY)))),
                Map.of("args", AttributeValue.fromL(List.of(AttributeValue.fromS("\u0000" + CANARY)))),
                Map.of("args", AttributeValue.fromL(List.of(AttributeValue.fromN("1")))))) {
            Map<String, AttributeValue> item = new HashMap<>(ofType("ATTEMPT").getFirst());
            Map<String, AttributeValue> spec = new HashMap<>(item.get("spec").m());
            spec.putAll(change);
            Map<String, AttributeValue> broken = new HashMap<>(item);
            broken.put("spec", AttributeValue.fromM(spec));
            table().client().putItem(put -> put.tableName(table().name()).item(broken));

            assertThatExceptionOfType(RefusedException.class)
                    .as(change.toString())
                    .isThrownBy(() -> ledger().findAttempt(cluster, attempt.id(), soon()))
                    .withMessageNotContaining(CANARY)
                    .withNoCause()
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.LEDGER_INVALID));
            table().client().putItem(put -> put.tableName(table().name()).item(item));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"ANSWER_LOST", "ANSWER_LOST_AND_TOKEN_FORGOTTEN", "CALL_LOST"})
    void commit_firstTryLost_isMadeOnce(Loss loss) throws Exception {
        Attempt attempt = attempt(JobKind.STREAM, AttemptState.PREPARING);
        commitNow(new PutJob(job(), LedgerChange.ABSENT));

        throughProxy(loss, () -> {}, ledger -> {
            ledger.commit(List.of(new PutAttempt(attempt, LedgerChange.ABSENT)), soon());
            ledger.commit(List.of(new PutJob(job().taken(attempt.id()), 1), new AddHistory(line())), soon());
        });

        assertThat(ledger().findJob(cluster, name, soon())).contains(new Versioned<>(job().taken(attempt.id()), 2));
        assertThat(ledger().findAttempt(cluster, attempt.id(), soon())).contains(new Versioned<>(attempt, 1));
        assertThat(ledger().history(cluster, name, 10, null, soon()).items()).hasSize(1);
    }

    @Test
    void commit_firstTryMadeAndReplacedByOthers_isSeenByItsHistory() throws Exception {
        Job taken = job().taken(newId());
        Job free = taken.free().withLast(newId());
        commitNow(new PutJob(job(), LedgerChange.ABSENT));

        throughProxy(
                Loss.ANSWER_LOST_AND_TOKEN_FORGOTTEN,
                () -> commitNow(new PutJob(free, 2)),
                ledger -> ledger.commit(List.of(new PutJob(taken, 1), new AddHistory(line())), soon()));

        assertThat(ledger().findJob(cluster, name, soon())).contains(new Versioned<>(free, 3));
        assertThat(ledger().history(cluster, name, 10, null, soon()).items()).hasSize(1);
    }

    @Test
    void commit_firstTryMadeAndReplacedByOthersWithoutHistory_isUnavailable() throws Exception {
        Job taken = job().taken(newId());
        commitNow(new PutJob(job(), LedgerChange.ABSENT));

        throughProxy(
                Loss.ANSWER_LOST_AND_TOKEN_FORGOTTEN,
                () -> commitNow(new PutJob(taken.free(), 2)),
                ledger -> assertThatExceptionOfType(RefusedException.class)
                        .isThrownBy(() -> ledger.commit(List.of(new PutJob(taken, 1)), soon()))
                        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.LEDGER_UNAVAILABLE)));
    }

    @Test
    void commit_firstTryLostAndSomebodyElseFaster_conflicts() throws Exception {
        Job others = job().taken(newId());
        commitNow(new PutJob(job(), LedgerChange.ABSENT));

        throughProxy(
                Loss.CALL_LOST,
                () -> commitNow(new PutJob(others, 1)),
                ledger -> assertThatExceptionOfType(LedgerConflictException.class)
                        .isThrownBy(() -> ledger.commit(
                                List.of(new PutJob(job().taken(newId()), 1), new AddHistory(line())), soon()))
                        .withMessage("'CLUSTER#%s JOB#flight-delays' was changed by somebody else since it was read."
                                .formatted(cluster)));

        assertThat(ledger().findJob(cluster, name, soon())).contains(new Versioned<>(others, 2));
        assertThat(ledger().history(cluster, name, 10, null, soon()).items()).isEmpty();
    }

    private interface Act {
        void on(JobLedger ledger) throws Exception;
    }

    /** Lets the first try of each commit be lost, and somebody else act before its second. */
    private void throughProxy(Loss loss, DynamoDbLossyProxy.Act meanwhile, Act act) throws Exception {
        try (DynamoDbLossyProxy proxy = new DynamoDbLossyProxy(table().url(), "TransactWriteItems", loss, meanwhile);
                DynamoDbClient client = DynamoDbTable.client(proxy.url())) {
            act.on(new DynamoDbJobLedger(
                    () -> client, table().name(), DynamoDbTable.RETENTION, DynamoDbTable.EVENT_RETENTION));
        }
    }

    private void commitNow(LedgerChange... changes) throws LedgerConflictException {
        ledger().commit(List.of(changes), Deadline.in(Duration.ofSeconds(20), Clock.fixed(NOW, ZoneOffset.UTC)));
    }

    /** This test's items. */
    private List<Map<String, AttributeValue>> items() {
        return table().items().stream()
                .filter(item -> item.toString().contains(cluster.value()))
                .toList();
    }

    private List<Map<String, AttributeValue>> ofType(String type) {
        return items().stream()
                .filter(item -> item.get("type").s().equals(type))
                .toList();
    }

    private List<String> expiries() {
        return items().stream()
                .map(item -> item.get("expiresAt"))
                .map(expiry -> expiry == null ? null : expiry.n())
                .toList();
    }

    private Job job() {
        return new Job(cluster, name, JobKind.STREAM, null, null);
    }

    private RequestRecord request() {
        return new RequestRecord(
                new RequestKey(cluster, name, "submit-job", new RequestId("r")), 1, "ab", 0, null, null, null, NOW);
    }

    private HistoryEntry line() {
        return new HistoryEntry(cluster, name, NOW, HistoryEntry.Event.ATTEMPT_INTENDED, null, null, null, null);
    }

    private Savepoint savepoint() {
        return new Savepoint(
                cluster,
                name,
                newId(),
                new OperationId(newId().value()),
                SavepointOrigin.STOP,
                PATH,
                NOW,
                true,
                0,
                false,
                null);
    }

    private Operation operation(OperationState state) {
        return new Operation(
                new OperationId(newId().value()),
                OperationType.CANCEL,
                cluster,
                name,
                newId(),
                new Request(new RequestId("r"), 1),
                state,
                null,
                null,
                null,
                false,
                null,
                null,
                NOW,
                null);
    }

    private Attempt attempt(JobKind kind, AttemptState state) {
        return attempt(kind, state, List.of("--day", CANARY));
    }

    private Attempt attempt(JobKind kind, AttemptState state, List<String> arguments) {
        return new Attempt(
                newId(),
                new RequestId("r"),
                1,
                new JobSpec(
                        name,
                        kind,
                        cluster,
                        new JarReference(JarUri.parse("s3://jars/job.jar"), null, null),
                        null,
                        arguments,
                        null,
                        new RestorePoint.None(),
                        OnUnknown.REFUSE),
                null,
                null,
                new Request(new RequestId("r"), 2),
                state,
                NOW,
                NOW.plusSeconds(30),
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

    private static FlinkJobId newId() {
        return new FlinkJobId(UUID.randomUUID().toString().replace("-", ""));
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(20), Clock.systemUTC());
    }
}
