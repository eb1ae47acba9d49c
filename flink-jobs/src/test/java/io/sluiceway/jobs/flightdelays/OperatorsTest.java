package io.sluiceway.jobs.flightdelays;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.runtime.metrics.groups.InternalOperatorMetricGroup;
import org.apache.flink.runtime.metrics.util.InterceptingOperatorMetricGroup;
import org.apache.flink.runtime.metrics.util.InterceptingTaskMetricGroup;
import org.apache.flink.runtime.operators.testutils.MockEnvironment;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.operators.StreamMap;
import org.apache.flink.streaming.api.transformations.OneInputTransformation;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The job's operators in Flink's test harness, with watermarks and snapshots at will. */
// Flink's harness may throw any exception when it closes; a test that is interrupted there has failed anyway.
@SuppressWarnings("try")
class OperatorsTest {

    private static final Instant TEN = Instant.parse("2013-01-05T10:00:00Z");
    private static final Instant ELEVEN = TEN.plusSeconds(3600);

    @TempDir
    private Path directory;

    @Test
    void hourlyDelays_flightsOutOfOrder_areCountedInTheirHour() throws Exception {
        try (var harness = hourlyDelays()) {
            harness.open();
            process(harness, flight("JFK", ELEVEN, 5));
            process(harness, flight("JFK", TEN, 180));
            process(harness, flight("EWR", TEN.plusSeconds(3599), null));
            process(harness, flight("JFK", TEN.plusSeconds(60), -20));
            assertThat(harness.extractOutputValues()).isEmpty();

            harness.processWatermark(ELEVEN.toEpochMilli() - 1);

            assertThat(harness.extractOutputValues())
                    .containsExactlyInAnyOrder(
                            new HourlyDelays("JFK", TEN, 2, 0, 80.0, 180, null),
                            new HourlyDelays("EWR", TEN, 1, 1, null, null, null));

            harness.processWatermark(Watermark.MAX_WATERMARK);

            assertThat(harness.extractOutputValues())
                    .hasSize(3)
                    .contains(new HourlyDelays("JFK", ELEVEN, 1, 0, 5.0, 5, null));
            assertThat(harness.numKeyedStateEntries()).isZero();
        }
    }

    @Test
    void hourlyDelays_flightAfterItsHour_isLateAndChangesNothing() throws Exception {
        try (var harness = hourlyDelays()) {
            harness.open();
            process(harness, flight("JFK", TEN, 1));
            harness.processWatermark(ELEVEN.toEpochMilli() - 2);
            process(harness, flight("JFK", TEN, 3));
            harness.processWatermark(ELEVEN.toEpochMilli() - 1);
            Flight late = flight("JFK", TEN, 500);
            process(harness, late);
            harness.processWatermark(Watermark.MAX_WATERMARK);

            assertThat(harness.extractOutputValues()).containsExactly(new HourlyDelays("JFK", TEN, 2, 0, 2.0, 3, null));
            assertThat(harness.getSideOutput(FlightDelays.LATE))
                    .extracting(StreamRecord::getValue)
                    .containsExactly(late);
        }
    }

    @Test
    void hourlyDelays_restored_goesOnWithWhatItHad() throws Exception {
        OperatorSubtaskState saved;
        try (var harness = hourlyDelays()) {
            harness.open();
            process(harness, flight("JFK", TEN, 1));
            process(harness, flight("JFK", TEN, null));
            saved = harness.snapshot(1, 1);
        }
        try (var harness = hourlyDelays()) {
            harness.initializeState(saved);
            harness.open();
            process(harness, flight("JFK", TEN, 4));
            harness.processWatermark(Watermark.MAX_WATERMARK);

            assertThat(harness.extractOutputValues()).containsExactly(new HourlyDelays("JFK", TEN, 3, 1, 2.5, 4, null));
        }
    }

    @Test
    void weatherJoin_hourWithoutObservation_keepsNone() throws Exception {
        InputDirectory input = SmallInput.write(
                directory,
                List.of(),
                List.of("JFK,2013,1,5,5,39.02,26.06,59.37,270,10.5,NA,0,1012,10,2013-01-05T10:00:00Z"));
        try (var harness = new OneInputStreamOperatorTestHarness<>(new StreamMap<>(new WeatherJoin(input)))) {
            harness.open();
            for (HourlyDelays hour : List.of(
                    new HourlyDelays("JFK", TEN, 1, 0, 5.0, 5, null),
                    new HourlyDelays("JFK", ELEVEN, 1, 0, 5.0, 5, null),
                    new HourlyDelays("EWR", TEN, 1, 0, 5.0, 5, null))) {
                harness.processElement(new StreamRecord<>(hour));
            }

            assertThat(harness.extractOutputValues())
                    .extracting(HourlyDelays::weather)
                    .containsExactly(new Weather(39.02, 10.5, 0.0, 10.0), null, null);
        }
    }

    @Test
    void lateFlights_each_isCountedAndPassedOn() throws Exception {
        InterceptingOperatorMetricGroup metrics = new InterceptingOperatorMetricGroup();
        MockEnvironment environment = new MockEnvironmentBuilder()
                .setMetricGroup(new InterceptingTaskMetricGroup() {
                    @Override
                    public InternalOperatorMetricGroup getOrAddOperator(
                            OperatorID id, String name, Map<String, String> variables) {
                        return metrics;
                    }
                })
                .build();
        try (environment;
                var harness =
                        new OneInputStreamOperatorTestHarness<>(new StreamMap<>(new LateFlights()), environment)) {
            harness.open();
            harness.processElement(new StreamRecord<>(flight("JFK", TEN, 1000)));
            harness.processElement(new StreamRecord<>(flight("EWR", TEN, 2000)));

            assertThat(harness.extractOutputValues()).extracting(Flight::origin).containsExactly("JFK", "EWR");
            assertThat(metrics.get(LateFlights.METRIC))
                    .isInstanceOfSatisfying(
                            Counter.class,
                            counter -> assertThat(counter.getCount()).isEqualTo(2));
        }
    }

    @SuppressWarnings("unchecked")
    private static KeyedOneInputStreamOperatorTestHarness<String, Flight, HourlyDelays> hourlyDelays()
            throws Exception {
        Extent anyDay = new Extent.Days(LocalDate.MIN, LocalDate.MAX);
        DataStream<Flight> flights = StreamExecutionEnvironment.createLocalEnvironment()
                .fromSource(
                        new FlightSource(new InputDirectory("unread"), anyDay, Duration.ZERO),
                        WatermarkStrategy.noWatermarks(),
                        "flights");
        OneInputTransformation<Flight, HourlyDelays> operator = (OneInputTransformation<Flight, HourlyDelays>)
                FlightDelays.hourlyDelays(flights).getTransformation();
        return new KeyedOneInputStreamOperatorTestHarness<>(
                operator.getOperatorFactory(), Flight::origin, Types.STRING);
    }

    private static void process(OneInputStreamOperatorTestHarness<Flight, HourlyDelays> harness, Flight flight)
            throws Exception {
        harness.processElement(flight, flight.scheduledDeparture().toEpochMilli());
    }

    private static Flight flight(String origin, Instant scheduled, @Nullable Integer delay) {
        return new Flight(origin, "UA", 1, scheduled, delay);
    }
}
