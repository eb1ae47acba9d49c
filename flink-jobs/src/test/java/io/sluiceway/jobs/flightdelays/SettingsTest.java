package io.sluiceway.jobs.flightdelays;

import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.CONFLICTING_ARGUMENTS;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.INVALID_ARGUMENT;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.MISSING_ARGUMENT;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.REPEATED_ARGUMENT;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.UNKNOWN_ARGUMENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SettingsTest {

    @Test
    void parse_days_hasDefaults() {
        assertThat(parse("--input s3://bucket/in --output s3://bucket/out --from 2013-01-05 --to 2013-01-06"))
                .isEqualTo(new Settings(
                        new InputDirectory("s3://bucket/in"),
                        "s3://bucket/out",
                        new Extent.Days(LocalDate.of(2013, 1, 5), LocalDate.of(2013, 1, 6)),
                        Duration.ofHours(22),
                        Duration.ofSeconds(5)));
    }

    @Test
    void parse_replayWithAllSettings_takesThem() {
        assertThat(parse("--input in --output out --replay 3600.5 --watermark-lag PT0S --checkpoint-interval PT0.5S"))
                .isEqualTo(new Settings(
                        new InputDirectory("in"),
                        "out",
                        new Extent.Replay(3600.5),
                        Duration.ZERO,
                        Duration.ofMillis(500)));
    }

    static Stream<Arguments> wrongCommandLines() {
        String directories = "--input in --output out ";
        return Stream.of(
                Arguments.of("", MISSING_ARGUMENT, "--input has no value"),
                Arguments.of("--input in", MISSING_ARGUMENT, "--output has no value"),
                Arguments.of("--input --output out", MISSING_ARGUMENT, "--input has no value"),
                Arguments.of(directories, MISSING_ARGUMENT, "give --from and --to"),
                Arguments.of(directories + "--from 2013-01-05", MISSING_ARGUMENT, "--to has no value"),
                Arguments.of(directories + "--to 2013-01-05", MISSING_ARGUMENT, "--from has no value"),
                Arguments.of(directories + "--replay", MISSING_ARGUMENT, "--replay has no value"),
                Arguments.of(directories + "--speed 5", UNKNOWN_ARGUMENT, "--speed isn't known; there are --input"),
                Arguments.of(directories + "--input in2", REPEATED_ARGUMENT, "--input is there more than once"),
                Arguments.of(directories + "replay", INVALID_ARGUMENT, "Write --name value."),
                Arguments.of(directories + "--from 5.1.2013 --to 2013-01-06", INVALID_ARGUMENT, "--from is 5.1.2013"),
                Arguments.of(directories + "--from 2013-01-06 --to 2013-01-06", INVALID_ARGUMENT, "isn't before --to"),
                Arguments.of(
                        directories + "--from 2013-01-05 --to 2013-01-06 --replay 1", CONFLICTING_ARGUMENTS, "either"),
                Arguments.of(directories + "--replay 0", INVALID_ARGUMENT, "above 0"),
                Arguments.of(directories + "--replay -5", INVALID_ARGUMENT, "above 0"),
                Arguments.of(directories + "--replay NaN", INVALID_ARGUMENT, "above 0"),
                Arguments.of(directories + "--replay Infinity", INVALID_ARGUMENT, "above 0"),
                Arguments.of(directories + "--replay fast", INVALID_ARGUMENT, "--replay is fast"),
                Arguments.of(directories + "--replay 1 --watermark-lag 22h", INVALID_ARGUMENT, "ISO-8601"),
                Arguments.of(directories + "--replay 1 --watermark-lag PT-1S", INVALID_ARGUMENT, "from PT0S"),
                Arguments.of(directories + "--replay 1 --checkpoint-interval PT0.001S", INVALID_ARGUMENT, "PT0.01S"));
    }

    @ParameterizedTest
    @MethodSource("wrongCommandLines")
    void parse_wrongCommandLine_saysWhatIsWrong(String commandLine, ArgumentException.Code code, String words) {
        assertThatExceptionOfType(ArgumentException.class)
                .isThrownBy(() -> parse(commandLine))
                .withMessageStartingWith(code + ": ")
                .withMessageContaining(words)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void contains_midnightInNewYork_dividesTheDays() {
        Extent.Days day = new Extent.Days(LocalDate.of(2013, 7, 4), LocalDate.of(2013, 7, 5));

        assertThat(day.contains(Instant.parse("2013-07-04T03:59:00Z"))).isFalse();
        assertThat(day.contains(Instant.parse("2013-07-04T04:00:00Z"))).isTrue();
        assertThat(day.contains(Instant.parse("2013-07-05T03:59:00Z"))).isTrue();
        assertThat(day.contains(Instant.parse("2013-07-05T04:00:00Z"))).isFalse();
    }

    private static Settings parse(String commandLine) {
        return Settings.parse(
                commandLine.isEmpty() ? new String[0] : commandLine.strip().split(" ", -1));
    }
}
