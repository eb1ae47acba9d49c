package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarReference;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is to run.
 *
 * @param name the job's logical name
 * @param kind how it lives
 * @param cluster the configured cluster it runs on
 * @param jar the program
 * @param entryClass the class to run; absent: the jar's manifest says it
 * @param arguments the program's arguments, at most 256 of at most 4,096 characters; never logged
 * @param parallelism 1 to 32,768 (Flink's upper bound of a job's parallelism); absent: the cluster's default
 * @param restore where its state comes from
 */
public record JobSpec(
        JobName name,
        JobKind kind,
        ClusterName cluster,
        JarReference jar,
        @Nullable EntryClass entryClass,
        List<String> arguments,
        @Nullable Integer parallelism,
        RestorePoint restore) {
    private static final int MAX_ARGUMENTS = 256;
    private static final int MAX_ARGUMENT_LENGTH = 4096;
    private static final int MAX_PARALLELISM = 32_768;

    public JobSpec {
        arguments = List.copyOf(arguments);
        if (arguments.size() > MAX_ARGUMENTS) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID, "job.args has %d entries; 256 is the most.".formatted(arguments.size()));
        }
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            // The argument itself may be a secret, so the message names only its place.
            if (argument.length() > MAX_ARGUMENT_LENGTH
                    || argument.chars().anyMatch(c -> Character.isISOControl(c) && c != '\n' && c != '\t')) {
                throw new RefusedException(
                        ErrorCode.FIELD_INVALID,
                        "job.args[%d] is longer than 4,096 characters or holds control characters.".formatted(i));
            }
        }
        if (parallelism != null && (parallelism < 1 || parallelism > MAX_PARALLELISM)) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID, "job.parallelism is %d; 1 to 32,768 is allowed.".formatted(parallelism));
        }
    }

    /** Without the program's arguments, which may hold secrets. */
    @Override
    public String toString() {
        return "JobSpec[%s %s on %s]".formatted(kind, name, cluster);
    }
}
