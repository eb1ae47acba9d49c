package io.sluiceway.ledger.dynamodb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.net.httpserver.HttpExchange;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.testing.DynamoDbTable;
import io.sluiceway.testing.Processes;
import io.sluiceway.testing.StubServer;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

/** A DynamoDB that is down, slow, busy, or says no. */
class DynamoDbJobLedgerFaultsTest {
    private static final String CANARY = "canary-7f3a";
    private static final ClusterName CLUSTER = new ClusterName("stub");
    private static final JobName JOB = new JobName("job");
    private static final Pattern TOKEN = Pattern.compile("\"ClientRequestToken\":\"([^\"]*)\"");

    private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch never = new CountDownLatch(1);

    private interface Act {
        void on(DynamoDbJobLedger ledger) throws Exception;
    }

    @Test
    void findJob_dynamoDbDown_isUnavailable() {
        assertUnavailable(
                "DynamoDB gave no whole answer for table 'ledger' (ConnectException).",
                () -> at(URI.create("http://127.0.0.1:" + Processes.freePort()), DynamoDbJobLedgerFaultsTest::read));
    }

    @Test
    void findJob_noAnswer_isUnavailableByTheDeadline() {
        assertUnavailableSoon(exchange -> never.await());
    }

    @Test
    void findJob_bodyThatStops_isUnavailableByTheDeadline() {
        assertUnavailableSoon(exchange -> {
            exchange.sendResponseHeaders(200, 1000);
            exchange.getResponseBody().write('{');
            exchange.getResponseBody().flush();
            never.await();
        });
    }

    @Test
    void findJob_bodyThatTrickles_isUnavailableByTheDeadline() {
        assertUnavailableSoon(exchange -> {
            exchange.sendResponseHeaders(200, 1000);
            do {
                exchange.getResponseBody().write(' ');
                exchange.getResponseBody().flush();
            } while (!never.await(100, TimeUnit.MILLISECONDS));
        });
    }

    @ParameterizedTest
    @CsvSource({
        "400, ProvisionedThroughputExceededException",
        "400, ThrottlingException",
        "400, RequestLimitExceeded",
        "500, InternalServerError",
        "503, ServiceUnavailable"
    })
    void findJob_busyOrBroken_isTriedThreeTimes(int status, String error) {
        assertUnavailable(
                "DynamoDB answered %d (%s) for table 'ledger'.".formatted(status, error),
                () -> with(exchange -> answer(exchange, status, error(error)), DynamoDbJobLedgerFaultsTest::read));
        assertThat(requests).hasSize(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"throttle", "error", "reset", "truncated", "html"})
    void findJob_firstAnswerBad_isTriedAgain(String fault) throws Exception {
        with(
                exchange -> {
                    if (requests.size() > 1) {
                        answer(exchange, 200, "{}");
                        return;
                    }
                    switch (fault) {
                        case "throttle" -> answer(exchange, 400, error("ThrottlingException"));
                        case "error" -> answer(exchange, 500, error("InternalServerError"));
                        case "html" -> answer(exchange, 502, "<html>Bad gateway</html>");
                        case "truncated" -> {
                            exchange.sendResponseHeaders(200, 1000);
                            exchange.getResponseBody().write("{\"Item\":{".getBytes(StandardCharsets.UTF_8));
                            throw new IOException("The test breaks this connection.");
                        }
                        default -> throw new IOException("The test breaks this connection.");
                    }
                },
                ledger -> assertThat(ledger.findJob(CLUSTER, JOB, in(Duration.ofSeconds(10))))
                        .isEmpty());
        assertThat(requests).hasSize(2);
    }

    @Test
    void commit_connectionBreaks_isTriedThreeTimesAsTheSame() {
        assertUnavailable(
                "DynamoDB gave no whole answer for table 'ledger' (SocketException).",
                () -> with(
                        exchange -> {
                            throw new IOException("The test breaks this connection.");
                        },
                        DynamoDbJobLedgerFaultsTest::write));
        assertThat(requests).hasSize(3);
        assertThat(requests.stream().map(DynamoDbJobLedgerFaultsTest::token).distinct())
                .hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({
        "AccessDeniedException, its role needs dynamodb:GetItem",
        "ResourceNotFoundException, There is no table 'ledger'",
        "ValidationException, it must have the keys pk and sk",
        "UnrecognizedClientException, valid credentials"
    })
    void anyCall_refusedForGood_isInvalidSaysWhyAndQuotesNothing(String error, String why) {
        for (Act act : List.<Act>of(DynamoDbJobLedgerFaultsTest::read, DynamoDbJobLedgerFaultsTest::write)) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> with(exchange -> answer(exchange, 400, error(error)), act))
                    .withMessageContaining(why)
                    .withMessageNotContaining(CANARY)
                    .withNoCause()
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.LEDGER_INVALID));
        }
        assertThat(requests).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                CANARY,
                "{\"Item\":{\"pk\":{\"S\":\"" + CANARY + "\"",
                "{\"Item\":{\"pk\":" + CANARY + "}}",
                "{\"Item\":" + "[" + "\"" + CANARY + "\"]}"
            })
    void findJob_nonsense_isUnavailableOrInvalidAndQuotesNothing(String body) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> with(exchange -> answer(exchange, 200, body), DynamoDbJobLedgerFaultsTest::read))
                .withMessageNotContaining(CANARY)
                .withNoCause()
                .satisfies(e -> assertThat(e.code()).isIn(ErrorCode.LEDGER_UNAVAILABLE, ErrorCode.LEDGER_INVALID));
    }

    @Test
    void commit_transactionConflict_conflictsAtOnce() {
        assertThatExceptionOfType(LedgerConflictException.class)
                .isThrownBy(() -> with(
                        exchange -> answer(
                                exchange, isWrite() ? 400 : 200, isWrite() ? cancelled("TransactionConflict") : "{}"),
                        DynamoDbJobLedgerFaultsTest::write))
                .withMessage("'CLUSTER#stub JOB#job' was changed by somebody else since it was read.");
        assertThat(requests).filteredOn(request -> token(request) != null).hasSize(1);
    }

    @Test
    void commit_transactionConflictAfterALostAnswer_isUnavailable() {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> with(
                        exchange -> {
                            if (requests.size() == 1) {
                                throw new IOException("The test breaks this connection.");
                            }
                            answer(
                                    exchange,
                                    isWrite() ? 400 : 200,
                                    isWrite() ? cancelled("TransactionConflict") : "{}");
                        },
                        DynamoDbJobLedgerFaultsTest::write))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.LEDGER_UNAVAILABLE));
    }

    @Test
    void commit_conflictThatCannotBeLookedInto_isUnavailable() {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> with(
                        exchange -> answer(
                                exchange,
                                isWrite() ? 400 : 500,
                                isWrite() ? cancelled("ConditionalCheckFailed") : error("InternalServerError")),
                        DynamoDbJobLedgerFaultsTest::write))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.LEDGER_UNAVAILABLE));
    }

    @ParameterizedTest
    @CsvSource({
        "ThrottlingError, 3, LEDGER_UNAVAILABLE",
        "ProvisionedThroughputExceeded, 3, LEDGER_UNAVAILABLE",
        "ValidationError, 1, LEDGER_INVALID",
        "ItemCollectionSizeLimitExceeded, 1, LEDGER_INVALID",
        "SomethingNew, 1, LEDGER_UNAVAILABLE"
    })
    void commit_cancelledForAnotherReason_isRefused(String reason, int tries, ErrorCode code) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() ->
                        with(exchange -> answer(exchange, 400, cancelled(reason)), DynamoDbJobLedgerFaultsTest::write))
                .withMessage("DynamoDB cancelled a transaction on table 'ledger' (%s).".formatted(reason))
                .withNoCause()
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
        assertThat(requests).hasSize(tries);
    }

    @Test
    void commit_transactionInProgress_isAwaited() throws Exception {
        with(
                exchange -> answer(
                        exchange,
                        requests.size() == 1 ? 400 : 200,
                        requests.size() == 1 ? error("TransactionInProgressException") : "{}"),
                DynamoDbJobLedgerFaultsTest::write);
        assertThat(requests).hasSize(2);
    }

    private static void read(DynamoDbJobLedger ledger) {
        ledger.findJob(CLUSTER, JOB, in(Duration.ofSeconds(10)));
    }

    private static void write(DynamoDbJobLedger ledger) throws LedgerConflictException {
        ledger.commit(
                List.of(
                        new LedgerChange.PutJob(new Job(CLUSTER, JOB, JobKind.RUN, null, null), 1),
                        new LedgerChange.AddHistory(new HistoryEntry(
                                CLUSTER,
                                JOB,
                                Instant.EPOCH,
                                HistoryEntry.Event.ATTEMPT_ENDED,
                                null,
                                null,
                                null,
                                CANARY))),
                in(Duration.ofSeconds(10)));
    }

    private void assertUnavailableSoon(StubServer.Handler handler) {
        Duration budget = Duration.ofMillis(500);
        long start = System.nanoTime();

        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> with(handler, ledger -> ledger.findJob(CLUSTER, JOB, in(budget))))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.LEDGER_UNAVAILABLE));

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(budget.multipliedBy(4));
    }

    private static void assertUnavailable(String message, ThrowingCallable call) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(call)
                .withMessage(message)
                .withNoCause()
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.LEDGER_UNAVAILABLE));
    }

    private void with(StubServer.Handler handler, Act act) throws Exception {
        try (StubServer server = new StubServer(exchange -> {
            requests.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            handler.handle(exchange);
        })) {
            at(server.url(), act);
        } finally {
            never.countDown();
        }
    }

    private static void at(URI url, Act act) throws Exception {
        DynamoDbClient client = DynamoDbTable.client(url);
        act.on(new DynamoDbJobLedger(() -> client, "ledger", Duration.ofDays(400), Duration.ofDays(30)));
    }

    private boolean isWrite() {
        return token(requests.getLast()) != null;
    }

    private static String token(String request) {
        Matcher matcher = TOKEN.matcher(request);
        return matcher.find() ? matcher.group(1) : null;
    }

    private static String error(String type) {
        return "{\"__type\":\"com.amazonaws.dynamodb.v20120810#%s\",\"message\":\"It says %s.\"}"
                .formatted(type, CANARY);
    }

    private static String cancelled(String reason) {
        return "{\"__type\":\"com.amazonaws.dynamodb.v20120810#TransactionCanceledException\",\"Message\":\"%s\",\"CancellationReasons\":[{\"Code\":\"%s\",\"Message\":\"%s\"},{\"Code\":\"None\"}]}"
                .formatted(CANARY, reason, CANARY);
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        StubServer.answer(exchange, status, body.getBytes(StandardCharsets.UTF_8));
    }

    private static Deadline in(Duration budget) {
        return Deadline.in(budget, Clock.systemUTC());
    }
}
