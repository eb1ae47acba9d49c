package io.sluiceway.job;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Savepoints at times of the clock, as crontab writes them. This class alone knows the library that reads them.
 *
 * @param expression minute, hour, day of the month, month and day of the week, separated by single blanks, at most 100
 *     characters
 * @param timeZone whose clock is meant: a region of the IANA time zone database, or UTC
 */
public record Cron(String expression, ZoneId timeZone) implements SavepointsPolicy {
    private static final String FIELD = "job.policies.savepoints.cron";

    /** The schema says the same. */
    private static final Pattern FIELDS = Pattern.compile("(?=.{9,100}$)[0-9A-Za-z*/,-]+(?: [0-9A-Za-z*/,-]+){4}");

    private static final CronParser PARSER = new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX));

    /** Two times nearer to each other than this are too near. */
    private static final Duration LEAST_DISTANCE = Duration.ofMinutes(5);

    /** A day's times are the same on each day that they are on; with the next day's first that is all there is. */
    private static final Duration ALL_DISTANCES = Duration.ofHours(25);

    private static final Instant ANY_TIME = Instant.parse("2001-01-01T00:00:00Z");

    public Cron {
        if (!FIELDS.matcher(expression).matches()) {
            throw invalid(expression);
        }
        times(expression);
    }

    /**
     * The policy of its texts, as an event has them.
     *
     * @param timeZone absent: UTC
     * @throws RefusedException FIELD_INVALID; also when it names no time ever, or two within 5 minutes
     */
    static Cron of(String expression, @Nullable String timeZone) {
        Cron cron = read(expression, timeZone == null ? "UTC" : timeZone);
        cron.checkDistances();
        return cron;
    }

    /**
     * The policy of its texts, which were taken before.
     *
     * @throws RefusedException FIELD_INVALID
     */
    public static Cron read(String expression, String timeZone) {
        return new Cron(expression, PolicyTexts.timeZone("job.policies.savepoints.timeZone", timeZone));
    }

    private void checkDistances() {
        ExecutionTime times = times(expression);
        ZonedDateTime time = times.nextExecution(ANY_TIME.atZone(ZoneOffset.UTC))
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.FIELD_INVALID, FIELD + " " + Quoted.shape(expression) + " names no time ever."));
        ZonedDateTime end = time.plus(ALL_DISTANCES);
        while (time.isBefore(end)) {
            ZonedDateTime next = times.nextExecution(time).orElse(end);
            if (Duration.between(time, next).compareTo(LEAST_DISTANCE) < 0) {
                throw new RefusedException(
                        ErrorCode.FIELD_INVALID,
                        "%s %s names times with less than 5 minutes between them."
                                .formatted(FIELD, Quoted.shape(expression)));
            }
            time = next;
        }
    }

    private static ExecutionTime times(String expression) {
        try {
            return ExecutionTime.forCron(PARSER.parse(expression));
        } catch (RuntimeException e) {
            // The library says in several ways that it can't read a text.
            throw new RefusedException(ErrorCode.FIELD_INVALID, sentence(expression), e);
        }
    }

    private static RefusedException invalid(String expression) {
        return new RefusedException(ErrorCode.FIELD_INVALID, sentence(expression));
    }

    private static String sentence(String expression) {
        return "%s %s is none of five fields such as 0 4 * * 1-5.".formatted(FIELD, Quoted.shape(expression));
    }

    @Override
    public Optional<Instant> last(Instant since, Instant until) {
        // What the library calls the last is before the moment that it is given.
        Instant behind = until.truncatedTo(ChronoUnit.SECONDS).plusSeconds(1);
        return times(expression)
                .lastExecution(behind.atZone(timeZone))
                .map(ZonedDateTime::toInstant)
                .filter(time -> time.isAfter(since) && !time.isAfter(until));
    }

    @Override
    public Optional<Instant> first(Instant since, Instant from) {
        Instant later = from.isAfter(since) ? from.minusNanos(1) : since;
        Instant before = later.truncatedTo(ChronoUnit.SECONDS);
        return times(expression).nextExecution(before.atZone(timeZone)).map(ZonedDateTime::toInstant);
    }

    /** How the time zone is written. */
    public String timeZoneText() {
        return PolicyTexts.of(timeZone);
    }

    @Override
    public List<String> parts() {
        return List.of("cron", expression, timeZoneText());
    }
}
