package io.sluiceway.control;

import io.sluiceway.cluster.CheckpointsAtEnd;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.EventData.JobStateChanged.State;
import io.sluiceway.job.Arguments;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.Attempt.Refusal;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.HistoryEntry.Event;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Brings the ledger's word on an attempt up to what the cluster shows, and frees a job's slot when it has ended. */
final class Attempts {
    /** For a question whose answer is a courtesy. */
    private static final Duration SHORT = Duration.ofSeconds(2);

    private final JobLedger ledger;
    private final Outbox outbox;
    private final Limits limits;
    private final FlinkCluster cluster;
    private final Deadline deadline;

    Attempts(Ports ports, FlinkCluster cluster, Deadline deadline) {
        this.ledger = ports.ledger();
        this.outbox = ports.outbox();
        this.limits = ports.limits();
        this.cluster = cluster;
        this.deadline = deadline;
    }

    /**
     * An attempt, and what the cluster says of it.
     *
     * @param job absent when the cluster doesn't know it, or needn't and couldn't be asked
     */
    record Seen(Versioned<Attempt> record, @Nullable JobOverview job) {
        Attempt attempt() {
            return record.value();
        }
    }

    /** Asks a cluster about a job, and leaves the program's arguments out of what it says when it refuses. */
    static <T> T masking(JobSpec spec, Supplier<T> question) {
        try {
            return question.get();
        } catch (RefusedException e) {
            throw masked(spec, e);
        }
    }

    /** A refusal without the program's arguments: a cluster, or what is between, can repeat what it was given. */
    static RefusedException masked(JobSpec spec, RefusedException refusal) {
        return refusal.saying(Arguments.mask(refusal.sentence(), spec.arguments()));
    }

    /**
     * While a job is upgraded or rescaled, that alone starts and ends executions of it.
     *
     * @throws RefusedException JOB_BUSY
     */
    static void checkNoUpgrade(Job job) {
        if (job.upgrade() != null) {
            throw new RefusedException(
                    ErrorCode.JOB_BUSY,
                    "Job '%s' is being upgraded or rescaled at this moment, by operation %s."
                            .formatted(job.name(), job.upgrade()));
        }
    }

    /**
     * Where a cluster has a fixed number of task slots, a job that wants more would wait for them in vain.
     *
     * @param parallelism absent: the cluster's default
     * @throws RefusedException PARALLELISM_EXCEEDS_SLOTS
     */
    void checkSlots(JobName job, @Nullable Integer parallelism) {
        OptionalInt slots = parallelism == null ? OptionalInt.empty() : cluster.fixedSlots(deadline);
        if (parallelism != null && slots.isPresent() && parallelism > slots.getAsInt()) {
            throw new RefusedException(
                    ErrorCode.PARALLELISM_EXCEEDS_SLOTS,
                    "Job '%s' wants a parallelism of %d; cluster '%s' has %d task slots."
                            .formatted(job, parallelism, cluster.name(), slots.getAsInt()));
        }
    }

    Optional<Versioned<Attempt>> find(FlinkJobId id) {
        return ledger.findAttempt(cluster.name(), id, deadline);
    }

    /** As {@link #find}, for an attempt that another record names. */
    Versioned<Attempt> require(FlinkJobId id) {
        return find(id).orElseThrow(() -> new RefusedException(
                ErrorCode.LEDGER_INVALID, "The ledger has lost attempt %s, which another record names.".formatted(id)));
    }

    /** What an attempt that has ended had saved of itself by then. */
    enum Saved {
        /** It surely completed no checkpoint. */
        NOTHING,
        /** It takes no checkpoints. */
        TAKES_NONE,
        /** It completed one, or nobody can tell. */
        MAYBE,
        /** The cluster may still show it as it was before its end. */
        NOT_TOLD_YET
    }

    /** The JobManager that an attempt was handed to counts from its beginning; one that took it over counts anew. */
    Saved saved(Attempt ended) {
        Saved counted = switch (cluster.countAtEnd(ended.ref(), deadline)) {
            case CheckpointsAtEnd.Counted(long completed) -> completed == 0 ? Saved.NOTHING : Saved.MAYBE;
            case CheckpointsAtEnd.TakesNone() -> Saved.TAKES_NONE;
            case CheckpointsAtEnd.NotToldYet() -> Saved.NOT_TOLD_YET;
            case CheckpointsAtEnd.NotTold() -> Saved.MAYBE;
        };
        return switch (counted) {
            case NOTHING, TAKES_NONE ->
                cluster.incarnation(deadline).equals(ended.incarnation()) ? counted : Saved.MAYBE;
            case MAYBE, NOT_TOLD_YET -> counted;
        };
    }

    /**
     * Asks the cluster for an attempt, and records what changed; an attempt that never came further is given up in
     * time.
     *
     * @throws RefusedException when the cluster can't be asked and the attempt hasn't ended
     */
    Seen look(Versioned<Attempt> known) throws LedgerConflictException {
        return look(known, true);
    }

    /** As {@link #look(Versioned)}, for a call of the attempt's own request, which goes on with it however late. */
    Seen lookAsItsOwn(Versioned<Attempt> known) throws LedgerConflictException {
        return look(known, false);
    }

    private Seen look(Versioned<Attempt> known, boolean mayGiveUp) throws LedgerConflictException {
        Attempt attempt = known.value();
        if (attempt.state().terminal() && attempt.submittedAt() != null) {
            return new Seen(known, ask(attempt.ref()));
        }
        JobOverview job = masking(attempt.spec(), () -> cluster.findJob(attempt.ref(), deadline))
                .orElse(null);
        if (job != null) {
            return new Seen(present(known, job), job);
        }
        return new Seen(absent(known, mayGiveUp), null);
    }

    private @Nullable JobOverview ask(JobRef job) {
        try {
            return cluster.findJob(job, new Deadline(now().plus(deadline.remainingAtMost(SHORT)), deadline.clock()))
                    .orElse(null);
        } catch (RefusedException e) {
            // It has ended; what else the cluster would say of it is no reason to fail.
            return null;
        }
    }

    private Versioned<Attempt> present(Versioned<Attempt> known, JobOverview job) throws LedgerConflictException {
        Attempt attempt = known.value();
        if (attempt.state().terminal()) {
            if (!job.state().terminal()) {
                cancelSurplus(attempt);
            }
            return known;
        }
        if (job.state().terminal()) {
            Instant end = job.endedAt() == null ? now() : job.endedAt();
            return end(
                    known,
                    attempt.change().submitted(job.startedAt()).ended(endOf(job.state()), end),
                    null,
                    savepointAtEnd(attempt, job.state(), end).stream().toArray(LedgerChange[]::new));
        }
        if (attempt.state() == AttemptState.SUBMITTED) {
            return attempt.runningAt() == null && job.state() == JobState.RUNNING ? running(known) : known;
        }
        return submitted(known, job);
    }

    /** What a job was stopped with by a request that arrived when its operation had ended, or another came after it. */
    private Optional<LedgerChange> savepointAtEnd(Attempt attempt, JobState state, Instant end) {
        if (state != JobState.FINISHED || attempt.stop() == null) {
            return Optional.empty();
        }
        return ledger.findOperation(attempt.stop(), deadline)
                .map(Versioned::value)
                // One that takes a savepoint and is open records its own.
                .filter(stop -> stop.state().terminal() || !stop.type().takesSavepoint())
                .filter(stop -> stop.savepoint() == null)
                .flatMap(stop -> cluster.findSavepointAtEnd(attempt.ref(), deadline)
                        .map(path -> new LedgerChange.AddSavepoint(new Savepoint(
                                cluster.name(),
                                attempt.spec().name(),
                                attempt.id(),
                                stop.id(),
                                stop.origin() == null ? SavepointOrigin.STOP : stop.origin(),
                                path,
                                end,
                                false,
                                attempt.restarts(),
                                false,
                                null))));
    }

    private static AttemptState endOf(JobState state) {
        return switch (state) {
            case FINISHED -> AttemptState.FINISHED;
            case FAILED -> AttemptState.FAILED;
            case CANCELED -> AttemptState.CANCELED;
            case INITIALIZING, CREATED, RUNNING, FAILING, CANCELLING, RESTARTING, SUSPENDED, RECONCILING ->
                throw new IllegalArgumentException("A job that is " + state + " has not ended.");
        };
    }

    /** Records that the cluster was seen to run a job: it may have had it for long before. */
    private Versioned<Attempt> running(Versioned<Attempt> known) throws LedgerConflictException {
        Attempt changed = known.value().change().running(now()).made();
        outbox.commit(
                List.of(new LedgerChange.PutAttempt(changed, known.version())),
                List.of(Outbox.ofState(changed, State.RUNNING, now())),
                deadline);
        return new Versioned<>(changed, known.version() + 1);
    }

    private Versioned<Attempt> submitted(Versioned<Attempt> known, JobOverview seen) throws LedgerConflictException {
        Attempt attempt = known.value();
        Versioned<Job> job = requireJob(attempt);
        if (attempt.spec().kind() == JobKind.RUN && !standsForItsRequest(attempt)) {
            cancelSurplus(attempt);
            return known;
        }
        if (attempt.spec().kind() == JobKind.STREAM
                && !attempt.id().equals(job.value().active())) {
            if (job.value().active() != null) {
                cancelSurplus(attempt);
                return known;
            }
            // Nobody could tell what became of it, and now it is there after all: the slot is its own again.
            job = new Versioned<>(job.value().taken(attempt.id()), job.version());
        }
        boolean runs = seen.state() == JobState.RUNNING;
        Attempt.Change change = attempt.change().submitted(seen.startedAt());
        Attempt changed = (runs ? change.running(now()) : change).made();
        List<LedgerChange> changes = new ArrayList<>();
        changes.add(new LedgerChange.PutAttempt(changed, known.version()));
        changes.add(new LedgerChange.PutJob(job.value().withLast(attempt.id()), job.version()));
        openSubmission(attempt)
                .ifPresent(operation -> changes.add(
                        new LedgerChange.PutOperation(operation.value().completed(null, now()), operation.version())));
        changes.add(history(attempt, Event.ATTEMPT_SUBMITTED, null));
        outbox.commit(changes, runs ? List.of(Outbox.ofState(changed, State.RUNNING, now())) : List.of(), deadline);
        return new Versioned<>(changed, known.version() + 1);
    }

    /** Whether no other attempt was made of its request since. */
    private boolean standsForItsRequest(Attempt attempt) {
        RequestKey key = new RequestKey(cluster.name(), attempt.spec().name(), SubmitJob.VERB, attempt.request());
        return ledger.findRequest(key, deadline)
                .map(record -> attempt.id().equals(record.value().attempt()))
                .orElse(true);
    }

    private Versioned<Attempt> absent(Versioned<Attempt> known, boolean mayGiveUp) throws LedgerConflictException {
        Attempt attempt = known.value();
        return switch (attempt.state()) {
            case PREPARING ->
                mayGiveUp && !now().isBefore(attempt.createdAt().plus(limits.giveUpAfter())) ? abandon(known) : known;
            case POSTING -> {
                if (now().isBefore(attempt.until().plus(limits.settleAfter()))) {
                    yield known;
                }
                if (!cluster.incarnation(deadline).equals(attempt.incarnation())) {
                    yield unknown(known, "its JobManager was replaced before anybody saw the job");
                }
                yield mayGiveUp && !now().isBefore(attempt.until().plus(limits.giveUpAfter()))
                        ? unknown(known, "nobody has seen the job since the cluster was asked to run it")
                        : known;
            }
            case SUBMITTED -> unknown(known, "the cluster had the job and no longer knows it");
            case UNKNOWN, FINISHED, FAILED, CANCELED, REFUSED -> known;
        };
    }

    /** Gives up an attempt that the cluster was never asked to run. */
    private Versioned<Attempt> abandon(Versioned<Attempt> known) throws LedgerConflictException {
        Refusal refusal = new Refusal(
                ErrorCode.SUBMISSION_ABANDONED,
                "Job %s was never handed to the cluster: its submission was interrupted."
                        .formatted(known.value().id()));
        return refuse(known, refusal);
    }

    /** Records that an attempt was refused and never ran. */
    Versioned<Attempt> refuse(Versioned<Attempt> known, Refusal refusal) throws LedgerConflictException {
        return end(
                known,
                known.value().change().ended(AttemptState.REFUSED, now()).failure(refusal),
                refusal.code() + ": " + refusal.message());
    }

    /** Records that nobody can tell what became of an attempt; another may take its place. */
    Versioned<Attempt> unknown(Versioned<Attempt> known, String why) throws LedgerConflictException {
        Attempt attempt = known.value();
        String sentence = "What became of job %s is unknown: %s.".formatted(attempt.id(), why);
        Attempt changed = attempt.change()
                .held(AttemptState.UNKNOWN, attempt.until())
                .failure(new Refusal(ErrorCode.JOB_OUTCOME_UNKNOWN, sentence))
                .made();
        List<LedgerChange> changes = new ArrayList<>();
        changes.add(new LedgerChange.PutAttempt(changed, known.version()));
        // It may have run, and left state.
        freeSlot(attempt, true).ifPresent(changes::add);
        openSubmission(attempt)
                .ifPresent(operation -> changes.add(new LedgerChange.PutOperation(
                        operation.value().abandoned(sentence, now()), operation.version())));
        changes.add(history(attempt, Event.ATTEMPT_UNKNOWN, sentence));
        ledger.commit(changes, deadline);
        return new Versioned<>(changed, known.version() + 1);
    }

    /**
     * Records how an attempt ended, and frees its job's slot.
     *
     * @param detail what the history says of it; absent: only how it ended
     * @param more what is to be recorded with it
     */
    Versioned<Attempt> end(
            Versioned<Attempt> known, Attempt.Change change, @Nullable String detail, LedgerChange... more)
            throws LedgerConflictException {
        Attempt attempt = known.value();
        Attempt changed = change.made();
        List<LedgerChange> changes = new ArrayList<>(List.of(more));
        changes.add(new LedgerChange.PutAttempt(changed, known.version()));
        freeSlot(attempt, changed.submittedAt() != null).ifPresent(changes::add);
        openSubmission(attempt)
                .ifPresent(operation -> changes.add(new LedgerChange.PutOperation(
                        changed.submittedAt() == null
                                ? operation
                                        .value()
                                        .failed(
                                                null,
                                                changed.failure() == null
                                                        ? "It was stopped before it reached the cluster."
                                                        : changed.failure().message(),
                                                now())
                                : operation.value().completed(null, now()),
                        operation.version())));
        changes.add(history(
                changed,
                Event.ATTEMPT_ENDED,
                detail == null ? changed.state().name() : changed.state() + ": " + detail));
        ledger.commit(changes, deadline);
        return new Versioned<>(changed, known.version() + 1);
    }

    /** Records the most restarts that were seen of a job: a savepoint from before one may hold what never happened. */
    Versioned<Attempt> restarts(Versioned<Attempt> known, long seen) throws LedgerConflictException {
        if (seen <= known.value().restarts()) {
            return known;
        }
        Attempt changed = known.value().change().restarts(seen).made();
        ledger.commit(List.of(new LedgerChange.PutAttempt(changed, known.version())), deadline);
        return new Versioned<>(changed, known.version() + 1);
    }

    private Optional<LedgerChange> freeSlot(Attempt attempt, boolean reachedTheCluster) {
        Versioned<Job> job = requireJob(attempt);
        boolean holdsSlot = attempt.id().equals(job.value().active());
        Job changed = holdsSlot ? job.value().free() : job.value();
        // Only what the cluster had can have left state; one that lost its slot meanwhile isn't the newest any more.
        if (reachedTheCluster && (holdsSlot || attempt.spec().kind() == JobKind.RUN)) {
            changed = changed.withLast(attempt.id());
        }
        return changed.equals(job.value())
                ? Optional.empty()
                : Optional.of(new LedgerChange.PutJob(changed, job.version()));
    }

    /** A job that lives although its attempt was given up, or another has its place: two must not write at once. */
    private void cancelSurplus(Attempt attempt) throws LedgerConflictException {
        masking(attempt.spec(), () -> {
            cluster.cancelJob(attempt.ref(), deadline);
            return true;
        });
        ledger.commit(
                List.of(history(
                        attempt,
                        Event.ATTEMPT_SURPLUS,
                        "It was seen alive after it had been given up, and was cancelled.")),
                deadline);
    }

    Versioned<Job> requireJob(Attempt attempt) {
        return ledger.findJob(cluster.name(), attempt.spec().name(), deadline)
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.LEDGER_INVALID,
                        "The ledger has lost job '%s', whose attempt it knows."
                                .formatted(attempt.spec().name())));
    }

    /** The operation that submits an attempt, while it is open. */
    private Optional<Versioned<Operation>> openSubmission(Attempt attempt) {
        return ledger.findOperation(attempt.submission(), deadline)
                .filter(operation -> !operation.value().state().terminal());
    }

    LedgerChange history(Attempt attempt, Event event, @Nullable String detail) {
        return new LedgerChange.AddHistory(new HistoryEntry(
                cluster.name(),
                attempt.spec().name(),
                now(),
                event,
                attempt.owner(),
                attempt.id(),
                attempt.submission(),
                detail));
    }

    Instant now() {
        return deadline.clock().instant();
    }
}
