/**
 * {@code flight-delays}: how late the flights of New York leave, hour by hour and airport by airport, beside the
 * weather.
 *
 * <p>{@link io.sluiceway.jobs.flightdelays.FlightDelays} is the job; it reads top to bottom like the pipeline it
 * builds.
 */
@NullMarked
package io.sluiceway.jobs.flightdelays;

import org.jspecify.annotations.NullMarked;
