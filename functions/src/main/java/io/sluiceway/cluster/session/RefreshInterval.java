package io.sluiceway.cluster.session;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** How long a JobManager answers from memory, as its configuration says it. */
final class RefreshInterval {
    /** Flink's default of {@code web.refresh-interval}. */
    static final Duration DEFAULT = Duration.ofSeconds(3);

    private static final Pattern WITH_UNIT = Pattern.compile("(\\d{1,12})\\s*([a-z]*)");

    /** The units of Flink's {@code TimeUtils} that anybody would use here. */
    private static final Map<String, Duration> UNITS = Map.ofEntries(
            Map.entry("", Duration.ofMillis(1)),
            Map.entry("ms", Duration.ofMillis(1)),
            Map.entry("milli", Duration.ofMillis(1)),
            Map.entry("millis", Duration.ofMillis(1)),
            Map.entry("s", Duration.ofSeconds(1)),
            Map.entry("sec", Duration.ofSeconds(1)),
            Map.entry("second", Duration.ofSeconds(1)),
            Map.entry("seconds", Duration.ofSeconds(1)),
            Map.entry("m", Duration.ofMinutes(1)),
            Map.entry("min", Duration.ofMinutes(1)),
            Map.entry("minute", Duration.ofMinutes(1)),
            Map.entry("minutes", Duration.ofMinutes(1)),
            Map.entry("h", Duration.ofHours(1)),
            Map.entry("hour", Duration.ofHours(1)),
            Map.entry("hours", Duration.ofHours(1)));

    private RefreshInterval() {}

    /**
     * Reads a duration as Flink writes it, such as {@code 3000}, {@code 3 s} or {@code PT3S}.
     *
     * @param otherwise what holds when nothing is configured
     * @return empty when it can't be read
     */
    static Optional<Duration> of(@Nullable String configured, Duration otherwise) {
        if (configured == null) {
            return Optional.of(otherwise);
        }
        String text = configured.strip();
        Matcher matcher = WITH_UNIT.matcher(text.toLowerCase(Locale.ROOT));
        if (matcher.matches()) {
            return Optional.ofNullable(UNITS.get(matcher.group(2)))
                    .map(unit -> unit.multipliedBy(Long.parseLong(matcher.group(1))));
        }
        try {
            return Optional.of(Duration.parse(text)).filter(duration -> !duration.isNegative());
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }
}
