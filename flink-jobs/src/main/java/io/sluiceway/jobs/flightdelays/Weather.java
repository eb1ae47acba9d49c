package io.sluiceway.jobs.flightdelays;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import org.jspecify.annotations.Nullable;

/**
 * What an airport's station measured for one hour; null where it measured nothing.
 *
 * @param temperatureFahrenheit in degrees Fahrenheit
 * @param windSpeedMph in miles per hour
 * @param precipitationInches in inches, 0 or more
 * @param visibilityMiles in miles, 0 to 10
 */
@JsonPropertyOrder({"temperatureFahrenheit", "windSpeedMph", "precipitationInches", "visibilityMiles"})
public record Weather(
        @Nullable Double temperatureFahrenheit,
        @Nullable Double windSpeedMph,
        @Nullable Double precipitationInches,
        @Nullable Double visibilityMiles) {}
