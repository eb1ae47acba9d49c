package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.control.UpgradeJob;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.operation.Upgrade.AfterCommit;
import io.sluiceway.operation.Upgrade.Mode;
import java.time.Duration;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The event of {@code upgrade-job}; {@code schemas/upgrade-job.request.json} describes its fields. */
@RegisterForReflection
record UpgradeJobRequest(
        String requestId,
        @JsonProperty("try") Integer tryNumber,
        @Nullable OnRefusal onRefusal,
        @Nullable Boolean dryRun,
        @Nullable Mode mode,
        @Nullable AfterCommit rollbackAfterCommit,
        @Nullable String judgeWithin,
        @Nullable String maxCheckpointAge,
        SubmitJobRequest.Job job)
        implements ChangingRequest {
    private static final Pattern DURATION = Pattern.compile("PT(?:[1-9]|[1-5][0-9])M|PT(?:[1-9]|1[0-9]|2[0-3])H|P1D");

    UpgradeJobRequest {
        required("requestId", requestId);
        required("try", tryNumber);
        required("job", job);
    }

    /** The new version; where its state comes from the mode says. */
    JobSpec spec() {
        if (job.restore() != null) {
            throw new RefusedException(
                    ErrorCode.FIELD_UNKNOWN,
                    "job.restore is there, and an upgrade's state comes from the old version as 'mode' says; leave it out.");
        }
        boolean allowNonRestoredState = Boolean.TRUE.equals(job.allowNonRestoredState());
        if (modeOrDefault() == Mode.STATELESS && allowNonRestoredState) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID, "job.allowNonRestoredState needs the mode SAVEPOINT or LAST_STATE.");
        }
        return job.spec(new RestorePoint.Latest(allowNonRestoredState));
    }

    UpgradeJob.Terms terms() {
        return new UpgradeJob.Terms(
                modeOrDefault(),
                Objects.requireNonNullElse(rollbackAfterCommit, AfterCommit.REFUSE),
                judgeWithin == null ? UpgradeJob.DEFAULT_JUDGEMENT : duration("judgeWithin", judgeWithin),
                maxCheckpointAge == null ? null : duration("maxCheckpointAge", maxCheckpointAge));
    }

    private Mode modeOrDefault() {
        return mode == null ? Mode.SAVEPOINT : mode;
    }

    static Duration duration(String name, String text) {
        if (!DURATION.matcher(text).matches()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "%s %s is no duration such as PT15M, PT2H or P1D.".formatted(name, Quoted.shape(text)));
        }
        return Duration.parse(text);
    }
}
