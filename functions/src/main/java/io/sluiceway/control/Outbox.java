package io.sluiceway.control;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.EventBus;
import io.sluiceway.event.EventBus.Publication;
import io.sluiceway.event.EventData;
import io.sluiceway.event.EventData.JobStateChanged;
import io.sluiceway.event.EventData.SavepointCompleted;
import io.sluiceway.event.EventDraft;
import io.sluiceway.event.JobEvent;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.JobReadiness;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerChange.AddEvent;
import io.sluiceway.ledger.LedgerChange.AddHistory;
import io.sluiceway.ledger.LedgerChange.AddSavepoint;
import io.sluiceway.ledger.LedgerChange.PutAttempt;
import io.sluiceway.ledger.LedgerChange.PutJob;
import io.sluiceway.ledger.LedgerChange.PutOperation;
import io.sluiceway.ledger.LedgerChange.PutReadiness;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Page;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.RequestRecord;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * The ledger as the verbs see it: what a commit changes is told in events that are written with it, all or none.
 * Published they are afterwards, by the same call if it lives that long, or else by a sweep.
 *
 * <p>A job's events are numbered from 1 without gaps: the job's record holds the number of the newest and is written at
 * the version that was read, so that of two who take the same number one is refused.
 */
public final class Outbox implements JobLedger {
    /** How long the end of a call may wait for the bus: what isn't published by then, a sweep publishes. */
    static final Duration PUBLISH_WITHIN = Duration.ofSeconds(2);

    /** With less than this the bus isn't asked. */
    private static final Duration LEAST_TIME = Duration.ofMillis(100);

    private static final int PENDING_A_PAGE = 100;
    private static final int MAX_TRIES = 3;

    private final JobLedger ledger;
    private final @Nullable EventBus bus;
    private final Queue<JobEvent> recorded = new ConcurrentLinkedQueue<>();

    /**
     * What became of events that were to be published.
     *
     * @param published those that the bus has taken
     * @param pending those that were seen not to be; a sweep tries again
     * @param trouble what hindered them, in a sentence; absent when nothing did
     */
    public record Told(int published, int pending, @Nullable String trouble) {
        static final Told NOTHING = new Told(0, 0, null);

        Told and(Told other) {
            return new Told(
                    published + other.published, pending + other.pending, trouble == null ? other.trouble : trouble);
        }
    }

    /**
     * An outbox in a ledger.
     *
     * @param bus where events are published; absent: they are recorded and no more
     */
    public Outbox(JobLedger ledger, @Nullable EventBus bus) {
        this.ledger = ledger;
        this.bus = bus;
    }

    @Override
    public void commit(List<LedgerChange> changes, Deadline deadline) throws LedgerConflictException {
        commit(changes, List.of(), deadline);
    }

    /**
     * As {@link #commit(List, Deadline)}, with events beside those that the changes make by themselves: the ends of
     * operations, savepoints, and what the history says of attempts.
     *
     * @param more of the same job as the changes
     */
    void commit(List<LedgerChange> changes, List<EventDraft> more, Deadline deadline) throws LedgerConflictException {
        List<EventDraft> drafts = drafts(changes, more);
        if (drafts.isEmpty()) {
            ledger.commit(changes, deadline);
            return;
        }
        Optional<PutJob> own = changes.stream()
                .filter(PutJob.class::isInstance)
                .map(PutJob.class::cast)
                .findFirst();
        PutJob job = own.isPresent() ? own.get() : jobOf(drafts.getFirst(), deadline);
        for (int tries = 1; ; tries++) {
            try {
                commit(changes, drafts, job, deadline);
                return;
            } catch (LedgerConflictException e) {
                // Was it only the number that somebody else took, then nothing has to be decided again.
                Optional<PutJob> next = tries == MAX_TRIES
                        ? Optional.empty()
                        : renumbered(job, own.isPresent(), drafts.getFirst(), deadline);
                job = next.orElseThrow(() -> e);
            }
        }
    }

    /**
     * The job with another number to go on from, when it was the number that somebody else came first with.
     *
     * @param fixed whether the caller has decided what becomes of the job, so that another version is no use to it
     */
    private Optional<PutJob> renumbered(PutJob job, boolean fixed, EventDraft draft, Deadline deadline) {
        Optional<Versioned<Job>> now = ledger.findJob(draft.cluster(), draft.job(), deadline);
        if (now.isEmpty() || (fixed && now.get().version() != job.version())) {
            return Optional.empty();
        }
        Job next = fixed ? job.job() : now.get().value();
        // A version of Sluiceway that knows no events writes a job without its number.
        long newest = newestEvent(next, deadline);
        return newest == job.job().lastEvent() && now.get().version() == job.version()
                ? Optional.empty()
                : Optional.of(new PutJob(
                        next.told(Math.toIntExact(newest - next.lastEvent())),
                        now.get().version()));
    }

    private long newestEvent(Job job, Deadline deadline) {
        long newest = job.lastEvent();
        Page<JobEvent> page;
        do {
            page = ledger.events(job.cluster(), job.name(), newest, PENDING_A_PAGE, deadline);
            newest = page.items().isEmpty() ? newest : page.items().getLast().sequence();
        } while (page.next() != null);
        return newest;
    }

    private void commit(List<LedgerChange> changes, List<EventDraft> drafts, PutJob job, Deadline deadline)
            throws LedgerConflictException {
        List<LedgerChange> all = new ArrayList<>(changes);
        all.removeIf(PutJob.class::isInstance);
        all.add(new PutJob(job.job().told(drafts.size()), job.version()));
        List<JobEvent> events = new ArrayList<>();
        for (EventDraft draft : drafts) {
            if (!draft.cluster().equals(job.job().cluster())
                    || !draft.job().equals(job.job().name())) {
                throw new IllegalArgumentException("An event is of another job than what is changed with it.");
            }
            JobEvent event = draft.numbered(job.job().lastEvent() + events.size() + 1);
            events.add(event);
            all.add(new AddEvent(event, bus != null));
        }
        ledger.commit(all, deadline);
        if (bus != null) {
            recorded.addAll(events);
        }
    }

    private PutJob jobOf(EventDraft draft, Deadline deadline) {
        return ledger.findJob(draft.cluster(), draft.job(), deadline)
                .map(job -> new PutJob(job.value(), job.version()))
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.LEDGER_INVALID,
                        "The ledger has lost job '%s', of which it knows more.".formatted(draft.job())));
    }

    private static List<EventDraft> drafts(List<LedgerChange> changes, List<EventDraft> more) {
        List<EventDraft> savepoints = new ArrayList<>();
        List<EventDraft> states = new ArrayList<>();
        List<EventDraft> ends = new ArrayList<>();
        for (LedgerChange change : changes) {
            switch (change) {
                case AddSavepoint(Savepoint savepoint) -> savepoints.add(ofSavepoint(savepoint, changes));
                case AddHistory(HistoryEntry line) -> {
                    switch (line.event()) {
                        case ATTEMPT_SUBMITTED, ATTEMPT_ENDED, ATTEMPT_UNKNOWN -> states.add(ofLine(line, changes));
                        case ATTEMPT_INTENDED,
                                ATTEMPT_ADOPTED,
                                ATTEMPT_RESUMED,
                                ATTEMPT_SURPLUS,
                                SAVEPOINT_DISPOSED,
                                REQUEST_REFUSED,
                                OPERATION_INTENDED,
                                OPERATION_TRIGGERED,
                                OPERATION_ENDED -> {}
                    }
                }
                case PutOperation(Operation operation, long _)
                when operation.state().terminal() -> ends.add(ofEnd(operation));
                case PutOperation _,
                        PutJob _,
                        LedgerChange.PutRequest _,
                        PutAttempt _,
                        PutReadiness _,
                        LedgerChange.PutSavepoint _,
                        LedgerChange.RemoveSavepoint _,
                        AddEvent _ -> {}
            }
        }
        List<EventDraft> drafts = new ArrayList<>(savepoints);
        drafts.addAll(states);
        drafts.addAll(more);
        drafts.addAll(ends);
        return drafts;
    }

    private static EventDraft ofSavepoint(Savepoint savepoint, List<LedgerChange> changes) {
        RequestId request = changes.stream()
                .filter(PutOperation.class::isInstance)
                .map(change -> ((PutOperation) change).operation())
                .filter(operation -> operation.id().equals(savepoint.operation()))
                .map(operation -> operation.request().id())
                .findFirst()
                .orElse(null);
        return new EventDraft(
                savepoint.cluster(),
                savepoint.job(),
                savepoint.attempt(),
                request,
                savepoint.completedAt(),
                new SavepointCompleted(
                        savepoint.operation(), savepoint.origin(), savepoint.path(), savepoint.verified()));
    }

    private static EventDraft ofLine(HistoryEntry line, List<LedgerChange> changes) {
        FlinkJobId id = line.attempt();
        Attempt attempt = changes.stream()
                .filter(PutAttempt.class::isInstance)
                .map(change -> ((PutAttempt) change).attempt())
                .filter(changed -> changed.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "A line says %s of an attempt that isn't changed with it.".formatted(line.event())));
        return ofState(attempt, told(attempt.state()), line.at());
    }

    private static JobStateChanged.State told(AttemptState state) {
        return switch (state) {
            case SUBMITTED -> JobStateChanged.State.SUBMITTED;
            case FINISHED -> JobStateChanged.State.FINISHED;
            case FAILED -> JobStateChanged.State.FAILED;
            case CANCELED -> JobStateChanged.State.CANCELED;
            case REFUSED -> JobStateChanged.State.REFUSED;
            case UNKNOWN -> JobStateChanged.State.UNKNOWN;
            case PREPARING, POSTING ->
                throw new IllegalArgumentException("That an attempt is %s is told to nobody.".formatted(state));
        };
    }

    /** That an attempt was seen in a state. */
    static EventDraft ofState(Attempt attempt, JobStateChanged.State state, Instant at) {
        return new EventDraft(
                attempt.spec().cluster(),
                attempt.spec().name(),
                attempt.id(),
                attempt.owner().id(),
                at,
                new JobStateChanged(
                        attempt.spec().kind(),
                        attempt.number(),
                        state,
                        attempt.restoredFrom(),
                        attempt.failure() == null ? null : attempt.failure().code(),
                        attempt.failure() == null ? null : attempt.failure().message()));
    }

    private static EventDraft ofEnd(Operation operation) {
        return new EventDraft(
                operation.cluster(),
                operation.job(),
                operation.attempt(),
                operation.request().id(),
                operation.endedAt() == null ? operation.createdAt() : operation.endedAt(),
                EventData.ofEnd(operation));
    }

    /**
     * Publishes what was recorded through this outbox and hasn't been. Never throws, and ends before its deadline and
     * within 2 s.
     */
    public Told publish(Deadline deadline) {
        List<JobEvent> events = new ArrayList<>();
        for (JobEvent event = recorded.poll(); event != null; event = recorded.poll()) {
            events.add(event);
        }
        return publish(events, within(deadline));
    }

    /**
     * Publishes the events of a cluster's jobs that are pending, whoever recorded them. Never throws, and ends before
     * its deadline.
     */
    Told publishPending(ClusterName cluster, Deadline deadline) {
        if (bus == null) {
            return Told.NOTHING;
        }
        // They are among those that are pending.
        recorded.removeIf(event -> event.cluster().equals(cluster));
        Told told = Told.NOTHING;
        String after = null;
        try {
            do {
                Page<JobEvent> page = ledger.pendingEvents(cluster, PENDING_A_PAGE, after, deadline);
                told = told.and(publish(page.items(), deadline));
                after = page.next();
            } while (after != null && deadline.remaining().compareTo(LEAST_TIME) > 0);
        } catch (RefusedException e) {
            told = told.and(new Told(0, 0, e.sentence()));
        }
        return told;
    }

    private static Deadline within(Deadline deadline) {
        return Deadline.in(deadline.remainingAtMost(PUBLISH_WITHIN), deadline.clock());
    }

    private Told publish(List<JobEvent> events, Deadline deadline) {
        if (bus == null || events.isEmpty()) {
            return Told.NOTHING;
        }
        if (deadline.remaining().compareTo(LEAST_TIME) < 0) {
            return new Told(0, events.size(), "There was no time left to publish events.");
        }
        Publication publication;
        try {
            publication = bus.publish(events, deadline);
        } catch (RuntimeException defect) {
            // Whatever is wrong with the bus, it is no reason for a verb or a sweep to fail.
            return new Told(
                    0,
                    events.size(),
                    "The bus failed: %s.".formatted(defect.getClass().getSimpleName()));
        }
        List<JobEvent> taken = events.stream()
                .filter(event -> publication.taken().contains(event.id()))
                .toList();
        Told told = new Told(taken.size(), events.size() - taken.size(), publication.trouble());
        try {
            ledger.published(taken, deadline);
        } catch (RefusedException e) {
            // They are published once more.
            return told.and(new Told(0, 0, e.sentence()));
        }
        return told;
    }

    @Override
    public Optional<Versioned<Job>> findJob(ClusterName cluster, JobName job, Deadline deadline) {
        return ledger.findJob(cluster, job, deadline);
    }

    @Override
    public Optional<Versioned<RequestRecord>> findRequest(RequestKey key, Deadline deadline) {
        return ledger.findRequest(key, deadline);
    }

    @Override
    public Optional<Versioned<Attempt>> findAttempt(ClusterName cluster, FlinkJobId id, Deadline deadline) {
        return ledger.findAttempt(cluster, id, deadline);
    }

    @Override
    public List<Versioned<Attempt>> findAttempts(ClusterName cluster, Set<FlinkJobId> ids, Deadline deadline) {
        return ledger.findAttempts(cluster, ids, deadline);
    }

    @Override
    public Optional<Versioned<Operation>> findOperation(OperationId id, Deadline deadline) {
        return ledger.findOperation(id, deadline);
    }

    @Override
    public Optional<Versioned<JobReadiness>> findReadiness(
            ClusterName cluster, JobName job, @Nullable RequestId run, Deadline deadline) {
        return ledger.findReadiness(cluster, job, run, deadline);
    }

    @Override
    public Optional<Versioned<Savepoint>> findSavepoint(
            ClusterName cluster, JobName job, OperationId operation, Deadline deadline) {
        return ledger.findSavepoint(cluster, job, operation, deadline);
    }

    @Override
    public List<Savepoint> savepoints(ClusterName cluster, JobName job, Deadline deadline) {
        return ledger.savepoints(cluster, job, deadline);
    }

    @Override
    public Page<Job> jobs(ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        return ledger.jobs(cluster, limit, after, deadline);
    }

    @Override
    public Page<Versioned<Attempt>> livingAttempts(
            ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        return ledger.livingAttempts(cluster, limit, after, deadline);
    }

    @Override
    public Page<Versioned<Operation>> openOperations(
            ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        return ledger.openOperations(cluster, limit, after, deadline);
    }

    @Override
    public Page<HistoryEntry> history(
            ClusterName cluster, JobName job, int limit, @Nullable String after, Deadline deadline) {
        return ledger.history(cluster, job, limit, after, deadline);
    }

    @Override
    public Page<JobEvent> events(ClusterName cluster, JobName job, long afterSequence, int limit, Deadline deadline) {
        return ledger.events(cluster, job, afterSequence, limit, deadline);
    }

    @Override
    public Page<JobEvent> pendingEvents(ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        return ledger.pendingEvents(cluster, limit, after, deadline);
    }

    @Override
    public void published(List<JobEvent> events, Deadline deadline) {
        ledger.published(events, deadline);
    }
}
