package io.sluiceway.infra;

import static java.util.stream.Collectors.joining;

import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/**
 * The functions. Each has one name everywhere: here, as {@code @Funq} name, in the Lambda function's name, in Airflow.
 *
 * <p>All but {@code submit-job} answer well within the 60 s after which an AWS client gives a call up and sends it
 * again. {@code submit-job} fetches a jar, gives it to the cluster and waits for the job's {@code main()}: 300 MB pass
 * in some 20 s, a slow {@code main()} takes the rest. Its memory is twice that of the others, since Lambda's share of
 * processor and network grows with it, and TLS over 300 MB wants both.
 */
public enum FunctionName {
    SUBMIT_JOB("submit-job", Duration.ofMinutes(2), 512),
    JOB_STATUS("job-status", Duration.ofSeconds(30), 256),
    TAKE_SAVEPOINT("take-savepoint", Duration.ofSeconds(30), 256),
    STOP_JOB("stop-job", Duration.ofSeconds(30), 256),
    LIST_JOBS("list-jobs", Duration.ofSeconds(30), 256);

    private final String text;
    private final Duration timeout;
    private final int memoryMiB;

    FunctionName(String text, Duration timeout, int memoryMiB) {
        this.text = text;
        this.timeout = timeout;
        this.memoryMiB = memoryMiB;
    }

    /** {@return the verb and noun, for example {@code submit-job}} */
    public String text() {
        return text;
    }

    /** {@return the same as one word in CamelCase, for example {@code SubmitJob}} */
    String title() {
        return Arrays.stream(text.split("-", -1))
                .map(word -> word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1))
                .collect(joining());
    }

    /** {@return after how long Lambda ends a call} */
    Duration timeout() {
        return timeout;
    }

    /** {@return the memory that the native binary gets, in MiB} */
    int memoryMiB() {
        return memoryMiB;
    }
}
