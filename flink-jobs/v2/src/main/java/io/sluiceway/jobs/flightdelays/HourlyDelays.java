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
 * @param worstDepartureDelayMinutes the longest of their delays, in minutes; null when none departed
 * @param worstFlight the carrier and number of the flight that had it, such as {@code UA1545}, of several the one that
 *     became known last; null when none departed, and when the first version of the job counted that flight
 * @param weather the airport's weather in that hour; null when there is no observation
 */
@JsonPropertyOrder({
    "origin",
    "hour",
    "flights",
    "cancelled",
    "meanDepartureDelayMinutes",
    "p95DepartureDelayMinutes",
    "worstDepartureDelayMinutes",
    "worstFlight",
    "weather"
})
public record HourlyDelays(
        String origin,
        @JsonSerialize(using = ToStringSerializer.class) Instant hour,
        int flights,
        int cancelled,
        @Nullable Double meanDepartureDelayMinutes,
        @Nullable Integer p95DepartureDelayMinutes,
        @Nullable Integer worstDepartureDelayMinutes,
        @Nullable String worstFlight,
        @Nullable Weather weather) {

    /** This line beside the weather of its hour, or beside none. */
    HourlyDelays withWeather(@Nullable Weather observed) {
        return new HourlyDelays(
                origin,
                hour,
                flights,
                cancelled,
                meanDepartureDelayMinutes,
                p95DepartureDelayMinutes,
                worstDepartureDelayMinutes,
                worstFlight,
                observed);
    }
}
