package io.sluiceway.jobs.flightdelays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.FileNotFoundException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InputDirectoryTest {

    @TempDir
    private Path directory;

    @Test
    void readFlights_departedAndCancelled_readsBoth() throws Exception {
        InputDirectory input = SmallInput.write(
                directory,
                List.of(
                        SmallInput.flight("EWR", 1545, 5, 15, 2),
                        "2013,1,6,NA,1459,NA,NA,1344,NA,9E,3572,NA,LGA,CLE,NA,419,14,59,2013-01-06T19:00:00Z"),
                List.of());

        assertThat(input.readFlights())
                .containsExactly(
                        new Flight("EWR", "UA", 1545, Instant.parse("2013-01-05T10:15:00Z"), 2),
                        new Flight("LGA", "9E", 3572, Instant.parse("2013-01-06T19:59:00Z"), null))
                .extracting(Flight::knownAt)
                .containsExactly(Instant.parse("2013-01-05T10:17:00Z"), Instant.parse("2013-01-06T19:59:00Z"));
    }

    @Test
    void readWeather_notEverythingMeasured_keepsTheRest() throws Exception {
        InputDirectory input = SmallInput.write(
                directory,
                List.of(),
                List.of(
                        "JFK,2013,1,5,5,39.02,26.06,59.37,270,10.35702,NA,0,1012,10,2013-01-05T10:00:00Z",
                        "JFK,2013,1,5,6,NA,26.06,59.37,270,NA,NA,0.01,1012,0.25,2013-01-05T11:00:00Z"));

        assertThat(input.readWeather())
                .isEqualTo(Map.of(
                        new InputDirectory.OriginHour("JFK", Instant.parse("2013-01-05T10:00:00Z")),
                        new Weather(39.02, 10.35702, 0.0, 10.0),
                        new InputDirectory.OriginHour("JFK", Instant.parse("2013-01-05T11:00:00Z")),
                        new Weather(null, null, 0.01, 0.25)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "2013,1,5,NA,late,2,NA,1000,NA,UA,1,N1,JFK,IAH,NA,1400,5,15,2013-01-05T10:00:00Z",
                "2013,1,5,NA,NA,2,NA,1000,NA,UA,1,N1,JFK,IAH,NA,1400,5,15,2013-01-05T10:00:00Z",
                "2013,1,5,NA,515,2,NA,1000,NA,UA,1,N1,JFK,IAH,NA,1400,5,15,yesterday",
                "2013,1,5"
            })
    void readFlights_rowIsNoFlight_namesTheFile(String row) throws Exception {
        InputDirectory input = SmallInput.write(directory, List.of(row), List.of());

        assertThatIOException()
                .isThrownBy(input::readFlights)
                .withMessageContaining("flights.csv has a row that can't be read");
    }

    @Test
    void readFlights_noFile_fails() {
        InputDirectory input = new InputDirectory(directory.resolve("nowhere").toString());

        assertThatIOException().isThrownBy(input::readFlights).isInstanceOf(FileNotFoundException.class);
    }
}
