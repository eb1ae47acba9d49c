package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.JobObserved.DataReady;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.EventData;
import io.sluiceway.event.EventDraft;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.RequestId;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.JobReadiness;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.ready.AttemptSeen;
import io.sluiceway.ready.DataReadyRule;
import io.sluiceway.ready.DataReadyRule.Step;
import io.sluiceway.ready.Readiness;
import io.sluiceway.ready.Readiness.Execution;
import io.sluiceway.ready.ReadyEvent;
import io.sluiceway.ready.SinkView;
import io.sluiceway.ready.SinkView.Watermark;
import io.sluiceway.time.Deadline;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the sink of a job whose policy asks when its data is ready, and tells what follows: what is known and the
 * events of it are written together, and only if nobody else has written meanwhile.
 */
final class DataReadiness {
    private final Ports ports;
    private final FlinkCluster cluster;
    private final Deadline deadline;

    DataReadiness(Ports ports, FlinkCluster cluster, Deadline deadline) {
        this.ports = ports;
        this.cluster = cluster;
        this.deadline = deadline;
    }

    /**
     * Takes forward how far the data of a job is ready; nothing is asked or written of a job without the policy.
     *
     * @param attempt the job's execution as the ledger has it
     * @throws RefusedException FIELD_INVALID when the job has no such sink, and what the cluster and the ledger refuse
     */
    void look(Attempt attempt) {
        DataReadyPolicy policy = attempt.spec().policies().dataReady();
        if (policy == null) {
            return;
        }
        switch (attempt.state()) {
            case SUBMITTED -> Conflicts.retry(deadline, () -> lookAtLiving(attempt, policy));
            case FINISHED -> {
                if (policy.end() != null && attempt.stop() == null) {
                    Conflicts.retry(deadline, () -> lookAtFinished(attempt, policy));
                }
            }
            case PREPARING, POSTING, FAILED, CANCELED, REFUSED, UNKNOWN -> {}
        }
    }

    /**
     * How far the data of a job is ready, for people: never fails, and changes nothing.
     *
     * @return null for a job without the policy
     */
    @Nullable
    Observation<DataReady> show(Attempt attempt) {
        DataReadyPolicy policy = attempt.spec().policies().dataReady();
        if (policy == null) {
            return null;
        }
        try {
            Readiness known = known(attempt).value().readiness();
            Watermark watermark = attempt.state() == AttemptState.SUBMITTED
                    ? cluster.observeSink(attempt.ref(), policy.sink(), deadline)
                            .map(SinkView::watermark)
                            .orElse(null)
                    : null;
            return Observation.now(new DataReady(policy, known, watermark));
        } catch (RefusedException e) {
            return new NotObservable<>(e.sentence());
        }
    }

    private boolean lookAtLiving(Attempt attempt, DataReadyPolicy policy) throws LedgerConflictException {
        // What is known is read before the sink is seen: it may only be replaced by what was seen later.
        Versioned<JobReadiness> known = known(attempt);
        Optional<SinkView> sink = cluster.observeSink(attempt.ref(), policy.sink(), deadline);
        if (sink.isEmpty()) {
            return false;
        }
        if (sink.get().watermark() instanceof Watermark.Unknown(Watermark.Why why)
                && why == Watermark.Why.NO_SUCH_SINK) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "job.policies.dataReady.sink %s: job '%s' has no sink of this name, or several."
                            .formatted(
                                    Quoted.shape(policy.sink()), attempt.spec().name()));
        }
        Attempt now = ports.ledger()
                .findAttempt(cluster.name(), attempt.id(), deadline)
                .map(Versioned::value)
                .orElse(attempt);
        return now.state() == AttemptState.SUBMITTED
                && take(known, now, policy, new AttemptSeen.Running(now.id(), sink.get(), now.stop() != null));
    }

    private boolean lookAtFinished(Attempt attempt, DataReadyPolicy policy) throws LedgerConflictException {
        Versioned<JobReadiness> known = known(attempt);
        Readiness readiness = known.value().readiness();
        Execution last = readiness.execution();
        boolean allTold = last != null
                && last.attempt().equals(attempt.id())
                && policy.end() != null
                && policy.end().equals(readiness.announced());
        return !allTold
                && cluster.observeJob(attempt.ref(), deadline)
                        .filter(DataReadiness::finishedByItself)
                        .isPresent()
                && take(known, attempt, policy, new AttemptSeen.Finished(attempt.id()));
    }

    /** A stop leaves a savepoint behind its last checkpoint; who asked Flink itself for it isn't in the ledger. */
    private static boolean finishedByItself(JobStatus status) {
        return status.overview().state() == JobState.FINISHED
                && id(status.lastSavepoint().told())
                        <= id(status.checkpoints().last().told());
    }

    private static long id(Optional<CompletedCheckpoint> checkpoint) {
        return checkpoint.map(CompletedCheckpoint::id).orElse(0L);
    }

    private boolean take(Versioned<JobReadiness> known, Attempt attempt, DataReadyPolicy policy, AttemptSeen seen)
            throws LedgerConflictException {
        DataReadyRule rule = new DataReadyRule(policy);
        JobReadiness record = known.value();
        long version = known.version();
        boolean changed = false;
        // What is found at once may be more than is told at once.
        while (true) {
            Step step = rule.observe(record.readiness(), seen);
            if (step.state().equals(record.readiness())) {
                return changed;
            }
            record = new JobReadiness(record.cluster(), record.job(), record.run(), step.state());
            List<EventDraft> events = step.events().stream()
                    .map(event -> draft(event, attempt, policy))
                    .toList();
            ports.outbox().commit(List.of(new LedgerChange.PutReadiness(record, version)), events, deadline);
            version++;
            changed = true;
        }
    }

    private EventDraft draft(ReadyEvent event, Attempt attempt, DataReadyPolicy policy) {
        JobKind kind = attempt.spec().kind();
        return new EventDraft(
                attempt.spec().cluster(),
                attempt.spec().name(),
                attempt.id(),
                attempt.owner().id(),
                deadline.clock().instant(),
                switch (event) {
                    case ReadyEvent.DataReady(Instant from, Instant until) ->
                        new EventData.DataReady(kind, policy, from, until);
                    case ReadyEvent.DataRevised(Instant until) -> new EventData.DataRevised(kind, policy, until);
                });
    }

    private Versioned<JobReadiness> known(Attempt attempt) {
        RequestId run = attempt.spec().kind() == JobKind.RUN ? attempt.request() : null;
        return ports.ledger()
                .findReadiness(cluster.name(), attempt.spec().name(), run, deadline)
                .orElseGet(() -> new Versioned<>(
                        new JobReadiness(cluster.name(), attempt.spec().name(), run, Readiness.NONE),
                        LedgerChange.ABSENT));
    }
}
