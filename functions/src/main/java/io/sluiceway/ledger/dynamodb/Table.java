package io.sluiceway.ledger.dynamodb;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.time.Bounded;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.exception.SdkServiceException;
import software.amazon.awssdk.core.retry.RetryUtils;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;
import software.amazon.awssdk.services.dynamodb.model.TransactionInProgressException;

/**
 * One table and the calls to it: each answered in time, each failure in Sluiceway's words.
 *
 * <p>What goes wrong is told by kinds and codes alone, and no cause is kept: the SDK's and the server's own sentences
 * can quote what was sent or read, program arguments among it.
 */
final class Table {
    /** DynamoDB answers in milliseconds; what takes this long is lost. */
    private static final Duration ATTEMPT_TIMEOUT = Duration.ofSeconds(3);

    private static final int SERVER_ERRORS_FROM = 500;
    private static final int LONGEST_CODE = 60;

    private final Supplier<DynamoDbClient> client;
    private final String name;

    Table(Supplier<DynamoDbClient> client, String name) {
        this.client = client;
        this.name = name;
    }

    String name() {
        return name;
    }

    /**
     * Makes one call.
     *
     * @throws TransactionCanceledException as it came
     * @throws RefusedException LEDGER_UNAVAILABLE or LEDGER_INVALID for all else that goes wrong
     */
    <T> T call(Deadline deadline, Function<DynamoDbClient, T> call) {
        if (deadline.remaining().isZero()) {
            throw new RefusedException(
                    ErrorCode.LEDGER_UNAVAILABLE, "The time of this call was up before the ledger could be asked.");
        }
        try {
            return Bounded.call("ledger", deadline, () -> call.apply(client.get()));
        } catch (TimeoutException e) {
            throw unavailable("DynamoDB gave no answer in time for table %s.".formatted(quotedName()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unavailable(
                    "This call was interrupted before DynamoDB answered for table %s.".formatted(quotedName()));
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            throw failure(cause == null ? e : cause);
        }
    }

    /**
     * Waits before what was left undone is asked for again.
     *
     * @throws RefusedException LEDGER_UNAVAILABLE when the thread is interrupted
     */
    void pause(Duration pause, Deadline deadline) {
        try {
            Thread.sleep(deadline.remainingAtMost(pause));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unavailable(
                    "This call was interrupted before DynamoDB had answered all for table %s.".formatted(quotedName()));
        }
    }

    private RuntimeException failure(Throwable cause) {
        return switch (cause) {
            case TransactionCanceledException cancelled -> cancelled;
            case AwsServiceException answered -> refusal(answered);
            case SdkException unanswered ->
                unavailable("DynamoDB gave no whole answer for table %s (%s)."
                        .formatted(
                                quotedName(), innermost(unanswered).getClass().getSimpleName()));
            case Error error -> throw error;
            case RuntimeException mistake -> mistake;
            default -> new IllegalStateException(cause);
        };
    }

    private static Throwable innermost(Throwable thrown) {
        Throwable cause = thrown.getCause();
        return cause == null ? thrown : innermost(cause);
    }

    private RefusedException refusal(AwsServiceException e) {
        if (e instanceof ResourceNotFoundException) {
            return invalid("There is no table %s in the function's account and Region.".formatted(quotedName()));
        }
        String code = codeOf(e);
        if (e.statusCode() >= SERVER_ERRORS_FROM
                || e instanceof TransactionInProgressException
                || e.isThrottlingException()
                || RetryUtils.isClockSkewException(e)
                || code.startsWith("ExpiredToken")) {
            return unavailable("DynamoDB answered %d (%s) for table %s.".formatted(e.statusCode(), code, quotedName()));
        }
        if (code.startsWith("AccessDenied")) {
            return invalid(
                    "DynamoDB doesn't let the function use table %s: its role needs dynamodb:GetItem, dynamodb:Query, dynamodb:PutItem and dynamodb:DeleteItem, for monitor-jobs dynamodb:BatchGetItem too, and the use of the table's key."
                            .formatted(quotedName()));
        }
        return invalid(
                "DynamoDB answered %d (%s) for table %s; it must have the keys pk and sk, both strings, and the function valid credentials."
                        .formatted(e.statusCode(), code, quotedName()));
    }

    private static String codeOf(AwsServiceException e) {
        AwsErrorDetails details = e.awsErrorDetails();
        return details == null || details.errorCode() == null
                ? "no error code"
                : Quoted.plain(details.errorCode(), LONGEST_CODE);
    }

    /** How long a request and each of its tries may take. */
    static AwsRequestOverrideConfiguration within(Deadline deadline) {
        // A millisecond at least, since the SDK takes no zero; the wait for the call is over by then.
        Duration left = deadline.remaining().plusMillis(1);
        return AwsRequestOverrideConfiguration.builder()
                .apiCallTimeout(left)
                .apiCallAttemptTimeout(left.compareTo(ATTEMPT_TIMEOUT) < 0 ? left : ATTEMPT_TIMEOUT)
                .build();
    }

    /** Whether another try may succeed where this one did not, and has no second effect. */
    static boolean worthAnotherTry(Throwable thrown) {
        return thrown instanceof TransactionInProgressException
                || (thrown instanceof TransactionCanceledException cancelled && isThrottled(cancelled));
    }

    /** Whether a transaction came to nothing because the table has too much to do, and for no other reason. */
    static boolean isThrottled(TransactionCanceledException cancelled) {
        return cancelled.hasCancellationReasons()
                && cancelled.cancellationReasons().stream().allMatch(reason -> switch (reason.code()) {
                    case "None", "ThrottlingError", "ProvisionedThroughputExceeded" -> true;
                    case null, default -> false;
                });
    }

    static boolean isThrottling(Throwable thrown) {
        return (thrown instanceof TransactionCanceledException cancelled && isThrottled(cancelled))
                || (thrown instanceof SdkServiceException answered && answered.isThrottlingException());
    }

    RefusedException unavailable(String sentence) {
        return new RefusedException(ErrorCode.LEDGER_UNAVAILABLE, sentence);
    }

    RefusedException invalid(String sentence) {
        return new RefusedException(ErrorCode.LEDGER_INVALID, sentence);
    }

    private String quotedName() {
        return Quoted.of(name);
    }
}
