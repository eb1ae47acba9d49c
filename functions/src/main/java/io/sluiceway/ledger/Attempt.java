package io.sluiceway.ledger;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.operation.OperationId;
import io.sluiceway.savepoint.StoragePath;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One execution of a job.
 *
 * @param id the Flink job that it is
 * @param request the request that made it
 * @param number which attempt of that request it is, from 1
 * @param spec what runs, whole
 * @param specHash identifies what runs, its jar taken by content; absent until the jar is known
 * @param jar the jar that the cluster was asked to run; absent until POSTING, and in records of earlier builds
 * @param owner on whose behalf it runs now: the request and try that made or adopted it last
 * @param state how far it has come
 * @param createdAt when it was intended
 * @param until PREPARING: nobody else goes on with it before; POSTING: the cluster is asked before this or not at all
 * @param incarnation the JobManager that was asked, as {@link io.sluiceway.cluster.FlinkCluster#incarnation} names it;
 *     absent until POSTING
 * @param restoredFrom where its state came from; absent: it began without
 * @param submission the operation that submits it
 * @param stop the operation that stops it; absent while nobody asked for that
 * @param submittedAt when the cluster was seen to have it; absent until then
 * @param endedAt when it was seen to have ended; absent until then
 * @param failure why it was refused or what is unknown about it; absent when there is nothing to say
 * @param restarts the most restarts that were seen of it
 * @param runningAt when the cluster was first seen to run it; absent until then
 * @param unhealthySince when it was told to be unhealthy; absent when it wasn't, or was told to have recovered
 * @param rescaledTo the parallelism that it was given by a rescaling; absent: what its specification says
 */
public record Attempt(
        FlinkJobId id,
        RequestId request,
        int number,
        JobSpec spec,
        @Nullable String specHash,
        @Nullable RunJar jar,
        Request owner,
        AttemptState state,
        Instant createdAt,
        Instant until,
        @Nullable String incarnation,
        @Nullable StoragePath restoredFrom,
        OperationId submission,
        @Nullable OperationId stop,
        @Nullable Instant submittedAt,
        @Nullable Instant endedAt,
        @Nullable Refusal failure,
        long restarts,
        @Nullable Instant runningAt,
        @Nullable Instant unhealthySince,
        @Nullable Integer rescaledTo) {
    /**
     * Why something was refused, kept so that a repeated request hears the same.
     *
     * @param code what kind of refusal it is
     * @param message one sentence; never a secret or a program argument
     */
    public record Refusal(ErrorCode code, String message) {}

    /**
     * A jar as it was found, by whichever name it was asked for.
     *
     * @param digest its content
     * @param versionId the version of its object; absent when nobody had to know, or its store keeps none
     */
    public record RunJar(JarDigest digest, @Nullable String versionId) {}

    /**
     * What is to be asked for so that just this runs again, also when another jar lies in its place now: the
     * specification with the jar by content and version, as far as they are known.
     */
    public JobSpec specThatRan() {
        JarReference asked = spec.jar();
        return jar == null
                ? spec
                : spec.with(new JarReference(
                        asked.uri(), asked.versionId() == null ? jar.versionId() : asked.versionId(), jar.digest()));
    }

    /** How a cluster is asked for it. */
    public JobRef ref() {
        return new JobRef(spec.name(), id);
    }

    /** What the cluster is asked to run: its specification, with the parallelism that a rescaling gave it. */
    public JobSpec runs() {
        return rescaledTo == null ? spec : spec.with(rescaledTo);
    }

    /** The parallelism that it is asked to run with; absent: the cluster's default. */
    public @Nullable Integer parallelism() {
        return rescaledTo == null ? spec.parallelism() : rescaledTo;
    }

    /** A copy to change; what isn't changed stays. */
    public Change change() {
        return new Change(this);
    }

    /** Collects what changes of an attempt. */
    public static final class Change {
        private final Attempt from;
        private @Nullable String specHash;
        private @Nullable RunJar jar;
        private Request owner;
        private AttemptState state;
        private Instant until;
        private @Nullable String incarnation;
        private @Nullable OperationId stop;
        private @Nullable Instant submittedAt;
        private @Nullable Instant endedAt;
        private @Nullable Refusal failure;
        private long restarts;
        private @Nullable Instant runningAt;
        private @Nullable Instant unhealthySince;
        private @Nullable Integer rescaledTo;

        private Change(Attempt from) {
            this.from = from;
            this.specHash = from.specHash;
            this.jar = from.jar;
            this.owner = from.owner;
            this.state = from.state;
            this.until = from.until;
            this.incarnation = from.incarnation;
            this.stop = from.stop;
            this.submittedAt = from.submittedAt;
            this.endedAt = from.endedAt;
            this.failure = from.failure;
            this.restarts = from.restarts;
            this.runningAt = from.runningAt;
            this.unhealthySince = from.unhealthySince;
            this.rescaledTo = from.rescaledTo;
        }

        /** The jar that it runs is known. */
        public Change jar(RunJar found) {
            this.jar = found;
            this.specHash = from.spec.specHash(found.digest());
            return this;
        }

        public Change owner(Request newOwner) {
            this.owner = newOwner;
            return this;
        }

        /** It is prepared, or posted, by whoever says so, until then. */
        public Change held(AttemptState newState, Instant newUntil) {
            this.state = newState;
            this.until = newUntil;
            return this;
        }

        public Change incarnation(String jobManager) {
            this.incarnation = jobManager;
            return this;
        }

        public Change stop(OperationId operation) {
            this.stop = operation;
            return this;
        }

        public Change submitted(Instant at) {
            // One that comes back runs anew.
            this.runningAt = state == AttemptState.SUBMITTED ? runningAt : null;
            this.unhealthySince = state == AttemptState.SUBMITTED ? unhealthySince : null;
            this.state = AttemptState.SUBMITTED;
            this.submittedAt = submittedAt == null ? at : submittedAt;
            this.failure = null;
            return this;
        }

        public Change running(Instant at) {
            this.runningAt = at;
            return this;
        }

        /** It was told to be unhealthy at that time; null: to have recovered. */
        public Change unhealthy(@Nullable Instant at) {
            this.unhealthySince = at;
            return this;
        }

        /** It was given a parallelism; the one that its specification says is nothing to remember. */
        public Change parallelism(int given) {
            Integer specified = from.spec.parallelism();
            this.rescaledTo = specified != null && specified == given ? null : Integer.valueOf(given);
            return this;
        }

        public Change ended(AttemptState how, Instant at) {
            this.state = how;
            this.endedAt = at;
            return this;
        }

        public Change failure(Refusal why) {
            this.failure = why;
            return this;
        }

        public Change restarts(long seen) {
            this.restarts = Math.max(restarts, seen);
            return this;
        }

        /** The changed attempt; throws IllegalStateException when the one before had ended. */
        public Attempt made() {
            if (from.state.terminal() && from.state != state) {
                throw new IllegalStateException("Attempt %s has ended as %s.".formatted(from.id, from.state));
            }
            return new Attempt(
                    from.id,
                    from.request,
                    from.number,
                    from.spec,
                    specHash,
                    jar,
                    owner,
                    state,
                    from.createdAt,
                    until,
                    incarnation,
                    from.restoredFrom,
                    from.submission,
                    stop,
                    submittedAt,
                    endedAt,
                    failure,
                    restarts,
                    runningAt,
                    unhealthySince,
                    rescaledTo);
        }
    }
}
