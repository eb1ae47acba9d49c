package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** That savepoints of a STREAM are taken while it runs: so long after the one before, or at times of the clock. */
public sealed interface SavepointsPolicy permits SavepointsPolicy.Every, Cron {
    /** Where the times begin that grow with the time without a savepoint, and how far they grow. */
    Duration FIRST_WINDOW = Duration.ofMinutes(5);

    /** Likewise. */
    Duration LONGEST_WINDOW = Duration.ofHours(1);

    /**
     * The policy of its texts, as an event has them.
     *
     * @param every the time between two savepoints, or absent
     * @param cron five fields as crontab has them, or absent; exactly one of the two has to be there
     * @param timeZone whose clock the fields mean; absent: UTC. Only with {@code cron}
     * @throws RefusedException FIELD_INVALID or FIELD_MISSING
     */
    static SavepointsPolicy of(@Nullable String every, @Nullable String cron, @Nullable String timeZone) {
        if (every != null && cron != null) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "Both job.policies.savepoints.every and job.policies.savepoints.cron are there; leave one out.");
        }
        if (cron != null) {
            return Cron.of(cron, timeZone);
        }
        if (every == null) {
            throw new RefusedException(
                    ErrorCode.FIELD_MISSING,
                    "Neither 'job.policies.savepoints.every' nor 'job.policies.savepoints.cron' is there; one has to be.");
        }
        if (timeZone != null) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "job.policies.savepoints.timeZone needs job.policies.savepoints.cron: a duration has no time zone.");
        }
        return new Every(PolicyTexts.duration("job.policies.savepoints.every", every));
    }

    /**
     * The newest time of this policy in a span of time.
     *
     * @param since when the time without a savepoint began; it isn't in the span
     * @param until the span's end; it is in the span
     */
    Optional<Instant> last(Instant since, Instant until);

    /**
     * The first time of this policy behind a moment.
     *
     * @param since when the time without a savepoint began; the time is after it
     * @param from the time is at this or after it
     */
    Optional<Instant> first(Instant since, Instant from);

    /** What tells this policy from others. */
    List<String> parts();

    /**
     * The time that a savepoint is due for. One that fails isn't repeated before the policy's next time; and as the
     * time without a savepoint grows, so do the times that are left out: of all that fall into 5 to 10, 10 to 20, 20 to
     * 40 or 40 to 60 minutes, or into the same hour from then on, only the first is used. So nobody has to remember
     * what was tried.
     *
     * @param since when the time without a savepoint began
     * @return empty when none is due; otherwise the same time until the next one that is used
     */
    default Optional<Instant> due(Instant since, Instant now) {
        return last(since, now).flatMap(last -> first(since, windowOf(since, last)));
    }

    private static Instant windowOf(Instant since, Instant time) {
        Duration without = Duration.between(since, time);
        if (without.compareTo(LONGEST_WINDOW) >= 0) {
            return since.plus(LONGEST_WINDOW.multipliedBy(without.dividedBy(LONGEST_WINDOW)));
        }
        if (without.compareTo(FIRST_WINDOW) < 0) {
            return since;
        }
        return since.plus(FIRST_WINDOW.multipliedBy(Long.highestOneBit(without.dividedBy(FIRST_WINDOW))));
    }

    /**
     * So long after the newest savepoint, or after the job began to run.
     *
     * @param every 5 minutes to 30 days
     */
    record Every(Duration every) implements SavepointsPolicy {
        private static final Duration LEAST = Duration.ofMinutes(5);
        private static final Duration MOST = Duration.ofDays(30);

        public Every {
            PolicyTexts.checkWithin("job.policies.savepoints.every", every, LEAST, MOST);
        }

        @Override
        public Optional<Instant> last(Instant since, Instant until) {
            long times = Duration.between(since, until).dividedBy(every);
            return times < 1 ? Optional.empty() : Optional.of(since.plus(every.multipliedBy(times)));
        }

        @Override
        public Optional<Instant> first(Instant since, Instant from) {
            Duration until = Duration.between(since, from);
            long times = until.isNegative() ? 0 : until.dividedBy(every);
            boolean exactly = times > 0 && every.multipliedBy(times).equals(until);
            return Optional.of(since.plus(every.multipliedBy(exactly ? times : times + 1)));
        }

        @Override
        public List<String> parts() {
            return List.of("every", every.toString());
        }
    }
}
