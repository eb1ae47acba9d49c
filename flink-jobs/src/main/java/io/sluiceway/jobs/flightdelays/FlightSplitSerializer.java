package io.sluiceway.jobs.flightdelays;

import java.io.IOException;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/** Writes a split into checkpoints and savepoints. A new form needs a new version beside the old one. */
final class FlightSplitSerializer implements SimpleVersionedSerializer<FlightSplit> {

    private static final int VERSION = 1;
    private static final int BYTES = Integer.BYTES + Long.BYTES + Integer.BYTES;

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(FlightSplit split) throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(BYTES);
        out.writeInt(split.position());
        out.writeLong(split.clockMillis());
        out.writeInt(split.total());
        return out.getCopyOfBuffer();
    }

    @Override
    public FlightSplit deserialize(int version, byte[] serialized) throws IOException {
        if (version != VERSION) {
            throw new IOException(
                    "A flight split of version " + version + " can't be read; this job writes " + VERSION);
        }
        DataInputDeserializer in = new DataInputDeserializer(serialized);
        return new FlightSplit(in.readInt(), in.readLong(), in.readInt());
    }
}
