package io.sluiceway.jobs.flightdelays;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.OutputStream;
import org.apache.flink.api.common.serialization.Encoder;

/**
 * Writes each record as one line of JSON, in UTF-8.
 *
 * @param <T> a record that Jackson can write
 */
final class JsonLines<T> implements Encoder<T> {

    private static final long serialVersionUID = 1L;

    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
            .build();

    @Override
    public void encode(T element, OutputStream stream) throws IOException {
        MAPPER.writeValue(stream, element);
        stream.write('\n');
    }
}
