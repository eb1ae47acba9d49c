package io.sluiceway.ready;

import java.time.Instant;

/** What is told about a job's data. */
public sealed interface ReadyEvent {
    /**
     * All that the job has to write of the time before a boundary is committed.
     *
     * @param from the boundary before, where the period begins that has become ready
     * @param until the boundary
     */
    record DataReady(Instant from, Instant until) implements ReadyEvent {}

    /**
     * The job went on from a state that lies behind an announced boundary, or without state: it writes again what it
     * wrote of the time before, or of a part of it. The next {@link DataReady} tells that this is committed, too.
     *
     * @param until the last boundary that was announced
     */
    record DataRevised(Instant until) implements ReadyEvent {}
}
