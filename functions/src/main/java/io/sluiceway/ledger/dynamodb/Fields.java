package io.sluiceway.ledger.dynamodb;

import io.sluiceway.error.RefusedException;
import java.time.DateTimeException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/** Reads an item's attributes strictly. */
final class Fields {
    /** An attribute is missing, of another type, or holds what Sluiceway never writes. */
    static final class UnreadableException extends RuntimeException {
        private final String attribute;

        /** The message names the attribute and never holds its value, which may be a secret. */
        private UnreadableException(String attribute) {
            super(attribute);
            this.attribute = attribute;
        }

        String attribute() {
            return attribute;
        }
    }

    private final Map<String, AttributeValue> values;

    Fields(Map<String, AttributeValue> values) {
        this.values = values;
    }

    String text(String name) {
        return present(name, values.containsKey(name) ? values.get(name).s() : null);
    }

    <T> T read(String name, Function<String, T> reader) {
        return parsed(name, () -> reader.apply(text(name)));
    }

    <T> @Nullable T readIfPresent(String name, Function<String, T> reader) {
        return values.containsKey(name) ? read(name, reader) : null;
    }

    long number(String name) {
        String digits =
                present(name, values.containsKey(name) ? values.get(name).n() : null);
        return parsed(name, () -> Long.parseLong(digits));
    }

    int count(String name) {
        return parsed(name, () -> Math.toIntExact(number(name)));
    }

    @Nullable
    Integer countIfPresent(String name) {
        return values.containsKey(name) ? count(name) : null;
    }

    /** As {@link #number}; absent: none has been counted. */
    long numberOrZero(String name) {
        return values.containsKey(name) ? number(name) : 0;
    }

    boolean flag(String name) {
        return present(name, values.containsKey(name) ? values.get(name).bool() : null);
    }

    /** As {@link #flag}; absent: it isn't so. */
    boolean flagOrFalse(String name) {
        return values.containsKey(name) && flag(name);
    }

    List<String> texts(String name) {
        AttributeValue list = values.get(name);
        if (list == null || !list.hasL()) {
            throw new UnreadableException(name);
        }
        return list.l().stream().map(text -> present(name, text.s())).toList();
    }

    /** A map of texts, whole numbers, truths, and lists of maps of these. */
    Map<String, Object> plain(String name) {
        return map(name, fields -> fields.plainOf(name));
    }

    private Map<String, Object> plainOf(String name) {
        Map<String, Object> plain = new LinkedHashMap<>();
        for (Map.Entry<String, AttributeValue> field : values.entrySet()) {
            plain.put(
                    field.getKey(),
                    switch (field.getValue().type()) {
                        case S -> text(field.getKey());
                        case N -> number(field.getKey());
                        case BOOL -> flag(field.getKey());
                        case L ->
                            field.getValue().l().stream()
                                    .map(each -> present(name, each.hasM() ? each.m() : null))
                                    .map(each -> new Fields(each).plainOf(name))
                                    .toList();
                        default -> throw new UnreadableException(name);
                    });
        }
        return plain;
    }

    <T> T map(String name, Function<Fields, T> reader) {
        AttributeValue map = values.get(name);
        if (map == null || !map.hasM()) {
            throw new UnreadableException(name);
        }
        return parsed(name, () -> reader.apply(new Fields(map.m())));
    }

    <T> @Nullable T mapIfPresent(String name, Function<Fields, T> reader) {
        return values.containsKey(name) ? map(name, reader) : null;
    }

    /** What attributes make together; refused as the named one where they make nothing. */
    <T> T made(String name, Supplier<T> maker) {
        return parsed(name, maker::get);
    }

    private static <T> T present(String name, @Nullable T value) {
        if (value == null) {
            throw new UnreadableException(name);
        }
        return value;
    }

    private interface Parser<T> {
        T parse();
    }

    /** What a value's own class refuses; its message may quote the value and ends here. */
    @SuppressWarnings("UnusedException")
    private static <T> T parsed(String name, Parser<T> parser) {
        try {
            return parser.parse();
        } catch (RefusedException | IllegalArgumentException | ArithmeticException | DateTimeException e) {
            throw new UnreadableException(name);
        }
    }
}
