package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which savepoints of a STREAM are kept: what exceeds one of the two goes, what the job may need apart.
 *
 * @param count how many, 1 to 100
 * @param age how long, an hour to 3,650 days
 */
public record RetentionPolicy(int count, Duration age) {
    private static final int DEFAULT_COUNT = 10;
    private static final Duration DEFAULT_AGE = Duration.ofDays(7);
    private static final int MOST = 100;
    private static final Duration SHORTEST = Duration.ofHours(1);
    private static final Duration LONGEST = Duration.ofDays(3650);

    public RetentionPolicy {
        if (count < 1 || count > MOST) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "job.policies.retention.count is %d; 1 to 100 is allowed.".formatted(count));
        }
        PolicyTexts.checkWithin("job.policies.retention.age", age, SHORTEST, LONGEST);
    }

    /**
     * The policy of its fields, as an event has them.
     *
     * @param count absent: 10
     * @param age days, hours and minutes; absent: 7 days
     * @throws RefusedException FIELD_INVALID
     */
    public static RetentionPolicy of(@Nullable Integer count, @Nullable String age) {
        return new RetentionPolicy(
                count == null ? DEFAULT_COUNT : count,
                age == null ? DEFAULT_AGE : PolicyTexts.duration("job.policies.retention.age", age));
    }

    List<String> parts() {
        return List.of(Integer.toString(count), age.toString());
    }
}
