package io.sluiceway.function;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.io.IOContext;
import com.fasterxml.jackson.core.io.InputDecorator;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.jackson.ObjectMapperCustomizer;
import jakarta.inject.Singleton;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Holds an event's bytes against RFC 8259 before Jackson sees them: it takes UTF-16 and UTF-32 for JSON too, passes
 * over a byte order mark, and reads overlong UTF-8 and characters beyond Unicode.
 *
 * <p>What doesn't begin as JSON in UTF-8 is replaced by the beginning of an object, so that it is {@link Event} that
 * fails to read it: Jackson's own error of a first token quotes it, and Quarkus would log that.
 */
@Singleton
final class StrictEvents implements ObjectMapperCustomizer {
    @Override
    @SuppressWarnings("deprecation") // The builder that has it too is gone when Quarkus hands its mapper over.
    public void customize(ObjectMapper mapper) {
        mapper.getFactory().setInputDecorator(new Decorator());
    }

    private static final class Decorator extends InputDecorator {
        private static final long serialVersionUID = 1;
        private static final byte[] UNREADABLE = {'{'};

        @Override
        public InputStream decorate(IOContext context, InputStream in) throws IOException {
            byte[] bytes = in.readAllBytes();
            return new ByteArrayInputStream(isUtf8(bytes) && beginsAsJson(bytes) ? bytes : UNREADABLE);
        }

        @Override
        public InputStream decorate(IOContext context, byte[] source, int offset, int length) throws IOException {
            return decorate(context, new ByteArrayInputStream(source, offset, length));
        }

        /** Text that is in characters already. */
        @Override
        public Reader decorate(IOContext context, Reader reader) {
            return reader;
        }

        private static boolean isUtf8(byte[] bytes) {
            try {
                return !StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(bytes))
                        .toString()
                        .startsWith("\ufeff");
            } catch (CharacterCodingException e) {
                return false;
            }
        }

        private static boolean beginsAsJson(byte[] bytes) throws IOException {
            // In UTF-16, ASCII is well-formed UTF-8 with NULs in between.
            for (int i = 0; i < Math.min(4, bytes.length); i++) {
                if (bytes[i] == 0) {
                    return false;
                }
            }
            try (JsonParser parser = new JsonFactory().createParser(bytes)) {
                return parser.nextToken() != null;
            } catch (JsonProcessingException e) {
                return false;
            }
        }
    }
}
