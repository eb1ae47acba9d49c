package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.RequestCancelled;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.Attempts.Seen;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.Digests;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.Request;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.Attempt.Refusal;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.HistoryEntry.Event;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.RequestRecord;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationType;
import io.sluiceway.time.Deadline;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Ends a job: with a savepoint, drained, or cancelled; once per request. */
public final class StopJob {
    private static final String VERB = "stop-job";

    /** How a job is ended. */
    public enum Mode {
        /** With a savepoint, to go on later. */
        SAVEPOINT(OperationType.STOP_WITH_SAVEPOINT),
        /** With a savepoint after all windows have fired, for good. */
        DRAIN(OperationType.DRAIN),
        /** At once, without a savepoint. */
        CANCEL(OperationType.CANCEL);

        private final OperationType operation;

        Mode(OperationType operation) {
            this.operation = operation;
        }
    }

    private final Ports ports;
    private final JobLedger ledger;

    public StopJob(Ports ports) {
        this.ports = ports;
        this.ledger = ports.ledger();
    }

    /**
     * Asks for the stop, or finds what an earlier call of this request came to. A job that is being started is stopped
     * by whoever sees it first.
     *
     * @param owner on whose behalf the job has to run for it to be stopped; absent: it is stopped whoever owns it. With
     *     a job's name, it also names the attempt: the one that this submit-job request came to
     * @return the operation by which the stop is observed, or that the owner's request was cancelled before it was
     *     heard of
     * @throws RefusedException JOB_NOT_FOUND; JOB_NOT_RUNNING when a savepoint is asked for and the job has ended;
     *     STALE_OWNER; JOB_BUSY when it is being stopped otherwise
     */
    public Answer stop(Request request, Target target, @Nullable Request owner, Mode mode, Deadline deadline) {
        FlinkCluster cluster = ports.clusters().named(target.cluster());
        JobName job = target.jobName(cluster, ledger, deadline);
        return Conflicts.retry(deadline, () -> new Call(request, target, owner, mode, cluster, job, deadline).step());
    }

    /** One call; its parts are those of {@link #stop}. */
    private final class Call {
        private final Request request;
        private final Target target;
        private final @Nullable Request owner;
        private final Mode mode;
        private final FlinkCluster cluster;
        private final JobName job;
        private final Deadline deadline;
        private final Attempts attempts;
        private final Operations operations;

        private Call(
                Request request,
                Target target,
                @Nullable Request owner,
                Mode mode,
                FlinkCluster cluster,
                JobName job,
                Deadline deadline) {
            this.request = request;
            this.target = target;
            this.owner = owner;
            this.mode = mode;
            this.cluster = cluster;
            this.job = job;
            this.deadline = deadline;
            this.attempts = new Attempts(ports, cluster, deadline);
            this.operations = new Operations(ports, cluster, deadline);
        }

        private Answer step() throws LedgerConflictException {
            Asked asked = Asked.of(VERB, request, payloadHash(), cluster, job, ledger, deadline);
            Optional<Triggered> settled = asked.settled(operations, ledger, deadline);
            if (settled.isPresent()) {
                return settled.get();
            }
            if (owner != null && target.attempt() == null) {
                RequestKey ownersKey = new RequestKey(cluster.name(), job, SubmitJob.VERB, owner.id());
                Optional<Versioned<RequestRecord>> owners = ledger.findRequest(ownersKey, deadline);
                FlinkJobId attempt =
                        owners.map(record -> record.value().attempt()).orElse(null);
                if (attempt == null || cameToNothing(owners.get().value(), owner)) {
                    return cancelRequest(ownersKey, owner, owners.orElse(null));
                }
                return stopOrRefuse(asked, attempts.require(attempt));
            }
            Versioned<Attempt> named;
            try {
                named = target.resolve(cluster, ledger, deadline);
            } catch (RefusedException e) {
                throw e.code().retryable() ? e : asked.refuse(e, ledger, deadline);
            }
            return stopOrRefuse(asked, named);
        }

        /** Whether a try wasn't heard of, or was refused: the attempt is that of another try. */
        private static boolean cameToNothing(RequestRecord record, Request tried) {
            return record.tryNumber() < tried.tryNumber()
                    || (record.tryNumber() == tried.tryNumber() && record.refusal() != null);
        }

        private String payloadHash() {
            return Digests.digest(
                    VERB,
                    target.text(),
                    mode.name(),
                    owner == null ? "" : owner.id().value(),
                    owner == null ? "" : Integer.toString(owner.tryNumber()));
        }

        /** The stop came before what it stops: the request is refused when it comes. */
        private RequestCancelled cancelRequest(
                RequestKey ownersKey, Request cancelled, @Nullable Versioned<RequestRecord> known)
                throws LedgerConflictException {
            if (known != null && known.value().tryNumber() >= cancelled.tryNumber()) {
                return new RequestCancelled(Outcome.REPLAYED);
            }
            Refusal refusal = new Refusal(
                    ErrorCode.REQUEST_CANCELLED,
                    "Request %s was stopped in its try %d before it was heard of."
                            .formatted(cancelled.id(), cancelled.tryNumber()));
            ledger.commit(
                    List.of(
                            new LedgerChange.PutRequest(
                                    new RequestRecord(
                                            ownersKey,
                                            cancelled.tryNumber(),
                                            known == null ? "" : known.value().payloadHash(),
                                            known == null ? 0 : known.value().attempts(),
                                            known == null ? null : known.value().attempt(),
                                            known == null ? null : known.value().operation(),
                                            refusal,
                                            known == null
                                                    ? attempts.now()
                                                    : known.value().createdAt()),
                                    known == null ? LedgerChange.ABSENT : known.version()),
                            new LedgerChange.AddHistory(new HistoryEntry(
                                    cluster.name(),
                                    job,
                                    attempts.now(),
                                    Event.REQUEST_REFUSED,
                                    cancelled,
                                    null,
                                    null,
                                    refusal.code() + ": " + refusal.message()))),
                    deadline);
            return new RequestCancelled(Outcome.STARTED);
        }

        private Answer stopOrRefuse(Asked asked, Versioned<Attempt> known) throws LedgerConflictException {
            try {
                return stop(asked, known);
            } catch (RefusedException e) {
                throw e.code() == ErrorCode.STALE_OWNER || e.code() == ErrorCode.JOB_NOT_RUNNING
                        ? asked.refuse(e, ledger, deadline)
                        : e;
            }
        }

        private Answer stop(Asked asked, Versioned<Attempt> known) throws LedgerConflictException {
            Seen seen = attempts.look(known);
            Attempt attempt = seen.attempt();
            if (owner != null && !owner.equals(attempt.owner())) {
                throw new RefusedException(
                        ErrorCode.STALE_OWNER,
                        "Job %s runs on behalf of try %d of request %s now."
                                .formatted(
                                        attempt.id(),
                                        attempt.owner().tryNumber(),
                                        attempt.owner().id()));
            }
            checkNoUpgrade(attempt);
            Optional<Versioned<Operation>> stop =
                    attempt.stop() == null ? Optional.empty() : operations.find(attempt.stop());
            if (stop.isPresent()) {
                Operation earlier = operations.advance(stop.get());
                if (!earlier.state().terminal() && earlier.type() == mode.operation) {
                    ledger.commit(List.of(asked.put(asked.nextNumber() - 1, earlier.id(), null, deadline)), deadline);
                    return new Triggered(Outcome.ADOPTED, earlier);
                }
                if (!earlier.state().terminal() && mode != Mode.CANCEL) {
                    throw new RefusedException(
                            ErrorCode.JOB_BUSY,
                            "Job %s is being stopped otherwise: %s is %s."
                                    .formatted(attempt.id(), earlier.type(), earlier.state()));
                }
                seen = attempts.look(attempts.require(attempt.id()));
                if (!seen.attempt().owner().equals(attempt.owner())) {
                    throw new LedgerConflictException("Attempt %s has another owner now.".formatted(attempt.id()));
                }
            }
            Operation operation = asked.operation(mode.operation, attempt.id(), cluster, deadline);
            return switch (seen.attempt().state()) {
                case PREPARING -> beforeItsStart(asked, seen, operation);
                case POSTING, SUBMITTED -> intend(asked, seen, operation);
                // Should it be there after all, it is cancelled by whoever sees it.
                case UNKNOWN ->
                    mode == Mode.CANCEL ? intend(asked, seen, operation) : afterItsEnd(asked, seen, operation);
                case FINISHED, FAILED, CANCELED, REFUSED -> afterItsEnd(asked, seen, operation);
            };
        }

        /**
         * What an upgrade is at, it brings to an end itself. Between two versions nothing lives, and whoever wants the
         * job stopped doesn't mean that.
         */
        private void checkNoUpgrade(Attempt attempt) {
            if (target.attempt() != null && !attempt.state().living()) {
                return;
            }
            Attempts.checkNoUpgrade(attempts.requireJob(attempt).value());
        }

        /** The cluster was never asked to run it, and will not be. */
        private Triggered beforeItsStart(Asked asked, Seen seen, Operation operation) throws LedgerConflictException {
            Operation ended = mode == Mode.CANCEL
                    ? operation.completed(null, attempts.now())
                    : operation.failed(
                            null, "The job was stopped before it began, so there is no savepoint.", attempts.now());
            attempts.end(
                    seen.record(),
                    seen.attempt().change().stop(operation.id()).ended(AttemptState.CANCELED, attempts.now()),
                    "It was stopped before it reached the cluster.",
                    asked.put(asked.nextNumber(), operation.id(), null, deadline),
                    new LedgerChange.PutOperation(ended, LedgerChange.ABSENT),
                    Operations.history(ended, attempts.now()));
            return new Triggered(Outcome.STARTED, ended);
        }

        private Triggered intend(Asked asked, Seen seen, Operation operation) throws LedgerConflictException {
            List<LedgerChange> changes = intent(asked, operation);
            changes.add(new LedgerChange.PutAttempt(
                    seen.attempt()
                            .change()
                            .stop(stopOf(seen.attempt(), operation))
                            .made(),
                    seen.record().version()));
            ledger.commit(changes, deadline);
            return new Triggered(Outcome.STARTED, operations.advance(new Versioned<>(operation, 1)));
        }

        /** A savepoint that is under way stays the attempt's stop: it may be complete before the cancellation comes. */
        private OperationId stopOf(Attempt attempt, Operation operation) {
            return attempt.stop() == null || attempt.state() != AttemptState.SUBMITTED
                    ? operation.id()
                    : operations
                            .find(attempt.stop())
                            .map(Versioned::value)
                            .filter(earlier -> !earlier.state().terminal())
                            .orElse(operation)
                            .id();
        }

        private Triggered afterItsEnd(Asked asked, Seen seen, Operation operation) throws LedgerConflictException {
            Optional<Versioned<Attempt>> toRestart = toRestart(seen.attempt());
            if (toRestart.isPresent()) {
                return keepDown(asked, toRestart.get(), operation);
            }
            if (mode != Mode.CANCEL) {
                throw new RefusedException(
                        ErrorCode.JOB_NOT_RUNNING,
                        "Job %s is %s."
                                .formatted(seen.attempt().id(), seen.attempt().state()));
            }
            Operation completed = operation.completed(null, attempts.now());
            ledger.commit(intent(asked, completed), deadline);
            return new Triggered(Outcome.REPLAYED, completed);
        }

        /** The attempt in whose place the job's policy would have another started, were it not stopped. */
        private Optional<Versioned<Attempt>> toRestart(Attempt ended) {
            FlinkJobId id = ended.state() == AttemptState.REFUSED
                    ? Restart.of(ended.request()).map(Restart::failed).orElse(ended.id())
                    : ended.id();
            boolean newest = ledger.findJob(cluster.name(), job, deadline)
                    .map(Versioned::value)
                    .filter(known -> known.active() == null && id.equals(known.last()))
                    .isPresent();
            return newest
                    ? attempts.find(id).filter(attempt -> RestartJobs.isToRestart(attempt.value()))
                    : Optional.empty();
        }

        /** The job is down; a stop has it stay so. */
        private Triggered keepDown(Asked asked, Versioned<Attempt> failed, Operation operation)
                throws LedgerConflictException {
            Operation ended = mode == Mode.CANCEL
                    ? operation.completed(null, attempts.now())
                    : operation.failed(
                            null,
                            "The job had failed, so there is no savepoint; it isn't started again.",
                            attempts.now());
            List<LedgerChange> changes = intent(asked, ended);
            changes.add(new LedgerChange.PutAttempt(
                    failed.value().change().stop(ended.id()).made(), failed.version()));
            ledger.commit(changes, deadline);
            return new Triggered(Outcome.STARTED, ended);
        }

        private List<LedgerChange> intent(Asked asked, Operation operation) {
            return new ArrayList<>(List.of(
                    asked.put(asked.nextNumber(), operation.id(), null, deadline),
                    new LedgerChange.PutOperation(operation, LedgerChange.ABSENT),
                    Operations.history(operation, operation.createdAt())));
        }
    }
}
