package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.control.Target;
import org.jspecify.annotations.Nullable;

/** The event of {@code take-savepoint}; {@code schemas/take-savepoint.request.json} describes its fields. */
@RegisterForReflection
record TakeSavepointRequest(
        String requestId,
        @JsonProperty("try") Integer tryNumber,
        @Nullable OnRefusal onRefusal,
        @Nullable Boolean dryRun,
        String cluster,
        @Nullable String jobName,
        @Nullable String flinkJobId,
        @Nullable Boolean pin)
        implements ChangingRequest {
    TakeSavepointRequest {
        required("requestId", requestId);
        required("try", tryNumber);
        required("cluster", cluster);
    }

    Target target() {
        return Targets.read(cluster, jobName, flinkJobId);
    }

    boolean pinOrDefault() {
        return Boolean.TRUE.equals(pin);
    }
}
