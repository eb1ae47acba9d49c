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
import io.sluiceway.job.EntryClass;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.savepoint.StoragePath;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The event of {@code submit-job}; {@code schemas/submit-job.request.json} describes its fields. */
@RegisterForReflection
record SubmitJobRequest(
        String requestId,
        @JsonProperty("try") Integer tryNumber,
        @Nullable OnRefusal onRefusal,
        Job job) implements ChangingRequest {
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
            @Nullable Boolean allowNonRestoredState) {
        Job {
            required("name", name);
            required("kind", kind);
            required("cluster", cluster);
            required("jar", jar);
            for (int i = 0; args != null && i < args.size(); i++) {
                required("args[" + i + "]", args.get(i));
            }
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
    }

    @RegisterForReflection
    record Restore(Mode mode, @Nullable String path) {
        Restore {
            required("mode", mode);
        }

        enum Mode {
            NONE,
            SAVEPOINT
        }
    }

    JobSpec spec() {
        return new JobSpec(
                new JobName(job.name),
                job.kind,
                new ClusterName(job.cluster),
                jar(),
                job.entryClass == null ? null : new EntryClass(job.entryClass),
                job.args == null ? List.of() : job.args,
                job.parallelism,
                restore());
    }

    private JarReference jar() {
        return new JarReference(
                JarUri.parse(job.jar.uri),
                job.jar.versionId,
                job.jar.sha256 == null ? null : new JarDigest(job.jar.sha256));
    }

    private RestorePoint restore() {
        boolean allowNonRestoredState = Boolean.TRUE.equals(job.allowNonRestoredState);
        String path = job.restore == null ? null : job.restore.path;
        Restore.Mode mode = job.restore == null ? Restore.Mode.NONE : job.restore.mode;
        return switch (mode) {
            case NONE -> {
                if (path != null || allowNonRestoredState) {
                    throw new RefusedException(
                            ErrorCode.FIELD_INVALID,
                            "job.restore.path and job.allowNonRestoredState need job.restore.mode SAVEPOINT.");
                }
                yield new RestorePoint.None();
            }
            case SAVEPOINT -> {
                if (path == null) {
                    throw new RefusedException(
                            ErrorCode.FIELD_MISSING, "job.restore.mode SAVEPOINT needs the field 'job.restore.path'.");
                }
                yield new RestorePoint.Savepoint(new StoragePath(path), allowNonRestoredState);
            }
        };
    }
}
