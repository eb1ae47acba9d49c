package io.sluiceway.function;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.quarkus.amazon.lambda.runtime.FunctionError;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.error.ErrorCode;

/**
 * Makes an invocation fail; its text is the error code, a colon and the refusal as JSON.
 *
 * <p>Quarkus reports it to Lambda as a {@code FunctionError}, which it doesn't register itself: natively the caller
 * would wait for an answer that never comes.
 */
@RegisterForReflection(targets = FunctionError.class)
final class FunctionFailedException extends RuntimeException {
    FunctionFailedException(ErrorCode code, ObjectNode refusal) {
        super(code + ": " + refusal, null, false, false);
    }

    /** The text alone: Funqy wraps what a function throws, and a caller sees this as the wrapper's message. */
    @Override
    @SuppressWarnings("OverrideThrowableToString") // The wrapper's message is made by toString.
    public String toString() {
        return String.valueOf(getMessage());
    }
}
