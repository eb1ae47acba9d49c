package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.Attempts.Seen;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.health.Health;
import io.sluiceway.health.Reason;
import io.sluiceway.jar.JarReference;
import io.sluiceway.job.Arguments;
import io.sluiceway.job.Digests;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
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
import io.sluiceway.operation.TriggerId;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.operation.Upgrade.AfterCommit;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.operation.Upgrade.Mode;
import io.sluiceway.operation.Upgrade.Repeated;
import io.sluiceway.operation.Upgrade.Step;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Has a new version of a STREAM take over from the old one, with its state, once per request.
 *
 * <p>What can be checked is checked while the old version runs. Then each step is written before it is taken, and
 * whoever observes the operation takes it further: the old version is stopped with a savepoint, the new one started
 * from it and judged. It stays when it becomes STABLE. Otherwise, while it has completed no checkpoint, it is ended and
 * the old version started again from the same savepoint. The job's record names the upgrade until it has ended, so that
 * nobody else starts or stops an attempt meanwhile; and a version is started only when the one before has ended, so two
 * never run at once.
 */
public final class UpgradeJob {
    private static final String VERB = "upgrade-job";

    private static final Duration LEAST = Duration.ofMinutes(1);

    private static final Duration LONGEST = Duration.ofDays(1);

    /** How long a version has to become STABLE when nobody says it: three times what a job has to settle by default. */
    public static final Duration DEFAULT_JUDGEMENT = Duration.ofMinutes(15);

    private final Ports ports;
    private final JobLedger ledger;
    private final Jars jars;
    private final SubmitJob submitJob;

    /**
     * How an upgrade is to be carried out.
     *
     * @param mode where the new version takes its state from
     * @param afterCommit what is done when it turns out bad behind its first checkpoint
     * @param judgeWithin how long a version has to become STABLE; a minute to a day
     * @param maxCheckpointAge how old the newest checkpoint or savepoint of the old version may be when the upgrade
     *     begins, a minute to a day, not with STATELESS; absent: it isn't looked at
     */
    public record Terms(
            Mode mode,
            AfterCommit afterCommit,
            Duration judgeWithin,
            @Nullable Duration maxCheckpointAge) {
        public Terms {
            checkDuration("judgeWithin", judgeWithin);
            if (maxCheckpointAge != null) {
                checkDuration("maxCheckpointAge", maxCheckpointAge);
                if (mode == Mode.STATELESS) {
                    throw new RefusedException(
                            ErrorCode.FIELD_INVALID, "maxCheckpointAge needs the mode SAVEPOINT or LAST_STATE.");
                }
            }
        }
    }

    static void checkDuration(String name, Duration duration) {
        if (duration.compareTo(LEAST) < 0 || duration.compareTo(LONGEST) > 0) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "%s is %s; %s to %s is allowed.".formatted(name, duration, LEAST, LONGEST));
        }
    }

    public UpgradeJob(Ports ports, Jars jars) {
        this.ports = ports;
        this.ledger = ports.ledger();
        this.jars = jars;
        this.submitJob = new SubmitJob(ports, jars);
    }

    /**
     * Asks for the upgrade, or finds what an earlier call of this request came to.
     *
     * @param spec the new version
     * @return the operation by which it is observed; one that is COMPLETED, with the outcome UNCHANGED, when just that
     *     version runs already
     * @throws RefusedException JOB_NOT_FOUND, JOB_NOT_RUNNING; JOB_BUSY while the job is being started, stopped or
     *     upgraded; what {@link SubmitJob#submit} refuses a specification or a jar for; RESTORE_POINT_NOT_FOUND when
     *     the mode is LAST_STATE and there is no retained checkpoint; CHECKPOINT_TOO_OLD. The old version is untouched
     *     then
     */
    public Triggered upgrade(Request request, JobSpec spec, Terms terms, Deadline deadline) {
        if (spec.kind() != JobKind.STREAM) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "Job '%s' is a RUN: each of its requests runs what it asks for, so there is nothing to upgrade."
                            .formatted(spec.name()));
        }
        FlinkCluster cluster = ports.clusters().named(spec.cluster());
        checkJudgement(terms.judgeWithin(), spec, cluster);
        jars.checkBucket(spec.jar());
        cluster.check(spec);
        cluster.checkUpgrade(spec, terms.mode());
        return Conflicts.retry(deadline, () -> new Call(cluster, deadline).ask(request, spec, terms));
    }

    /** In less than its settling time, and what passes until that is seen, a job can't become STABLE. */
    static void checkJudgement(Duration within, JobSpec spec, FlinkCluster cluster) {
        Duration settling = spec.policies().healthOrDefault().settlingTime();
        Duration delay = cluster.healthDelay();
        if (within.compareTo(settling) <= 0 || within.compareTo(settling.plus(delay)) < 0) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "judgeWithin is %s, in which the job can't become STABLE: its settling time is %s%s."
                            .formatted(
                                    within,
                                    settling,
                                    delay.isZero()
                                            ? ""
                                            : ", and on cluster '%s' %s more can pass until that is seen"
                                                    .formatted(cluster.name(), delay)));
        }
    }

    /** Takes an upgrade, or a rescaling, as far as it goes at this moment. */
    Operation advance(Versioned<Operation> known, FlinkCluster cluster, Deadline deadline)
            throws LedgerConflictException {
        return new Call(cluster, deadline).advance(known);
    }

    /** The new version's attempt, while the ledger has kept none under its id. */
    static FlinkJobId nextAttempt(Operation upgrade) {
        return FlinkJobId.derive(upgrade.cluster(), upgrade.job(), nextRequest(upgrade.id()), 1);
    }

    private static RequestId nextRequest(OperationId upgrade) {
        return new RequestId(SubmitJob.OWN_REQUESTS + "upgrade/" + upgrade);
    }

    Call call(FlinkCluster cluster, Deadline deadline) {
        return new Call(cluster, deadline);
    }

    /** One call. Each step may find that somebody else came first; then everything is decided again. */
    final class Call {
        final FlinkCluster cluster;
        final Deadline deadline;
        final Attempts attempts;
        final Operations operations;
        private final RescaleSteps rescale;

        private Call(FlinkCluster cluster, Deadline deadline) {
            this.cluster = cluster;
            this.deadline = deadline;
            this.attempts = new Attempts(ports, cluster, deadline);
            this.operations = new Operations(ports, cluster, deadline);
            this.rescale = new RescaleSteps(ports, jars, this);
        }

        private Triggered ask(Request request, JobSpec spec, Terms terms) throws LedgerConflictException {
            Asked asked = Asked.of(
                    VERB,
                    request,
                    Digests.digest(
                            VERB,
                            spec.payloadHash(),
                            terms.mode().name(),
                            terms.afterCommit().name(),
                            terms.judgeWithin().toString(),
                            Objects.toString(terms.maxCheckpointAge(), "")),
                    cluster,
                    spec.name(),
                    ledger,
                    deadline);
            OperationId made =
                    asked.earlier() == null ? null : asked.earlier().value().operation();
            if (made != null) {
                advance(operations.require(made));
            }
            Optional<Triggered> settled = asked.settled(operations, ledger, deadline);
            if (settled.isPresent()) {
                return settled.get();
            }
            try {
                return begin(asked, spec, terms);
            } catch (RefusedException e) {
                throw e.code().retryable() ? e : asked.refuse(Attempts.masked(spec, e), ledger, deadline);
            }
        }

        /** Checks all that can be checked while the old version runs, then writes what is to be done. */
        private Triggered begin(Asked asked, JobSpec spec, Terms terms) throws LedgerConflictException {
            Versioned<Job> job = ledger.findJob(cluster.name(), spec.name(), deadline)
                    .orElseThrow(() -> new RefusedException(
                            ErrorCode.JOB_NOT_FOUND,
                            "Sluiceway has started no job named '%s' on cluster '%s'."
                                    .formatted(spec.name(), cluster.name())));
            checkFree(job.value());
            Seen old = living(job.value());
            checkStop(old, terms.mode());
            attempts.checkSlots(spec.name(), spec.parallelism());
            Jars.Brought jar = jars.bring(spec, cluster, brought -> {}, deadline);
            String specHash = spec.specHash(jar.digest());
            OperationId id = OperationId.derive(
                    cluster.name(), spec.name(), VERB, asked.request().id(), asked.nextNumber());
            Upgrade upgrade = Upgrade.begin(
                    // By that whoever starts it finds it on the cluster, or in the store also behind a newer one.
                    spec.with(new JarReference(spec.jar().uri(), jar.versionId(), jar.digest())),
                    specHash,
                    terms.mode(),
                    terms.afterCommit(),
                    terms.judgeWithin(),
                    Step.STOPPING,
                    null,
                    stopId(id));
            Operation operation = asked.operation(
                            OperationType.UPGRADE_JOB, old.attempt().id(), cluster, deadline)
                    .upgraded(upgrade);
            if (specHash.equals(old.attempt().specHash())) {
                Operation unchanged =
                        operation.upgraded(upgrade.ended(Ending.UPGRADED)).completed(null, attempts.now());
                ledger.commit(
                        List.of(
                                asked.put(asked.nextNumber(), id, null, deadline),
                                new LedgerChange.PutOperation(unchanged, LedgerChange.ABSENT),
                                Operations.history(unchanged, attempts.now())),
                        deadline);
                return new Triggered(Outcome.UNCHANGED, unchanged);
            }
            if (terms.mode() == Mode.LAST_STATE) {
                checkRetained(old.attempt());
            }
            if (terms.maxCheckpointAge() != null) {
                checkAge(old.attempt(), terms.maxCheckpointAge());
            }
            Operation stop = stop(operation, upgrade);
            List<LedgerChange> changes = new ArrayList<>();
            changes.add(asked.put(asked.nextNumber(), id, null, deadline));
            changes.add(new LedgerChange.PutJob(job.value().upgradedBy(id), job.version()));
            changes.add(new LedgerChange.PutAttempt(
                    old.attempt().change().stop(stop.id()).made(), old.record().version()));
            changes.add(new LedgerChange.PutOperation(operation, LedgerChange.ABSENT));
            changes.add(Operations.history(operation, operation.createdAt()));
            changes.add(new LedgerChange.PutOperation(stop, LedgerChange.ABSENT));
            changes.add(Operations.history(stop, stop.createdAt()));
            ledger.commit(changes, deadline);
            return new Triggered(Outcome.STARTED, advance(new Versioned<>(operation, 1)));
        }

        void checkFree(Job job) {
            Attempts.checkNoUpgrade(job);
            if (job.kind() != JobKind.STREAM) {
                throw new RefusedException(
                        ErrorCode.JOB_KIND_MISMATCH,
                        "Job '%s' of cluster '%s' is a %s.".formatted(job.name(), job.cluster(), job.kind()));
            }
        }

        /** The job's attempt, which the cluster has and which nobody is stopping. */
        Seen living(Job job) throws LedgerConflictException {
            FlinkJobId active = job.active();
            if (active == null) {
                throw notRunning(job, "it has no living attempt");
            }
            Seen seen = attempts.look(attempts.require(active));
            switch (seen.attempt().state()) {
                case PREPARING, POSTING ->
                    throw new RefusedException(
                            ErrorCode.JOB_BUSY, "Job %s is being started at this moment.".formatted(active));
                case UNKNOWN, FINISHED, FAILED, CANCELED, REFUSED ->
                    throw notRunning(
                            job, "%s is %s".formatted(active, seen.attempt().state()));
                case SUBMITTED -> {}
            }
            OperationId stop = seen.attempt().stop();
            if (stop != null
                    && !operations.advance(operations.require(stop)).state().terminal()) {
                throw new RefusedException(
                        ErrorCode.JOB_BUSY, "Job %s is being stopped at this moment.".formatted(active));
            }
            return attempts.require(active).version() == seen.record().version()
                    ? seen
                    : new Seen(attempts.require(active), seen.job());
        }

        /** A savepoint takes all of the job's tasks; one in a restart loop can still be cancelled. */
        private void checkStop(Seen old, Mode mode) {
            FlinkJobId id = old.attempt().id();
            JobOverview job = old.job();
            boolean savepoint = stopsWithSavepoint(mode, id);
            if (!savepoint && state(old) == JobState.RESTARTING) {
                return;
            }
            checkRunning(old);
            if (savepoint && job != null && !job.tasksRun()) {
                throw new RefusedException(
                        ErrorCode.JOB_BUSY,
                        "Job %s isn't ready for a savepoint at this moment: its tasks are %s."
                                .formatted(id, job.tasks()));
            }
        }

        static void checkRunning(Seen seen) {
            JobState state = state(seen);
            if (state != JobState.RUNNING) {
                throw new RefusedException(
                        ErrorCode.JOB_BUSY,
                        "Job %s is %s at this moment; it is changed when it is RUNNING."
                                .formatted(seen.attempt().id(), state));
            }
        }

        private static JobState state(Seen seen) {
            return seen.job() == null ? JobState.RECONCILING : seen.job().state();
        }

        private static RefusedException notRunning(Job job, String why) {
            return new RefusedException(
                    ErrorCode.JOB_NOT_RUNNING,
                    "There is nothing to change of job '%s': %s. Start it as it should be with submit-job."
                            .formatted(job.name(), why));
        }

        static OperationId stopId(OperationId upgrade) {
            return new OperationId(Digests.deriveId("operation", "upgrade-job/stop", upgrade.value()));
        }

        static OperationId withdrawalId(OperationId upgrade) {
            return new OperationId(Digests.deriveId("operation", "upgrade-job/withdrawal", upgrade.value()));
        }

        private static RequestId backRequest(OperationId upgrade) {
            return new RequestId(SubmitJob.OWN_REQUESTS + "rollback/" + upgrade);
        }

        /** The operation that ends the old version. */
        Operation stop(Operation operation, Upgrade upgrade) {
            return ending(
                    operation,
                    upgrade.stop(),
                    operation.attempt(),
                    stopsWithSavepoint(upgrade.mode(), operation.attempt())
                            ? OperationType.STOP_WITH_SAVEPOINT
                            : OperationType.CANCEL);
        }

        private boolean stopsWithSavepoint(Mode mode, FlinkJobId old) {
            return switch (mode) {
                case SAVEPOINT -> true;
                case LAST_STATE -> false;
                // To come back to: where no checkpoint can be found, all since the newest savepoint would come again.
                case STATELESS -> cluster.checkpointDirectory(old).isEmpty();
            };
        }

        Operation ending(Operation operation, OperationId id, FlinkJobId attempt, OperationType type) {
            boolean savepoint = type.takesSavepoint();
            return new Operation(
                    id,
                    type,
                    operation.cluster(),
                    operation.job(),
                    attempt,
                    operation.request(),
                    OperationState.PENDING,
                    savepoint ? TriggerId.of(id) : null,
                    savepoint ? cluster.savepointDirectory(operation.job(), id) : null,
                    savepoint ? SavepointOrigin.UPGRADE : null,
                    false,
                    null,
                    null,
                    attempts.now(),
                    null);
        }

        /** Takes the steps one after the other, until one has to wait. */
        Operation advance(Versioned<Operation> known) throws LedgerConflictException {
            Versioned<Operation> now = known;
            while (!now.value().state().terminal()) {
                Versioned<Operation> further = switch (Objects.requireNonNull(
                                now.value().upgrade())
                        .step()) {
                    case STOPPING -> stopping(now);
                    case STARTING -> starting(now);
                    case JUDGING -> RescaleSteps.isInPlace(now.value()) ? rescale.judging(now) : judging(now);
                    case WITHDRAWING -> now.value().rescale() == null ? withdrawing(now) : rescale.withdrawing(now);
                    case RETURNING -> returning(now);
                    case JUDGING_RETURN ->
                        RescaleSteps.isBackInPlace(now.value()) ? rescale.judgingReturn(now) : judgingReturn(now);
                    case RESCALING -> rescale.rescaling(now);
                    case ROLLING_BACK -> rescale.rollingBack(now);
                    case RESCALING_BACK -> rescale.rescalingBack(now);
                };
                if (further.version() == now.version()) {
                    return further.value();
                }
                now = further;
            }
            return now.value();
        }

        private Versioned<Operation> stopping(Versioned<Operation> known) throws LedgerConflictException {
            Operation operation = known.value();
            Upgrade upgrade = upgrade(operation);
            Operation stop = operations.advance(upgrade.stop());
            if (!stop.state().terminal()) {
                return operation.state() == OperationState.PENDING && stop.state() == OperationState.IN_PROGRESS
                        ? put(known, operation.inProgress())
                        : known;
            }
            Attempt old = attempts.look(attempts.require(operation.attempt())).attempt();
            // Also a stop that failed may have left one.
            Operation saved = stop.savepoint() == null ? operation : operation.inProgress(stop.savepoint());
            if (old.state().living()) {
                return end(
                        known,
                        saved,
                        Ending.FAILED,
                        "The old version runs on: it couldn't be stopped. %s".formatted(whyNot(stop)));
            }
            // Behind a stop's savepoint a job that the cluster has forgotten has ended with it.
            if (stop.state() == OperationState.COMPLETED
                    && (old.state() != AttemptState.UNKNOWN || stop.savepoint() != null)) {
                Operation from = operation.inProgress();
                StoragePath point;
                try {
                    point = leftBy(upgrade, stop, old);
                } catch (RefusedException e) {
                    return failedFor(known, "The old version is down.", e);
                }
                return put(
                        known,
                        (point == null ? from : from.inProgress(point))
                                .upgraded(upgrade.at(Step.STARTING, giveUpAt())));
            }
            if (old.state() == AttemptState.UNKNOWN) {
                return end(
                        known,
                        saved,
                        Ending.FAILED,
                        "What became of the old version is unknown, so the new one wasn't started. %s"
                                .formatted(whyNot(stop)));
            }
            // It is down, and what was wanted of its stop didn't come: it goes on from what it has left.
            StoragePath left;
            try {
                left = new Lineage(ports, cluster, old.id(), deadline).restartPoint();
            } catch (RefusedException e) {
                return failedFor(known, "The old version is down, by a stop that failed: " + whyNot(stop), e);
            }
            Operation back = left == null ? operation.inProgress() : operation.inProgress(left);
            return put(
                    known,
                    back.upgraded(upgrade.rejected("The old version wasn't stopped as it should be. " + whyNot(stop))
                            .at(Step.RETURNING, giveUpAt())));
        }

        /** What can't be found at this moment is asked for again; what isn't there is the end. */
        Versioned<Operation> failedFor(Versioned<Operation> known, String what, RefusedException refusal)
                throws LedgerConflictException {
            if (refusal.code().retryable()) {
                throw refusal;
            }
            return end(known, known.value(), Ending.FAILED, "%s %s".formatted(what, refusal.sentence()));
        }

        static String whyNot(Operation stop) {
            return stop.failure() == null ? "%s is %s.".formatted(stop.type(), stop.state()) : stop.failure();
        }

        /** What the old version has left: of mode STATELESS it is there for the old version's return alone. */
        private @Nullable StoragePath leftBy(Upgrade upgrade, Operation stop, Attempt old) {
            return switch (upgrade.mode()) {
                case SAVEPOINT -> Objects.requireNonNull(stop.savepoint());
                case LAST_STATE -> lastState(old);
                case STATELESS -> stop.savepoint();
            };
        }

        /** A checkpoint that goes with the job's cancellation is no state to go on from. */
        private void checkRetained(Attempt old) {
            boolean retained = cluster.observeJob(old.ref(), deadline)
                    .flatMap(status -> status.vitals().told())
                    .filter(vitals -> vitals.checkpointing() instanceof Checkpointing.Seen seen && seen.retained())
                    .isPresent();
            if (!retained) {
                throw new RefusedException(
                        ErrorCode.RESTORE_POINT_NOT_FOUND,
                        "Job %s isn't known to retain its checkpoints when it is cancelled, so mode LAST_STATE could lose its state."
                                .formatted(old.id()));
            }
            lastState(old);
        }

        /** A job that has saved nothing for long is one whose savepoint may not come, or lies far back. */
        private void checkAge(Attempt old, Duration most) {
            JobStatus status = cluster.observeJob(old.ref(), deadline).orElseThrow(() -> cluster.unknownJob(old.id()));
            if (status.checkpoints().last() instanceof Observation.NotObservable<CompletedCheckpoint>(String why)) {
                throw new RefusedException(
                        ErrorCode.JOB_UNSUPPORTED, "maxCheckpointAge can't be held on this cluster: %s".formatted(why));
            }
            Optional<Instant> newest = Stream.of(status.checkpoints().last(), status.lastSavepoint())
                    .flatMap(saved -> saved.told().stream())
                    .map(CompletedCheckpoint::completedAt)
                    .max(Instant::compareTo);
            if (newest.isEmpty() || newest.get().isBefore(attempts.now().minus(most))) {
                throw new RefusedException(
                        ErrorCode.CHECKPOINT_TOO_OLD,
                        "The newest checkpoint of job %s is %s; maxCheckpointAge is %s."
                                .formatted(
                                        old.id(), newest.map(at -> "of " + at).orElse("still to come"), most));
            }
        }

        private StoragePath lastState(Attempt old) {
            return new Lineage(ports, cluster, old.id(), deadline).retainedCheckpoint(old);
        }

        private Versioned<Operation> starting(Versioned<Operation> known) throws LedgerConflictException {
            Operation operation = known.value();
            Upgrade upgrade = upgrade(operation);
            Started started = start(
                    operation,
                    nextRequest(operation.id()),
                    upgrade.spec(),
                    new SubmitJob.Version(
                            operation.id(),
                            upgrade.specHash(),
                            RescaleSteps.ownerOfNext(operation, attempts),
                            upgrade.mode() == Mode.STATELESS ? null : operation.savepoint(),
                            operation.rescale() == null
                                    ? null
                                    : Integer.valueOf(operation.rescale().to())));
            return switch (started) {
                case Started.Yes(FlinkJobId attempt) ->
                    put(
                            known,
                            operation.upgraded(upgrade.begun(attempt)
                                    .at(Step.JUDGING, attempts.now().plus(upgrade.judgeWithin()))));
                case Started.NotYet() -> known;
                case Started.Never(String why) ->
                    put(known, operation.upgraded(upgrade.rejected(why).at(Step.RETURNING, giveUpAt())));
                case Started.Unknown(String why) -> end(known, operation, Ending.FAILED, why);
            };
        }

        /** What came of a start. */
        private sealed interface Started {
            /** The cluster has it. */
            record Yes(FlinkJobId attempt) implements Started {}

            /** It is being started, or can't be at this moment. */
            record NotYet() implements Started {}

            /** It was refused, or given up, and never ran. */
            record Never(String why) implements Started {}

            /** Nobody can tell whether it runs. */
            record Unknown(String why) implements Started {}
        }

        private Started start(Operation operation, RequestId request, JobSpec spec, SubmitJob.Version version)
                throws LedgerConflictException {
            RefusedException refused = null;
            try {
                submitJob.start(request, spec, version, deadline);
            } catch (RefusedException e) {
                refused = Attempts.masked(spec, e);
            }
            Optional<FlinkJobId> begun = ledger.findRequest(
                            new RequestKey(cluster.name(), operation.job(), SubmitJob.VERB, request), deadline)
                    .map(Versioned::value)
                    .map(RequestRecord::attempt);
            boolean late = isUp(upgrade(operation));
            if (begun.isEmpty()) {
                // Nothing of it was written, so whatever refused it now may take it later.
                return refused != null && (late || !refused.code().retryable())
                        ? new Started.Never(refused.sentence())
                        : new Started.NotYet();
            }
            Attempt attempt = attempts.look(attempts.require(begun.get())).attempt();
            return switch (attempt.state()) {
                case SUBMITTED, FINISHED, FAILED, CANCELED -> new Started.Yes(attempt.id());
                case REFUSED -> new Started.Never(why(attempt));
                case UNKNOWN -> new Started.Unknown(why(attempt));
                // Its own limits end it: then it is one of the others.
                case PREPARING, POSTING -> new Started.NotYet();
            };
        }

        static String why(Attempt attempt) {
            return attempt.failure() == null
                    ? "Attempt %s is %s.".formatted(attempt.id(), attempt.state())
                    : attempt.failure().message();
        }

        private Versioned<Operation> judging(Versioned<Operation> known) throws LedgerConflictException {
            Operation operation = known.value();
            Upgrade upgrade = upgrade(operation);
            FlinkJobId next = Objects.requireNonNull(upgrade.next());
            return switch (judge(next, upgrade)) {
                case Judgement.Good() ->
                    end(known, operation, operation.rescale() == null ? Ending.UPGRADED : Ending.RESCALED, null);
                case Judgement.NotYet() -> known;
                case Judgement.Bad(String why, @Nullable JobStatus status) ->
                    operation.rescale() == null ? reject(known, next, why, status) : rescale.reject(known, next, why);
            };
        }

        /** Whether a version proved itself. */
        sealed interface Judgement {
            /** It is STABLE. */
            record Good() implements Judgement {}

            /** It has time left. */
            record NotYet() implements Judgement {}

            /** It isn't to stay; the status is absent when the cluster doesn't know the job any more. */
            record Bad(String why, @Nullable JobStatus status) implements Judgement {}
        }

        Judgement judge(FlinkJobId attempt, Upgrade upgrade) {
            JobObserved seen = new ObserveJob(ports).observe(new Target(cluster.name(), null, attempt), deadline);
            AttemptState state = Objects.requireNonNull(seen.attempt()).state();
            JobStatus status = seen.status();
            if (state.terminal() || state == AttemptState.UNKNOWN) {
                String cause = status == null || status.firstFailure() == null
                        ? ""
                        : " " + status.firstFailure().rootCause();
                return new Judgement.Bad("It is %s.%s".formatted(state, cause), status);
            }
            Optional<Health> health = seen.health();
            if (health.isPresent()) {
                switch (health.get().state()) {
                    case STABLE -> {
                        return new Judgement.Good();
                    }
                    case UNHEALTHY -> {
                        return new Judgement.Bad("It is UNHEALTHY: " + first(health.get(), status), status);
                    }
                    case SETTLING, UNKNOWN -> {}
                }
            }
            return isUp(upgrade)
                    ? new Judgement.Bad(
                            "It didn't become STABLE within %s%s."
                                    .formatted(
                                            upgrade.judgeWithin(),
                                            health.map(now -> ", it is " + now.state())
                                                    .orElse("")),
                            status)
                    : new Judgement.NotYet();
        }

        private static String first(Health health, @Nullable JobStatus status) {
            String reason =
                    health.reasons().stream().findFirst().map(Reason::message).orElse("");
            return status == null || status.firstFailure() == null
                    ? reason
                    : reason + " " + status.firstFailure().rootCause();
        }

        /** The new version doesn't stay, if the old one may come back. */
        Versioned<Operation> reject(Versioned<Operation> known, FlinkJobId next, String why, @Nullable JobStatus status)
                throws LedgerConflictException {
            Operation operation = known.value();
            Upgrade upgrade = upgrade(operation);
            Attempt attempt = attempts.require(next).value();
            if (attempt.state() == AttemptState.UNKNOWN) {
                return end(
                        known,
                        operation,
                        Ending.FAILED,
                        "Nobody can tell whether the new version, %s, still runs: %s".formatted(next, why(attempt)));
            }
            if (attempt.state().terminal()) {
                return goBack(known, attempt, upgrade.rejected(why), why, status);
            }
            if (upgrade.afterCommit() == AfterCommit.REFUSE && !committedNothing(attempt, status)) {
                return end(
                        known,
                        operation,
                        Ending.FAILED,
                        "%s %s%s".formatted(why, committed(attempt, status), wayBack(operation)));
            }
            Operation withdrawal = ending(operation, withdrawalId(operation.id()), next, OperationType.CANCEL);
            Operation changed = operation.upgraded(
                    upgrade.rejected(why).withdrawn(withdrawal.id()).at(Step.WITHDRAWING, giveUpAt()));
            return put(known, changed, withdrawal, attempts.require(next));
        }

        /** The new version has ended: the old one comes back, unless that would emit again what nobody accepts. */
        private Versioned<Operation> goBack(
                Versioned<Operation> known, Attempt next, Upgrade upgrade, String why, @Nullable JobStatus last)
                throws LedgerConflictException {
            Operation operation = known.value();
            Upgrade back = upgrade.at(Step.RETURNING, giveUpAt());
            return switch (committedAtEnd(upgrade, next)) {
                case NOTHING -> put(known, operation.upgraded(back));
                case NOT_TOLD_YET -> known;
                // What takes none has committed at once what it emitted, or never does.
                case MAYBE, TAKES_NONE ->
                    upgrade.afterCommit() == AfterCommit.REFUSE
                            ? end(
                                    known,
                                    operation,
                                    Ending.FAILED,
                                    "%s %s%s".formatted(why, committed(next, last), wayBack(operation)))
                            : put(known, operation.upgraded(repeating(back, next)));
            };
        }

        /** What an execution that has ended may have committed; what isn't told for long counts as doubt. */
        Attempts.Saved committedAtEnd(Upgrade upgrade, Attempt ended) {
            Attempts.Saved saved = attempts.saved(ended);
            return saved == Attempts.Saved.NOT_TOLD_YET && isOverdue(upgrade) ? Attempts.Saved.MAYBE : saved;
        }

        private boolean isOverdue(Upgrade upgrade) {
            return upgrade.until() != null
                    && !attempts.now()
                            .isBefore(upgrade.until().plus(ports.limits().giveUpAfter()));
        }

        /**
         * Whether the new version seems to have completed no checkpoint: what it has completed in the last seconds may
         * not show yet. A JobManager that took it over from another counts anew, and one that has forgotten it can't
         * tell.
         */
        boolean committedNothing(Attempt attempt, @Nullable JobStatus status) {
            if (status == null) {
                return false;
            }
            boolean takesNone = status.vitals()
                    .told()
                    .filter(vitals -> vitals.checkpointing() instanceof Checkpointing.Off)
                    .isPresent();
            boolean none = !takesNone
                    && switch (status.checkpoints().completed()) {
                        case Observation.Known<Long>(Long completed, Instant _) -> completed == 0;
                        // It takes none, so what it emitted was committed at once, or never is.
                        case Observation.NothingYet<Long>() -> false;
                        case Observation.NotObservable<Long>(String _) -> false;
                    };
            return none && cluster.incarnation(deadline).equals(attempt.incarnation());
        }

        private static String committed(Attempt attempt, @Nullable JobStatus status) {
            String last = status == null
                    ? ""
                    : status.checkpoints()
                            .last()
                            .told()
                            .map(checkpoint -> " Its newest checkpoint is %d%s."
                                    .formatted(
                                            checkpoint.id(), checkpoint.path() == null ? "" : ", " + checkpoint.path()))
                            .orElse("");
            return "The new version, %s, may have completed a checkpoint, so going back could emit its output again.%s"
                    .formatted(attempt.id(), last);
        }

        /** What whoever accepts that can do. */
        private static String wayBack(Operation operation) {
            return operation.savepoint() == null
                    ? ""
                    : " To have the old version back all the same, end this one if it runs, and submit the old specification to be restored from %s."
                            .formatted(operation.savepoint());
        }

        /**
         * How far the end of a version has come.
         *
         * @param by the operation that ends it
         */
        record Withdrawn(Operation by, Attempt attempt) {}

        Withdrawn withdrawn(Upgrade upgrade) throws LedgerConflictException {
            Operation by = operations.advance(Objects.requireNonNull(upgrade.withdrawal()));
            Attempt attempt = attempts.look(attempts.require(by.attempt())).attempt();
            // It may have ended behind that look: then nobody but this comes back to what ended it.
            return attempt.state().living() || by.state().terminal()
                    ? new Withdrawn(by, attempt)
                    : new Withdrawn(operations.advance(by.id()), attempt);
        }

        private Versioned<Operation> withdrawing(Versioned<Operation> known) throws LedgerConflictException {
            Operation operation = known.value();
            Upgrade upgrade = upgrade(operation);
            Attempt attempt = withdrawn(upgrade).attempt();
            if (attempt.state().living()) {
                return isUp(upgrade)
                        ? end(
                                known,
                                operation,
                                Ending.FAILED,
                                "%s It couldn't be cancelled in all this time.".formatted(upgrade.why()))
                        : known;
            }
            if (attempt.state() == AttemptState.UNKNOWN) {
                return end(
                        known,
                        operation,
                        Ending.FAILED,
                        "%s Nobody can tell whether it still runs: %s".formatted(upgrade.why(), why(attempt)));
            }
            // A checkpoint may have come before the cancellation.
            JobStatus last = cluster.observeJob(attempt.ref(), deadline).orElse(null);
            return goBack(known, attempt, upgrade, upgrade.why() + " It was cancelled.", last);
        }

        /** Names what will be emitted again, of an execution that has ended and may have committed something. */
        Upgrade repeating(Upgrade upgrade, Attempt next) {
            // Not when somebody first saw it run: it may have committed before.
            Instant from = Objects.requireNonNullElse(next.submittedAt(), next.createdAt());
            Instant until = Objects.requireNonNullElseGet(next.endedAt(), attempts::now);
            return upgrade.repeating(new Repeated(from, until));
        }

        private Versioned<Operation> returning(Versioned<Operation> known) throws LedgerConflictException {
            Operation operation = known.value();
            Upgrade upgrade = upgrade(operation);
            Attempt old = attempts.require(operation.attempt()).value();
            StoragePath point;
            try {
                point = backPoint(operation);
            } catch (RefusedException e) {
                return failedFor(known, upgrade.why() + " The old version can't come back.", e);
            }
            Started started = start(
                    operation,
                    backRequest(operation.id()),
                    old.specThatRan(),
                    new SubmitJob.Version(
                            operation.id(),
                            Objects.requireNonNull(old.specHash()),
                            old.owner(),
                            point,
                            old.rescaledTo()));
            return switch (started) {
                case Started.Yes(FlinkJobId attempt) ->
                    put(
                            known,
                            operation.upgraded(upgrade.returned(attempt)
                                    .at(Step.JUDGING_RETURN, attempts.now().plus(upgrade.judgeWithin()))));
                case Started.NotYet() -> known;
                case Started.Never(String why) ->
                    end(
                            known,
                            operation,
                            Ending.FAILED,
                            "%s The old version couldn't be started again: %s".formatted(upgrade.why(), why));
                case Started.Unknown(String why) ->
                    end(
                            known,
                            operation,
                            Ending.FAILED,
                            "%s Nobody can tell whether the old version runs again: %s".formatted(upgrade.why(), why));
            };
        }

        /** What the old version goes on from: what it was stopped with, also where the new one began without. */
        private @Nullable StoragePath backPoint(Operation operation) {
            return operation.savepoint() == null
                    ? new Lineage(ports, cluster, operation.attempt(), deadline).restartPoint()
                    : operation.savepoint();
        }

        private Versioned<Operation> judgingReturn(Versioned<Operation> known) throws LedgerConflictException {
            Operation operation = known.value();
            Upgrade upgrade = upgrade(operation);
            return switch (judge(Objects.requireNonNull(upgrade.back()), upgrade)) {
                case Judgement.Good() ->
                    end(
                            known,
                            operation,
                            Ending.ROLLED_BACK,
                            "%s The old version runs again.%s".formatted(upgrade.why(), repeated(upgrade)));
                case Judgement.NotYet() -> known;
                case Judgement.Bad(String why, @Nullable JobStatus _) ->
                    end(
                            known,
                            operation,
                            Ending.FAILED,
                            "%s The old version was started again and isn't well either: %s"
                                    .formatted(upgrade.why(), why));
            };
        }

        static String repeated(Upgrade upgrade) {
            return upgrade.repeated() == null
                    ? ""
                    : " It emits again what the new one committed from %s to %s."
                            .formatted(
                                    upgrade.repeated().from(),
                                    upgrade.repeated().until());
        }

        static Upgrade upgrade(Operation operation) {
            return Objects.requireNonNull(operation.upgrade());
        }

        boolean isUp(Upgrade upgrade) {
            return upgrade.until() != null && !attempts.now().isBefore(upgrade.until());
        }

        Instant giveUpAt() {
            return attempts.now().plus(ports.limits().giveUpAfter());
        }

        Versioned<Operation> put(Versioned<Operation> known, Operation changed) throws LedgerConflictException {
            List<LedgerChange> changes = new ArrayList<>();
            changes.add(new LedgerChange.PutOperation(changed, known.version()));
            if (changed.state() != known.value().state()) {
                changes.add(Operations.history(changed, attempts.now()));
            }
            ledger.commit(changes, deadline);
            return new Versioned<>(changed, known.version() + 1);
        }

        /** As {@link #put(Versioned, Operation)}, with the operation that ends an execution now. */
        Versioned<Operation> put(
                Versioned<Operation> known, Operation changed, Operation ending, Versioned<Attempt> ended)
                throws LedgerConflictException {
            ledger.commit(
                    List.of(
                            new LedgerChange.PutOperation(changed, known.version()),
                            new LedgerChange.PutOperation(ending, LedgerChange.ABSENT),
                            Operations.history(ending, ending.createdAt()),
                            new LedgerChange.PutAttempt(
                                    ended.value().change().stop(ending.id()).made(), ended.version())),
                    deadline);
            return new Versioned<>(changed, known.version() + 1);
        }

        /** Ends the upgrade, in one transaction with the job's record, which is free for others then. */
        Versioned<Operation> end(
                Versioned<Operation> known, Operation operation, Ending how, @Nullable String why, LedgerChange... more)
                throws LedgerConflictException {
            Upgrade upgrade = upgrade(operation);
            String masked = why == null
                    ? null
                    : Arguments.mask(
                            Arguments.mask(why, upgrade.spec().arguments()),
                            attempts.require(operation.attempt()).value().spec().arguments());
            Operation ended = (masked == null
                            ? operation.completed(operation.savepoint(), attempts.now())
                            : operation.failed(operation.savepoint(), masked, attempts.now()))
                    .upgraded(upgrade.ended(how));
            List<LedgerChange> changes = new ArrayList<>(List.of(more));
            changes.add(new LedgerChange.PutOperation(ended, known.version()));
            changes.add(Operations.history(ended, attempts.now()));
            ledger.findJob(cluster.name(), operation.job(), deadline)
                    .filter(job -> operation.id().equals(job.value().upgrade()))
                    .ifPresent(job ->
                            changes.add(new LedgerChange.PutJob(job.value().upgradedBy(null), job.version())));
            ledger.commit(changes, deadline);
            return new Versioned<>(ended, known.version() + 1);
        }
    }
}
