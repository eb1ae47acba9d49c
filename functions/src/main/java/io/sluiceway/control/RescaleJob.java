package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.JobParallelism;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.Attempts.Seen;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.Digests;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.Request;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.Rescale;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.operation.Upgrade.AfterCommit;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.operation.Upgrade.Mode;
import io.sluiceway.operation.Upgrade.Step;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Gives a running STREAM another parallelism, with its state, once per request.
 *
 * <p>Where the cluster can, the job lives on and is changed in place; otherwise it is stopped with a savepoint and
 * started again. Then it is judged: with the new parallelism it has to become STABLE, or it goes back to the old one.
 * Each step is written before it is taken, as those of an {@link UpgradeJob} are, and the job's record names the
 * rescaling until it has ended. The specification stays what it is: that the job runs with another parallelism is
 * remembered beside it.
 */
public final class RescaleJob {
    private static final String VERB = "rescale-job";

    private final JobLedger ledger;
    private final Ports ports;
    private final UpgradeJob upgradeJob;

    /**
     * What a job is to run with, and how that is to be carried out.
     *
     * @param parallelism 1 to 32,768
     * @param afterCommit what is done when going back would emit again what is committed
     * @param judgeWithin how long the cluster has for the change, and the job to become STABLE with it; a minute to a
     *     day
     */
    public record Terms(int parallelism, AfterCommit afterCommit, Duration judgeWithin) {
        public Terms {
            if (parallelism < 1 || parallelism > JobSpec.MAX_PARALLELISM) {
                throw new RefusedException(
                        ErrorCode.FIELD_INVALID, "parallelism is %d; 1 to 32,768 is allowed.".formatted(parallelism));
            }
            UpgradeJob.checkDuration("judgeWithin", judgeWithin);
        }
    }

    public RescaleJob(Ports ports, Jars jars) {
        this.ledger = ports.ledger();
        this.ports = ports;
        this.upgradeJob = new UpgradeJob(ports, jars);
    }

    /**
     * Asks for the rescaling, or finds what an earlier call of this request came to.
     *
     * @param owner on whose behalf the job has to run for it to be rescaled; absent: it is, whoever owns it
     * @return the operation by which it is observed; one that is COMPLETED, with the outcome UNCHANGED, when the job
     *     runs with that parallelism already
     * @throws RefusedException JOB_NOT_FOUND, JOB_NOT_RUNNING, JOB_KIND_MISMATCH; STALE_OWNER; JOB_BUSY while the job
     *     is being started, stopped, upgraded or rescaled; JOB_UNSUPPORTED where its cluster's applications aren't
     *     Sluiceway's to change; PARALLELISM_EXCEEDS_SLOTS; FIELD_INVALID when the job's state can't be divided among
     *     so many. The job is untouched then
     */
    public Triggered rescale(
            Request request,
            ClusterName clusterName,
            JobName name,
            @Nullable Request owner,
            Terms terms,
            Deadline deadline) {
        FlinkCluster cluster = ports.clusters().named(clusterName);
        return Conflicts.retry(deadline, () -> new Asking(request, cluster, name, owner, terms, deadline).ask());
    }

    /** One call. */
    private final class Asking {
        private final Request request;
        private final FlinkCluster cluster;
        private final JobName name;
        private final @Nullable Request owner;
        private final Terms terms;
        private final Deadline deadline;
        private final UpgradeJob.Call call;

        private Asking(
                Request request,
                FlinkCluster cluster,
                JobName name,
                @Nullable Request owner,
                Terms terms,
                Deadline deadline) {
            this.request = request;
            this.cluster = cluster;
            this.name = name;
            this.owner = owner;
            this.terms = terms;
            this.deadline = deadline;
            this.call = upgradeJob.call(cluster, deadline);
        }

        private Triggered ask() throws LedgerConflictException {
            Asked asked = Asked.of(VERB, request, payloadHash(), cluster, name, ledger, deadline);
            OperationId made =
                    asked.earlier() == null ? null : asked.earlier().value().operation();
            if (made != null) {
                call.advance(call.operations.require(made));
            }
            Optional<Triggered> settled = asked.settled(call.operations, ledger, deadline);
            if (settled.isPresent()) {
                return settled.get();
            }
            try {
                return begin(asked);
            } catch (RefusedException e) {
                throw e.code().retryable() ? e : asked.refuse(e, ledger, deadline);
            }
        }

        private String payloadHash() {
            return Digests.digest(
                    VERB,
                    Integer.toString(terms.parallelism()),
                    terms.afterCommit().name(),
                    terms.judgeWithin().toString(),
                    owner == null ? "" : owner.id().value(),
                    owner == null ? "" : Integer.toString(owner.tryNumber()));
        }

        /** Checks what can be checked beforehand, then writes what is to be done. */
        private Triggered begin(Asked asked) throws LedgerConflictException {
            Versioned<Job> job = ledger.findJob(cluster.name(), name, deadline)
                    .orElseThrow(() -> new RefusedException(
                            ErrorCode.JOB_NOT_FOUND,
                            "Sluiceway has started no job named '%s' on cluster '%s'."
                                    .formatted(name, cluster.name())));
            call.checkFree(job.value());
            Seen seen = call.living(job.value());
            UpgradeJob.Call.checkRunning(seen);
            Attempt attempt = seen.attempt();
            checkOwner(attempt);
            UpgradeJob.checkJudgement(terms.judgeWithin(), attempt.spec(), cluster);
            JobSpec wanted = attempt.spec().with(terms.parallelism());
            cluster.check(wanted);
            call.attempts.checkSlots(name, terms.parallelism());
            JobParallelism now = Attempts.masking(
                            attempt.spec(), () -> cluster.findParallelism(attempt.ref(), deadline))
                    .orElseThrow(() -> cluster.unknownJob(attempt.id()));
            checkMost(attempt, now);
            Operation operation = operation(asked, attempt, now.asked());
            List<LedgerChange> changes = new ArrayList<>();
            changes.add(asked.put(asked.nextNumber(), operation.id(), null, deadline));
            // Also where nothing of it changes: of a stop of the job and this, one comes first.
            changes.add(new LedgerChange.PutAttempt(
                    asItRuns(attempt, now.asked()), seen.record().version()));
            if (now.asked() == terms.parallelism()) {
                Operation unchanged = operation
                        .upgraded(Objects.requireNonNull(operation.upgrade()).ended(Ending.RESCALED))
                        .completed(null, call.attempts.now());
                changes.add(new LedgerChange.PutOperation(unchanged, LedgerChange.ABSENT));
                changes.add(Operations.history(unchanged, call.attempts.now()));
                ledger.commit(changes, deadline);
                return new Triggered(Outcome.UNCHANGED, unchanged);
            }
            changes.add(new LedgerChange.PutJob(job.value().upgradedBy(operation.id()), job.version()));
            changes.add(new LedgerChange.PutOperation(operation, LedgerChange.ABSENT));
            changes.add(Operations.history(operation, operation.createdAt()));
            ledger.commit(changes, deadline);
            return new Triggered(Outcome.STARTED, call.advance(new Versioned<>(operation, 1)));
        }

        private void checkOwner(Attempt attempt) {
            if (owner != null && !attempt.owner().equals(owner)) {
                throw new RefusedException(
                        ErrorCode.STALE_OWNER,
                        "Job %s runs on behalf of try %d of request %s by now."
                                .formatted(
                                        attempt.id(),
                                        attempt.owner().tryNumber(),
                                        attempt.owner().id()));
            }
        }

        private void checkMost(Attempt attempt, JobParallelism now) {
            if (now.most() != null && terms.parallelism() > now.most()) {
                throw new RefusedException(
                        ErrorCode.FIELD_INVALID,
                        "parallelism is %d; the state of job %s can be divided among %d at most, its max parallelism."
                                .formatted(terms.parallelism(), attempt.id(), now.most()));
            }
        }

        /** Somebody may have changed it without Sluiceway. */
        private Attempt asItRuns(Attempt attempt, int parallelism) {
            Integer known = attempt.parallelism();
            return known == null || known == parallelism
                    ? attempt
                    : attempt.change().parallelism(parallelism).made();
        }

        private Operation operation(Asked asked, Attempt attempt, int from) {
            Operation operation = asked.operation(OperationType.RESCALE_JOB, attempt.id(), cluster, deadline);
            return operation
                    .rescaled(new Rescale(from, terms.parallelism(), true, operation.createdAt()))
                    .upgraded(Upgrade.begin(
                            attempt.specThatRan(),
                            Objects.requireNonNull(attempt.specHash()),
                            Mode.SAVEPOINT,
                            terms.afterCommit(),
                            terms.judgeWithin(),
                            Step.RESCALING,
                            operation.createdAt().plus(terms.judgeWithin()),
                            UpgradeJob.Call.stopId(operation.id())));
        }
    }
}
