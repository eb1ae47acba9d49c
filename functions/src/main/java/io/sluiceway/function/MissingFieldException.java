package io.sluiceway.function;

import org.jspecify.annotations.Nullable;

/** A required field of an event is absent or null. */
final class MissingFieldException extends RuntimeException {
    private final String field;

    private MissingFieldException(String field) {
        super(field);
        this.field = field;
    }

    /** The field's name within its object. */
    String field() {
        return field;
    }

    /** Jackson hands absent fields over as nulls, whatever the component's type says. */
    static void required(String field, @Nullable Object value) {
        if (value == null) {
            throw new MissingFieldException(field);
        }
    }
}
