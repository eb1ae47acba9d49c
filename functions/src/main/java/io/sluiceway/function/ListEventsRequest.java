package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import org.jspecify.annotations.Nullable;

/** The event of {@code list-events}; {@code schemas/list-events.request.json} describes its fields. */
@RegisterForReflection
record ListEventsRequest(
        @Nullable OnRefusal onRefusal,
        String cluster,
        String jobName,
        @Nullable Long afterSequence,
        @Nullable Integer pageSize)
        implements FunctionRequest {
    private static final long MAX_SEQUENCE = 999_999_999_999L;

    /** An answer of Lambda's holds 6 MB, and an event some kilobytes. */
    private static final int MAX_PAGE_SIZE = 100;

    ListEventsRequest {
        required("cluster", cluster);
        required("jobName", jobName);
    }

    /** Behind which number the page begins; 0 unless the event says otherwise. */
    long afterSequenceOrZero() {
        long after = afterSequence == null ? 0 : afterSequence;
        if (after < 0 || after > MAX_SEQUENCE) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "afterSequence is %d; 0 to %,d is allowed.".formatted(after, MAX_SEQUENCE));
        }
        return after;
    }

    /** How many events a page has at the most; 100 unless the event says otherwise. */
    int pageSizeOrDefault() {
        int size = pageSize == null ? MAX_PAGE_SIZE : pageSize;
        if (size < 1 || size > MAX_PAGE_SIZE) {
            throw new RefusedException(ErrorCode.FIELD_INVALID, "pageSize is %d; 1 to 100 is allowed.".formatted(size));
        }
        return size;
    }
}
