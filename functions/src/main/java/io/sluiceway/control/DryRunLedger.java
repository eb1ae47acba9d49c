package io.sluiceway.control;

import io.sluiceway.event.JobEvent;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.JobReadiness;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Page;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.RequestRecord;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.time.Deadline;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A ledger that nothing is written to: what a dry run commits lies over the real one for its own eyes, on the same
 * versions and refused for the same conflicts.
 */
final class DryRunLedger implements JobLedger {
    private final JobLedger ledger;
    private final Layer<JobKey, Job> jobs = new Layer<>();
    private final Layer<RequestKey, RequestRecord> requests = new Layer<>();
    private final Layer<AttemptKey, Attempt> attempts = new Layer<>();
    private final Layer<OperationId, Operation> operations = new Layer<>();
    private final Layer<ReadinessKey, JobReadiness> readiness = new Layer<>();
    private final Layer<SavepointKey, Savepoint> savepoints = new Layer<>();
    private final List<JobEvent> events = new ArrayList<>();

    private record JobKey(ClusterName cluster, JobName job) {}

    private record AttemptKey(ClusterName cluster, FlinkJobId id) {}

    private record ReadinessKey(
            ClusterName cluster, JobName job, @Nullable RequestId run) {}

    private record SavepointKey(ClusterName cluster, JobName job, OperationId operation) {
        static SavepointKey of(Savepoint savepoint) {
            return new SavepointKey(savepoint.cluster(), savepoint.job(), savepoint.operation());
        }
    }

    /** Records that were written over those of the ledger, or taken away. */
    private static final class Layer<K, V> {
        private final Map<K, @Nullable Versioned<V>> written = new HashMap<>();

        Optional<Versioned<V>> find(K key, Supplier<Optional<Versioned<V>>> below) {
            return written.containsKey(key) ? Optional.ofNullable(written.get(key)) : below.get();
        }

        void put(K key, V value, long version) {
            written.put(key, new Versioned<>(value, version + 1));
        }

        void remove(K key) {
            written.put(key, null);
        }
    }

    DryRunLedger(JobLedger ledger) {
        this.ledger = ledger;
    }

    /** The request of which something was written that came to this operation. */
    Optional<RequestKey> requestFor(OperationId operation) {
        return requests.written.values().stream()
                .flatMap(written -> Optional.ofNullable(written).stream())
                .map(Versioned::value)
                .filter(request -> operation.equals(request.operation()))
                .map(RequestRecord::key)
                .findFirst();
    }

    @Override
    public Optional<Versioned<Job>> findJob(ClusterName cluster, JobName job, Deadline deadline) {
        return jobs.find(new JobKey(cluster, job), () -> ledger.findJob(cluster, job, deadline));
    }

    @Override
    public Optional<Versioned<RequestRecord>> findRequest(RequestKey key, Deadline deadline) {
        return requests.find(key, () -> ledger.findRequest(key, deadline));
    }

    @Override
    public Optional<Versioned<Attempt>> findAttempt(ClusterName cluster, FlinkJobId id, Deadline deadline) {
        return attempts.find(new AttemptKey(cluster, id), () -> ledger.findAttempt(cluster, id, deadline));
    }

    @Override
    public List<Versioned<Attempt>> findAttempts(ClusterName cluster, Set<FlinkJobId> ids, Deadline deadline) {
        return ids.stream()
                .flatMap(id -> findAttempt(cluster, id, deadline).stream())
                .toList();
    }

    @Override
    public Optional<Versioned<Operation>> findOperation(OperationId id, Deadline deadline) {
        return operations.find(id, () -> ledger.findOperation(id, deadline));
    }

    @Override
    public Optional<Versioned<JobReadiness>> findReadiness(
            ClusterName cluster, JobName job, @Nullable RequestId run, Deadline deadline) {
        return readiness.find(
                new ReadinessKey(cluster, job, run), () -> ledger.findReadiness(cluster, job, run, deadline));
    }

    @Override
    public Optional<Versioned<Savepoint>> findSavepoint(
            ClusterName cluster, JobName job, OperationId operation, Deadline deadline) {
        return savepoints.find(
                new SavepointKey(cluster, job, operation),
                () -> ledger.findSavepoint(cluster, job, operation, deadline));
    }

    @Override
    public List<Savepoint> savepoints(ClusterName cluster, JobName job, Deadline deadline) {
        Map<SavepointKey, @Nullable Savepoint> all = new LinkedHashMap<>();
        ledger.savepoints(cluster, job, deadline).forEach(savepoint -> all.put(SavepointKey.of(savepoint), savepoint));
        savepoints.written.forEach((key, written) -> {
            if (key.cluster().equals(cluster) && key.job().equals(job)) {
                all.put(key, written == null ? null : written.value());
            }
        });
        return all.values().stream()
                .flatMap(savepoint -> Optional.ofNullable(savepoint).stream())
                .sorted(Comparator.comparing(Savepoint::completedAt)
                        .thenComparing(savepoint -> savepoint.operation().value())
                        .reversed())
                .toList();
    }

    @Override
    public Page<JobEvent> events(ClusterName cluster, JobName job, long afterSequence, int limit, Deadline deadline) {
        Page<JobEvent> below = ledger.events(cluster, job, afterSequence, limit, deadline);
        if (below.next() != null) {
            return below;
        }
        List<JobEvent> all = new ArrayList<>(below.items());
        events.stream()
                .filter(event ->
                        event.cluster().equals(cluster) && event.job().equals(job) && event.sequence() > afterSequence)
                .forEach(all::add);
        List<JobEvent> page = all.stream().limit(limit).toList();
        return new Page<>(
                page, all.size() > page.size() ? Long.toString(page.getLast().sequence()) : null);
    }

    @Override
    public void commit(List<LedgerChange> changes, Deadline deadline) throws LedgerConflictException {
        List<Runnable> writes = new ArrayList<>();
        for (LedgerChange change : changes) {
            writes.add(write(change, deadline));
        }
        writes.forEach(Runnable::run);
    }

    /** What a change comes to, if its record is at the version that it names. */
    private Runnable write(LedgerChange change, Deadline deadline) throws LedgerConflictException {
        return switch (change) {
            case LedgerChange.PutJob(Job job, long version) -> {
                check(findJob(job.cluster(), job.name(), deadline), version);
                yield () -> jobs.put(new JobKey(job.cluster(), job.name()), job, version);
            }
            case LedgerChange.PutRequest(RequestRecord request, long version) -> {
                check(findRequest(request.key(), deadline), version);
                yield () -> requests.put(request.key(), request, version);
            }
            case LedgerChange.PutAttempt(Attempt attempt, long version) -> {
                ClusterName cluster = attempt.spec().cluster();
                check(findAttempt(cluster, attempt.id(), deadline), version);
                yield () -> attempts.put(new AttemptKey(cluster, attempt.id()), attempt, version);
            }
            case LedgerChange.PutOperation(Operation operation, long version) -> {
                check(findOperation(operation.id(), deadline), version);
                yield () -> operations.put(operation.id(), operation, version);
            }
            case LedgerChange.PutReadiness(JobReadiness far, long version) -> {
                check(findReadiness(far.cluster(), far.job(), far.run(), deadline), version);
                yield () -> readiness.put(new ReadinessKey(far.cluster(), far.job(), far.run()), far, version);
            }
            case LedgerChange.AddSavepoint(Savepoint savepoint) -> {
                check(find(savepoint, deadline), LedgerChange.ABSENT);
                yield () -> savepoints.put(SavepointKey.of(savepoint), savepoint, LedgerChange.ABSENT);
            }
            case LedgerChange.PutSavepoint(Savepoint savepoint, long version) -> {
                check(find(savepoint, deadline), version);
                yield () -> savepoints.put(SavepointKey.of(savepoint), savepoint, version);
            }
            case LedgerChange.RemoveSavepoint(Savepoint savepoint, long version) -> {
                check(find(savepoint, deadline), version);
                yield () -> savepoints.remove(SavepointKey.of(savepoint));
            }
            // Nothing that a verb decides goes by the history.
            case LedgerChange.AddHistory(HistoryEntry _) -> () -> {};
            case LedgerChange.AddEvent(JobEvent event, boolean _) -> {
                boolean taken = events(event.cluster(), event.job(), event.sequence() - 1, 1, deadline).items().stream()
                        .anyMatch(other -> other.sequence() == event.sequence());
                if (taken) {
                    throw new LedgerConflictException("The number of an event is another's.");
                }
                yield () -> events.add(event);
            }
        };
    }

    private Optional<Versioned<Savepoint>> find(Savepoint savepoint, Deadline deadline) {
        return findSavepoint(savepoint.cluster(), savepoint.job(), savepoint.operation(), deadline);
    }

    private static void check(Optional<? extends Versioned<?>> now, long version) throws LedgerConflictException {
        if (version != now.map(Versioned::version).orElse(LedgerChange.ABSENT)) {
            throw new LedgerConflictException("A record was changed by somebody else.");
        }
    }

    @Override
    public void published(List<JobEvent> published, Deadline deadline) {
        // Whatever was published, a dry run doesn't record it.
    }

    @Override
    public Page<Job> jobs(ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        throw listing();
    }

    @Override
    public Page<Versioned<Attempt>> livingAttempts(
            ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        throw listing();
    }

    @Override
    public Page<Versioned<Operation>> openOperations(
            ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        throw listing();
    }

    @Override
    public Page<HistoryEntry> history(
            ClusterName cluster, JobName job, int limit, @Nullable String after, Deadline deadline) {
        throw listing();
    }

    @Override
    public Page<JobEvent> pendingEvents(ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        throw listing();
    }

    /** What sweeps do, and whoever lists: they aren't planned. */
    private static UnsupportedOperationException listing() {
        return new UnsupportedOperationException("A verb that can be planned doesn't sweep over the ledger.");
    }
}
