package io.sluiceway.jobs.flightdelays;

import java.io.Serializable;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;

/** Which flights the job takes, and whether it ever ends. */
public sealed interface Extent extends Serializable {

    /**
     * Some days' flights, as fast as they can be read; then the job finishes.
     *
     * @param from the first day, in New York
     * @param to the day after the last, in New York; after {@code from}
     */
    record Days(LocalDate from, LocalDate to) implements Extent {

        private static final ZoneId NEW_YORK = ZoneId.of("America/New_York");

        /** Whether a flight that is to depart then belongs to these days. */
        boolean contains(Instant scheduledDeparture) {
            LocalDate day = LocalDate.ofInstant(scheduledDeparture, NEW_YORK);
            return !day.isBefore(from) && day.isBefore(to);
        }
    }

    /**
     * The whole year, replayed; the job runs until it is stopped, also after the last flight.
     *
     * @param speed how many seconds of the year pass in one second of the wall clock; above 0, finite
     */
    record Replay(double speed) implements Extent {}
}
