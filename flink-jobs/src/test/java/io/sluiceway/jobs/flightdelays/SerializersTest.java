package io.sluiceway.jobs.flightdelays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.java.typeutils.PojoTypeInfo;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What goes over the wire and into savepoints keeps every value, nulls among them, without Kryo. */
class SerializersTest {

    private static final Instant HOUR = Instant.parse("2013-01-05T10:00:00Z");

    static List<Object> records() {
        Weather weather = new Weather(39.02, null, 0.0, 10.0);
        return List.of(
                new Flight("JFK", "UA", 1545, HOUR, -5),
                new Flight("JFK", "UA", 1545, HOUR, null),
                weather,
                new HourlyDelays("JFK", HOUR, 2, 1, 2.5, 3, weather),
                new HourlyDelays("JFK", HOUR, 2, 2, null, null, null));
    }

    @ParameterizedTest
    @MethodSource("records")
    void serialize_record_keepsIt(Object value) throws Exception {
        assertThat(throughFlink(value)).isEqualTo(value);
    }

    @Test
    void serialize_windowState_keepsIt() throws Exception {
        DelayAccumulator accumulator = new DelayAccumulator();
        accumulator.cancelled = 3;
        accumulator.delays = new int[] {-5, 1301};

        assertThat(throughFlink(accumulator)).usingRecursiveComparison().isEqualTo(accumulator);
    }

    @Test
    void serialize_unassignedSplits_keepsThem() throws Exception {
        FlightSplitsSerializer serializer = new FlightSplitsSerializer();
        List<FlightSplit> splits = List.of(FlightSplit.START, new FlightSplit(7, HOUR.toEpochMilli(), 336776));

        assertThat(serializer.deserialize(serializer.getVersion(), serializer.serialize(splits)))
                .isEqualTo(splits);
        assertThat(serializer.deserialize(serializer.getVersion(), serializer.serialize(List.of())))
                .isEmpty();
    }

    @Test
    void deserialize_splitOfANewerJob_saysSo() {
        assertThatIOException()
                .isThrownBy(() -> new FlightSplitSerializer().deserialize(2, new byte[16]))
                .withMessageContaining("version 2");
    }

    @SuppressWarnings("unchecked")
    private static <T> T throughFlink(T value) throws IOException {
        TypeInformation<T> type = TypeInformation.of((Class<T>) value.getClass());
        assertThat(type).isInstanceOf(PojoTypeInfo.class);
        SerializerConfigImpl withoutKryo = new SerializerConfigImpl();
        withoutKryo.setGenericTypes(false);
        TypeSerializer<T> serializer = type.createSerializer(withoutKryo);
        DataOutputSerializer out = new DataOutputSerializer(64);
        serializer.serialize(value, out);
        return serializer.deserialize(new DataInputDeserializer(out.getCopyOfBuffer()));
    }
}
