package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * That a STREAM whose newest attempt has failed for good is started again, from what it saved last.
 *
 * @param limit how many restarts in a row there are at most; 1 to 100
 * @param backoff how long after a failure the first of them comes, and each further one after twice the time; 10 s to 1
 *     h
 * @param maxBackoff the longest time that this doubling comes to; 10 s to 1 day, and no less than {@code backoff}
 * @param resetAfter behind an attempt that ran for so long, restarts are counted anew; 1 min to 7 days
 */
public record RestartPolicy(int limit, Duration backoff, Duration maxBackoff, Duration resetAfter) {
    private static final int MOST_RESTARTS = 100;
    private static final Duration LEAST_BACKOFF = Duration.ofSeconds(10);
    private static final Duration MOST_BACKOFF = Duration.ofHours(1);
    private static final Duration MOST_MAX_BACKOFF = Duration.ofDays(1);
    private static final Duration LEAST_RESET = Duration.ofMinutes(1);
    private static final Duration MOST_RESET = Duration.ofDays(7);
    private static final Duration DEFAULT_MAX_BACKOFF = Duration.ofMinutes(15);
    private static final Pattern DURATION =
            Pattern.compile("PT(?:[1-9]|[1-5][0-9])S|PT(?:[1-9]|[1-5][0-9])M|PT(?:[1-9]|1[0-9]|2[0-3])H|P[1-7]D");

    /** What holds for a policy that says nothing else. */
    public static final RestartPolicy DEFAULT =
            new RestartPolicy(3, Duration.ofSeconds(30), DEFAULT_MAX_BACKOFF, Duration.ofHours(1));

    public RestartPolicy {
        if (limit < 1 || limit > MOST_RESTARTS) {
            throw invalid("job.policies.restart.limit is %d; 1 to %d is allowed.".formatted(limit, MOST_RESTARTS));
        }
        require("backoff", backoff, LEAST_BACKOFF, MOST_BACKOFF);
        require("maxBackoff", maxBackoff, LEAST_BACKOFF, MOST_MAX_BACKOFF);
        require("resetAfter", resetAfter, LEAST_RESET, MOST_RESET);
        if (maxBackoff.compareTo(backoff) < 0) {
            throw invalid("job.policies.restart.maxBackoff %s is shorter than its backoff %s."
                    .formatted(maxBackoff, backoff));
        }
    }

    /**
     * The policy of its texts and numbers, as an event has them; what is absent is as in {@link #DEFAULT}, and
     * {@code maxBackoff} no less than {@code backoff}.
     *
     * @throws RefusedException FIELD_INVALID
     */
    public static RestartPolicy of(
            @Nullable Integer limit,
            @Nullable String backoff,
            @Nullable String maxBackoff,
            @Nullable String resetAfter) {
        Duration first = backoff == null ? DEFAULT.backoff : duration("backoff", backoff);
        Duration most = first.compareTo(DEFAULT_MAX_BACKOFF) < 0 ? DEFAULT_MAX_BACKOFF : first;
        return new RestartPolicy(
                limit == null ? DEFAULT.limit : limit,
                first,
                maxBackoff == null ? most : duration("maxBackoff", maxBackoff),
                resetAfter == null ? DEFAULT.resetAfter : duration("resetAfter", resetAfter));
    }

    /** In the one way that each is written in an event. */
    private static Duration duration(String field, String text) {
        if (!DURATION.matcher(text).matches()) {
            throw invalid("job.policies.restart.%s %s is no duration such as PT30S, PT15M or PT1H."
                    .formatted(field, Quoted.shape(text)));
        }
        return Duration.parse(text);
    }

    private static void require(String field, Duration value, Duration least, Duration most) {
        if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            throw invalid("job.policies.restart.%s is %s; %s to %s is allowed.".formatted(field, value, least, most));
        }
    }

    private static RefusedException invalid(String sentence) {
        return new RefusedException(ErrorCode.FIELD_INVALID, sentence);
    }

    /**
     * How long after a failure a restart comes.
     *
     * @param number which of a row, from 1
     */
    public Duration delay(int number) {
        Duration delay = backoff;
        for (int i = 1; i < number && delay.compareTo(maxBackoff) < 0; i++) {
            delay = delay.multipliedBy(2);
        }
        return delay.compareTo(maxBackoff) < 0 ? delay : maxBackoff;
    }

    List<String> parts() {
        return List.of(Integer.toString(limit), backoff.toString(), maxBackoff.toString(), resetAfter.toString());
    }
}
