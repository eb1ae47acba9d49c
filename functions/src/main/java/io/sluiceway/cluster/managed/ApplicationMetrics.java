package io.sluiceway.cluster.managed;

import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Observation.NothingYet;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.job.Vitals.Flow;
import io.sluiceway.time.Bounded;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClientBuilder;
import software.amazon.awssdk.services.cloudwatch.model.Dimension;
import software.amazon.awssdk.services.cloudwatch.model.GetMetricDataRequest;
import software.amazon.awssdk.services.cloudwatch.model.MetricDataQuery;
import software.amazon.awssdk.services.cloudwatch.model.MetricDataResult;
import software.amazon.awssdk.services.cloudwatch.model.ScanBy;

/**
 * What CloudWatch has measured of an application: minutes late, a value a minute, and maybe none. Whatever becomes of
 * the question, an answer comes: a courtesy is no reason to fail.
 *
 * <p>Names and meanings are from the service's <a
 * href="https://docs.aws.amazon.com/managed-flink/latest/java/metrics-dimensions.html">list of metrics</a>.
 */
final class ApplicationMetrics {
    private static final String NAMESPACE = "AWS/KinesisAnalytics";
    private static final String DIMENSION = "Application";

    /** What the service counts of a job since it started it; from Flink 2.2 on, in place of the next. */
    private static final String RESTARTS = "numRestarts";

    /** The same up to Flink 1.20. */
    private static final String RESTARTS_BEFORE = "fullRestarts";

    private static final String FAILED_CHECKPOINTS = "numberOfFailedCheckpoints";

    /** How old the newest value may be: they come late, and are missing now and then. */
    private static final Duration LOOK_BACK = Duration.ofMinutes(15);

    /** How far back health asks: thresholds look an hour back at most. */
    private static final Duration MEMORY = Duration.ofMinutes(75);

    /** How late values may be to tell how a job is. */
    private static final Duration LATEST = Duration.ofMinutes(5);

    private static final Duration LONGEST = Duration.ofSeconds(3);

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);

    private final Supplier<CloudWatchClient> client;
    private final Duration period;

    /** @param period how far apart the values are: a minute, unless a double has more of them */
    ApplicationMetrics(Supplier<CloudWatchClient> client, Duration period) {
        this.client = client;
        this.period = period;
    }

    /** Makes clients that ask once: the next look asks again, and pauses between attempts would outlast this one. */
    static CloudWatchClientBuilder newClientBuilder() {
        return CloudWatchClient.builder()
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(CONNECT_TIMEOUT)
                        .socketTimeout(LONGEST))
                .overrideConfiguration(c -> c.retryStrategy(AwsRetryStrategy.doNotRetry()));
    }

    /**
     * Adds restarts and failed checkpoints to a status, by one call. Only minutes that began after the attempt's start
     * count: whatever is older was counted of another start of the same application.
     */
    JobStatus measure(String application, JobStatus status, Deadline deadline) {
        Instant now = deadline.clock().instant();
        Instant startedAt = status.overview().startedAt();
        Instant until = status.overview().endedAt() == null
                ? now
                : status.overview().endedAt().plus(period);
        Instant since = later(startedAt, until.minus(LOOK_BACK));
        if (!since.isBefore(until)) {
            return with(status, new NothingYet<>(), new NothingYet<>()).with(new NothingYet<>());
        }
        Instant from = status.overview().endedAt() == null ? later(startedAt, until.minus(MEMORY)) : since;
        GetMetricDataRequest request = GetMetricDataRequest.builder()
                .metricDataQueries(
                        query("restarts", RESTARTS, application),
                        query("before", RESTARTS_BEFORE, application),
                        query("failed", FAILED_CHECKPOINTS, application))
                .scanBy(ScanBy.TIMESTAMP_DESCENDING)
                .startTime(from)
                .endTime(until)
                .build();
        String why;
        try {
            Deadline soon = new Deadline(now.plus(deadline.remainingAtMost(LONGEST)), deadline.clock());
            List<MetricDataResult> results = Bounded.call(
                            "cloudwatch", soon, () -> client.get().getMetricData(request))
                    .metricDataResults();
            String restarted = newest(results, "restarts", since) instanceof NothingYet<Long> ? "before" : "restarts";
            Observation<Long> restarts = newest(results, restarted, since);
            Observation<Long> failed = newest(results, "failed", since);
            JobStatus measured = with(status, restarts, failed);
            return measured.overview().state().terminal()
                    ? measured
                    : measured.with(
                            vitals(measured, minutes(results, restarted, from), minutes(results, "failed", from), now));
        } catch (TimeoutException e) {
            why = "CloudWatch, which measures it, gave no answer in time.";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            why = "CloudWatch, which measures it, couldn't be waited for.";
        } catch (ExecutionException e) {
            why = why(e.getCause());
        }
        return with(status, new NotObservable<>(why), new NotObservable<>(why)).with(new NotObservable<>(why));
    }

    private static Instant later(Instant one, Instant other) {
        return one.isAfter(other) ? one : other;
    }

    /** Of the moment up to which both were counted. */
    private static Observation<Vitals> vitals(
            JobStatus measured, CountedMinutes restarts, CountedMinutes failed, Instant now) {
        for (Observation<Long> count :
                List.of(measured.restarts(), measured.checkpoints().failed())) {
            switch (count) {
                case NotObservable<Long>(String why) -> {
                    return new NotObservable<>(why);
                }
                case NothingYet<Long>() -> {
                    return new NothingYet<>();
                }
                case Known<Long> _ -> {}
            }
        }
        Instant at = Collections.min(
                List.of(restarts.until().orElseThrow(), failed.until().orElseThrow(), now));
        if (at.isBefore(now.minus(LATEST))) {
            return new NotObservable<>("CloudWatch's newest values are of %s.".formatted(at));
        }
        boolean running = measured.overview().state() == JobState.RUNNING;
        return new Known<>(
                new Vitals(
                        at,
                        running ? Observation.now(restarts.unchangedSince().orElseThrow()) : new NothingYet<>(),
                        Observation.now(restarts.growth()),
                        new Checkpointing.Counted(
                                failed.growth(), failed.knownSince().orElseThrow()),
                        Flow.notObservable("Backpressure and watermark aren't read from CloudWatch.")),
                at);
    }

    private CountedMinutes minutes(List<MetricDataResult> results, String id, Instant since) {
        NavigableMap<Instant, Long> minutes = new TreeMap<>();
        for (MetricDataResult result : results) {
            if (id.equals(result.id())) {
                Iterator<Double> values = result.values().iterator();
                for (Instant at : result.timestamps()) {
                    if (values.hasNext()) {
                        double value = values.next();
                        if (!at.isBefore(since) && value >= 0 && value <= Long.MAX_VALUE) {
                            minutes.put(at, Math.round(value));
                        }
                    }
                }
            }
        }
        return new CountedMinutes(minutes, period);
    }

    private static JobStatus with(JobStatus status, Observation<Long> restarts, Observation<Long> failed) {
        Checkpoints checkpoints = status.checkpoints();
        return new JobStatus(
                status.overview(),
                restarts,
                new Checkpoints(checkpoints.completed(), failed, checkpoints.last()),
                status.lastSavepoint(),
                status.firstFailure(),
                status.vitals());
    }

    /** The counters only grow while a job runs, so a minute's greatest value is its last. */
    private MetricDataQuery query(String id, String metric, String application) {
        Dimension dimension =
                Dimension.builder().name(DIMENSION).value(application).build();
        return MetricDataQuery.builder()
                .id(id)
                .metricStat(stat -> stat.metric(
                                m -> m.namespace(NAMESPACE).metricName(metric).dimensions(dimension))
                        .period((int) period.toSeconds())
                        .stat("Maximum"))
                .build();
    }

    private static Observation<Long> newest(List<MetricDataResult> results, String id, Instant since) {
        Known<Long> newest = null;
        for (MetricDataResult result : results) {
            if (!id.equals(result.id())) {
                continue;
            }
            switch (result.statusCode()) {
                case INTERNAL_ERROR, FORBIDDEN -> {
                    return new NotObservable<>(
                            "CloudWatch, which measures it, answered %s.".formatted(result.statusCodeAsString()));
                }
                case COMPLETE, PARTIAL_DATA, UNKNOWN_TO_SDK_VERSION -> {}
                case null -> {}
            }
            Iterator<Double> values = result.values().iterator();
            for (Instant at : result.timestamps()) {
                if (values.hasNext()) {
                    newest = newer(newest, at, values.next(), since);
                }
            }
        }
        return newest == null ? new NothingYet<>() : newest;
    }

    private static @Nullable Known<Long> newer(@Nullable Known<Long> newest, Instant at, double value, Instant since) {
        boolean counts = !at.isBefore(since) && value >= 0 && value <= Long.MAX_VALUE;
        boolean isNewer = newest == null || (newest.asOf() != null && at.isAfter(newest.asOf()));
        return counts && isNewer ? new Known<>(Math.round(value), at) : newest;
    }

    private static String why(@Nullable Throwable thrown) {
        return switch (thrown) {
            case AwsServiceException answered ->
                "CloudWatch, which measures it, answered %s.".formatted(ControlApi.code(answered));
            case SdkException _ -> "CloudWatch, which measures it, couldn't be reached.";
            case Error error -> throw error;
            case null, default -> "CloudWatch, which measures it, couldn't be asked.";
        };
    }
}
