package io.sluiceway.jobs.flightdelays;

import java.io.IOException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.core.io.InputStatus;
import org.jspecify.annotations.Nullable;

/**
 * Emits the flights of its split, moving a clock of its own from one flight to the next.
 *
 * <p>In a replay the clock keeps pace with the wall clock and also stops at each full hour, so that hours become
 * complete while no flight departs, and after the year's last. Otherwise it moves as fast as flights can be read.
 */
final class FlightReader implements SourceReader<Flight, FlightSplit> {

    private static final long HOUR_MILLIS = Duration.ofHours(1).toMillis();

    private final SourceReaderContext context;
    private final InputDirectory input;
    private final Extent extent;
    private final long lagMillis;
    private final LongSupplier nanoTime;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "flight-replay-timer");
        thread.setDaemon(true);
        return thread;
    });

    private CompletableFuture<Void> available = new CompletableFuture<>();
    private @Nullable FlightSplit split;
    private boolean noMoreSplits;

    private @Nullable List<Flight> flights;
    private @Nullable Pace pace;
    private long endMillis;

    /**
     * A reader that has nothing to read yet.
     *
     * @param nanoTime the wall clock, as {@link System#nanoTime()} gives it
     */
    FlightReader(
            SourceReaderContext context,
            InputDirectory input,
            Extent extent,
            Duration watermarkLag,
            LongSupplier nanoTime) {
        this.context = context;
        this.input = input;
        this.extent = extent;
        this.lagMillis = watermarkLag.toMillis();
        this.nanoTime = nanoTime;
    }

    @Override
    public void start() {
        if (split == null) {
            context.sendSplitRequest();
        }
    }

    @Override
    public void addSplits(List<FlightSplit> splits) {
        for (FlightSplit added : splits) {
            if (split != null) {
                throw new IllegalStateException("There is one split only, but " + added + " came after " + split);
            }
            split = added;
        }
        available.complete(null);
    }

    @Override
    public void notifyNoMoreSplits() {
        noMoreSplits = true;
        available.complete(null);
    }

    @Override
    public List<FlightSplit> snapshotState(long checkpointId) {
        return split == null ? List.of() : List.of(split);
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
        return available;
    }

    @Override
    public InputStatus pollNext(ReaderOutput<Flight> output) throws IOException {
        if (split == null) {
            return noMoreSplits ? InputStatus.END_OF_INPUT : pause();
        }
        List<Flight> known = flights;
        if (known == null) {
            known = open(split, output);
        }
        return advance(split, known, output);
    }

    private InputStatus advance(FlightSplit from, List<Flight> known, ReaderOutput<Flight> output) {
        @Nullable Flight flight = from.position() < known.size() ? known.get(from.position()) : null;
        long next = flight == null ? Long.MAX_VALUE : flight.knownAt().toEpochMilli();
        if (pace == null) {
            if (flight == null) {
                return InputStatus.END_OF_INPUT;
            }
        } else {
            if (from.clockMillis() < endMillis) {
                next = Math.min(next, (Math.floorDiv(from.clockMillis(), HOUR_MILLIS) + 1) * HOUR_MILLIS);
            }
            if (next == Long.MAX_VALUE) {
                return pause();
            }
            long nanos = pace.nanosUntil(next);
            if (nanos > 0) {
                InputStatus status = pause();
                CompletableFuture<Void> wakened = available;
                var unused = timer.schedule(() -> wakened.complete(null), nanos, TimeUnit.NANOSECONDS);
                return status;
            }
        }

        // The watermark comes first, so that whether a flight is late doesn't depend on the others of its minute.
        if (next > from.clockMillis()) {
            output.emitWatermark(watermark(next));
        }
        boolean departs = flight != null && flight.knownAt().toEpochMilli() == next;
        if (flight != null && departs) {
            output.collect(flight, flight.scheduledDeparture().toEpochMilli());
        }
        split = new FlightSplit(from.position() + (departs ? 1 : 0), next, from.total());
        return InputStatus.MORE_AVAILABLE;
    }

    /** Reads the flights, and takes up the clock where the split left it. */
    private List<Flight> open(FlightSplit from, ReaderOutput<Flight> output) throws IOException {
        List<Flight> known = input.readFlights().stream()
                .filter(flight -> !(extent instanceof Extent.Days days) || days.contains(flight.scheduledDeparture()))
                // A stable sort: flights that become known in the same minute stay in the order of the file.
                .sorted(Comparator.comparing(Flight::knownAt))
                .toList();
        if (from.started() && from.total() != known.size()) {
            throw new IOException("The position " + from.position() + " was saved in an input of " + from.total()
                    + " flights, but now there are " + known.size()
                    + ": the input or the days are others than those of the savepoint or checkpoint.");
        }
        long clock = from.started()
                ? from.clockMillis()
                : known.stream()
                        .findFirst()
                        .map(flight -> flight.knownAt().toEpochMilli())
                        .orElse(0L);
        endMillis = known.stream()
                        .mapToLong(flight -> flight.scheduledDeparture().toEpochMilli())
                        .max()
                        .orElse(0L)
                + HOUR_MILLIS
                + lagMillis;
        if (extent instanceof Extent.Replay replay) {
            pace = new Pace(replay.speed(), clock, nanoTime);
        }
        output.emitWatermark(watermark(clock));
        split = new FlightSplit(from.position(), clock, known.size());
        flights = known;
        return known;
    }

    /** At a moment of the clock, whatever was scheduled more than the lag before it has become known. */
    private Watermark watermark(long clockMillis) {
        return new Watermark(clockMillis - lagMillis - 1);
    }

    private InputStatus pause() {
        if (available.isDone()) {
            available = new CompletableFuture<>();
        }
        return InputStatus.NOTHING_AVAILABLE;
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }

    /**
     * Where the replay's clock ought to be. It starts anew with each reader, so that a restore doesn't rush to catch
     * up.
     */
    private static final class Pace {

        private final double speed;
        private final long startMillis;
        private final long startNanos;
        private final LongSupplier nanoTime;

        Pace(double speed, long startMillis, LongSupplier nanoTime) {
            this.speed = speed;
            this.startMillis = startMillis;
            this.startNanos = nanoTime.getAsLong();
            this.nanoTime = nanoTime;
        }

        long nanosUntil(long eventMillis) {
            double due = (eventMillis - startMillis) * 1e6 / speed;
            return (long) due - (nanoTime.getAsLong() - startNanos);
        }
    }
}
