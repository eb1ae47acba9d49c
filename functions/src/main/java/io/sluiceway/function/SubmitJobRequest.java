package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.EntryClass;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.RestartPolicy;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.job.RetentionPolicy;
import io.sluiceway.job.SavepointsPolicy;
import io.sluiceway.savepoint.StoragePath;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The event of {@code submit-job}; {@code schemas/submit-job.request.json} describes its fields. */
@RegisterForReflection
record SubmitJobRequest(
        String requestId,
        @JsonProperty("try") Integer tryNumber,
        @Nullable OnRefusal onRefusal,
        @Nullable Boolean dryRun,
        @Nullable Boolean rerun,
        Job job)
        implements ChangingRequest {
    SubmitJobRequest {
        required("requestId", requestId);
        required("try", tryNumber);
        required("job", job);
    }

    @RegisterForReflection
    record Job(
            String name,
            JobKind kind,
            String cluster,
            Jar jar,
            @Nullable String entryClass,
            @Nullable List<String> args,
            @Nullable Integer parallelism,
            @Nullable Restore restore,
            @Nullable Boolean allowNonRestoredState,
            JobSpec.@Nullable OnUnknown onUnknown,
            @Nullable Policies policies) {
        Job {
            required("name", name);
            required("kind", kind);
            required("cluster", cluster);
            required("jar", jar);
            for (int i = 0; args != null && i < args.size(); i++) {
                required("args[" + i + "]", args.get(i));
            }
        }

        JobSpec spec(RestorePoint from) {
            return new JobSpec(
                    new JobName(name),
                    kind,
                    new ClusterName(cluster),
                    jar.toDomain(),
                    entryClass == null ? null : new EntryClass(entryClass),
                    args == null ? List.of() : args,
                    parallelism,
                    from,
                    onUnknown == null ? JobSpec.OnUnknown.REFUSE : onUnknown,
                    policies == null ? io.sluiceway.job.Policies.NONE : policies.toDomain());
        }

        /** Without the program's arguments, which may hold secrets. */
        @Override
        public String toString() {
            return "Job[%s %s on %s]".formatted(kind, name, cluster);
        }
    }

    @RegisterForReflection
    record Jar(
            String uri,
            @Nullable String versionId,
            @Nullable String sha256) {
        Jar {
            required("uri", uri);
        }

        JarReference toDomain() {
            return new JarReference(JarUri.parse(uri), versionId, sha256 == null ? null : new JarDigest(sha256));
        }
    }

    @RegisterForReflection
    record Restore(Mode mode, @Nullable String path) {
        Restore {
            required("mode", mode);
        }

        enum Mode {
            NONE,
            LATEST,
            SAVEPOINT
        }
    }

    @RegisterForReflection
    record Policies(
            @Nullable DataReady dataReady,
            @Nullable Health health,
            @Nullable Savepoints savepoints,
            @Nullable Retention retention,
            @Nullable Restart restart) {
        io.sluiceway.job.Policies toDomain() {
            return new io.sluiceway.job.Policies(
                    dataReady == null ? null : dataReady.toDomain(),
                    health == null ? null : health.toDomain(),
                    savepoints == null ? null : savepoints.toDomain(),
                    retention == null ? null : retention.toDomain(),
                    restart == null ? null : restart.toDomain());
        }
    }

    @RegisterForReflection
    record Restart(
            @Nullable Integer limit,
            @Nullable String backoff,
            @Nullable String maxBackoff,
            @Nullable String resetAfter) {
        RestartPolicy toDomain() {
            return RestartPolicy.of(limit, backoff, maxBackoff, resetAfter);
        }
    }

    @RegisterForReflection
    record Health(
            @Nullable String settlingTime,
            @Nullable Integer restarts,
            @Nullable String restartWindow,
            @Nullable Integer failedCheckpoints,
            @Nullable String checkpointAge,
            @Nullable Integer backpressurePercent,
            @Nullable String watermarkLag) {
        HealthPolicy toDomain() {
            return HealthPolicy.of(
                    settlingTime,
                    restarts,
                    restartWindow,
                    failedCheckpoints,
                    checkpointAge,
                    backpressurePercent,
                    watermarkLag);
        }
    }

    @RegisterForReflection
    record Savepoints(
            @Nullable String every,
            @Nullable String cron,
            @Nullable String timeZone) {
        SavepointsPolicy toDomain() {
            return SavepointsPolicy.of(every, cron, timeZone);
        }
    }

    @RegisterForReflection
    record Retention(@Nullable Integer count, @Nullable String age) {
        RetentionPolicy toDomain() {
            return RetentionPolicy.of(count, age);
        }
    }

    @RegisterForReflection
    record DataReady(
            String sink,
            DataReadyPolicy.Every every,
            @Nullable String timeZone,
            @Nullable String start,
            @Nullable String end) {
        DataReady {
            required("sink", sink);
            required("every", every);
        }

        DataReadyPolicy toDomain() {
            return DataReadyPolicy.of(sink, every, timeZone, start, end);
        }
    }

    JobSpec spec() {
        return job.spec(restore());
    }

    /** Where the state comes from; unless the event says it, a STREAM goes on from its newest and a RUN begins anew. */
    private RestorePoint restore() {
        boolean allowNonRestoredState = Boolean.TRUE.equals(job.allowNonRestoredState);
        String path = job.restore == null ? null : job.restore.path;
        Restore.Mode mode = restoreMode();
        if (path != null && mode != Restore.Mode.SAVEPOINT) {
            throw new RefusedException(ErrorCode.FIELD_INVALID, "job.restore.path needs job.restore.mode SAVEPOINT.");
        }
        return switch (mode) {
            case NONE -> {
                if (allowNonRestoredState) {
                    throw new RefusedException(
                            ErrorCode.FIELD_INVALID,
                            "job.allowNonRestoredState needs job.restore.mode LATEST or SAVEPOINT.");
                }
                yield new RestorePoint.None();
            }
            case LATEST -> new RestorePoint.Latest(allowNonRestoredState);
            case SAVEPOINT -> {
                if (path == null) {
                    throw new RefusedException(
                            ErrorCode.FIELD_MISSING, "job.restore.mode SAVEPOINT needs the field 'job.restore.path'.");
                }
                yield new RestorePoint.Savepoint(new StoragePath(path), allowNonRestoredState);
            }
        };
    }

    private Restore.Mode restoreMode() {
        if (job.restore != null) {
            return job.restore.mode;
        }
        return switch (job.kind) {
            case STREAM -> Restore.Mode.LATEST;
            case RUN -> Restore.Mode.NONE;
        };
    }

    boolean rerunOrDefault() {
        return Boolean.TRUE.equals(rerun);
    }
}
