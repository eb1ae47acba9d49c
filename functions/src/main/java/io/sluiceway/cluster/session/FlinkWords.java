package io.sluiceway.cluster.session;

import io.sluiceway.error.Quoted;
import io.sluiceway.job.Arguments;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What Flink says of a failure: a stack trace as {@link Throwable#printStackTrace()} writes it, or a message. Flink's
 * REST API has no error codes, so what kind of failure it is has to be told from its English.
 *
 * @param text the words as they came, the middle of very many left out
 */
record FlinkWords(String text) {
    private static final int MAX_LENGTH = 600;

    /** Far more than any stack trace; an answer can have megabytes. */
    private static final int MAX_TEXT = 1 << 16;

    private static final Pattern CAUSED_BY =
            Pattern.compile("(?m)^Caused by: (?:org\\.apache\\.flink\\.util\\.SerializedThrowable: )?(.+)$");

    /** Flink 2.3 wraps each job into an application of its own, whose id comes from the job's. */
    private static final Pattern DUPLICATE_ID =
            Pattern.compile("DuplicateJobSubmissionException|DuplicateApplicationSubmissionException");

    /** {@code PackagedProgram} of flink-clients. */
    private static final Pattern NO_ENTRY_CLASS = Pattern.compile(
            "entry point class '[^']*' was not found in the jar file|does not have a main\\(String\\[\\]\\) method"
                    + "|Neither a 'Main-Class', nor a 'program-class' entry");

    /** {@code AbstractFsCheckpointStorageAccess} and {@code Checkpoints} of flink-runtime. */
    private static final Pattern RESTORE_FAILURE = Pattern.compile(
            "Cannot find (?:checkpoint or savepoint|meta data) file|Failed to rollback to checkpoint/savepoint");

    /** {@code AbstractFsCheckpointStorageAccess} of flink-runtime. */
    private static final Pattern NO_SAVEPOINT =
            Pattern.compile("FileNotFoundException: Cannot find (?:checkpoint or savepoint|meta data) file");

    /** What Flink says when a part of it gave no answer in time, in whatever it is wrapped. */
    private static final Pattern TIMEOUT =
            Pattern.compile("java\\.util\\.concurrent\\.TimeoutException|AskTimeoutException|RpcConnectionException");

    /** {@code JarRunHandler} of flink-runtime-web. */
    private static final Pattern PROGRAM_FAILURE =
            Pattern.compile("ProgramInvocationException|Could not execute application|No jobs included in application");

    /** {@code SchedulerNG} and {@code AdaptiveScheduler} of flink-runtime. */
    private static final Pattern NO_RESCALING =
            Pattern.compile("does not support changing the parallelism without a job restart"
                    + "|Cannot change the parallelism of a job running in reactive mode");

    /** {@code StopWithSavepointStoppingException} of flink-runtime. */
    private static final Pattern SAVEPOINT_WITHOUT_STOP =
            Pattern.compile("A savepoint has been created at: (\\S+), but the corresponding job");

    FlinkWords {
        text = bounded(text);
    }

    /** The first and the last lines: those between are never shown. */
    private static String bounded(String text) {
        if (text.length() <= MAX_TEXT) {
            return text;
        }
        String head = text.substring(0, MAX_TEXT / 2);
        String tail = text.substring(text.length() - MAX_TEXT / 2);
        int headEnd = head.lastIndexOf('\n');
        int tailStart = tail.indexOf('\n');
        return (headEnd < 0 ? head : head.substring(0, headEnd)) + (tailStart < 0 ? "" : tail.substring(tailStart));
    }

    /** Without the words: a program's own can repeat its arguments. */
    @Override
    public String toString() {
        return "FlinkWords[%d characters]".formatted(text.length());
    }

    /** Whether a part of the cluster gave no answer in time, so that what was asked for may still happen. */
    boolean tellOfTimeout() {
        return TIMEOUT.matcher(text).find();
    }

    /** Whether Flink has seen the job's id before. */
    boolean tellOfDuplicateId() {
        return DUPLICATE_ID.matcher(text).find();
    }

    /** Whether the jar has no usable entry class. */
    boolean tellOfNoEntryClass() {
        return NO_ENTRY_CLASS.matcher(text).find();
    }

    /** Whether the job's state couldn't be restored. */
    boolean tellOfRestoreFailure() {
        return RESTORE_FAILURE.matcher(text).find();
    }

    /** Whether there is no savepoint where one was looked for. */
    boolean tellOfNoSavepoint() {
        return NO_SAVEPOINT.matcher(text).find();
    }

    /** Whether the program failed, or submitted no job. */
    boolean tellOfProgramFailure() {
        return PROGRAM_FAILURE.matcher(text).find();
    }

    /** Whether the job's scheduler can't change its parallelism. */
    boolean tellOfNoRescaling() {
        return NO_RESCALING.matcher(text).find();
    }

    /** Where the savepoint lies of a stop that failed behind its savepoint. */
    Optional<String> savepointWithoutStop() {
        Matcher matcher = SAVEPOINT_WITHOUT_STOP.matcher(text);
        return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    /** The first line, shortened. */
    String firstLine() {
        return Quoted.plain(text.lines().findFirst().orElse("No message."), MAX_LENGTH);
    }

    /** Class and message of the innermost cause, else the first line, shortened. */
    String rootCause() {
        String innermost = null;
        Matcher matcher = CAUSED_BY.matcher(text);
        while (matcher.find()) {
            innermost = matcher.group(1);
        }
        return innermost == null ? firstLine() : Quoted.plain(innermost, MAX_LENGTH);
    }

    /**
     * The same words with the values of a program's arguments masked: a program's own errors like to repeat them, and
     * they may be secrets.
     */
    FlinkWords without(List<String> arguments) {
        return new FlinkWords(Arguments.mask(text, arguments));
    }
}
