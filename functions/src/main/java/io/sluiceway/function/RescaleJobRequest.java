package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.control.RescaleJob;
import io.sluiceway.control.UpgradeJob;
import io.sluiceway.job.Request;
import io.sluiceway.operation.Upgrade.AfterCommit;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The event of {@code rescale-job}; {@code schemas/rescale-job.request.json} describes its fields. */
@RegisterForReflection
record RescaleJobRequest(
        String requestId,
        @JsonProperty("try") Integer tryNumber,
        @Nullable OnRefusal onRefusal,
        @Nullable Boolean dryRun,
        String cluster,
        String jobName,
        Integer parallelism,
        @Nullable AfterCommit rollbackAfterCommit,
        @Nullable String judgeWithin,
        StopJobRequest.@Nullable Owner owner)
        implements ChangingRequest {
    RescaleJobRequest {
        required("requestId", requestId);
        required("try", tryNumber);
        required("cluster", cluster);
        required("jobName", jobName);
        required("parallelism", parallelism);
    }

    /** The owner that the event names; null when it names none. */
    @Nullable
    Request ownerOrNull() {
        return StopJobRequest.Owner.orNull(owner);
    }

    RescaleJob.Terms terms() {
        return new RescaleJob.Terms(
                parallelism,
                Objects.requireNonNullElse(rollbackAfterCommit, AfterCommit.REFUSE),
                judgeWithin == null
                        ? UpgradeJob.DEFAULT_JUDGEMENT
                        : UpgradeJobRequest.duration("judgeWithin", judgeWithin));
    }
}
