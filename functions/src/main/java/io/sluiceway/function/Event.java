package io.sluiceway.function;

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
    record Json(JsonNode tree) implements Event {}

    /**
     * An event that is none, or JSON that nobody can mean, such as one with a field twice.
     *
     * @param reason what the parser says, without the event's text
     */
    record Unreadable(String reason) implements Event {}

    /** Reads an event from the parser that Funqy hands over. */
    @RegisterForReflection
    final class Reader extends JsonDeserializer<Event> {
        @Override
        public Event deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            try {
                parser.enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
                return new Json(context.readTree(parser));
            } catch (JsonProcessingException e) {
                return new Unreadable(e.getOriginalMessage());
            }
        }

        @Override
        public Event getNullValue(DeserializationContext context) {
            return new Unreadable("it is null");
        }
    }
}
