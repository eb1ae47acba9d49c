package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.control.StopJob;
import io.sluiceway.control.Target;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import org.jspecify.annotations.Nullable;

/** The event of {@code stop-job}; {@code schemas/stop-job.request.json} describes its fields. */
@RegisterForReflection
record StopJobRequest(
        String requestId,
        @JsonProperty("try") Integer tryNumber,
        @Nullable OnRefusal onRefusal,
        @Nullable Boolean dryRun,
        String cluster,
        @Nullable String jobName,
        @Nullable String flinkJobId,
        @Nullable Owner owner,
        StopJob.@Nullable Mode mode)
        implements ChangingRequest {
    StopJobRequest {
        required("requestId", requestId);
        required("try", tryNumber);
        required("cluster", cluster);
    }

    /** On whose behalf the job has to run. */
    @RegisterForReflection
    record Owner(String requestId, @JsonProperty("try") Integer tryNumber) {
        Owner {
            required("requestId", requestId);
            required("try", tryNumber);
        }

        static @Nullable Request orNull(@Nullable Owner named) {
            return named == null ? null : new Request(new RequestId(named.requestId), named.tryNumber);
        }
    }

    Target target() {
        return Targets.read(cluster, jobName, flinkJobId);
    }

    /** The owner that the event names; null when it names none. */
    @Nullable
    Request ownerOrNull() {
        return Owner.orNull(owner);
    }

    /** How to stop; with a savepoint unless the event says otherwise. */
    StopJob.Mode modeOrDefault() {
        return mode == null ? StopJob.Mode.SAVEPOINT : mode;
    }
}
