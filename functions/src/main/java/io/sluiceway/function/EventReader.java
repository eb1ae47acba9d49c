package io.sluiceway.function;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.type.LogicalType;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/** Reads JSON strictly: every field is known, has its own type, and none is converted. */
final class EventReader {
    private static final JsonMapper STRICT = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .withCoercionConfig(LogicalType.Textual, text -> {
                text.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail);
                text.setCoercion(CoercionInputShape.Float, CoercionAction.Fail);
                text.setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail);
            })
            .build();

    private EventReader() {}

    /**
     * Reads an event.
     *
     * @throws RefusedException EVENT_UNREADABLE, FIELD_MISSING, FIELD_UNKNOWN or FIELD_INVALID
     */
    static <T> T read(Event event, Class<T> type) {
        return switch (event) {
            case Event.Unreadable(String reason) ->
                throw new RefusedException(
                        ErrorCode.EVENT_UNREADABLE,
                        "The event is no JSON object (%s).".formatted(Quoted.plain(reason, 200)));
            case Event.Json(JsonNode tree) -> {
                if (!tree.isObject()) {
                    throw new RefusedException(
                            ErrorCode.EVENT_UNREADABLE,
                            "The event is no JSON object but of the type %s.".formatted(tree.getNodeType()));
                }
                yield read(tree, type);
            }
        };
    }

    /** Reads a tree, as {@link #read(Event, Class)} does. */
    static <T> T read(JsonNode tree, Class<T> type) {
        try {
            return STRICT.treeToValue(tree, type);
        } catch (UnrecognizedPropertyException e) {
            throw new RefusedException(
                    ErrorCode.FIELD_UNKNOWN,
                    "The field '%s' is unknown; known are %s."
                            .formatted(path(e), Objects.requireNonNull(e.getKnownPropertyIds())),
                    e);
        } catch (JsonMappingException e) {
            throw refusal(e);
        } catch (JsonProcessingException e) {
            throw new RefusedException(ErrorCode.EVENT_UNREADABLE, "The event can't be read.", e);
        }
    }

    /** Parses text as {@link Event} does, for JSON in settings. */
    static JsonNode parse(String text) {
        try {
            return STRICT.readTree(text);
        } catch (JsonProcessingException e) {
            throw new RefusedException(ErrorCode.EVENT_UNREADABLE, "It is no JSON.", e);
        }
    }

    private static RefusedException refusal(JsonMappingException e) {
        if (e.getCause() instanceof MissingFieldException missing) {
            String within = path(e);
            return new RefusedException(
                    ErrorCode.FIELD_MISSING,
                    "The field '%s' is missing."
                            .formatted(within.isEmpty() ? missing.field() : within + "." + missing.field()),
                    e);
        }
        // Never the value: it may be a secret in the program's arguments.
        String expected = e instanceof MismatchedInputException mismatch ? expected(mismatch) : "readable";
        return new RefusedException(
                ErrorCode.FIELD_INVALID, "The field '%s' must be %s.".formatted(path(e), expected), e);
    }

    private static String expected(MismatchedInputException e) {
        Class<?> type = e.getTargetType();
        if (type == null) {
            return "readable";
        }
        if (type.isEnum()) {
            return "one of "
                    + Arrays.stream(type.getEnumConstants())
                            .map(Object::toString)
                            .collect(Collectors.joining(", "));
        }
        if (type == String.class) {
            return "a text";
        }
        if (type == Integer.class || type == int.class) {
            return "an integer of at most 2,147,483,647";
        }
        if (type == Boolean.class) {
            return "true or false";
        }
        return List.class.isAssignableFrom(type) ? "a list" : "an object";
    }

    private static String path(JsonMappingException e) {
        StringBuilder path = new StringBuilder();
        for (JsonMappingException.Reference reference : e.getPath()) {
            if (reference.getFieldName() == null) {
                path.append('[').append(reference.getIndex()).append(']');
            } else {
                path.append(path.isEmpty() ? "" : ".").append(Quoted.plain(reference.getFieldName(), 80));
            }
        }
        return path.toString();
    }
}
