package io.sluiceway.cluster.session;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluiceway.error.Quoted;
import io.sluiceway.job.JobState;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Observation.NothingYet;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.job.Vitals.Flow;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What tells whether a job is well, read from Flink's answers. What makes no sense isn't observable: nobody is to fail
 * over it, and nobody is to take the job for well.
 *
 * <p>Nothing has to be remembered from an earlier look, because Flink remembers: {@code /jobs/:id} has the time of the
 * newest change into each state, and both of Flink's schedulers take a job out of RUNNING and back at each restart,
 * also of one region of its tasks; {@code /exceptions} has the newest 16 failures ({@code web.exception-history-size}),
 * one for each restart; {@code /checkpoints} the newest 10 checkpoints ({@code web.checkpoints.history}).
 */
final class VitalSigns {
    static final String BACKPRESSURE = "backPressuredTimeMsPerSecond";
    static final String WATERMARK = "currentInputWatermark";

    private static final int MAX_FAILURE_LENGTH = 300;
    private static final double MILLIS_A_SECOND = 1000;

    /** The end of the year 9999. Flink writes 0 or -1 for a time that there isn't. */
    private static final long LATEST_MILLIS = 253_402_300_799_999L;

    /** Flink writes about 292 million years for no interval. */
    private static final long LONGEST_INTERVAL = Duration.ofDays(366).toMillis();

    private static final String NO_SENSE = "Flink's answer has no %s.";

    private final JsonNode details;
    private final JsonNode exceptions;
    private final @Nullable JsonNode checkpoints;
    private final @Nullable JsonNode checkpointing;

    /**
     * Reads answers.
     *
     * @param details of {@code /jobs/:id}
     * @param exceptions of {@code /jobs/:id/exceptions}
     * @param checkpoints of {@code /jobs/:id/checkpoints}; absent where Flink has none of the job
     * @param checkpointing of {@code /jobs/:id/checkpoints/config}, likewise
     */
    VitalSigns(
            JsonNode details, JsonNode exceptions, @Nullable JsonNode checkpoints, @Nullable JsonNode checkpointing) {
        this.details = details;
        this.exceptions = exceptions;
        this.checkpoints = checkpoints;
        this.checkpointing = checkpointing;
    }

    Observation<Vitals> read() {
        return time(details.path("now"))
                .<Observation<Vitals>>map(now -> Observation.now(new Vitals(
                        now,
                        runningSince(),
                        failures(),
                        checkpointing(),
                        Flow.notObservable("Nobody asked for backpressure and watermark."))))
                .orElseGet(() -> new NotObservable<>(NO_SENSE.formatted("time")));
    }

    private Observation<Instant> runningSince() {
        if (!details.path("state").asText().equals(JobState.RUNNING.name())) {
            return new NothingYet<>();
        }
        return time(details.path("timestamps").path(JobState.RUNNING.name()))
                .<Observation<Instant>>map(since -> new Known<>(since, null))
                .orElseGet(() -> new NotObservable<>(NO_SENSE.formatted("time since which the job runs")));
    }

    private Observation<List<Instant>> failures() {
        JsonNode entries = exceptions.path("exceptionHistory").path("entries");
        if (!entries.isArray()) {
            return new NotObservable<>(NO_SENSE.formatted("history of failures"));
        }
        List<Instant> failures = new ArrayList<>();
        for (JsonNode entry : entries) {
            time(entry.path("timestamp")).ifPresent(failures::add);
        }
        failures.sort(Comparator.reverseOrder());
        return Observation.now(List.copyOf(failures));
    }

    /** Whether a job takes no checkpoints, by what {@code /jobs/:id/checkpoints/config} answers. */
    static boolean takesNone(JsonNode checkpointing) {
        return interval(checkpointing) > LONGEST_INTERVAL;
    }

    private static long interval(JsonNode checkpointing) {
        return checkpointing.path("interval").asLong(-1);
    }

    private Checkpointing checkpointing() {
        if (checkpoints == null || checkpointing == null || takesNone(checkpointing)) {
            return new Checkpointing.Off();
        }
        long interval = interval(checkpointing);
        if (interval <= 0 || !checkpoints.path("history").isArray()) {
            return new Checkpointing.Unseen(NO_SENSE.formatted("checkpoint interval or no history of checkpoints"));
        }
        long completed = checkpoints.path("latest").path("completed").path("id").asLong(-1);
        Predicate<JsonNode> failed =
                checkpoint -> checkpoint.path("status").asText().equals("FAILED")
                        && !checkpoint.path("is_savepoint").asBoolean()
                        && checkpoint.path("id").asLong() > completed;
        Optional<JsonNode> last = checkpoints
                .path("history")
                .valueStream()
                .filter(failed)
                .max(Comparator.comparingLong(
                        checkpoint -> checkpoint.path("id").asLong()));
        return new Checkpointing.Seen(
                Duration.ofMillis(interval),
                (int) checkpoints.path("history").valueStream().filter(failed).count(),
                last.map(checkpoint -> checkpoint.path("failure_message").asText())
                        .filter(message -> !message.isBlank())
                        .map(message -> Quoted.plain(message, MAX_FAILURE_LENGTH))
                        .orElse(null),
                checkpointing.path("externalization").path("enabled").asBoolean()
                        && !checkpointing
                                .path("externalization")
                                .path("delete_on_cancellation")
                                .asBoolean(true));
    }

    /**
     * How a job's records get on.
     *
     * @param vertices for each of the job's vertices, what {@code subtasks/metrics} answers of {@link #BACKPRESSURE}
     *     and {@link #WATERMARK}: empty for a while after the job's start and the first question
     */
    static Flow flow(List<JsonNode> vertices) {
        double backpressure = -1;
        double watermark = Double.POSITIVE_INFINITY;
        boolean measured = false;
        for (JsonNode metrics : vertices) {
            for (JsonNode metric : metrics) {
                if (metric.path("id").asText().equals(BACKPRESSURE)) {
                    backpressure = Math.max(backpressure, metric.path("max").asDouble(-1));
                }
                if (metric.path("id").asText().equals(WATERMARK)) {
                    measured |= metric.path("min").isNumber();
                    double lowest = metric.path("min").asDouble(Double.NEGATIVE_INFINITY);
                    // Flink writes the least number for none yet, and the greatest behind the end of the input.
                    watermark = Math.abs(lowest) <= LATEST_MILLIS ? Math.min(watermark, lowest) : watermark;
                }
            }
        }
        Observation<Instant> none = measured
                ? new NothingYet<>()
                : new NotObservable<>("Flink hasn't measured watermarks yet; it does some seconds after it is asked.");
        return new Flow(
                backpressure < 0 ? new NothingYet<>() : Observation.now(Math.min(1, backpressure / MILLIS_A_SECOND)),
                Double.isInfinite(watermark) ? none : Observation.now(Instant.ofEpochMilli((long) watermark)));
    }

    private static Optional<Instant> time(JsonNode millis) {
        return millis.isIntegralNumber() && millis.asLong() > 0 && millis.asLong() <= LATEST_MILLIS
                ? Optional.of(Instant.ofEpochMilli(millis.asLong()))
                : Optional.empty();
    }
}
