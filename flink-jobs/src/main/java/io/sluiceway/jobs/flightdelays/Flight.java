package io.sluiceway.jobs.flightdelays;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * One scheduled flight, and what became of its departure.
 *
 * @param origin the FAA code of the airport it leaves from: EWR, JFK or LGA
 * @param carrier the airline's two-character code
 * @param number the flight's number within its airline
 * @param scheduledDeparture when it was to depart, to the minute: its event time
 * @param departureDelayMinutes how late it departed, in minutes, negative when early; null when it was cancelled
 */
@JsonPropertyOrder({"origin", "carrier", "number", "scheduledDeparture", "departureDelayMinutes"})
public record Flight(
        String origin,
        String carrier,
        int number,
        @JsonSerialize(using = ToStringSerializer.class) Instant scheduledDeparture,
        @Nullable Integer departureDelayMinutes) {

    /** When the job learns of the flight: at its departure, or at its schedule when it never departed. */
    public Instant knownAt() {
        return departureDelayMinutes == null
                ? scheduledDeparture
                : scheduledDeparture.plus(departureDelayMinutes, ChronoUnit.MINUTES);
    }
}
