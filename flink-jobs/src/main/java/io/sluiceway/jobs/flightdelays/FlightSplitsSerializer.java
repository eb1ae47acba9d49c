package io.sluiceway.jobs.flightdelays;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/** Writes the enumerator's state, the splits that no reader has, into checkpoints and savepoints. */
final class FlightSplitsSerializer implements SimpleVersionedSerializer<Collection<FlightSplit>> {

    private static final FlightSplitSerializer SPLIT = new FlightSplitSerializer();

    @Override
    public int getVersion() {
        return SPLIT.getVersion();
    }

    @Override
    public byte[] serialize(Collection<FlightSplit> splits) throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(64);
        out.writeInt(splits.size());
        for (FlightSplit split : splits) {
            byte[] bytes = SPLIT.serialize(split);
            out.writeInt(bytes.length);
            out.write(bytes);
        }
        return out.getCopyOfBuffer();
    }

    @Override
    public Collection<FlightSplit> deserialize(int version, byte[] serialized) throws IOException {
        DataInputDeserializer in = new DataInputDeserializer(serialized);
        int count = in.readInt();
        List<FlightSplit> splits = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            byte[] bytes = new byte[in.readInt()];
            in.readFully(bytes);
            splits.add(SPLIT.deserialize(version, bytes));
        }
        return splits;
    }
}
