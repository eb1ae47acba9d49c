package io.sluiceway.event;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.health.Reason;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an event tells, in a form of its own for each type; {@code schemas/*.event.json} describes them. A field that is
 * added is the next version of the type; one that would go, or mean something else, is another type.
 */
public sealed interface EventData {
    /** EventBridge's detail type. */
    String type();

    /** The version of the type's form, from 1. */
    int version();

    /**
     * The fields beside those that every event has: texts, whole numbers ({@code Long}), truths, and lists of maps of
     * these.
     */
    Map<String, Object> fields();

    /**
     * A job's execution was seen in another state.
     *
     * @param kind how the job lives
     * @param attempt which attempt of its request the execution is, from 1
     * @param state what was seen
     * @param restoredFrom where its state came from; absent: it began without
     * @param failureCode why it was refused or what is unknown about it; absent when there is nothing to say
     * @param failure the same as a sentence; absent likewise
     */
    record JobStateChanged(
            JobKind kind,
            int attempt,
            State state,
            @Nullable StoragePath restoredFrom,
            @Nullable ErrorCode failureCode,
            @Nullable String failure)
            implements EventData {
        /** What a job's execution can be seen as. */
        public enum State {
            /** The cluster has the job. */
            SUBMITTED,
            /** The cluster runs it; told once. */
            RUNNING,
            /** It ended by itself or was stopped with a savepoint. */
            FINISHED,
            /** It failed for good. */
            FAILED,
            /** It was cancelled, or stopped before it reached the cluster. */
            CANCELED,
            /** It was refused and never ran. */
            REFUSED,
            /** Nobody can tell what became of it. */
            UNKNOWN
        }

        @Override
        public String type() {
            return "Flink Job State Changed";
        }

        @Override
        public int version() {
            return 1;
        }

        @Override
        public Map<String, Object> fields() {
            return new Fields()
                    .put("kind", kind.name())
                    .put("attempt", (long) attempt)
                    .put("state", state.name())
                    .put("restoredFrom", restoredFrom)
                    .put("failureCode", failureCode == null ? null : failureCode.name())
                    .put("failure", shortened(failure))
                    .made();
        }
    }

    /**
     * An operation has done what it was for.
     *
     * @param id which one
     * @param operation what it does
     * @param createdAt when it was asked for
     * @param savepoint the savepoint that it left; absent for what takes none
     * @param ending how an upgrade or a rescaling ended; absent for other operations
     */
    record OperationCompleted(
            OperationId id,
            OperationType operation,
            Instant createdAt,
            @Nullable StoragePath savepoint,
            @Nullable Ending ending)
            implements EventData {
        @Override
        public String type() {
            return "Flink Operation Completed";
        }

        @Override
        public int version() {
            return 1;
        }

        @Override
        public Map<String, Object> fields() {
            return ofOperation(id, operation, createdAt, savepoint, ending).made();
        }
    }

    /**
     * An operation has failed, or was given up.
     *
     * @param id which one
     * @param operation what it was for
     * @param createdAt when it was asked for
     * @param savepoint the savepoint that it left all the same; absent when there is none
     * @param state FAILED or ABANDONED
     * @param ending how an upgrade or a rescaling ended; absent for other operations
     * @param failure why, in a sentence
     */
    record OperationFailed(
            OperationId id,
            OperationType operation,
            Instant createdAt,
            @Nullable StoragePath savepoint,
            @Nullable Ending ending,
            OperationState state,
            String failure)
            implements EventData {
        @Override
        public String type() {
            return "Flink Operation Failed";
        }

        @Override
        public int version() {
            return 1;
        }

        @Override
        public Map<String, Object> fields() {
            return ofOperation(id, operation, createdAt, savepoint, ending)
                    .put("operationState", state.name())
                    .put("failure", shortened(failure))
                    .made();
        }
    }

    /**
     * A savepoint is complete and can be restored from.
     *
     * @param operation the operation that took it
     * @param origin what it was taken for
     * @param path the directory that holds its {@code _metadata}
     * @param verified whether its {@code _metadata} was seen; where the store can't be read, the cluster's word
     *     suffices
     */
    record SavepointCompleted(OperationId operation, SavepointOrigin origin, StoragePath path, boolean verified)
            implements EventData {
        @Override
        public String type() {
            return "Flink Savepoint Completed";
        }

        @Override
        public int version() {
            return 1;
        }

        @Override
        public Map<String, Object> fields() {
            return new Fields()
                    .put("operationId", operation)
                    .put("origin", origin.name())
                    .put("savepointPath", path)
                    .put("verified", verified)
                    .made();
        }
    }

    /**
     * A job that lives was seen to be unhealthy; told once, until it has recovered or ended.
     *
     * @param attempt which attempt of its request the execution is, from 1
     * @param reasons what is wrong, the worst first; at least one
     * @param failure the innermost cause of the failure that its newest trouble began with; absent when there is none
     * @param failedAt when that was; absent when the cluster doesn't say
     */
    record JobUnhealthy(
            int attempt,
            List<Reason> reasons,
            @Nullable String failure,
            @Nullable Instant failedAt) implements EventData {
        public JobUnhealthy {
            reasons = List.copyOf(reasons);
        }

        @Override
        public String type() {
            return "Flink Job Unhealthy";
        }

        @Override
        public int version() {
            return 1;
        }

        @Override
        public Map<String, Object> fields() {
            return new Fields()
                    .put("attempt", (long) attempt)
                    .put("reasons", reasons.stream().map(JobUnhealthy::fields).toList())
                    .put("failure", shortened(failure))
                    .put("failedAt", failedAt)
                    .made();
        }

        private static Map<String, Object> fields(Reason reason) {
            return new Fields()
                    .put("code", reason.code().name())
                    .put("message", Quoted.plain(reason.message(), Fields.LONGEST_REASON))
                    .made();
        }
    }

    /**
     * A job that was told to be unhealthy is stable again.
     *
     * @param attempt which attempt of its request the execution is, from 1
     * @param unhealthySince when it was told to be unhealthy
     */
    record JobRecovered(int attempt, Instant unhealthySince) implements EventData {
        @Override
        public String type() {
            return "Flink Job Recovered";
        }

        @Override
        public int version() {
            return 1;
        }

        @Override
        public Map<String, Object> fields() {
            return new Fields()
                    .put("attempt", (long) attempt)
                    .put("unhealthySince", unhealthySince)
                    .made();
        }
    }

    /**
     * All that a job writes of a period is committed.
     *
     * @param kind how the job lives
     * @param policy which of its sinks, and which boundaries
     * @param from where the period begins
     * @param until the boundary where it ends: nothing at or behind it is meant
     */
    record DataReady(JobKind kind, DataReadyPolicy policy, Instant from, Instant until) implements EventData {
        @Override
        public String type() {
            return "Flink Data Ready";
        }

        @Override
        public int version() {
            return 1;
        }

        @Override
        public Map<String, Object> fields() {
            return ofPolicy(kind, policy).put("from", from).put("until", until).made();
        }
    }

    /**
     * A job went on from a state that lies behind what was told to be ready: it writes some of it again. The next
     * {@link DataReady} tells that this is committed, too.
     *
     * @param kind how the job lives
     * @param policy which of its sinks, and which boundaries
     * @param until the last boundary that was told
     */
    record DataRevised(JobKind kind, DataReadyPolicy policy, Instant until) implements EventData {
        @Override
        public String type() {
            return "Flink Data Revised";
        }

        @Override
        public int version() {
            return 1;
        }

        @Override
        public Map<String, Object> fields() {
            return ofPolicy(kind, policy).put("until", until).made();
        }
    }

    /**
     * The end of an operation.
     *
     * @throws IllegalArgumentException when it hasn't ended
     */
    static EventData ofEnd(Operation ended) {
        Ending ending = ended.upgrade() == null ? null : ended.upgrade().ending();
        return switch (ended.state()) {
            case COMPLETED ->
                new OperationCompleted(ended.id(), ended.type(), ended.createdAt(), ended.savepoint(), ending);
            case FAILED, ABANDONED ->
                new OperationFailed(
                        ended.id(),
                        ended.type(),
                        ended.createdAt(),
                        ended.savepoint(),
                        ending,
                        ended.state(),
                        ended.failure() == null ? "Why isn't known." : ended.failure());
            case PENDING, IN_PROGRESS ->
                throw new IllegalArgumentException("Operation %s has not ended.".formatted(ended.id()));
        };
    }

    private static Fields ofPolicy(JobKind kind, DataReadyPolicy policy) {
        return new Fields()
                .put("kind", kind.name())
                .put("sink", policy.sink())
                .put("every", policy.every().name())
                .put("timeZone", policy.timeZoneText());
    }

    private static Fields ofOperation(
            OperationId id,
            OperationType operation,
            Instant createdAt,
            @Nullable StoragePath savepoint,
            @Nullable Ending ending) {
        return new Fields()
                .put("operationId", id)
                .put("operationType", operation.name())
                .put("createdAt", createdAt)
                .put("savepointPath", savepoint)
                .put("ending", ending == null ? null : ending.name());
    }

    /** Whoever wants the whole sentence asks job-status. */
    private static @Nullable String shortened(@Nullable String sentence) {
        return sentence == null ? null : Quoted.plain(sentence, Fields.LONGEST_SENTENCE);
    }

    /** Collects fields; what is absent gets none. */
    final class Fields {
        private static final int LONGEST_SENTENCE = 1000;

        /** An event has as many as there are kinds. */
        private static final int LONGEST_REASON = 400;

        private final Map<String, Object> values = new LinkedHashMap<>();

        private Fields() {}

        private Fields put(String name, @Nullable Object value) {
            if (value != null) {
                boolean plain = value instanceof Long || value instanceof Boolean || value instanceof List<?>;
                values.put(name, plain ? value : value.toString());
            }
            return this;
        }

        private Map<String, Object> made() {
            return values;
        }
    }
}
