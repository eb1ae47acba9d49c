package io.sluiceway.ready;

import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.DataReadyPolicy.Every;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Optional;

/**
 * The boundaries of a policy: every {@code every} from a day's midnight on, each midnight, and the declared end, behind
 * which there is none. Where a day has 23 or 25 hours, the period before the next midnight is shorter, or there is one
 * more; days stay days.
 */
record Boundaries(DataReadyPolicy policy) {
    /** The last boundary at or before a moment. */
    Instant upTo(Instant moment) {
        Instant end = policy.end();
        if (end != null && !moment.isBefore(end)) {
            return end;
        }
        Instant midnight = midnight(day(moment));
        if (policy.every() == Every.P1D) {
            return midnight;
        }
        Duration every = policy.every().duration();
        return midnight.plus(
                every.multipliedBy(Duration.between(midnight, moment).dividedBy(every)));
    }

    /** The last boundary before a moment. */
    Instant before(Instant moment) {
        return upTo(moment.minusNanos(1));
    }

    /** The first boundary behind a moment; empty when the end isn't behind it. */
    Optional<Instant> behind(Instant moment) {
        Instant end = policy.end();
        if (end != null && !moment.isBefore(end)) {
            return Optional.empty();
        }
        Instant midnight = midnight(day(moment).plusDays(1));
        Instant next = policy.every() == Every.P1D
                ? midnight
                : earlier(upTo(moment).plus(policy.every().duration()), midnight);
        return Optional.of(end == null ? next : earlier(next, end));
    }

    private LocalDate day(Instant moment) {
        return moment.atZone(policy.timeZone()).toLocalDate();
    }

    private Instant midnight(LocalDate day) {
        return day.atStartOfDay(policy.timeZone()).toInstant();
    }

    private static Instant earlier(Instant one, Instant other) {
        return one.isBefore(other) ? one : other;
    }
}
