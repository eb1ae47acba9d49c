package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.control.PageToken;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import org.jspecify.annotations.Nullable;

/** The event of {@code list-jobs}; {@code schemas/list-jobs.request.json} describes its fields. */
@RegisterForReflection
record ListJobsRequest(
        @Nullable OnRefusal onRefusal,
        String cluster,
        @Nullable Integer pageSize,
        @Nullable String pageToken) implements FunctionRequest {
    private static final int DEFAULT_PAGE_SIZE = 100;
    private static final int MAX_PAGE_SIZE = 1000;

    ListJobsRequest {
        required("cluster", cluster);
    }

    /** How many jobs a page has at the most; 100 unless the event says otherwise. */
    int pageSizeOrDefault() {
        int size = pageSize == null ? DEFAULT_PAGE_SIZE : pageSize;
        if (size < 1 || size > MAX_PAGE_SIZE) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID, "pageSize is %d; 1 to 1,000 is allowed.".formatted(size));
        }
        return size;
    }

    /** Behind which job the page begins; null for the first page. */
    @Nullable
    PageToken after() {
        return pageToken == null ? null : PageToken.parse(pageToken);
    }
}
