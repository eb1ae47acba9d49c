package io.sluiceway.jobs.flightdelays;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A line of the result: the flights that one airport had scheduled in one hour.
 *
 * @param origin the airport's FAA code
 * @param hour the hour's beginning
 * @param flights how many flights were scheduled, the cancelled among them; 1 or more
 * @param cancelled how many of them never departed
 * @param meanDepartureDelayMinutes the mean delay of those that departed, in minutes; null when none did
 * @param p95DepartureDelayMinutes the 95th percentile of their delays by nearest rank, in minutes; null when none
 *     departed
 * @param weather the airport's weather in that hour; null when there is no observation
 */
@JsonPropertyOrder({
    "origin",
    "hour",
    "flights",
    "cancelled",
    "meanDepartureDelayMinutes",
    "p95DepartureDelayMinutes",
    "weather"
})
public record HourlyDelays(
        String origin,
        @JsonSerialize(using = ToStringSerializer.class) Instant hour,
        int flights,
        int cancelled,
        @Nullable Double meanDepartureDelayMinutes,
        @Nullable Integer p95DepartureDelayMinutes,
        @Nullable Weather weather) {

    /** This line beside the weather of its hour, or beside none. */
    HourlyDelays withWeather(@Nullable Weather observed) {
        return new HourlyDelays(
                origin, hour, flights, cancelled, meanDepartureDelayMinutes, p95DepartureDelayMinutes, observed);
    }
}
