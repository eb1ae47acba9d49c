package io.sluiceway.jobs.flightdelays;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * The flights in the order in which they become known, each with its scheduled departure as its timestamp.
 *
 * <p>The source makes the watermarks itself, {@code watermarkLag} behind its clock, because only it can tell after a
 * restore how far time had come: Flink keeps no watermarks in checkpoints, and a flight that was late before a failure
 * has to be late after it. Use it with {@code WatermarkStrategy.noWatermarks()} and a parallelism of 1, since the order
 * is one.
 */
final class FlightSource implements Source<Flight, FlightSplit, Collection<FlightSplit>> {

    private static final long serialVersionUID = 1L;

    private final InputDirectory input;
    private final Extent extent;
    private final Duration watermarkLag;

    FlightSource(InputDirectory input, Extent extent, Duration watermarkLag) {
        this.input = input;
        this.extent = extent;
        this.watermarkLag = watermarkLag;
    }

    @Override
    public Boundedness getBoundedness() {
        return extent instanceof Extent.Days ? Boundedness.BOUNDED : Boundedness.CONTINUOUS_UNBOUNDED;
    }

    @Override
    public SplitEnumerator<FlightSplit, Collection<FlightSplit>> createEnumerator(
            SplitEnumeratorContext<FlightSplit> context) {
        return new FlightEnumerator(context, List.of(FlightSplit.START));
    }

    @Override
    public SplitEnumerator<FlightSplit, Collection<FlightSplit>> restoreEnumerator(
            SplitEnumeratorContext<FlightSplit> context, Collection<FlightSplit> unassigned) {
        return new FlightEnumerator(context, unassigned);
    }

    @Override
    public SourceReader<Flight, FlightSplit> createReader(SourceReaderContext context) {
        return new FlightReader(context, input, extent, watermarkLag, System::nanoTime);
    }

    @Override
    public SimpleVersionedSerializer<FlightSplit> getSplitSerializer() {
        return new FlightSplitSerializer();
    }

    @Override
    public SimpleVersionedSerializer<Collection<FlightSplit>> getEnumeratorCheckpointSerializer() {
        return new FlightSplitsSerializer();
    }
}
