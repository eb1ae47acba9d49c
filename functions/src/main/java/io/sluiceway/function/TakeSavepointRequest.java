package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.control.Request;
import io.sluiceway.job.RequestId;
import org.jspecify.annotations.Nullable;

/** The event of {@code take-savepoint}; {@code schemas/take-savepoint.request.json} describes its fields. */
@RegisterForReflection
record TakeSavepointRequest(
        String requestId,
        @JsonProperty("try") Integer tryNumber,
        @Nullable OnRefusal onRefusal,
        String cluster,
        String flinkJobId)
        implements FunctionRequest {
    TakeSavepointRequest {
        required("requestId", requestId);
        required("try", tryNumber);
        required("cluster", cluster);
        required("flinkJobId", flinkJobId);
    }

    Request request() {
        return new Request(new RequestId(requestId), tryNumber);
    }
}
