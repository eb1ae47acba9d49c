package io.sluiceway.infra.settings;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.InjectableValues;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.exc.InvalidFormatException;
import com.fasterxml.jackson.databind.exc.InvalidTypeIdException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.PropertyBindingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads {@code <stage>.json} of a settings directory. It is strict: a field that is unknown, missing, given twice or of
 * another type is an error. In every text <code>${NAME}</code> stands for the environment variable of that name, and
 * <code>${NAME:-text}</code> for it or, where it isn't set or is empty, for the text; so that a committed file names no
 * machine.
 */
public final class SettingsReader {
    /** <code>${NAME}</code> or <code>${NAME:-default}</code>. */
    private static final Pattern VARIABLE =
            Pattern.compile("\\$\\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?<default>[^}]*))?}");

    private final Path directory;
    private final Map<String, String> environment;

    /**
     * A reader of one directory.
     *
     * @param directory where the settings files are
     * @param environment the environment variables that settings may refer to
     */
    public SettingsReader(Path directory, Map<String, String> environment) {
        this.directory = directory;
        this.environment = Map.copyOf(environment);
    }

    /**
     * Reads a stage's settings.
     *
     * @param stage the deployment whose settings are wanted
     * @return its settings
     * @throws SettingsException if there are none, or they aren't right
     */
    public Settings read(Stage stage) {
        Path file = directory.resolve(stage.name() + ".json");
        if (!Files.isRegularFile(file)) {
            throw new SettingsException(
                    "The stage %s has no settings: %s doesn't exist. %s".formatted(stage.name(), file, known()));
        }
        try {
            return mapper(stage).readValue(Files.readString(file), Settings.class);
        } catch (JsonProcessingException e) {
            throw new SettingsException("%s: %s.".formatted(file, sentence(e)), e);
        } catch (IOException e) {
            throw new SettingsException("%s can't be read: %s.".formatted(file, e), e);
        }
    }

    /** {@return the stages that have settings, as a sentence} */
    public String known() {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".json"))
                    .map(name -> name.substring(0, name.length() - ".json".length()))
                    .sorted()
                    .collect(joining(", ", "Stages with settings: ", "."));
        } catch (IOException e) {
            throw new SettingsException("The settings directory %s can't be read: %s.".formatted(directory, e), e);
        }
    }

    private ObjectMapper mapper(Stage stage) {
        SimpleModule substitution = new SimpleModule();
        substitution.addDeserializer(String.class, new Substituting<>(String.class, Function.identity()));
        substitution.addDeserializer(URI.class, new Substituting<>(URI.class, URI::create));
        substitution.addDeserializer(Architecture.class, new Substituting<>(Architecture.class, Architecture::valueOf));
        substitution.addDeserializer(Packaging.class, new Substituting<>(Packaging.class, Packaging::valueOf));
        return JsonMapper.builder()
                .addModule(substitution)
                .injectableValues(new InjectableValues.Std().addValue(Stage.class, stage))
                .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
                .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_IGNORED_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
                .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
                .build();
    }

    /** Jackson's own messages name Java classes; whoever writes a settings file knows fields. */
    private static String sentence(JsonProcessingException e) {
        return switch (e) {
            case PropertyBindingException unknown ->
                "%s is no setting; there are %s"
                        .formatted(
                                path(unknown),
                                unknown.getKnownPropertyIds().stream()
                                        .map(Object::toString)
                                        .filter(field -> !field.equals("stage"))
                                        .sorted()
                                        .collect(joining(", ")));
            case InvalidTypeIdException type ->
                type.getTypeId() == null
                        ? "%s has no type; a cluster's type is SESSION or MANAGED".formatted(path(type))
                        : "%s has the unknown type %s; a cluster's type is SESSION or MANAGED"
                                .formatted(path(type), type.getTypeId());
            case InvalidFormatException format
            when format.getTargetType().isEnum() ->
                "%s can't be '%s'; it is one of %s"
                        .formatted(
                                path(format),
                                format.getValue(),
                                Arrays.stream(format.getTargetType().getEnumConstants())
                                        .map(Object::toString)
                                        .collect(joining(", ")));
            case MismatchedInputException mismatch ->
                path(mismatch).isEmpty()
                        ? "it has to be one JSON object"
                        : "%s has the wrong type".formatted(path(mismatch));
            case JsonMappingException mapping
            when mapping.getCause() instanceof SettingsException cause ->
                "%s%s".formatted(path(mapping).isEmpty() ? "" : path(mapping) + ": ", cause.getMessage());
            default ->
                "its JSON is wrong: %s (line %d, column %d)"
                        .formatted(
                                e.getOriginalMessage(),
                                e.getLocation().getLineNr(),
                                e.getLocation().getColumnNr());
        };
    }

    /** The field that is wrong, as one would write it: {@code clusters.local.url}, {@code jarSources[0].bucket}. */
    private static String path(JsonMappingException e) {
        return e.getPath().stream()
                .map(step ->
                        step.getFieldName() == null ? "[%d]".formatted(step.getIndex()) : "." + step.getFieldName())
                .collect(joining())
                .replaceFirst("^\\.", "");
    }

    /** Takes JSON strings only, and puts environment variables in. A constant is told of like any that isn't one. */
    private final class Substituting<T> extends StdScalarDeserializer<T> {
        private static final long serialVersionUID = 1L;
        private final transient Function<String, T> conversion;

        Substituting(Class<T> type, Function<String, T> conversion) {
            super(type);
            this.conversion = conversion;
        }

        @Override
        @SuppressWarnings("unchecked")
        public T deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            boolean isConstant = handledType().isEnum() && parser.currentToken().isScalarValue();
            if (!isConstant && !parser.hasToken(JsonToken.VALUE_STRING)) {
                return (T) context.handleUnexpectedToken(handledType(), parser);
            }
            String text = parser.getText();
            try {
                String substituted = VARIABLE.matcher(text).replaceAll(SettingsReader.this::value);
                if (isConstant && !isOneOfThem(substituted)) {
                    throw context.weirdStringException(substituted, handledType(), "no such constant");
                }
                return conversion.apply(substituted);
            } catch (IllegalArgumentException e) {
                throw new SettingsException("'%s' can't be used: %s".formatted(text, e.getMessage()), e);
            }
        }

        private boolean isOneOfThem(String text) {
            return Arrays.stream(handledType().getEnumConstants())
                    .anyMatch(constant -> constant.toString().equals(text));
        }
    }

    private String value(MatchResult variable) {
        String name = variable.group("name");
        String value = environment.get(name);
        String present = value == null || value.isEmpty() ? variable.group("default") : value;
        if (present == null) {
            throw new IllegalArgumentException("the environment variable %s isn't set or is empty".formatted(name));
        }
        return Matcher.quoteReplacement(present);
    }
}
