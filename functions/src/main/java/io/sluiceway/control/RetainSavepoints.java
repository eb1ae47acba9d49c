package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.ClusterMonitored.Problem;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RetentionPolicy;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.HistoryEntry.Event;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationState;
import io.sluiceway.savepoint.Disposal;
import io.sluiceway.savepoint.SavepointStore.Listing;
import io.sluiceway.savepoint.SavepointStore.StoredState;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Removes the savepoints of a cluster's STREAMs that exceed their jobs' retention; used by one sweep, by several of its
 * threads.
 *
 * <p>That a savepoint is to go is written first, in one transaction with the job's record: a submission that looked at
 * the job before has to look again, and from then on nobody takes the savepoint for a restore point. Then the cluster
 * is asked, and at last the ledger forgets it. Who comes after an interruption goes on where it was: one that is gone
 * already counts as removed.
 */
final class RetainSavepoints {
    /** How many are removed of a cluster in one sweep: there is more to a sweep, and there are more sweeps. */
    static final int MOST_A_SWEEP = 8;

    /** How long the cluster is left alone with a savepoint that it refused to remove. */
    private static final Duration FIRST_PAUSE = Duration.ofMinutes(1);

    private static final Duration LONGEST_PAUSE = Duration.ofHours(1);
    private static final int DOUBLINGS = 6;

    /** With less than this no removal is begun. */
    private static final Duration LEAST_TIME = Duration.ofSeconds(1);

    /**
     * How far it came with a job.
     *
     * @param problems what couldn't be removed
     * @param again when there is more to remove; absent: nothing is left that may go
     */
    record Retained(List<Problem> problems, @Nullable Instant again) {
        Retained {
            problems = List.copyOf(problems);
        }
    }

    private final Ports ports;
    private final JobLedger ledger;
    private final FlinkCluster cluster;
    private final AtomicInteger left = new AtomicInteger(MOST_A_SWEEP);

    RetainSavepoints(Ports ports, FlinkCluster cluster) {
        this.ports = ports;
        this.ledger = ports.ledger();
        this.cluster = cluster;
    }

    /**
     * Removes what may go of a job's savepoints, and what was to go before.
     *
     * @param policy the job's retention; absent: only what was to go before goes
     * @param known the job's savepoints, the newest first
     * @param open the job's operations that haven't ended
     */
    Retained retain(
            JobName job,
            @Nullable RetentionPolicy policy,
            List<Savepoint> known,
            List<Operation> open,
            Deadline deadline) {
        List<Problem> problems = new ArrayList<>();
        List<Instant> again = new ArrayList<>();
        known.reversed()
                .forEach(savepoint -> dispose(savepoint, problems, deadline).ifPresent(again::add));
        if (policy != null && Retention.isExceeded(known, policy, now(deadline))) {
            if (hasTime(deadline)) {
                try {
                    decide(job, policy, open, deadline)
                            .forEach(savepoint ->
                                    dispose(savepoint, problems, deadline).ifPresent(again::add));
                } catch (LedgerConflictException _) {
                    // Somebody is at the job: another sweep decides.
                    again.add(now(deadline));
                }
            }
            if (!hasTime(deadline)) {
                again.add(now(deadline));
            }
        }
        return new Retained(
                problems, again.stream().min(Comparator.naturalOrder()).orElse(null));
    }

    private boolean hasTime(Deadline deadline) {
        return left.get() > 0 && deadline.remaining().compareTo(LEAST_TIME) >= 0;
    }

    /** Writes which savepoints are to go, decided on the job as it is now. */
    private List<Savepoint> decide(JobName name, RetentionPolicy policy, List<Operation> open, Deadline deadline)
            throws LedgerConflictException {
        // The job first: whoever submits an attempt after this changes it, and nothing of this is written.
        Optional<Versioned<Job>> job = ledger.findJob(cluster.name(), name, deadline);
        FlinkJobId last = job.map(Versioned::value).map(Job::last).orElse(null);
        if (job.isEmpty() || last == null) {
            return List.of();
        }
        Attempts attempts = new Attempts(ports, cluster, deadline);
        Attempt head = attempts.require(last).value();
        FlinkJobId active = job.get().value().active();
        Set<StoragePath> inUse = new HashSet<>();
        addIfPresent(inUse, head.restoredFrom());
        addIfPresent(
                inUse, active == null ? null : attempts.require(active).value().restoredFrom());
        open.forEach(operation -> addIfPresent(inUse, operation.savepoint()));
        Retention retention = new Retention(
                ledger.savepoints(cluster.name(), name, deadline), head, stoppedWith(head, deadline), inUse, Set.of());

        if (retention.removable(policy, now(deadline)).isEmpty()) {
            return List.of();
        }
        List<Savepoint> going = new ArrayList<>();
        List<LedgerChange> changes = new ArrayList<>();
        changes.add(new LedgerChange.PutJob(job.get().value(), job.get().version()));
        for (Savepoint savepoint : seen(retention, deadline).removable(policy, now(deadline))) {
            if (going.size() >= left.get()) {
                break;
            }
            Versioned<Savepoint> now = ledger.findSavepoint(cluster.name(), name, savepoint.operation(), deadline)
                    .filter(found -> found.value().equals(savepoint))
                    .orElseThrow(() -> new LedgerConflictException(
                            "Savepoint %s was changed at the same time.".formatted(savepoint.operation())));
            Savepoint disposed = savepoint.disposed(new Disposal(now(deadline), 0, now(deadline)));
            changes.add(new LedgerChange.PutSavepoint(disposed, now.version()));
            going.add(disposed);
        }
        if (!going.isEmpty()) {
            ledger.commit(changes, deadline);
        }
        return going;
    }

    private static void addIfPresent(Set<StoragePath> paths, @Nullable StoragePath path) {
        if (path != null) {
            paths.add(path);
        }
    }

    private @Nullable StoragePath stoppedWith(Attempt head, Deadline deadline) {
        return head.stop() == null
                ? null
                : ledger.findOperation(head.stop(), deadline)
                        .map(Versioned::value)
                        .filter(stop -> stop.state() == OperationState.COMPLETED)
                        .map(Operation::savepoint)
                        .orElse(null);
    }

    /** The rule, with no last good savepoint that somebody else has removed. */
    private Retention seen(Retention retention, Deadline deadline) {
        for (Savepoint good : retention.lastGood()) {
            StoragePath path = good.path();
            StoragePath parent =
                    new StoragePath(path.value().substring(0, path.value().lastIndexOf('/')));
            switch (ports.savepoints().list(parent, deadline)) {
                case Listing.Found(List<StoredState> states) -> {
                    if (states.stream().noneMatch(state -> state.path().equals(path))) {
                        return seen(retention.without(good), deadline);
                    }
                }
                case Listing.NotReadable(String reason, boolean forGood) -> {
                    // Where it can't be looked for at all, the cluster's word suffices.
                    if (!forGood) {
                        throw new RefusedException(
                                ErrorCode.RESTORE_POINT_UNREADABLE,
                                "Whether '%s', which is to be kept, is there is unknown: %s".formatted(path, reason));
                    }
                }
            }
        }
        return retention;
    }

    /**
     * Takes the removal of a savepoint that is to go as far as it goes at this moment.
     *
     * @return when it is to be tried again; empty when it is gone, or isn't to go
     */
    private Optional<Instant> dispose(Savepoint savepoint, List<Problem> problems, Deadline deadline) {
        Disposal disposal = savepoint.disposal();
        if (disposal == null) {
            return Optional.empty();
        }
        if (now(deadline).isBefore(disposal.tryFrom()) || !hasTime(deadline)) {
            return Optional.of(disposal.tryFrom());
        }
        left.decrementAndGet();
        try {
            if (cluster.disposeSavepoint(savepoint.job(), savepoint.path(), deadline)) {
                forget(savepoint, deadline);
                return Optional.empty();
            }
            return Optional.of(disposal.tryFrom());
        } catch (RefusedException e) {
            problems.add(new Problem(savepoint.job(), savepoint.attempt(), savepoint.operation(), e));
            return Optional.of(
                    e.code() == ErrorCode.CLUSTER_UNREACHABLE
                            ? disposal.tryFrom()
                            : postpone(savepoint, disposal, deadline));
        }
    }

    private void forget(Savepoint savepoint, Deadline deadline) {
        change(
                savepoint,
                deadline,
                version -> List.of(
                        new LedgerChange.RemoveSavepoint(savepoint, version),
                        new LedgerChange.AddHistory(new HistoryEntry(
                                savepoint.cluster(),
                                savepoint.job(),
                                now(deadline),
                                Event.SAVEPOINT_DISPOSED,
                                null,
                                savepoint.attempt(),
                                savepoint.operation(),
                                "By the job's retention: %s of %s, %s."
                                        .formatted(savepoint.origin(), savepoint.completedAt(), savepoint.path())))));
    }

    private Instant postpone(Savepoint savepoint, Disposal disposal, Deadline deadline) {
        Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(disposal.failures(), DOUBLINGS));
        Instant tryFrom = now(deadline).plus(pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause);
        change(
                savepoint,
                deadline,
                version -> List.of(new LedgerChange.PutSavepoint(
                        savepoint.disposed(new Disposal(disposal.decidedAt(), disposal.failures() + 1, tryFrom)),
                        version)));
        return tryFrom;
    }

    /** What becomes of the record at that version. */
    private interface Change {
        List<LedgerChange> at(long version);
    }

    /**
     * Changes a savepoint's record, unless somebody else has come first: then it is as far as it is here, or further.
     */
    private void change(Savepoint savepoint, Deadline deadline, Change change) {
        Optional<Versioned<Savepoint>> record =
                ledger.findSavepoint(savepoint.cluster(), savepoint.job(), savepoint.operation(), deadline);
        if (record.isEmpty() || !record.get().value().equals(savepoint)) {
            return;
        }
        try {
            ledger.commit(change.at(record.get().version()), deadline);
        } catch (LedgerConflictException _) {
            return;
        }
    }

    private static Instant now(Deadline deadline) {
        return deadline.clock().instant();
    }
}
