package io.sluiceway.cluster.managed;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.time.Bounded;
import io.sluiceway.time.Deadline;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.retry.RetryUtils;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2ClientBuilder;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ConcurrentModificationException;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ResourceInUseException;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ResourceNotFoundException;

/** Calls the service's control API, each call within its deadline, and gives each of its errors one meaning. */
final class ControlApi {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);

    /** The wait for a call ends before this; it is for the case that one is missed. */
    private static final Duration SOCKET_TIMEOUT = Duration.ofSeconds(20);

    private static final int SERVER_ERRORS_FROM = 500;
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int LONGEST_WORDS = 600;
    private static final int LONGEST_CODE = 60;

    /** What says that the service has not even looked at the call. */
    private static final Set<String> NOT_LOOKED_AT =
            Set.of("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded");

    private final ClusterName cluster;
    private final Supplier<KinesisAnalyticsV2Client> client;

    ControlApi(ClusterName cluster, Supplier<KinesisAnalyticsV2Client> client) {
        this.cluster = cluster;
        this.client = client;
    }

    /**
     * Makes clients that send each call once: a start that is sent again behind the end of the job that it started
     * would start it a second time, for it carries nothing that the service could know it by.
     */
    static KinesisAnalyticsV2ClientBuilder newClientBuilder() {
        return KinesisAnalyticsV2Client.builder()
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(CONNECT_TIMEOUT)
                        .socketTimeout(SOCKET_TIMEOUT))
                .overrideConfiguration(c -> c.retryStrategy(AwsRetryStrategy.doNotRetry()));
    }

    /**
     * Asks for something.
     *
     * @return the answer, or empty when there is no such application, version, operation or snapshot
     * @throws RefusedException CLUSTER_UNREACHABLE, CLUSTER_TIMEOUT or CLUSTER_REFUSED
     */
    <T> Optional<T> ask(Deadline deadline, Function<KinesisAnalyticsV2Client, T> call) {
        try {
            return Optional.of(made(deadline, call));
        } catch (ResourceNotFoundException e) {
            return Optional.empty();
        } catch (AwsServiceException e) {
            if (passing(e) || e.statusCode() >= SERVER_ERRORS_FROM) {
                throw unreachable(e);
            }
            if (unreadable(e)) {
                throw timeout("its error can't be read");
            }
            throw new RefusedException(
                    ErrorCode.CLUSTER_REFUSED, "Cluster '%s' answered %s: %s".formatted(cluster, code(e), words(e)));
        } catch (SdkException e) {
            throw neverArrived(e) ? unreachable(e) : timeout(e.getClass().getSimpleName());
        } catch (TimeoutException e) {
            throw timeout("no answer in time");
        }
    }

    /**
     * Changes something.
     *
     * @throws RefusedException CLUSTER_UNREACHABLE when nothing was done and the same call may succeed later
     */
    Change change(Deadline deadline, Function<KinesisAnalyticsV2Client, ?> call) {
        try {
            made(deadline, call);
            return new Change.Done();
        } catch (ResourceInUseException | ConcurrentModificationException e) {
            return new Change.Conflict(words(e));
        } catch (ResourceNotFoundException e) {
            return new Change.NotThere();
        } catch (AwsServiceException e) {
            if (passing(e)) {
                throw unreachable(e);
            }
            return e.statusCode() >= SERVER_ERRORS_FROM || unreadable(e)
                    ? new Change.Lost("Cluster '%s' answered %d (%s).".formatted(cluster, e.statusCode(), code(e)))
                    : new Change.Refused(code(e), words(e));
        } catch (SdkException e) {
            if (neverArrived(e)) {
                throw unreachable(e);
            }
            return new Change.Lost("Cluster '%s' gave no whole answer.".formatted(cluster));
        } catch (TimeoutException e) {
            return new Change.Lost("Cluster '%s' gave no answer in time.".formatted(cluster));
        }
    }

    private <T> T made(Deadline deadline, Function<KinesisAnalyticsV2Client, T> call) throws TimeoutException {
        if (deadline.remaining().isZero()) {
            throw new RefusedException(
                    ErrorCode.CLUSTER_UNREACHABLE,
                    "The time of this call was up before cluster '%s' could be asked.".formatted(cluster));
        }
        try {
            return Bounded.call("managed-flink", deadline, () -> call.apply(client.get()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TimeoutException();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException thrown -> throw thrown;
                case Error error -> throw error;
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }

    /** Whether nothing was done, for a reason that passes by itself. */
    private static boolean passing(AwsServiceException e) {
        return e.isThrottlingException()
                || e.statusCode() == TOO_MANY_REQUESTS
                || NOT_LOOKED_AT.contains(code(e))
                || RetryUtils.isClockSkewException(e)
                || code(e).startsWith("ExpiredToken");
    }

    /** Whether an error came without its name, as when half of an answer arrives: it can be any. */
    private static boolean unreadable(AwsServiceException e) {
        return e.awsErrorDetails() == null || e.awsErrorDetails().errorCode() == null;
    }

    private static boolean neverArrived(Throwable thrown) {
        return thrown instanceof ConnectException
                || thrown instanceof UnknownHostException
                || (thrown.getCause() != null && neverArrived(thrown.getCause()));
    }

    private RefusedException unreachable(AwsServiceException e) {
        return new RefusedException(
                ErrorCode.CLUSTER_UNREACHABLE,
                "Cluster '%s' answered %d (%s).".formatted(cluster, e.statusCode(), code(e)));
    }

    private RefusedException unreachable(SdkException e) {
        return new RefusedException(
                ErrorCode.CLUSTER_UNREACHABLE,
                "Cluster '%s' can't be reached: no connection could be made.".formatted(cluster),
                e);
    }

    private RefusedException timeout(String why) {
        return new RefusedException(
                ErrorCode.CLUSTER_TIMEOUT, "Cluster '%s' gave no whole answer (%s).".formatted(cluster, why));
    }

    static String code(AwsServiceException e) {
        AwsErrorDetails details = e.awsErrorDetails();
        return details == null || details.errorCode() == null
                ? "no error code"
                : Quoted.plain(details.errorCode(), LONGEST_CODE);
    }

    private static String words(AwsServiceException e) {
        AwsErrorDetails details = e.awsErrorDetails();
        return details == null || details.errorMessage() == null
                ? "no reason given"
                : Quoted.plain(details.errorMessage(), LONGEST_WORDS);
    }
}
