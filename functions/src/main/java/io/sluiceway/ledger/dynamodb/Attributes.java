package io.sluiceway.ledger.dynamodb;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/** Collects an item's attributes in DynamoDB's own types. What is absent gets no attribute. */
final class Attributes {
    private static final int OVERHEAD_OF_ELEMENT = 1;
    private static final int OVERHEAD_OF_COLLECTION = 4;
    private static final int LARGEST_NUMBER = 22;

    private final Map<String, AttributeValue> values = new LinkedHashMap<>();

    /** A string: what the value's own text is. */
    Attributes text(String name, @Nullable Object value) {
        return put(name, value == null ? null : AttributeValue.fromS(value.toString()));
    }

    Attributes number(String name, @Nullable Number value) {
        return put(name, value == null ? null : AttributeValue.fromN(value.toString()));
    }

    Attributes flag(String name, boolean value) {
        return put(name, AttributeValue.fromBool(value));
    }

    Attributes texts(String name, List<String> value) {
        return put(
                name,
                AttributeValue.fromL(value.stream().map(AttributeValue::fromS).toList()));
    }

    Attributes map(String name, @Nullable Attributes value) {
        return put(name, value == null ? null : AttributeValue.fromM(value.made()));
    }

    /** A map of texts, whole numbers, truths, and lists of maps of these. */
    Attributes plain(String name, Map<String, Object> value) {
        return map(name, plain(value));
    }

    private static Attributes plain(Map<?, ?> value) {
        Attributes map = new Attributes();
        value.forEach((name, plain) -> {
            String field = name.toString();
            switch (plain) {
                case Number number -> map.number(field, number);
                case Boolean truth -> map.flag(field, truth);
                case List<?> list ->
                    map.put(
                            field,
                            AttributeValue.fromL(list.stream()
                                    .map(each -> AttributeValue.fromM(
                                            plain((Map<?, ?>) each).made()))
                                    .toList()));
                default -> map.text(field, plain);
            }
        });
        return map;
    }

    Attributes all(Map<String, AttributeValue> others) {
        values.putAll(others);
        return this;
    }

    private Attributes put(String name, @Nullable AttributeValue value) {
        if (value != null) {
            values.put(name, value);
        }
        return this;
    }

    Map<String, AttributeValue> made() {
        return Collections.unmodifiableMap(values);
    }

    /** How many bytes DynamoDB counts an item as, at the most: names and values in UTF-8, and what holds them. */
    static long size(Map<String, AttributeValue> item) {
        return item.entrySet().stream()
                .mapToLong(attribute -> bytes(attribute.getKey()) + size(attribute.getValue()))
                .sum();
    }

    private static long size(AttributeValue value) {
        return switch (value.type()) {
            case S -> bytes(value.s()) + OVERHEAD_OF_ELEMENT;
            case L ->
                OVERHEAD_OF_COLLECTION
                        + value.l().stream().mapToLong(Attributes::size).sum();
            case M -> OVERHEAD_OF_COLLECTION + size(value.m());
            default -> LARGEST_NUMBER;
        };
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }
}
