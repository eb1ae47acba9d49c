package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * That it is told, boundary by boundary of event time, when all that a job writes of the time before is committed.
 *
 * @param sink the name that the program gives the sink, by which Flink shows it (as {@code <sink>: Writer}): 1 to 64
 *     printable ASCII characters with no blank at either end
 * @param every the time between two boundaries
 * @param timeZone whose midnights the boundaries are counted from, each day anew: a region of the IANA time zone
 *     database, or UTC
 * @param start boundaries up to this aren't told; absent: the first that is told is the last that has been passed by
 *     the time the job's watermark is first seen. Whole seconds, in the years 1 to 9999
 * @param end where the job's event time ends by its declaration, the last boundary; absent: nowhere. Whole seconds, in
 *     the years 1 to 9999, behind {@code start}
 */
public record DataReadyPolicy(
        String sink,
        Every every,
        ZoneId timeZone,
        @Nullable Instant start,
        @Nullable Instant end) {
    private static final Pattern SINK = Pattern.compile("[!-~](?:[ -~]{0,62}[!-~])?");
    private static final Pattern INSTANT = Pattern.compile("\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z");
    private static final Instant EARLIEST = Instant.parse("0001-01-01T00:00:00Z");
    private static final Instant LATEST = Instant.parse("9999-12-31T23:59:59Z");

    /** The times between two boundaries: what divides a day, in the one way that each is written. */
    @SuppressWarnings("MissingSummary")
    public enum Every {
        PT1M,
        PT5M,
        PT10M,
        PT15M,
        PT20M,
        PT30M,
        PT1H,
        PT2H,
        PT3H,
        PT4H,
        PT6H,
        PT8H,
        PT12H,
        P1D;

        private final Duration duration = Duration.parse(name());

        /** How long it is; a day has 24 hours here. */
        public Duration duration() {
            return duration;
        }
    }

    public DataReadyPolicy {
        if (!SINK.matcher(sink).matches()) {
            throw invalid(
                    "job.policies.dataReady.sink %s is no name of a sink: 1 to 64 printable ASCII characters, no blank at either end."
                            .formatted(Quoted.shape(sink)));
        }
        check("start", start);
        check("end", end);
        if (start != null && end != null && !start.isBefore(end)) {
            throw invalid("job.policies.dataReady.start %s isn't before its end %s.".formatted(start, end));
        }
    }

    /**
     * The policy of its texts, as an event has them.
     *
     * @param timeZone absent: UTC
     * @throws RefusedException FIELD_INVALID
     */
    public static DataReadyPolicy of(
            String sink, Every every, @Nullable String timeZone, @Nullable String start, @Nullable String end) {
        return new DataReadyPolicy(
                sink,
                every,
                timeZone == null ? ZoneOffset.UTC : PolicyTexts.timeZone("job.policies.dataReady.timeZone", timeZone),
                start == null ? null : instant("start", start),
                end == null ? null : instant("end", end));
    }

    private static void check(String field, @Nullable Instant instant) {
        if (instant != null
                && (instant.isBefore(EARLIEST)
                        || instant.isAfter(LATEST)
                        || !instant.equals(instant.truncatedTo(ChronoUnit.SECONDS)))) {
            throw invalid("job.policies.dataReady.%s %s isn't of the years 1 to 9999 and of whole seconds."
                    .formatted(field, instant));
        }
    }

    private static Instant instant(String field, String text) {
        try {
            // Instant takes 24:00:00 and leap seconds, too, and makes another text of them.
            if (INSTANT.matcher(text).matches()
                    && Instant.parse(text).toString().equals(text)) {
                return Instant.parse(text);
            }
        } catch (DateTimeException e) {
            throw new RefusedException(ErrorCode.FIELD_INVALID, noInstant(field, text), e);
        }
        throw invalid(noInstant(field, text));
    }

    private static String noInstant(String field, String text) {
        return "job.policies.dataReady.%s %s is no instant such as 2013-01-05T10:00:00Z."
                .formatted(field, Quoted.shape(text));
    }

    private static RefusedException invalid(String sentence) {
        return new RefusedException(ErrorCode.FIELD_INVALID, sentence);
    }

    /** How the time zone is written. */
    public String timeZoneText() {
        return PolicyTexts.of(timeZone);
    }

    List<String> parts() {
        return List.of(sink, every.name(), timeZoneText(), Objects.toString(start, ""), Objects.toString(end, ""));
    }
}
