package io.sluiceway.function;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.error.ErrorCode;

/** Makes an invocation fail; its text is the error code, a colon and the refusal as JSON. */
final class FunctionFailedException extends RuntimeException {
    private final String text;

    FunctionFailedException(ErrorCode code, ObjectNode refusal) {
        super(text(code, refusal), null, false, false);
        this.text = text(code, refusal);
    }

    private static String text(ErrorCode code, ObjectNode refusal) {
        return code + ": " + refusal;
    }

    /** The text alone: Funqy wraps what a function throws, and a caller sees this as the wrapper's message. */
    @Override
    @SuppressWarnings("OverrideThrowableToString") // The wrapper's message is made by toString.
    public String toString() {
        return text;
    }
}
