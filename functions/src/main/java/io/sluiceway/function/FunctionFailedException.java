package io.sluiceway.function;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.error.ErrorCode;

/** Makes an invocation fail; its text is the error code, a colon and the refusal as JSON. */
final class FunctionFailedException extends RuntimeException {
    FunctionFailedException(ErrorCode code, ObjectNode refusal) {
        super(code + ": " + refusal, null, false, false);
    }
}
