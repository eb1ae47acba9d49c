package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.control.StopJob;
import org.jspecify.annotations.Nullable;

/** The event of {@code stop-job}; {@code schemas/stop-job.request.json} describes its fields. */
@RegisterForReflection
record StopJobRequest(
        String requestId,
        @JsonProperty("try") Integer tryNumber,
        @Nullable OnRefusal onRefusal,
        String cluster,
        String flinkJobId,
        StopJob.@Nullable Mode mode)
        implements ChangingRequest {
    StopJobRequest {
        required("requestId", requestId);
        required("try", tryNumber);
        required("cluster", cluster);
        required("flinkJobId", flinkJobId);
    }

    /** How to stop; with a savepoint unless the event says otherwise. */
    StopJob.Mode modeOrDefault() {
        return mode == null ? StopJob.Mode.SAVEPOINT : mode;
    }
}
