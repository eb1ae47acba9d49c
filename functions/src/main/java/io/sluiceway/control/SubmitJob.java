package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.cluster.RunAnswer;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.control.Attempts.Seen;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.Arguments;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.JobState;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.Attempt.Refusal;
import io.sluiceway.ledger.Attempt.RunJar;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.HistoryEntry.Event;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.RequestRecord;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Starts a job, once per request.
 *
 * <p>The intent is written first, and takes the job's slot; then the jar is brought, the fence is written, the cluster
 * is asked, and what it said is recorded. Whoever repeats the request goes on where the call before was interrupted,
 * under the same Flink job id, which a JobManager runs once.
 */
public final class SubmitJob {
    /** The verb in a request's key. */
    static final String VERB = "submit-job";

    /** What the ids of those requests begin with that Sluiceway makes itself. */
    static final String OWN_REQUESTS = "sluiceway/";

    /** Kept from a call's deadline, so that there is time to settle what it did. */
    static final Duration SETTLING_RESERVE = Duration.ofSeconds(3);

    /** With less than this before that reserve no cluster is asked to run a job. */
    static final Duration LEAST_TIME_TO_POST = Duration.ofSeconds(1);

    private static final int MAX_TRIES_WHILE_HELD = 5;

    private final Ports ports;
    private final JobLedger ledger;
    private final Jars jars;

    public SubmitJob(Ports ports, Jars jars) {
        this.ports = ports;
        this.ledger = ports.ledger();
        this.jars = jars;
    }

    /**
     * Starts the job, or finds what an earlier call of this request came to.
     *
     * @param rerun whether an attempt of which nobody can tell what became of it is to be run again, as another
     * @throws RefusedException when the request can't be carried out. What the job itself was refused for is recorded,
     *     and a repeated request hears the same
     */
    public Submitted submit(Request request, JobSpec spec, boolean rerun, Deadline deadline) {
        if (request.id().value().startsWith(OWN_REQUESTS)) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "requestId %s is one that Sluiceway gives what it starts itself.".formatted(request.id()));
        }
        FlinkCluster cluster = ports.clusters().named(spec.cluster());
        jars.checkBucket(spec.jar());
        checkRestore(spec, cluster);
        cluster.check(spec);
        Call call = new Call(request, spec, null, rerun, cluster, deadline);
        return Conflicts.retry(deadline, call::decide);
    }

    /**
     * Starts an attempt that takes the place of one that has failed, with its specification and jar, from the state
     * that it left, on behalf of whoever owned it; or finds what an earlier call for the same restart came to.
     *
     * @param failed the attempt that the restart names
     * @throws RefusedException as {@link #submit}, and JOB_BUSY when somebody has started or stopped the job since;
     *     JAR_CHANGED when the jar isn't what ran
     */
    Submitted restart(Restart restart, Attempt failed, Deadline deadline) {
        JobSpec spec = failed.spec();
        FlinkCluster cluster = ports.clusters().named(spec.cluster());
        jars.checkBucket(spec.jar());
        cluster.check(spec);
        Call call = new Call(new Request(restart.request(), 1), spec, new Again(failed), false, cluster, deadline);
        return Conflicts.retry(deadline, call::decide);
    }

    /**
     * Starts a version of a job that an upgrade is at, or finds what an earlier call for the same came to.
     *
     * @param id the request's id: the same for the same version of the same upgrade
     * @throws RefusedException as {@link #submit}, and JOB_BUSY when the upgrade isn't at the job any more; JAR_CHANGED
     *     when the jar isn't what the upgrade was asked for with
     */
    Submitted start(RequestId id, JobSpec spec, Version version, Deadline deadline) {
        FlinkCluster cluster = ports.clusters().named(spec.cluster());
        jars.checkBucket(spec.jar());
        cluster.check(spec);
        Call call = new Call(new Request(id, 1), spec, version, false, cluster, deadline);
        return Conflicts.retry(deadline, call::decide);
    }

    /** Why Sluiceway starts an attempt itself. */
    sealed interface Cause {}

    /**
     * Its policy asks for another in its place.
     *
     * @param failed the attempt that is started again
     */
    record Again(Attempt failed) implements Cause {}

    /**
     * It is a version that an upgrade starts.
     *
     * @param upgrade the operation
     * @param specHash what has to run
     * @param owner on whose behalf it runs
     * @param from where its state comes from; absent: it has none
     * @param rescaledTo the parallelism that it runs with; absent: what its specification says
     */
    record Version(
            OperationId upgrade,
            String specHash,
            Request owner,
            @Nullable StoragePath from,
            @Nullable Integer rescaledTo)
            implements Cause {}

    private static void checkRestore(JobSpec spec, FlinkCluster cluster) {
        if (spec.restore() instanceof RestorePoint.Savepoint savepoint && !cluster.mayRestoreFrom(savepoint.path())) {
            throw new RefusedException(
                    ErrorCode.RESTORE_PATH_NOT_ALLOWED,
                    "Jobs of cluster '%s' may not be restored from '%s'.".formatted(spec.cluster(), savepoint.path()));
        }
    }

    /** One call of a request. Each step may find that somebody else came first; then everything is decided again. */
    private final class Call {
        private final Request request;
        private final JobSpec spec;

        /** Absent when somebody asks for an attempt of his own. */
        private final @Nullable Cause cause;

        private final boolean rerun;
        private final FlinkCluster cluster;
        private final Deadline deadline;
        private final Attempts attempts;
        private final RequestKey key;
        private boolean started;

        private Call(
                Request request,
                JobSpec spec,
                @Nullable Cause cause,
                boolean rerun,
                FlinkCluster cluster,
                Deadline deadline) {
            this.request = request;
            this.spec = spec;
            this.cause = cause;
            this.rerun = rerun || spec.onUnknown() == OnUnknown.RERUN;
            this.cluster = cluster;
            this.deadline = deadline;
            this.attempts = new Attempts(ports, cluster, deadline);
            this.key = new RequestKey(spec.cluster(), spec.name(), VERB, request.id());
        }

        private Submitted decide() throws LedgerConflictException {
            Optional<Versioned<RequestRecord>> earlier = ledger.findRequest(key, deadline);
            if (earlier.isEmpty()) {
                return begin(null);
            }
            Versioned<RequestRecord> record = earlier.get();
            boolean samePayload = Requests.check(record.value(), request, spec.payloadHash());
            boolean higherTry = request.tryNumber() > record.value().tryNumber();
            FlinkJobId id = record.value().attempt();
            if (!higherTry && (id == null || record.value().refusal() != null)) {
                throw Requests.refused(record.value());
            }
            if (id == null) {
                return begin(record);
            }
            Optional<Versioned<Attempt>> attempt = attempts.find(id);
            if (attempt.isEmpty()) {
                // The ledger keeps a request that was heard of lately longer than an attempt that ended long ago.
                return begin(record);
            }
            if (attempt.get().value().state() == AttemptState.REFUSED && !higherTry) {
                throw refusal(attempt.get().value());
            }
            Seen seen = attempt.get().value().request().equals(request.id())
                    ? attempts.lookAsItsOwn(attempt.get())
                    : attempts.look(attempt.get());
            AttemptState state = seen.attempt().state();
            if (state == AttemptState.UNKNOWN) {
                if (!rerun) {
                    throw refusal(seen.attempt());
                }
                return begin(record);
            }
            if (!samePayload) {
                if (state.living()) {
                    throw new RefusedException(
                            ErrorCode.REQUEST_CONFLICT,
                            "Request %s asked for something else before, which still runs as %s."
                                    .formatted(request.id(), id));
                }
                return begin(record);
            }
            return switch (state) {
                case PREPARING, POSTING -> goOn(higherTry ? takeOver(seen, record) : seen);
                case SUBMITTED -> {
                    finishStop(seen.attempt());
                    yield higherTry ? adopt(seen, record) : replay(seen);
                }
                case FINISHED -> higherTry ? keep(seen, record) : replay(seen);
                case FAILED, CANCELED -> higherTry ? begin(record) : replay(seen);
                case REFUSED -> {
                    if (higherTry) {
                        yield begin(record);
                    }
                    throw refusal(seen.attempt());
                }
                case UNKNOWN -> throw new IllegalStateException("This was decided above.");
            };
        }

        private Submitted replay(Seen seen) {
            return answer(started ? Outcome.STARTED : Outcome.REPLAYED, seen);
        }

        /** A higher try of a request that has come to its good end: the stored answer, now this try's. */
        private Submitted keep(Seen seen, Versioned<RequestRecord> record) throws LedgerConflictException {
            ledger.commit(List.of(taken(record, seen.attempt())), deadline);
            return answer(Outcome.REPLAYED, seen);
        }

        private Submitted adopt(Seen seen, @Nullable Versioned<RequestRecord> record) throws LedgerConflictException {
            checkNotStopping(seen);
            return answer(Outcome.ADOPTED, takeOver(seen, record));
        }

        /** What is being stopped can't be taken for what was asked for. */
        private void checkNotStopping(Seen seen) {
            OperationId stop = seen.attempt().stop();
            boolean open = stop != null
                    && ledger.findOperation(stop, deadline)
                            .filter(operation -> !operation.value().state().terminal())
                            .isPresent();
            if (open || (seen.job() != null && seen.job().state() == JobState.CANCELLING)) {
                throw new RefusedException(
                        ErrorCode.JOB_BUSY,
                        "Job %s is being stopped at this moment."
                                .formatted(seen.attempt().id()));
            }
        }

        /** Makes a living attempt this request's and try's own, also while another call is at it. */
        private Seen takeOver(Seen seen, @Nullable Versioned<RequestRecord> record) throws LedgerConflictException {
            Attempt adopted = seen.attempt().change().owner(request).made();
            ledger.commit(
                    List.of(
                            taken(record, adopted),
                            new LedgerChange.PutAttempt(adopted, seen.record().version()),
                            attempts.history(adopted, Event.ATTEMPT_ADOPTED, null)),
                    deadline);
            return new Seen(new Versioned<>(adopted, seen.record().version() + 1), seen.job());
        }

        /** This request's record, saying that the attempt stands for it. */
        private LedgerChange taken(@Nullable Versioned<RequestRecord> record, Attempt attempt) {
            return putRequest(
                    record, record == null ? 0 : record.value().attempts(), attempt.id(), attempt.submission(), null);
        }

        private LedgerChange putRequest(
                @Nullable Versioned<RequestRecord> record,
                int attemptCount,
                @Nullable FlinkJobId attempt,
                @Nullable OperationId operation,
                @Nullable Refusal refusal) {
            return new LedgerChange.PutRequest(
                    new RequestRecord(
                            key,
                            request.tryNumber(),
                            spec.payloadHash(),
                            attemptCount,
                            attempt,
                            operation,
                            refusal,
                            record == null ? attempts.now() : record.value().createdAt()),
                    record == null ? LedgerChange.ABSENT : record.version());
        }

        /** An attempt that somebody is at, or was: it is gone on with once its time is up. */
        private Submitted goOn(Seen seen) throws LedgerConflictException {
            Attempt attempt = seen.attempt();
            boolean own = attempt.request().equals(request.id());
            boolean abandoned = switch (attempt.state()) {
                case PREPARING -> !attempts.now().isBefore(attempt.until());
                case POSTING ->
                    !attempts.now().isBefore(attempt.until().plus(ports.limits().settleAfter()));
                case SUBMITTED, UNKNOWN, FINISHED, FAILED, CANCELED, REFUSED -> false;
            };
            if (!own || !abandoned) {
                return answer(started ? Outcome.STARTED : Outcome.IN_PROGRESS, seen);
            }
            if (attempt.stop() != null) {
                attempts.end(
                        seen.record(),
                        attempt.change().ended(AttemptState.CANCELED, attempts.now()),
                        "It was stopped before it was seen on the cluster.");
                return decide();
            }
            Attempt held = attempt.change()
                    .held(attempt.state(), attempts.now().plus(ports.limits().prepareWithin()))
                    .made();
            ledger.commit(
                    List.of(
                            new LedgerChange.PutAttempt(held, seen.record().version()),
                            attempts.history(held, Event.ATTEMPT_RESUMED, null)),
                    deadline);
            return carryOut(held);
        }

        /** Begins a new attempt, if the job's slot is free or can be freed. */
        private Submitted begin(@Nullable Versioned<RequestRecord> record) throws LedgerConflictException {
            switch (cause) {
                case Again(Attempt failed) -> {
                    return beginAgain(failed, record);
                }
                case Version version -> {
                    return beginVersion(version, record);
                }
                case null -> {}
            }
            Optional<Versioned<Job>> job = ledger.findJob(spec.cluster(), spec.name(), deadline);
            if (job.isPresent()) {
                checkKind(job.get().value());
                FlinkJobId active = job.get().value().active();
                if (active != null) {
                    Optional<Submitted> taken = slotTaken(attempts.look(attempts.require(active)), record);
                    if (taken.isPresent()) {
                        return taken.get();
                    }
                    job = ledger.findJob(spec.cluster(), spec.name(), deadline);
                    if (job.map(Versioned::value).map(Job::active).isPresent()) {
                        throw new LedgerConflictException("The slot that was freed is somebody else's already.");
                    }
                }
                // Also of a job that this look was the first to find down.
                job.map(Versioned::value).ifPresent(Attempts::checkNoUpgrade);
            }
            checkSlots();
            Attempt attempt = newAttempt(job.map(Versioned::value), record);
            List<LedgerChange> changes = intent(attempt, job, record);
            new RestoreClaim(ledger, deadline).of(spec).ifPresent(changes::add);
            ledger.commit(changes, deadline);
            return carryOut(attempt);
        }

        /** Begins a version's attempt, unless the upgrade isn't at the job any more. */
        private Submitted beginVersion(Version version, @Nullable Versioned<RequestRecord> record)
                throws LedgerConflictException {
            Optional<Versioned<Job>> job = ledger.findJob(spec.cluster(), spec.name(), deadline);
            FlinkJobId active = job.map(Versioned::value).map(Job::active).orElse(null);
            if (active != null) {
                // It may have ended and be the first to show it.
                attempts.look(attempts.require(active));
                job = ledger.findJob(spec.cluster(), spec.name(), deadline);
            }
            boolean free = job.map(Versioned::value)
                    .filter(known -> known.active() == null && version.upgrade().equals(known.upgrade()))
                    .isPresent();
            if (!free) {
                throw new RefusedException(
                        ErrorCode.JOB_BUSY,
                        "Upgrade %s can't start job '%s': another attempt holds its place, or the upgrade is over."
                                .formatted(version.upgrade(), spec.name()));
            }
            checkSlots();
            Attempt attempt = newAttempt(job.map(Versioned::value), record);
            List<LedgerChange> changes = intent(attempt, job, record);
            ownersRecord(attempt).ifPresent(changes::add);
            ledger.commit(changes, deadline);
            return carryOut(attempt);
        }

        /** Begins an attempt in the place of one that failed, unless somebody came first. */
        private Submitted beginAgain(Attempt before, @Nullable Versioned<RequestRecord> record)
                throws LedgerConflictException {
            Optional<Versioned<Job>> job = ledger.findJob(spec.cluster(), spec.name(), deadline);
            Versioned<Attempt> now = attempts.require(before.id());
            boolean asItFailed = job.map(Versioned::value)
                    .filter(known -> known.active() == null && before.id().equals(known.last()))
                    .isPresent();
            if (record != null || !asItFailed || !now.value().equals(before) || isUpgraded(job)) {
                throw new RefusedException(
                        ErrorCode.JOB_BUSY,
                        "Somebody has started or stopped job '%s' since its attempt %s failed."
                                .formatted(spec.name(), before.id()));
            }
            checkSlots();
            Attempt attempt = newAttempt(job.map(Versioned::value), null);
            List<LedgerChange> changes = intent(attempt, job, null);
            // A stop of the one that failed is written to its record: of the two, one comes first.
            changes.add(new LedgerChange.PutAttempt(before, now.version()));
            ownersRecord(attempt).ifPresent(changes::add);
            ledger.commit(changes, deadline);
            return carryOut(attempt);
        }

        private static boolean isUpgraded(Optional<Versioned<Job>> job) {
            return job.map(Versioned::value).map(Job::upgrade).isPresent();
        }

        /** The record of the request on whose behalf it runs: what was asked for there goes on in this attempt. */
        private Optional<LedgerChange> ownersRecord(Attempt attempt) {
            Request owner = attempt.owner();
            return ledger.findRequest(new RequestKey(spec.cluster(), spec.name(), VERB, owner.id()), deadline)
                    .filter(known -> known.value().tryNumber() == owner.tryNumber()
                            && known.value().refusal() == null)
                    .map(known -> new LedgerChange.PutRequest(
                            known.value().standsFor(attempt.id(), attempt.submission()), known.version()));
        }

        private void checkKind(Job job) {
            if (job.kind() != spec.kind()) {
                throw new RefusedException(
                        ErrorCode.JOB_KIND_MISMATCH,
                        "Job '%s' of cluster '%s' is a %s.".formatted(job.name(), job.cluster(), job.kind()));
            }
        }

        /** What is answered because an attempt holds the slot; empty when it has given it up. */
        private Optional<Submitted> slotTaken(Seen seen, @Nullable Versioned<RequestRecord> record)
                throws LedgerConflictException {
            Attempt active = seen.attempt();
            return switch (active.state()) {
                case FINISHED, FAILED, CANCELED, REFUSED, UNKNOWN -> Optional.empty();
                // Its own request goes on with it; that nobody ever will is known only when it is given up.
                case PREPARING, POSTING -> throw busy(active);
                case SUBMITTED -> {
                    checkNotStopping(seen);
                    if (!isSame(active)) {
                        throw alreadyRunning(active, record);
                    }
                    yield Optional.of(adopt(seen, record));
                }
            };
        }

        private RefusedException busy(Attempt active) {
            return new RefusedException(
                    ErrorCode.JOB_BUSY,
                    "Request %s is starting job '%s' at this moment.".formatted(active.request(), spec.name()));
        }

        /** Whether a running attempt is what this request asks for; where its state came from makes no difference. */
        private boolean isSame(Attempt active) {
            if (spec.restore() instanceof RestorePoint.Savepoint point
                    && !point.path().equals(active.restoredFrom())
                    && !isRestartOf(active, point)) {
                return false;
            }
            return spec.specHash(jars.digest(spec, deadline)).equals(active.specHash());
        }

        /** Whether it goes on, restart by restart, from an attempt that began with this savepoint. */
        private static boolean isRestartOf(Attempt active, RestorePoint.Savepoint point) {
            return Restart.of(active.request()).isPresent()
                    && active.spec().restore() instanceof RestorePoint.Savepoint begun
                    && begun.path().equals(point.path());
        }

        private RefusedException alreadyRunning(Attempt active, @Nullable Versioned<RequestRecord> record)
                throws LedgerConflictException {
            Refusal refusal = new Refusal(
                    ErrorCode.JOB_ALREADY_RUNNING,
                    "Job '%s' runs with another specification, as %s on behalf of request %s."
                            .formatted(spec.name(), active.id(), active.owner().id()));
            ledger.commit(
                    List.of(
                            putRequest(
                                    record, record == null ? 0 : record.value().attempts(), null, null, refusal),
                            new LedgerChange.AddHistory(new HistoryEntry(
                                    spec.cluster(),
                                    spec.name(),
                                    attempts.now(),
                                    Event.REQUEST_REFUSED,
                                    request,
                                    null,
                                    null,
                                    refusal.code() + ": " + refusal.message()))),
                    deadline);
            return new RefusedException(refusal.code(), refusal.message());
        }

        private Attempt newAttempt(Optional<Job> job, @Nullable Versioned<RequestRecord> record)
                throws LedgerConflictException {
            FlinkJobId head = switch (spec.kind()) {
                case STREAM -> job.map(Job::last).orElse(null);
                // A bounded job restores within its request only.
                case RUN -> record == null ? null : record.value().attempt();
            };
            if (head != null && cause == null && spec.restore() instanceof RestorePoint.Latest) {
                recordItsStop(head);
            }
            Lineage lineage = new Lineage(ports, cluster, head, deadline);
            StoragePath restoredFrom = switch (cause) {
                case null -> lineage.restorePoint(spec);
                case Again _ -> lineage.restartPoint();
                case Version version -> version.from();
            };
            int number = record == null ? 1 : record.value().attempts() + 1;
            FlinkJobId id = FlinkJobId.derive(spec.cluster(), spec.name(), request.id(), number);
            // The ledger may have forgotten a request that is older than it keeps them, but not its attempts.
            while (attempts.find(id).isPresent()) {
                id = FlinkJobId.derive(spec.cluster(), spec.name(), request.id(), ++number);
            }
            return new Attempt(
                    id,
                    request.id(),
                    number,
                    spec,
                    null,
                    null,
                    switch (cause) {
                        case null -> request;
                        case Again(Attempt failed) -> failed.owner();
                        case Version version -> version.owner();
                    },
                    AttemptState.PREPARING,
                    attempts.now(),
                    attempts.now().plus(ports.limits().prepareWithin()),
                    null,
                    restoredFrom,
                    OperationId.derive(spec.cluster(), spec.name(), VERB, request.id(), number),
                    null,
                    null,
                    null,
                    null,
                    0,
                    null,
                    null,
                    rescaledTo());
        }

        /** What an earlier rescaling gave it goes on until the job is submitted or upgraded anew. */
        private @Nullable Integer rescaledTo() {
            return switch (cause) {
                case null -> null;
                case Again(Attempt failed) -> failed.rescaledTo();
                case Version version -> version.rescaledTo();
            };
        }

        /** The savepoint that an attempt was stopped with is the newest, also when nobody has asked for it since. */
        private void recordItsStop(FlinkJobId head) throws LedgerConflictException {
            OperationId stop = attempts.require(head).value().stop();
            if (stop == null) {
                return;
            }
            Operation operation = new Operations(ports, cluster, deadline).advance(stop);
            if (!operation.state().terminal()) {
                throw new RefusedException(
                        ErrorCode.RESTORE_POINT_UNREADABLE,
                        "Whether job %s was stopped with a savepoint is unknown: operation %s is %s."
                                .formatted(head, operation.id(), operation.state()));
            }
        }

        private List<LedgerChange> intent(
                Attempt attempt, Optional<Versioned<Job>> job, @Nullable Versioned<RequestRecord> record) {
            List<LedgerChange> changes = new ArrayList<>();
            Job current = job.map(Versioned::value)
                    .orElseGet(() -> new Job(spec.cluster(), spec.name(), spec.kind(), null, null));
            Job next = spec.kind() == JobKind.STREAM ? current.taken(attempt.id()) : current;
            if (job.isEmpty() || !next.equals(current)) {
                changes.add(new LedgerChange.PutJob(
                        next, job.map(Versioned::version).orElse(LedgerChange.ABSENT)));
            }
            changes.add(putRequest(record, attempt.number(), attempt.id(), attempt.submission(), null));
            changes.add(new LedgerChange.PutAttempt(attempt, LedgerChange.ABSENT));
            changes.add(new LedgerChange.PutOperation(
                    submissionOf(attempt, OperationState.IN_PROGRESS), LedgerChange.ABSENT));
            changes.add(attempts.history(attempt, Event.ATTEMPT_INTENDED, detail(attempt)));
            return changes;
        }

        private @Nullable String detail(Attempt attempt) {
            String state = attempt.restoredFrom() == null ? "without state" : "from " + attempt.restoredFrom();
            return switch (cause) {
                case null -> null;
                case Again(Attempt failed) ->
                    "Restart %d in a row, of %s, %s."
                            .formatted(
                                    Restart.of(attempt.request()).orElseThrow().number(),
                                    failed.id(),
                                    attempt.restoredFrom() == null ? state + ", as it had none" : state);
                case Version version -> "By upgrade %s, %s.".formatted(version.upgrade(), state);
            };
        }

        /** What runs again has to be what ran. */
        private void checkIsWhatRan(JarDigest digest) {
            switch (cause) {
                case null -> {}
                case Again(Attempt failed) -> checkIs(failed.specHash(), digest, "what ran as " + failed.id());
                case Version version ->
                    checkIs(version.specHash(), digest, "what upgrade %s found it to be".formatted(version.upgrade()));
            }
        }

        private void checkIs(@Nullable String specHash, JarDigest digest, String what) {
            if (!spec.specHash(digest).equals(specHash)) {
                throw new RefusedException(
                        ErrorCode.JAR_CHANGED,
                        "The jar %s isn't %s: its content has changed since."
                                .formatted(spec.jar().uri(), what));
            }
        }

        /** From the written intent to the recorded answer. */
        private Submitted carryOut(Attempt held) throws LedgerConflictException {
            Jars.Brought jar;
            String incarnation;
            try {
                jar = jars.bring(held.spec(), cluster, this::checkIsWhatRan, deadline);
                incarnation = cluster.incarnation(deadline);
                checkTime();
            } catch (RefusedException e) {
                throw giveBack(held, held.state(), Attempts.masked(held.spec(), e));
            }
            if (held.state() == AttemptState.POSTING && !incarnation.equals(held.incarnation())) {
                attempts.unknown(stillHeld(held), "its JobManager was replaced before anybody saw the job");
                return decide();
            }
            Instant postUntil = earlier(
                    attempts.now().plus(ports.limits().postWithin()),
                    deadline.leaving(SETTLING_RESERVE).at());
            Attempt fenced = whileHeld(
                    held,
                    change -> change.held(AttemptState.POSTING, postUntil)
                            .incarnation(incarnation)
                            .jar(new RunJar(jar.digest(), jar.versionId())));
            return post(
                    new JobLaunch(held.id(), held.runs(), jar.digest(), jar.versionId(), held.restoredFrom()),
                    fenced,
                    held.state());
        }

        /**
         * The attempt as it is now.
         *
         * @throws LedgerConflictException when somebody else has gone on with it, or stopped it
         */
        private Versioned<Attempt> stillHeld(Attempt held) throws LedgerConflictException {
            Versioned<Attempt> current = attempts.require(held.id());
            if (current.value().state() != held.state()
                    || !current.value().until().equals(held.until())) {
                throw new LedgerConflictException("Attempt %s is somebody else's now.".formatted(held.id()));
            }
            return current;
        }

        /** Changes an attempt that this call holds, also when its owner or its stop is changed at the same time. */
        private Attempt whileHeld(Attempt held, UnaryOperator<Attempt.Change> change) throws LedgerConflictException {
            for (int tries = 1; ; tries++) {
                Versioned<Attempt> current = stillHeld(held);
                Attempt changed = change.apply(current.value().change()).made();
                try {
                    ledger.commit(List.of(new LedgerChange.PutAttempt(changed, current.version())), deadline);
                    return changed;
                } catch (LedgerConflictException e) {
                    if (tries == MAX_TRIES_WHILE_HELD) {
                        throw e;
                    }
                }
            }
        }

        /**
         * Records a refusal that came before the cluster was asked, or lets whoever repeats the request go on.
         *
         * @param before what the attempt was when this call went on with it: one that an earlier call may have posted
         *     stays so
         */
        private RefusedException giveBack(Attempt held, AttemptState before, RefusedException refusal)
                throws LedgerConflictException {
            try {
                if (refusal.code().retryable()) {
                    Instant free = before == AttemptState.POSTING
                            ? attempts.now().minus(ports.limits().settleAfter())
                            : attempts.now();
                    whileHeld(held, change -> change.held(before, free));
                } else if (before == AttemptState.POSTING) {
                    attempts.unknown(stillHeld(held), "it can't be asked for again: " + refusal.sentence());
                } else {
                    attempts.refuse(stillHeld(held), new Refusal(refusal.code(), refusal.sentence()));
                }
            } catch (RefusedException unrecorded) {
                refusal.addSuppressed(unrecorded);
            }
            return refusal;
        }

        /** @param before what the attempt was before its fence was written */
        private Submitted post(JobLaunch launch, Attempt fenced, AttemptState before) throws LedgerConflictException {
            RunAnswer answer;
            try {
                answer = cluster.runJob(launch, fenced.until(), deadline.leaving(SETTLING_RESERVE));
            } catch (RefusedException refusal) {
                return settleRefusal(fenced, before, Attempts.masked(launch.spec(), refusal));
            }
            return switch (answer) {
                case RunAnswer.Started() -> {
                    started = true;
                    yield settleStart(fenced);
                }
                case RunAnswer.DuplicateId() -> {
                    Seen seen = attempts.lookAsItsOwn(attempts.require(fenced.id()));
                    if (seen.attempt().state() == AttemptState.POSTING) {
                        // Between taking an id and showing its job a cluster needs a moment.
                        if (attempts.now()
                                .isBefore(fenced.createdAt().plus(ports.limits().giveUpAfter()))) {
                            throw unsettled(fenced, "the cluster has taken its id before and doesn't show it", null);
                        }
                        attempts.unknown(stillHeld(fenced), "the cluster has run it before, and has forgotten it");
                    }
                    yield decide();
                }
                case RunAnswer.TooLate() -> decide();
                case RunAnswer.AnswerLost(String reason) ->
                    settleLost(fenced, Arguments.mask(reason, launch.spec().arguments()));
            };
        }

        /** The job was started, whatever can be recorded or seen of it at this moment. */
        private Submitted settleStart(Attempt fenced) throws LedgerConflictException {
            Seen seen;
            try {
                seen = attempts.look(attempts.require(fenced.id()));
            } catch (RefusedException unseen) {
                return new Submitted(Outcome.STARTED, fenced, submission(fenced), null, cluster.jobPage(fenced.ref()));
            }
            finishStop(seen.attempt());
            return answer(Outcome.STARTED, seen);
        }

        private Submitted settleLost(Attempt fenced, String reason) throws LedgerConflictException {
            Seen seen;
            try {
                seen = attempts.look(attempts.require(fenced.id()));
            } catch (RefusedException unseen) {
                throw unsettled(fenced, reason, unseen);
            }
            if (seen.attempt().state() == AttemptState.POSTING) {
                throw unsettled(fenced, reason, null);
            }
            started = true;
            finishStop(seen.attempt());
            return answer(Outcome.STARTED, seen);
        }

        /**
         * A program can submit its job and fail behind that, and Flink refuses what it gave up waiting for: a job that
         * lives has been started, whatever the cluster said.
         */
        private Submitted settleRefusal(Attempt fenced, AttemptState before, RefusedException refusal)
                throws LedgerConflictException {
            if (refusal.code().retryable()) {
                // Whether a lost answer was a start is another case, so the cluster wasn't asked by this call.
                throw giveBack(fenced, before, refusal);
            }
            Seen seen;
            try {
                seen = attempts.look(attempts.require(fenced.id()));
            } catch (RefusedException unseen) {
                throw unsettled(fenced, refusal.sentence(), unseen);
            }
            if (seen.attempt().state() == AttemptState.SUBMITTED) {
                started = true;
                finishStop(seen.attempt());
                return answer(Outcome.STARTED, seen);
            }
            if (seen.attempt().state() == AttemptState.POSTING) {
                try {
                    Versioned<Attempt> held = stillHeld(fenced);
                    if (cluster.incarnation(deadline).equals(fenced.incarnation())) {
                        attempts.refuse(held, new Refusal(refusal.code(), refusal.sentence()));
                    } else {
                        // A program that submitted its job and failed behind that is refused as well.
                        attempts.unknown(held, "its JobManager was replaced before anybody saw the job");
                    }
                } catch (RefusedException unrecorded) {
                    refusal.addSuppressed(unrecorded);
                }
            }
            throw refusal;
        }

        private RefusedException unsettled(Attempt fenced, String reason, @Nullable RefusedException cause) {
            String sentence = "Whether job %s was started is unknown: %s".formatted(fenced.id(), reason);
            return cause == null
                    ? new RefusedException(ErrorCode.SUBMISSION_UNSETTLED, sentence)
                    : new RefusedException(ErrorCode.SUBMISSION_UNSETTLED, sentence, cause);
        }

        /** Whoever sees the job finishes a stop that came before it. */
        private void finishStop(Attempt attempt) throws LedgerConflictException {
            if (attempt.stop() != null) {
                try {
                    new Operations(ports, cluster, deadline).advance(attempt.stop());
                } catch (RefusedException later) {
                    // The stop stays recorded: job-status goes on with it.
                    return;
                }
            }
        }

        private Submitted answer(Outcome outcome, Seen seen) {
            Attempt attempt = seen.attempt();
            return new Submitted(outcome, attempt, submission(attempt), seen.job(), cluster.jobPage(attempt.ref()));
        }

        /** The operation that submits an attempt; the ledger forgets it earlier than the attempt. */
        private Operation submission(Attempt attempt) {
            return ledger.findOperation(attempt.submission(), deadline)
                    .map(Versioned::value)
                    .orElseGet(() -> submissionOf(attempt, OperationState.COMPLETED));
        }

        private static Operation submissionOf(Attempt attempt, OperationState state) {
            return new Operation(
                    attempt.submission(),
                    OperationType.SUBMIT_JOB,
                    attempt.spec().cluster(),
                    attempt.spec().name(),
                    attempt.id(),
                    attempt.owner(),
                    state,
                    null,
                    null,
                    null,
                    false,
                    null,
                    null,
                    attempt.createdAt(),
                    state.terminal() ? attempt.submittedAt() : null);
        }

        private static RefusedException refusal(Attempt attempt) {
            Refusal refusal = attempt.failure();
            return refusal == null
                    ? new RefusedException(
                            ErrorCode.LEDGER_INVALID,
                            "The ledger says that attempt %s is %s, but not why."
                                    .formatted(attempt.id(), attempt.state()))
                    : new RefusedException(refusal.code(), refusal.message());
        }

        /** Between the fence and the deadline there has to be time to ask the cluster. */
        private void checkTime() {
            if (deadline.leaving(SETTLING_RESERVE).remaining().compareTo(LEAST_TIME_TO_POST) < 0) {
                throw new RefusedException(
                        ErrorCode.CLUSTER_TIMEOUT,
                        "The time of this call was up before job '%s' could be run.".formatted(spec.name()));
            }
        }

        private void checkSlots() {
            attempts.checkSlots(spec.name(), rescaledTo() == null ? spec.parallelism() : rescaledTo());
        }

        private static Instant earlier(Instant one, Instant other) {
            return one.isBefore(other) ? one : other;
        }
    }
}
