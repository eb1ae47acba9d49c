package io.sluiceway.jobs.flightdelays;

import org.apache.flink.api.connector.source.SourceSplit;

/**
 * All flights, and how far they have been read: this is the source's state, in checkpoints and savepoints.
 *
 * @param position how many flights, in the order in which they become known, have been emitted; 0 or more
 * @param clockMillis how far the source's clock has come, in milliseconds since 1970; it is at or after the moment when
 *     the last emitted flight became known. {@link Long#MIN_VALUE} before the start
 * @param total how many flights there are in all; {@link #UNKNOWN} before the start
 */
record FlightSplit(int position, long clockMillis, int total) implements SourceSplit {

    static final int UNKNOWN = -1;
    static final FlightSplit START = new FlightSplit(0, Long.MIN_VALUE, UNKNOWN);

    @Override
    public String splitId() {
        return "flights";
    }

    boolean started() {
        return total != UNKNOWN;
    }
}
