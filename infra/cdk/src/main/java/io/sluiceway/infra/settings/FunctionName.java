package io.sluiceway.infra.settings;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/**
 * The functions. Each has one name everywhere: here, as {@code @Funq} name, in the Lambda function's name, in Airflow.
 *
 * <p>All but {@code submit-job}, {@code upgrade-job} and {@code rescale-job} answer well within the 60 s after which an
 * AWS client gives a call up and sends it again. These fetch a jar, give it to the cluster and may wait for the job's
 * {@code main()}: 300 MB pass in some 20 s, a slow {@code main()} takes the rest. {@code monitor-jobs} ends before its
 * next firing, a minute later. The memory of these four is twice that of the others, since Lambda's share of processor
 * and network grows with it, and TLS over 300 MB wants both: a sweep brings the jars of the jobs that it starts again.
 * {@code job-status} starts the versions of an upgrade or a rescaling as well, as far as its shorter time goes; a sweep
 * goes on there.
 */
public enum FunctionName {
    @JsonProperty("submit-job")
    SUBMIT_JOB("submit-job", Duration.ofMinutes(2), 512),
    @JsonProperty("job-status")
    JOB_STATUS("job-status", Duration.ofSeconds(30), 256),
    @JsonProperty("take-savepoint")
    TAKE_SAVEPOINT("take-savepoint", Duration.ofSeconds(30), 256),
    @JsonProperty("stop-job")
    STOP_JOB("stop-job", Duration.ofSeconds(30), 256),
    @JsonProperty("upgrade-job")
    UPGRADE_JOB("upgrade-job", Duration.ofMinutes(2), 512),
    @JsonProperty("rescale-job")
    RESCALE_JOB("rescale-job", Duration.ofMinutes(2), 512),
    @JsonProperty("list-jobs")
    LIST_JOBS("list-jobs", Duration.ofSeconds(30), 256),
    @JsonProperty("list-events")
    LIST_EVENTS("list-events", Duration.ofSeconds(30), 256),
    @JsonProperty("monitor-jobs")
    MONITOR_JOBS("monitor-jobs", Duration.ofSeconds(55), 512);

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
    public String title() {
        return Arrays.stream(text.split("-", -1))
                .map(word -> word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1))
                .collect(joining());
    }

    /** {@return whether it changes jobs, and so takes a try beside the request id} */
    public boolean changesJobs() {
        return switch (this) {
            case SUBMIT_JOB, TAKE_SAVEPOINT, STOP_JOB, UPGRADE_JOB, RESCALE_JOB -> true;
            case JOB_STATUS, LIST_JOBS, LIST_EVENTS, MONITOR_JOBS -> false;
        };
    }

    /** {@return whether it has an effect besides its answer, which nobody hears of an asynchronous call} */
    public boolean servesTriggers() {
        return changesJobs() || this == MONITOR_JOBS;
    }

    /** {@return after how long Lambda ends a call} */
    public Duration timeout() {
        return timeout;
    }

    /** {@return the memory that the native binary gets, in MiB} */
    public int memoryMiB() {
        return memoryMiB;
    }

    /** {@return the same as {@link #text()}, as settings files write it} */
    @Override
    public String toString() {
        return text;
    }
}
