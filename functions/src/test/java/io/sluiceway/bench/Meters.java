package io.sluiceway.bench;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Stands before all that a function asks, and measures how long the answers take to one of its calls. */
final class Meters implements AutoCloseable {
    private final AtomicLong nanos = new AtomicLong();
    private final AtomicInteger calls = new AtomicInteger();
    private final Meter flink;
    private final Meter aws;
    private final Meter managedFlink;

    Meters(BenchLab.Endpoints direct) {
        flink = new Meter(direct.flink(), nanos, calls);
        aws = new Meter(direct.aws(), nanos, calls);
        managedFlink = new Meter(direct.managedFlink(), nanos, calls);
    }

    /** {@return where functions find the services} */
    BenchLab.Endpoints endpoints() {
        return new BenchLab.Endpoints(flink.url(), aws.url(), managedFlink.url());
    }

    /** Begins a call. */
    void reset() {
        nanos.set(0);
        calls.set(0);
    }

    /** {@return how many milliseconds the answers since took, added up} */
    double millis() {
        return nanos.get() / 1e6;
    }

    /** {@return how many answers there were since} */
    int calls() {
        return calls.get();
    }

    @Override
    public void close() {
        managedFlink.close();
        aws.close();
        flink.close();
    }
}
