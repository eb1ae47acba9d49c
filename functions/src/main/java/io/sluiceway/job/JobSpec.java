package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.savepoint.StoragePath;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is to run.
 *
 * @param name the job's logical name
 * @param kind how it lives
 * @param cluster the configured cluster it runs on
 * @param jar the program
 * @param entryClass the class to run; absent: the jar's manifest says it
 * @param arguments the program's arguments, at most 256 of at most 4,096 characters, 256 KiB together; never logged
 * @param parallelism 1 to 32,768 (Flink's upper bound of a job's parallelism); absent: the cluster's default
 * @param restore where its state comes from
 * @param onUnknown what a repeated request does about an attempt of which nobody can tell what became of it
 * @param policies what is done about it while it lives
 */
public record JobSpec(
        JobName name,
        JobKind kind,
        ClusterName cluster,
        JarReference jar,
        @Nullable EntryClass entryClass,
        List<String> arguments,
        @Nullable Integer parallelism,
        RestorePoint restore,
        OnUnknown onUnknown,
        Policies policies) {
    private static final int MAX_ARGUMENTS = 256;
    private static final int MAX_ARGUMENT_LENGTH = 4096;
    /** Flink's highest max parallelism, so no job can run with more. */
    public static final int MAX_PARALLELISM = 32_768;

    /** The ledger keeps the whole specification in an item of DynamoDB, which holds 400 KB. */
    private static final int MAX_ARGUMENTS_BYTES = 256 * 1024;

    /** What is done about an attempt of unknown fate. */
    public enum OnUnknown {
        /** Nothing: somebody looks, and asks again with {@code rerun}. */
        REFUSE,
        /** It is run again, as another attempt: for programs that may run twice. */
        RERUN
    }

    public JobSpec {
        arguments = List.copyOf(arguments);
        if (arguments.size() > MAX_ARGUMENTS) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID, "job.args has %d entries; 256 is the most.".formatted(arguments.size()));
        }
        int bytes = 0;
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            // The argument itself may be a secret, so the message names only its place.
            if (argument.codePointCount(0, argument.length()) > MAX_ARGUMENT_LENGTH
                    || !StandardCharsets.UTF_8.newEncoder().canEncode(argument)
                    || argument.chars().anyMatch(c -> Character.isISOControl(c) && c != '\n' && c != '\t')) {
                throw new RefusedException(
                        ErrorCode.FIELD_INVALID,
                        "job.args[%d] is longer than 4,096 characters or holds control characters or half a character."
                                .formatted(i));
            }
            bytes += argument.getBytes(StandardCharsets.UTF_8).length;
        }
        if (bytes > MAX_ARGUMENTS_BYTES) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "job.args have %d bytes together; %d is the most.".formatted(bytes, MAX_ARGUMENTS_BYTES));
        }
        if (parallelism != null && (parallelism < 1 || parallelism > MAX_PARALLELISM)) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID, "job.parallelism is %d; 1 to 32,768 is allowed.".formatted(parallelism));
        }
        if (kind == JobKind.RUN
                && policies.dataReady() != null
                && policies.dataReady().end() == null) {
            throw new RefusedException(
                    ErrorCode.FIELD_MISSING,
                    "job.policies.dataReady of a RUN needs the field 'end': it is the boundary that FINISHED reaches.");
        }
        if (kind == JobKind.RUN && (policies.savepoints() != null || policies.retention() != null)) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "job.policies.%s is for a STREAM only."
                            .formatted(policies.savepoints() == null ? "retention" : "savepoints"));
        }
        if (kind == JobKind.RUN && policies.restart() != null) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "job.policies.restart is for a STREAM: whoever asked for a RUN asks for it again.");
        }
    }

    /** A specification without policies. */
    public JobSpec(
            JobName name,
            JobKind kind,
            ClusterName cluster,
            JarReference jar,
            @Nullable EntryClass entryClass,
            List<String> arguments,
            @Nullable Integer parallelism,
            RestorePoint restore,
            OnUnknown onUnknown) {
        this(name, kind, cluster, jar, entryClass, arguments, parallelism, restore, onUnknown, Policies.NONE);
    }

    /** Identifies this specification as it was asked for. */
    public String payloadHash() {
        return digest(
                restoreText(),
                jar.uri().toString(),
                Objects.toString(jar.versionId(), ""),
                Objects.toString(jar.expectedDigest(), ""),
                onUnknown.name());
    }

    /** The same with its jar named otherwise. */
    public JobSpec with(JarReference other) {
        return new JobSpec(
                name, kind, cluster, other, entryClass, arguments, parallelism, restore, onUnknown, policies);
    }

    /** The same with another parallelism, 1 to 32,768. */
    public JobSpec with(int other) {
        return new JobSpec(name, kind, cluster, jar, entryClass, arguments, other, restore, onUnknown, policies);
    }

    /** Identifies what runs, its jar taken by content rather than by place; where its state comes from isn't in it. */
    public String specHash(JarDigest content) {
        return digest(content.value());
    }

    private String digest(String... parts) {
        List<String> all = new ArrayList<>(List.of(
                name.value(),
                kind.name(),
                cluster.value(),
                Objects.toString(entryClass, ""),
                Objects.toString(parallelism, "")));
        all.add(Integer.toString(arguments.size()));
        all.addAll(arguments);
        all.addAll(List.of(parts));
        all.addAll(policies.parts());
        return Digests.digest(all.toArray(String[]::new));
    }

    private String restoreText() {
        return switch (restore) {
            case RestorePoint.None() -> "NONE";
            case RestorePoint.Latest(boolean allow) -> "LATEST " + allow;
            case RestorePoint.Savepoint(StoragePath path, boolean allow) -> "SAVEPOINT " + allow + " " + path;
        };
    }

    /** Without the program's arguments, which may hold secrets. */
    @Override
    public String toString() {
        return "JobSpec[%s %s on %s]".formatted(kind, name, cluster);
    }
}
