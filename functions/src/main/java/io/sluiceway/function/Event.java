package io.sluiceway.function;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.IOException;

/**
 * What a function is called with, before it is held against the contract.
 *
 * <p>Funqy's own binding passes over unknown fields and ignores the case of names, so the event is taken as it is and
 * read strictly afterwards.
 */
@JsonDeserialize(using = Event.Reader.class)
public sealed interface Event {
    /** An event that is JSON. */
    record Json(JsonNode tree) implements Event {
        /** Without the event, which may hold secrets. */
        @Override
        public String toString() {
            return "Json[" + tree.getNodeType() + "]";
        }
    }

    /**
     * An event that is none, or JSON that nobody can mean, such as one with a field twice.
     *
     * @param reason what is wrong with it and where, without the event's text
     */
    record Unreadable(String reason) implements Event {}

    /** Reads an event from the parser that Funqy hands over. */
    @RegisterForReflection
    final class Reader extends JsonDeserializer<Event> {
        @Override
        public Event deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            try {
                parser.enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
                JsonNode tree = context.readTree(parser);
                return parser.nextToken() == null
                        ? new Json(tree)
                        : new Unreadable("something stands behind it, " + place(parser.currentTokenLocation()));
            } catch (JsonProcessingException e) {
                return new Unreadable(reason(e));
            }
        }

        /** In our own words and with the place: the parser's quote the event. */
        private static String reason(JsonProcessingException e) {
            String what = String.valueOf(e.getOriginalMessage()).startsWith("Duplicate field")
                    ? "a field stands twice in an object"
                    : "it is no well-formed JSON in UTF-8, or nested too deeply";
            JsonLocation location = e.getLocation();
            return location == null ? what : what + ", " + place(location);
        }

        private static String place(JsonLocation location) {
            return "line %d, column %d".formatted(location.getLineNr(), location.getColumnNr());
        }

        @Override
        public Event getNullValue(DeserializationContext context) {
            return new Unreadable("it is null");
        }
    }
}
