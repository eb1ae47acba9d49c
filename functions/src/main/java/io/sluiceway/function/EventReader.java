package io.sluiceway.function;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.BeanDescription;
import com.fasterxml.jackson.databind.DeserializationConfig;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.deser.BeanDeserializerModifier;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.type.LogicalType;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Reads JSON strictly: every field is known, has its own type, and none is converted. */
final class EventReader {
    private static final JsonMapper STRICT = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            // A blank text would be an absent number.
            .withCoercionConfigDefaults(any ->
                    any.setAcceptBlankAsEmpty(false).setCoercion(CoercionInputShape.EmptyString, CoercionAction.Fail))
            .withCoercionConfig(LogicalType.Textual, text -> {
                text.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail);
                text.setCoercion(CoercionInputShape.Float, CoercionAction.Fail);
                text.setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail);
            })
            .addModule(new SimpleModule().setDeserializerModifier(new ExactNames()))
            .build();

    /** Jackson itself trims the names of enums: of blanks, and of control characters. */
    private static final class ExactNames extends BeanDeserializerModifier {
        private static final long serialVersionUID = 1;

        @Override
        public JsonDeserializer<?> modifyEnumDeserializer(
                DeserializationConfig config, JavaType type, BeanDescription bean, JsonDeserializer<?> lenient) {
            return new ExactName(type.getRawClass());
        }
    }

    private static final class ExactName extends StdScalarDeserializer<Object> {
        private static final long serialVersionUID = 1;

        private ExactName(Class<?> type) {
            super(type);
        }

        @Override
        public Object deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            if (parser.hasToken(JsonToken.VALUE_STRING)) {
                for (Object constant : Objects.requireNonNull(handledType().getEnumConstants())) {
                    if (((Enum<?>) constant).name().equals(parser.getText())) {
                        return constant;
                    }
                }
            }
            throw MismatchedInputException.from(parser, handledType(), "There is no such name.");
        }
    }

    private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_-]{0,39}");

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

    /** Reads an object, as {@link #read(Event, Class)} does. */
    static <T> T read(JsonNode tree, Class<T> type) {
        try {
            T value = STRICT.treeToValue(tree, type);
            checkNoNull(tree, "");
            return value;
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

    /** What is required isn't null by now; what may be absent is left out or has a value, as the schemas say. */
    private static void checkNoNull(JsonNode node, String path) {
        if (node.isNull()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    path.isEmpty()
                            ? "It is null, and must be an object."
                            : "The field '%s' is null; leave it out, or give it a value.".formatted(path));
        }
        node.properties()
                .forEach(field ->
                        checkNoNull(field.getValue(), path.isEmpty() ? field.getKey() : path + "." + field.getKey()));
        for (int i = 0; node.isArray() && i < node.size(); i++) {
            checkNoNull(node.get(i), path + "[" + i + "]");
        }
    }

    /** Parses an object as {@link Event} does, for JSON in settings. */
    static JsonNode parse(String text) {
        try {
            JsonNode tree = STRICT.readTree(text);
            if (tree.isObject()) {
                return tree;
            }
        } catch (JsonProcessingException e) {
            throw new RefusedException(ErrorCode.EVENT_UNREADABLE, "It is no JSON, or has a field twice.", e);
        }
        throw new RefusedException(ErrorCode.EVENT_UNREADABLE, "It is no JSON object.");
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
                ErrorCode.FIELD_INVALID,
                e.getPath().isEmpty()
                        ? "It must be %s.".formatted(expected)
                        : "The field '%s' must be %s.".formatted(path(e), expected),
                e);
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
        if (type == Long.class) {
            return "an integer";
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
                path.append(path.isEmpty() ? "" : ".").append(name(reference.getFieldName()));
            }
        }
        return path.toString();
    }

    /** A field's name as it was spelled; what can't be a misspelled name may be a secret in the wrong place. */
    private static String name(String field) {
        return NAME.matcher(field).matches() ? field : Quoted.shape(field);
    }
}
