package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * When a job counts as well. docs/health.md says why the defaults are what they are.
 *
 * @param settlingTime how long it has to run without a restart before it is stable; 1 s to 1 h
 * @param restarts how many failures within the window make a restart loop; 1 to 16, as many as Flink remembers
 * @param restartWindow how far back failures count; 1 s to 1 h
 * @param failedCheckpoints how many checkpoints in a row may not fail; 1 to 9, as many as Flink remembers beside one
 *     that is in progress
 * @param checkpointAge how old the newest checkpoint may be, 1 s to 7 days; absent: {@value #INTERVALS} times the
 *     checkpoint interval, and at least five minutes
 * @param backpressurePercent which share of a minute a subtask may spend waiting for the next at most, 1 to 100;
 *     absent: it isn't looked at
 * @param watermarkLag how far its watermark may be behind the clock, 1 s to 7 days; absent: it isn't looked at
 */
public record HealthPolicy(
        Duration settlingTime,
        int restarts,
        Duration restartWindow,
        int failedCheckpoints,
        @Nullable Duration checkpointAge,
        @Nullable Integer backpressurePercent,
        @Nullable Duration watermarkLag) {
    private static final int INTERVALS = 3;
    private static final Duration LEAST_CHECKPOINT_AGE = Duration.ofMinutes(5);
    private static final Duration LEAST = Duration.ofSeconds(1);
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration WEEK = Duration.ofDays(7);
    private static final int FAILURES_REMEMBERED = 16;
    private static final int CHECKPOINTS_REMEMBERED = 9;
    private static final int PERCENT = 100;
    private static final Pattern DURATION =
            Pattern.compile("PT(?:[1-9]|[1-5][0-9])S|PT(?:[1-9]|[1-5][0-9])M|PT(?:[1-9]|1[0-9]|2[0-3])H|P[1-7]D");

    /** What holds for a job that says nothing else. */
    public static final HealthPolicy DEFAULT =
            new HealthPolicy(Duration.ofMinutes(5), 3, Duration.ofMinutes(10), 3, null, null, null);

    public HealthPolicy {
        require("settlingTime", settlingTime, HOUR);
        require("restarts", restarts, FAILURES_REMEMBERED);
        require("restartWindow", restartWindow, HOUR);
        require("failedCheckpoints", failedCheckpoints, CHECKPOINTS_REMEMBERED);
        require("checkpointAge", checkpointAge, WEEK);
        if (backpressurePercent != null) {
            require("backpressurePercent", backpressurePercent, PERCENT);
        }
        require("watermarkLag", watermarkLag, WEEK);
    }

    /**
     * The policy of its texts and numbers, as an event has them; what is absent is as in {@link #DEFAULT}.
     *
     * @throws RefusedException FIELD_INVALID
     */
    public static HealthPolicy of(
            @Nullable String settlingTime,
            @Nullable Integer restarts,
            @Nullable String restartWindow,
            @Nullable Integer failedCheckpoints,
            @Nullable String checkpointAge,
            @Nullable Integer backpressurePercent,
            @Nullable String watermarkLag) {
        return new HealthPolicy(
                settlingTime == null ? DEFAULT.settlingTime : duration("settlingTime", settlingTime, HOUR),
                restarts == null ? DEFAULT.restarts : restarts,
                restartWindow == null ? DEFAULT.restartWindow : duration("restartWindow", restartWindow, HOUR),
                failedCheckpoints == null ? DEFAULT.failedCheckpoints : failedCheckpoints,
                checkpointAge == null ? null : duration("checkpointAge", checkpointAge, WEEK),
                backpressurePercent,
                watermarkLag == null ? null : duration("watermarkLag", watermarkLag, WEEK));
    }

    /** In the one way that each is written in an event. */
    private static Duration duration(String field, String text, Duration most) {
        if (!DURATION.matcher(text).matches() || Duration.parse(text).compareTo(most) > 0) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "job.policies.health.%s %s is no duration such as PT30S, PT5M or PT1H, of %s at most."
                            .formatted(field, Quoted.shape(text), most));
        }
        return Duration.parse(text);
    }

    List<String> parts() {
        return List.of(
                settlingTime.toString(),
                Integer.toString(restarts),
                restartWindow.toString(),
                Integer.toString(failedCheckpoints),
                Objects.toString(checkpointAge, ""),
                Objects.toString(backpressurePercent, ""),
                Objects.toString(watermarkLag, ""));
    }

    private static void require(String field, int value, int most) {
        if (value < 1 || value > most) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "job.policies.health.%s is %d; 1 to %d is allowed.".formatted(field, value, most));
        }
    }

    private static void require(String field, @Nullable Duration value, Duration most) {
        if (value != null && (value.compareTo(LEAST) < 0 || value.compareTo(most) > 0)) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "job.policies.health.%s is %s; %s to %s is allowed.".formatted(field, value, LEAST, most));
        }
    }

    /** How old the newest checkpoint of a job may be that takes one at this interval. */
    public Duration checkpointAgeAt(Duration interval) {
        if (checkpointAge != null) {
            return checkpointAge;
        }
        return interval.compareTo(LEAST_CHECKPOINT_AGE.dividedBy(INTERVALS)) < 0
                ? LEAST_CHECKPOINT_AGE
                : interval.multipliedBy(INTERVALS);
    }

    /** Whether it asks for what {@link Vitals.Flow} tells. */
    public boolean asksForFlow() {
        return backpressurePercent != null || watermarkLag != null;
    }
}
