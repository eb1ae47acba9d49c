package io.sluiceway.ledger.dynamodb;

import io.sluiceway.event.JobEvent;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/**
 * Where an item lies in the table.
 *
 * <p>Names of clusters, jobs and verbs hold no {@code #}, and a request's id comes last, so that different records have
 * different keys.
 *
 * @param pk the partition key
 * @param sk the sort key
 */
record Key(String pk, String sk) {
    static final String PK = "pk";
    static final String SK = "sk";
    static final String JOB = "JOB#";
    static final String SAVEPOINT = "SAVEPOINT#";
    static final String HISTORY = "HISTORY#";
    static final String EVENT = "EVENT#";
    static final String LIVING = "LIVING#";
    static final String OPEN = "OPEN#";
    private static final String READINESS = "READINESS";

    /** Sorts as time does. */
    private static final DateTimeFormatter FIXED_WIDTH =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS'Z'").withZone(ZoneOffset.UTC);

    private static final Pattern LINE =
            Pattern.compile("\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{9}Z#[0-9a-f]{32}#\\d{2}");

    private static final Pattern PENDING =
            Pattern.compile("\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{9}Z#[a-z0-9-]{1,128}#\\d{12}");

    private static final Pattern OF_A_JOB = Pattern.compile("[a-z0-9-]{1,128}#[0-9a-f]{32}");

    static Key ofJob(ClusterName cluster, JobName job) {
        return new Key(jobsOf(cluster), JOB + job);
    }

    static Key ofRequest(RequestKey key) {
        return new Key("REQUEST#%s#%s#%s#%s".formatted(key.cluster(), key.job(), key.verb(), key.id()), "REQUEST");
    }

    static Key ofAttempt(ClusterName cluster, FlinkJobId id) {
        return new Key("ATTEMPT#%s#%s".formatted(cluster, id), "ATTEMPT");
    }

    /** Of a STREAM it lies among what is said about the job. */
    static Key ofReadiness(ClusterName cluster, JobName job, @Nullable RequestId run) {
        return run == null
                ? new Key(about(cluster, job), READINESS)
                : new Key("READINESS#%s#%s#%s".formatted(cluster, job, run), READINESS);
    }

    static Key ofOperation(OperationId id) {
        return new Key("OPERATION#" + id, "OPERATION");
    }

    static Key ofSavepoint(Savepoint savepoint) {
        return ofSavepoint(savepoint.cluster(), savepoint.job(), savepoint.operation());
    }

    static Key ofSavepoint(ClusterName cluster, JobName job, OperationId operation) {
        return new Key(about(cluster, job), SAVEPOINT + operation);
    }

    /**
     * The key of a line that nobody else can have.
     *
     * @param commit the id of the commit that adds it
     * @param number its place among the changes of that commit, from 0
     */
    static Key ofLine(HistoryEntry entry, String commit, int number) {
        return new Key(about(entry.cluster(), entry.job()), lineOf(entry.at(), commit, number));
    }

    private static String lineOf(Instant at, String commit, int number) {
        return "%s%s#%s#%02d".formatted(HISTORY, FIXED_WIDTH.format(at), commit, number);
    }

    /** Whether this text behind {@link #HISTORY} makes a line's sort key. */
    static boolean isLine(String text) {
        return LINE.matcher(text).matches();
    }

    /** Where an event lies for good. */
    static Key ofEvent(JobEvent event) {
        return new Key(about(event.cluster(), event.job()), EVENT + sequence(event.sequence()));
    }

    /**
     * What followed {@link #EVENT} in the key of a job's event with that number: of one width, to sort as numbers do.
     */
    static String sequence(long number) {
        return "%012d".formatted(number);
    }

    /** Where an event lies besides, until it is published. */
    static Key ofPending(JobEvent event) {
        return new Key(
                pendingOf(event.cluster()),
                "%s%s#%s#%s"
                        .formatted(
                                EVENT,
                                FIXED_WIDTH.format(event.occurredAt()),
                                event.job(),
                                sequence(event.sequence())));
    }

    /** Whether this text behind {@link #EVENT} makes the sort key of an event that isn't published. */
    static boolean isPending(String text) {
        return PENDING.matcher(text).matches();
    }

    /** The partition with a cluster's events that aren't published. */
    static String pendingOf(ClusterName cluster) {
        return "PENDING#" + cluster;
    }

    /** Where an attempt lies besides, until it has ended. */
    static Key ofLiving(Attempt attempt) {
        return new Key(
                livingOf(attempt.spec().cluster()),
                "%s%s#%s".formatted(LIVING, attempt.spec().name(), attempt.id()));
    }

    /** Where an operation lies besides, until it has ended. */
    static Key ofOpen(Operation operation) {
        return new Key(openOf(operation.cluster()), "%s%s#%s".formatted(OPEN, operation.job(), operation.id()));
    }

    /** Whether this text behind {@link #LIVING} or {@link #OPEN} makes the sort key of what hasn't ended. */
    static boolean isOfAJob(String text) {
        return OF_A_JOB.matcher(text).matches();
    }

    /** The partition with a cluster's attempts that haven't ended. */
    static String livingOf(ClusterName cluster) {
        return "LIVING#" + cluster;
    }

    /** The partition with a cluster's operations that haven't ended. */
    static String openOf(ClusterName cluster) {
        return "OPEN#" + cluster;
    }

    /** The partition with a cluster's jobs. */
    static String jobsOf(ClusterName cluster) {
        return "CLUSTER#" + cluster;
    }

    /** The partition with a job's savepoints, history and events. */
    static String about(ClusterName cluster, JobName job) {
        return "JOB#%s#%s".formatted(cluster, job);
    }

    Map<String, AttributeValue> attributes() {
        return Map.of(PK, AttributeValue.fromS(pk), SK, AttributeValue.fromS(sk));
    }

    @Override
    public String toString() {
        return pk + " " + sk;
    }
}
