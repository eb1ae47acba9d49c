package io.sluiceway.jobs.flightdelays;

import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.CONFLICTING_ARGUMENTS;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.INVALID_ARGUMENT;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.MISSING_ARGUMENT;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.REPEATED_ARGUMENT;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.UNKNOWN_ARGUMENT;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDate;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import org.apache.flink.util.MultipleParameterTool;
import org.jspecify.annotations.Nullable;

/**
 * What the job was told to do.
 *
 * @param input where the flights and the weather are
 * @param output the directory for the results; {@code {flinkJobId}} in it stands for the Flink job's id
 * @param extent which flights, and whether the job ends
 * @param watermarkLag how long after its scheduled departure a flight may become known and still be counted in its
 *     hour; 0 or more
 * @param checkpointInterval the time between two checkpoints, and so between two commits of results; at least 10 ms;
 *     without it the cluster's own
 */
public record Settings(
        InputDirectory input,
        String output,
        Extent extent,
        Duration watermarkLag,
        @Nullable Duration checkpointInterval) {

    /** The longest delay of the year is 1,301 minutes, 21 h 41 min: nothing is late. */
    static final Duration DEFAULT_WATERMARK_LAG = Duration.ofHours(22);

    static final Duration DEFAULT_CHECKPOINT_INTERVAL = Duration.ofSeconds(5);

    private static final Duration MIN_CHECKPOINT_INTERVAL = Duration.ofMillis(10);
    private static final Duration MAX_DURATION = Duration.ofDays(3650);
    private static final List<String> NAMES =
            List.of("input", "output", "from", "to", "replay", "watermark-lag", "checkpoint-interval");

    /**
     * Reads the command line.
     *
     * @throws ArgumentException when anything about it is wrong
     */
    public static Settings parse(String... args) {
        Arguments arguments = new Arguments(args);
        String input =
                arguments.require("input", "the directory with flights.csv and weather.csv, such as s3://bucket/in");
        String output = arguments.require("output", "the directory for the results, such as s3://bucket/out");
        return new Settings(
                new InputDirectory(input),
                output,
                extent(arguments),
                duration(arguments, "watermark-lag", DEFAULT_WATERMARK_LAG, Duration.ZERO),
                duration(arguments, "checkpoint-interval", DEFAULT_CHECKPOINT_INTERVAL, MIN_CHECKPOINT_INTERVAL));
    }

    /** The same, with checkpoints as often as the cluster is set to make them. */
    Settings withCheckpointsOfTheCluster() {
        return new Settings(input, output, extent, watermarkLag, null);
    }

    private static Extent extent(Arguments arguments) {
        boolean days = arguments.has("from") || arguments.has("to");
        if (days && arguments.has("replay")) {
            throw new ArgumentException(
                    CONFLICTING_ARGUMENTS,
                    "--replay runs through the whole year; give either --from and --to, or --replay.");
        }
        if (days) {
            LocalDate from = date(arguments, "from", "the first day");
            LocalDate to = date(arguments, "to", "the day after the last");
            if (!from.isBefore(to)) {
                throw new ArgumentException(
                        INVALID_ARGUMENT,
                        "--from " + from + " isn't before --to " + to + "; --to is the day after the last.");
            }
            return new Extent.Days(from, to);
        }
        if (!arguments.has("replay")) {
            throw new ArgumentException(
                    MISSING_ARGUMENT,
                    "give --from and --to for some days' flights, or --replay to run through the whole year.");
        }
        double speed = arguments.value("replay", "a number of seconds above 0, such as 3600", Double::valueOf);
        if (!(speed > 0) || Double.isInfinite(speed)) {
            throw new ArgumentException(
                    INVALID_ARGUMENT,
                    "--replay is " + speed + ", but has to be a number of seconds above 0, such as 3600.");
        }
        return new Extent.Replay(speed);
    }

    private static LocalDate date(Arguments arguments, String name, String meaning) {
        arguments.require(name, meaning + " in New York, such as 2013-01-05");
        return arguments.value(name, "a date such as 2013-01-05", LocalDate::parse);
    }

    private static Duration duration(Arguments arguments, String name, Duration defaultValue, Duration least) {
        if (!arguments.has(name)) {
            return defaultValue;
        }
        Duration duration = arguments.value(name, "an ISO-8601 duration such as PT30S or PT22H", Duration::parse);
        if (duration.compareTo(least) < 0 || duration.compareTo(MAX_DURATION) > 0) {
            throw new ArgumentException(
                    INVALID_ARGUMENT,
                    "--" + name + " is " + duration + ", but has to be from " + least + " to " + MAX_DURATION + ".");
        }
        return duration;
    }

    /**
     * The command line as Flink's own reader sees it, but strict: each name is known and appears once, with a value.
     */
    private static final class Arguments {

        /** What Flink's reader gives for a name that no value follows; its own constant isn't accessible. */
        private static final String NO_VALUE = "__NO_VALUE_KEY";

        private final MultipleParameterTool parameters;

        Arguments(String[] args) {
            try {
                parameters = MultipleParameterTool.fromArgs(args);
            } catch (IllegalArgumentException e) {
                throw new ArgumentException(INVALID_ARGUMENT, e.getMessage() + " Write --name value.");
            }
            for (String name : parameters.toMap().keySet()) {
                if (!NAMES.contains(name)) {
                    throw new ArgumentException(
                            UNKNOWN_ARGUMENT,
                            "--" + name + " isn't known; there are --" + String.join(", --", NAMES) + ".");
                }
                Collection<String> values = parameters.getMultiParameterRequired(name);
                if (values.size() > 1) {
                    throw new ArgumentException(REPEATED_ARGUMENT, "--" + name + " is there more than once.");
                }
            }
        }

        boolean has(String name) {
            return parameters.has(name);
        }

        String require(String name, String meaning) {
            @Nullable String value = parameters.get(name);
            if (value == null || value.isBlank() || value.equals(NO_VALUE)) {
                throw new ArgumentException(MISSING_ARGUMENT, "--" + name + " has no value: give " + meaning + ".");
            }
            return value;
        }

        <T> T value(String name, String expected, Function<String, T> reader) {
            String value = require(name, expected);
            try {
                return reader.apply(value);
            } catch (DateTimeException | NumberFormatException e) {
                throw new ArgumentException(
                        INVALID_ARGUMENT, "--" + name + " is " + value + ", but has to be " + expected + ".");
            }
        }
    }
}
