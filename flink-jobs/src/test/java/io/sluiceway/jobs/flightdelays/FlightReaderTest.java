package io.sluiceway.jobs.flightdelays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.metrics.groups.SourceReaderMetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.util.SimpleUserCodeClassLoader;
import org.apache.flink.util.UserCodeClassLoader;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class FlightReaderTest {

    private static final Duration LAG = Duration.ofHours(1);
    private static final Extent DAY = new Extent.Days(LocalDate.of(2013, 1, 5), LocalDate.of(2013, 1, 6));

    @TempDir
    private Path directory;

    private final AtomicLong nanoTime = new AtomicLong(42);
    private final Asked asked = new Asked();
    private InputDirectory input;

    @BeforeEach
    void writeFourFlights() throws Exception {
        input = SmallInput.write(
                directory,
                List.of(
                        // Known at 10:30, 8:55, 8:40 and 8:40.
                        SmallInput.flight("EWR", 1, 8, 0, 150),
                        SmallInput.flight("JFK", 2, 9, 0, -5),
                        SmallInput.flight("LGA", 3, 8, 40, null),
                        SmallInput.flight("EWR", 4, 8, 30, 10)),
                List.of());
    }

    @Test
    void start_noSplit_asksForOne() {
        try (FlightReader reader = reader(DAY)) {
            reader.start();

            assertThat(asked.splits).isOne();
            assertThat(reader.isAvailable()).isNotDone();
        }
    }

    @Test
    void start_splitRestored_doesNotAsk() {
        try (FlightReader reader = reader(DAY)) {
            reader.addSplits(List.of(FlightSplit.START));
            reader.start();

            assertThat(asked.splits).isZero();
            assertThat(reader.isAvailable()).isDone();
        }
    }

    @Test
    void pollNext_noSplitAndNoMore_ends() throws Exception {
        try (FlightReader reader = reader(DAY)) {
            assertThat(reader.pollNext(new Emitted())).isEqualTo(InputStatus.NOTHING_AVAILABLE);

            reader.notifyNoMoreSplits();

            assertThat(reader.pollNext(new Emitted())).isEqualTo(InputStatus.END_OF_INPUT);
        }
    }

    @Test
    void pollNext_days_emitsInTheOrderOfBecomingKnown() throws Exception {
        try (FlightReader reader = reader(DAY)) {
            reader.addSplits(List.of(FlightSplit.START));

            assertThat(untilEnd(reader))
                    .containsExactly(
                            watermark(8, 40),
                            flight(3, 8, 40),
                            flight(4, 8, 30),
                            watermark(8, 55),
                            flight(2, 9, 0),
                            watermark(10, 30),
                            flight(1, 8, 0));
        }
    }

    @Test
    void pollNext_otherDay_endsWithoutFlights() throws Exception {
        try (FlightReader reader = reader(new Extent.Days(LocalDate.of(2013, 1, 6), LocalDate.of(2013, 1, 7)))) {
            reader.addSplits(List.of(FlightSplit.START));

            assertThat(untilEnd(reader)).noneMatch(line -> line.startsWith("flight"));
        }
    }

    @Test
    void pollNext_restoredAnywhere_emitsTheRestAfterTheSameWatermark() throws Exception {
        for (int emitted = 0; emitted <= 4; emitted++) {
            Emitted before = new Emitted();
            FlightSplit saved;
            try (FlightReader reader = reader(DAY)) {
                reader.addSplits(List.of(FlightSplit.START));
                while (before.flights() < emitted) {
                    reader.pollNext(before);
                }
                saved = reader.snapshotState(1).get(0);
            }
            FlightSplitSerializer serializer = new FlightSplitSerializer();
            FlightSplit restored = serializer.deserialize(serializer.getVersion(), serializer.serialize(saved));

            try (FlightReader reader = reader(DAY)) {
                reader.addSplits(List.of(restored));
                List<String> after = untilEnd(reader);

                assertThat(saved.position()).isEqualTo(emitted);
                assertThat(after.stream().filter(line -> line.startsWith("flight")))
                        .hasSize(4 - emitted);
                if (emitted > 0) {
                    assertThat(after.get(0)).isEqualTo(before.lastWatermark());
                }
            }
        }
    }

    @Test
    void pollNext_restoredOnOtherInput_fails() throws Exception {
        try (FlightReader reader = reader(DAY)) {
            reader.addSplits(
                    List.of(new FlightSplit(2, SmallInput.scheduled(8, 0).toEpochMilli(), 5)));

            assertThatIOException()
                    .isThrownBy(() -> reader.pollNext(new Emitted()))
                    .withMessageContaining("was saved in an input of 5 flights, but now there are 4");
        }
    }

    @Test
    void pollNext_replay_keepsPaceAndStopsAtFullHours() throws Exception {
        Emitted emitted = new Emitted();
        try (FlightReader reader = reader(new Extent.Replay(60))) {
            reader.addSplits(List.of(FlightSplit.START));

            assertThat(untilPause(reader, emitted))
                    .containsExactly(watermark(8, 40), flight(3, 8, 40), flight(4, 8, 30));
            passMinutes(14.9);
            assertThat(untilPause(reader, emitted)).isEmpty();
            passMinutes(0.1);
            assertThat(untilPause(reader, emitted)).containsExactly(watermark(8, 55), flight(2, 9, 0));
            passMinutes(5);
            assertThat(untilPause(reader, emitted)).containsExactly(watermark(9, 0));
            passMinutes(90);
            assertThat(untilPause(reader, emitted))
                    .containsExactly(watermark(10, 0), watermark(10, 30), flight(1, 8, 0));
        }
    }

    @Test
    void pollNext_replayBehindItsLastFlight_closesAllHoursAndStaysIdle() throws Exception {
        Emitted emitted = new Emitted();
        try (FlightReader reader = reader(new Extent.Replay(60))) {
            reader.addSplits(List.of(FlightSplit.START));
            untilPause(reader, emitted);
            passMinutes(60 * 24);
            untilPause(reader, emitted);

            // The last flight's hour ends at 10:00, and the lag is an hour.
            assertThat(emitted.lastWatermark()).isEqualTo(watermark(11, 0));
            passMinutes(60 * 24);
            assertThat(untilPause(reader, emitted)).isEmpty();
            assertThat(reader.isAvailable()).isNotDone();
        }
    }

    @Test
    void pollNext_replayRestored_goesOnWhereTheClockStood() throws Exception {
        try (FlightReader reader = reader(new Extent.Replay(60))) {
            reader.addSplits(
                    List.of(new FlightSplit(3, SmallInput.scheduled(10, 0).toEpochMilli(), 4)));
            Emitted emitted = new Emitted();

            assertThat(untilPause(reader, emitted)).containsExactly(watermark(10, 0));
            passMinutes(30);
            assertThat(untilPause(reader, emitted)).containsExactly(watermark(10, 30), flight(1, 8, 0));
        }
    }

    @Test
    void isAvailable_replayPauses_completesWhenTheNextFlightIsDue() throws Exception {
        try (FlightReader reader = reader(new Extent.Replay(1e6))) {
            reader.addSplits(List.of(FlightSplit.START));
            untilPause(reader, new Emitted());

            // 15 minutes at this speed are less than a millisecond of the timer.
            reader.isAvailable().get(20, TimeUnit.SECONDS);
        }
    }

    private FlightReader reader(Extent extent) {
        return new FlightReader(asked, input, extent, LAG, nanoTime::get);
    }

    /** Lets the replay, at a speed of 60, come this many minutes of the year further. */
    private void passMinutes(double minutes) {
        nanoTime.addAndGet((long) (minutes * 1e9));
    }

    private static List<String> untilEnd(FlightReader reader) throws Exception {
        Emitted emitted = new Emitted();
        while (reader.pollNext(emitted) != InputStatus.END_OF_INPUT) {}
        return emitted.lines;
    }

    private static List<String> untilPause(FlightReader reader, Emitted emitted) throws Exception {
        int before = emitted.lines.size();
        while (reader.pollNext(emitted) != InputStatus.NOTHING_AVAILABLE) {}
        return emitted.lines.subList(before, emitted.lines.size());
    }

    private static String flight(int number, int hour, int minute) {
        return "flight " + number + " at " + SmallInput.scheduled(hour, minute);
    }

    /** The watermark at a moment of the clock. */
    private static String watermark(int hour, int minute) {
        return "watermark " + SmallInput.scheduled(hour, minute).minus(LAG).minusMillis(1);
    }

    /** Writes down what a reader emits. */
    private static final class Emitted implements ReaderOutput<Flight> {

        final List<String> lines = new ArrayList<>();

        long flights() {
            return lines.stream().filter(line -> line.startsWith("flight")).count();
        }

        String lastWatermark() {
            return lines.stream()
                    .filter(line -> line.startsWith("watermark"))
                    .reduce((first, second) -> second)
                    .orElseThrow();
        }

        @Override
        public void collect(Flight flight, long timestamp) {
            lines.add("flight " + flight.number() + " at " + Instant.ofEpochMilli(timestamp));
        }

        @Override
        public void emitWatermark(Watermark watermark) {
            lines.add("watermark " + Instant.ofEpochMilli(watermark.getTimestamp()));
        }

        @Override
        public void collect(Flight flight) {
            throw new UnsupportedOperationException("A flight without a timestamp");
        }

        @Override
        public void markIdle() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void markActive() {
            throw new UnsupportedOperationException();
        }

        @Override
        public SourceOutput<Flight> createOutputForSplit(String splitId) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void releaseOutputForSplit(String splitId) {
            throw new UnsupportedOperationException();
        }
    }

    /** Counts the reader's requests for a split. */
    private static final class Asked implements SourceReaderContext {

        int splits;

        @Override
        public void sendSplitRequest() {
            splits++;
        }

        @Override
        public SourceReaderMetricGroup metricGroup() {
            return UnregisteredMetricsGroup.createSourceReaderMetricGroup();
        }

        @Override
        public Configuration getConfiguration() {
            return new Configuration();
        }

        @Override
        public String getLocalHostName() {
            return "localhost";
        }

        @Override
        public int getIndexOfSubtask() {
            return 0;
        }

        @Override
        public void sendSourceEventToCoordinator(SourceEvent event) {
            throw new UnsupportedOperationException();
        }

        @Override
        public UserCodeClassLoader getUserCodeClassLoader() {
            return SimpleUserCodeClassLoader.create(getClass().getClassLoader());
        }
    }
}
