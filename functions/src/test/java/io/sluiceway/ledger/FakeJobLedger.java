package io.sluiceway.ledger;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.JobEvent;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import io.sluiceway.ledger.LedgerChange.AddEvent;
import io.sluiceway.ledger.LedgerChange.AddHistory;
import io.sluiceway.ledger.LedgerChange.AddSavepoint;
import io.sluiceway.ledger.LedgerChange.PutAttempt;
import io.sluiceway.ledger.LedgerChange.PutJob;
import io.sluiceway.ledger.LedgerChange.PutOperation;
import io.sluiceway.ledger.LedgerChange.PutReadiness;
import io.sluiceway.ledger.LedgerChange.PutRequest;
import io.sluiceway.ledger.LedgerChange.PutSavepoint;
import io.sluiceway.ledger.LedgerChange.RemoveSavepoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.time.Deadline;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A ledger in memory, for fast tests. */
public class FakeJobLedger implements JobLedger {
    /** Of one width, so that places sort as instants do. */
    private static final DateTimeFormatter INSTANT =
            DateTimeFormatter.ofPattern("yyyyMMddHHmmssSSSSSSSSS").withZone(ZoneOffset.UTC);

    /** What happens to the next commit. */
    public enum Fault {
        NONE,
        /** It is made; its answer doesn't arrive. */
        ANSWER_LOST,
        /** It isn't made; nor does an answer arrive. */
        CALL_LOST
    }

    private record JobKey(ClusterName cluster, JobName job) {}

    private record AttemptKey(ClusterName cluster, FlinkJobId id) {}

    private record ReadinessKey(ClusterName cluster, JobName job, RequestId run) {}

    private record SavepointKey(ClusterName cluster, JobName job, OperationId operation) {
        static SavepointKey of(Savepoint savepoint) {
            return new SavepointKey(savepoint.cluster(), savepoint.job(), savepoint.operation());
        }
    }

    /** What is written over a record that is taken away. */
    private enum Gone {
        GONE
    }

    private record EventKey(ClusterName cluster, JobName job, long sequence) {
        static EventKey of(JobEvent event) {
            return new EventKey(event.cluster(), event.job(), event.sequence());
        }
    }

    /** An event that is to be published. */
    private record PendingKey(EventKey event) {}

    /** A line's place: no two lines share one. */
    private record HistoryKey(long number) {}

    private record Write(Object key, long version, Object value) {}

    /** A line and where it stands among all: by its time, then in the order of writing. */
    private record Line(HistoryEntry entry, String place) {}

    private static final Comparator<Line> NEWEST_FIRST =
            Comparator.comparing(Line::place).reversed();
    private static final Comparator<JobEvent> OLDEST_FIRST = Comparator.comparing(FakeJobLedger::place);
    private static final Pattern PENDING = Pattern.compile("\\d{23}#[a-z0-9-]{1,128}#\\d{12}");
    private static final Pattern PLACE = Pattern.compile("\\d{23}#\\d{9}");

    private final Map<Object, Versioned<Object>> records = new LinkedHashMap<>();
    private final List<Line> lines = new ArrayList<>();
    private Runnable beforeNextCommit = () -> {};
    private Runnable afterNextCommit = () -> {};
    private Fault nextFault = Fault.NONE;
    private boolean careless;
    private int readsFailAfter = -1;
    private int reads;
    private int commits;

    /** What happens to the next commit that would be made. */
    public synchronized void failNextCommit(Fault fault) {
        nextFault = fault;
    }

    /** From now on changes are made on whatever version: a ledger without its conditions, to show that they matter. */
    public synchronized void ignoreVersions() {
        careless = true;
    }

    /** Lets one read fail, after {@code others} that don't. */
    public synchronized void failReadsAfter(int others) {
        readsFailAfter = others;
    }

    /** Lets somebody else act, once, between a caller's reads and its next commit. */
    public synchronized void beforeNextCommit(Runnable act) {
        beforeNextCommit = act;
    }

    /** Lets somebody else act, once, between the next commit and what its caller does then. */
    public synchronized void afterNextCommit(Runnable act) {
        afterNextCommit = act;
    }

    /** How many reads there were. */
    public synchronized int reads() {
        return reads;
    }

    /** All that is written, to be compared with what is written later. */
    public synchronized Object state() {
        return List.of(Map.copyOf(records), List.copyOf(lines));
    }

    /** How many commits were made. */
    public synchronized int commits() {
        return commits;
    }

    /** All jobs, in the order of their creation. */
    public List<Job> jobs() {
        return all(Job.class);
    }

    /** All requests, in the order of their creation. */
    public List<RequestRecord> requests() {
        return all(RequestRecord.class);
    }

    /** All attempts, in the order of their creation. */
    public List<Attempt> attempts() {
        return all(Attempt.class);
    }

    /** All operations, in the order of their creation. */
    public List<Operation> operations() {
        return all(Operation.class);
    }

    /** All savepoints, in the order of their creation. */
    public List<Savepoint> savepoints() {
        return all(Savepoint.class);
    }

    /** A job's whole history, the oldest line first. */
    public synchronized List<HistoryEntry> history(ClusterName cluster, JobName job) {
        return linesOf(cluster, job).reversed().stream().map(Line::entry).toList();
    }

    /** All events, each job's in their order. */
    public synchronized List<JobEvent> events() {
        return records.entrySet().stream()
                .filter(entry -> entry.getKey() instanceof EventKey)
                .map(entry -> (JobEvent) entry.getValue().value())
                .toList();
    }

    /** All events that are recorded to be published and haven't been said to be. */
    public synchronized List<JobEvent> pendingEvents() {
        return records.entrySet().stream()
                .filter(entry -> entry.getKey() instanceof PendingKey)
                .map(entry -> (JobEvent) entry.getValue().value())
                .sorted(OLDEST_FIRST)
                .toList();
    }

    private static String place(JobEvent event) {
        return "%s#%s#%012d".formatted(INSTANT.format(event.occurredAt()), event.job(), event.sequence());
    }

    private synchronized <T> List<T> all(Class<T> type) {
        return records.values().stream()
                .map(Versioned::value)
                .filter(type::isInstance)
                .map(type::cast)
                .toList();
    }

    @Override
    public Optional<Versioned<Job>> findJob(ClusterName cluster, JobName job, Deadline deadline) {
        return find(new JobKey(cluster, job), Job.class, deadline);
    }

    @Override
    public Optional<Versioned<RequestRecord>> findRequest(RequestKey key, Deadline deadline) {
        return find(key, RequestRecord.class, deadline);
    }

    @Override
    public Optional<Versioned<Attempt>> findAttempt(ClusterName cluster, FlinkJobId id, Deadline deadline) {
        return find(new AttemptKey(cluster, id), Attempt.class, deadline);
    }

    @Override
    public synchronized List<Versioned<Attempt>> findAttempts(
            ClusterName cluster, Set<FlinkJobId> ids, Deadline deadline) {
        read(deadline);
        return versioned(Attempt.class)
                .filter(found -> found.value().spec().cluster().equals(cluster)
                        && ids.contains(found.value().id()))
                .toList();
    }

    @Override
    public Optional<Versioned<Operation>> findOperation(OperationId id, Deadline deadline) {
        return find(id, Operation.class, deadline);
    }

    @Override
    public Optional<Versioned<JobReadiness>> findReadiness(
            ClusterName cluster, JobName job, RequestId run, Deadline deadline) {
        return find(new ReadinessKey(cluster, job, run), JobReadiness.class, deadline);
    }

    private synchronized <T> Optional<Versioned<T>> find(Object key, Class<T> type, Deadline deadline) {
        read(deadline);
        return Optional.ofNullable(records.get(key))
                .map(found -> new Versioned<>(type.cast(found.value()), found.version()));
    }

    @Override
    public Optional<Versioned<Savepoint>> findSavepoint(
            ClusterName cluster, JobName job, OperationId operation, Deadline deadline) {
        return find(new SavepointKey(cluster, job, operation), Savepoint.class, deadline);
    }

    @Override
    public synchronized List<Savepoint> savepoints(ClusterName cluster, JobName job, Deadline deadline) {
        read(deadline);
        return savepoints().stream()
                .filter(s -> s.cluster().equals(cluster) && s.job().equals(job))
                .sorted(Comparator.comparing(Savepoint::completedAt)
                        .thenComparing(s -> s.operation().value())
                        .reversed())
                .toList();
    }

    @Override
    public synchronized Page<Job> jobs(ClusterName cluster, int limit, String after, Deadline deadline) {
        checkLimit(limit);
        String name = after == null ? "" : checkToken(after, Pattern.compile("[a-z0-9-]{1,128}"));
        read(deadline);
        List<Job> rest = jobs().stream()
                .filter(job ->
                        job.cluster().equals(cluster) && job.name().value().compareTo(name) > 0)
                .sorted(Comparator.comparing(job -> job.name().value()))
                .toList();
        return page(rest, limit, job -> job, job -> job.name().value());
    }

    @Override
    public synchronized Page<Versioned<Attempt>> livingAttempts(
            ClusterName cluster, int limit, String after, Deadline deadline) {
        return ofJobs(
                versioned(Attempt.class)
                        .filter(found -> found.value().spec().cluster().equals(cluster)
                                && !found.value().state().terminal()),
                found -> found.value().spec().name() + "#" + found.value().id(),
                limit,
                after,
                deadline);
    }

    @Override
    public synchronized Page<Versioned<Operation>> openOperations(
            ClusterName cluster, int limit, String after, Deadline deadline) {
        return ofJobs(
                versioned(Operation.class)
                        .filter(found -> found.value().cluster().equals(cluster)
                                && !found.value().state().terminal()),
                found -> found.value().job() + "#" + found.value().id(),
                limit,
                after,
                deadline);
    }

    private <T> Page<T> ofJobs(
            Stream<T> records, Function<T, String> place, int limit, String after, Deadline deadline) {
        checkLimit(limit);
        String from = after == null ? "" : checkToken(after, Pattern.compile("[a-z0-9-]{1,128}#[0-9a-f]{32}"));
        read(deadline);
        List<T> rest = records.filter(found -> place.apply(found).compareTo(from) > 0)
                .sorted(Comparator.comparing(place))
                .toList();
        return page(rest, limit, found -> found, place);
    }

    private <T> Stream<Versioned<T>> versioned(Class<T> type) {
        return records.values().stream()
                .filter(found -> type.isInstance(found.value()))
                .map(found -> new Versioned<>(type.cast(found.value()), found.version()));
    }

    @Override
    public synchronized Page<HistoryEntry> history(
            ClusterName cluster, JobName job, int limit, String after, Deadline deadline) {
        checkLimit(limit);
        String place = after == null ? "~" : checkToken(after, PLACE);
        read(deadline);
        List<Line> rest = linesOf(cluster, job).stream()
                .filter(line -> line.place().compareTo(place) < 0)
                .toList();
        return page(rest, limit, Line::entry, Line::place);
    }

    @Override
    public synchronized Page<JobEvent> events(
            ClusterName cluster, JobName job, long afterSequence, int limit, Deadline deadline) {
        checkLimit(limit);
        read(deadline);
        List<JobEvent> rest = events().stream()
                .filter(event -> event.cluster().equals(cluster) && event.job().equals(job))
                .filter(event -> event.sequence() > afterSequence)
                .sorted(Comparator.comparingLong(JobEvent::sequence))
                .toList();
        return page(rest, limit, event -> event, event -> "%012d".formatted(event.sequence()));
    }

    @Override
    public synchronized Page<JobEvent> pendingEvents(ClusterName cluster, int limit, String after, Deadline deadline) {
        checkLimit(limit);
        String place = after == null ? "" : checkToken(after, PENDING);
        read(deadline);
        List<JobEvent> rest = pendingEvents().stream()
                .filter(event -> event.cluster().equals(cluster) && place(event).compareTo(place) > 0)
                .toList();
        return page(rest, limit, event -> event, FakeJobLedger::place);
    }

    @Override
    public synchronized void published(List<JobEvent> events, Deadline deadline) {
        for (JobEvent event : events) {
            read(deadline);
            records.remove(new PendingKey(EventKey.of(event)));
        }
    }

    private List<Line> linesOf(ClusterName cluster, JobName job) {
        return lines.stream()
                .filter(line -> line.entry().cluster().equals(cluster)
                        && line.entry().job().equals(job))
                .sorted(NEWEST_FIRST)
                .toList();
    }

    private static <T, R> Page<R> page(List<T> rest, int limit, Function<T, R> item, Function<T, String> place) {
        List<T> page = rest.stream().limit(limit).toList();
        return new Page<>(
                page.stream().map(item).toList(), rest.size() > page.size() ? place.apply(page.getLast()) : null);
    }

    private static void checkLimit(int limit) {
        if (limit < 1 || limit > 1000) {
            throw new IllegalArgumentException("A page has 1 to 1,000 items, not " + limit + ".");
        }
    }

    private static String checkToken(String after, Pattern form) {
        if (!form.matcher(after).matches()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "The page token %s is none that the page before gave.".formatted(Quoted.of(after)));
        }
        return after;
    }

    private void read(Deadline deadline) {
        checkTime(deadline);
        reads++;
        if (readsFailAfter-- == 0) {
            throw new RefusedException(ErrorCode.LEDGER_UNAVAILABLE, "The ledger gave no answer.");
        }
    }

    private static void checkTime(Deadline deadline) {
        if (deadline.remaining().isZero()) {
            throw new RefusedException(
                    ErrorCode.LEDGER_UNAVAILABLE, "The time of this call was up before the ledger could be asked.");
        }
    }

    @Override
    public void commit(List<LedgerChange> changes, Deadline deadline) throws LedgerConflictException {
        List<Write> writes = writes(changes);
        checkTime(deadline);
        takeInterloper().run();
        commit(writes);
        takeFollower().run();
    }

    private synchronized Runnable takeFollower() {
        Runnable act = afterNextCommit;
        afterNextCommit = () -> {};
        return act;
    }

    private synchronized Runnable takeInterloper() {
        Runnable act = beforeNextCommit;
        beforeNextCommit = () -> {};
        return act;
    }

    private synchronized void commit(List<Write> writes) throws LedgerConflictException {
        Fault fault = nextFault;
        nextFault = Fault.NONE;
        if (fault != Fault.CALL_LOST) {
            for (Write write : writes) {
                Versioned<Object> before = records.get(write.key());
                if (!careless && write.version() != (before == null ? LedgerChange.ABSENT : before.version())) {
                    throw new LedgerConflictException("A record was changed by somebody else.");
                }
            }
            writes.forEach(this::write);
            commits++;
        }
        if (fault != Fault.NONE) {
            throw new RefusedException(ErrorCode.LEDGER_UNAVAILABLE, "The ledger gave no answer.");
        }
    }

    private void write(Write write) {
        if (write.value() instanceof HistoryEntry entry) {
            String place = "%s#%09d".formatted(INSTANT.format(entry.at()), lines.size());
            lines.add(new Line(entry, place));
        } else if (write.value() == Gone.GONE) {
            records.remove(write.key());
        } else {
            records.put(write.key(), new Versioned<>(write.value(), write.version() + 1));
        }
    }

    private static List<Write> writes(List<LedgerChange> changes) {
        List<Write> writes = new ArrayList<>();
        Set<Object> keys = new HashSet<>();
        for (LedgerChange change : changes) {
            Write write = switch (change) {
                case PutJob(Job job, long version) -> new Write(new JobKey(job.cluster(), job.name()), version, job);
                case PutRequest(RequestRecord request, long version) -> new Write(request.key(), version, request);
                case PutAttempt(Attempt attempt, long version) ->
                    new Write(new AttemptKey(attempt.spec().cluster(), attempt.id()), version, attempt);
                case PutOperation(Operation operation, long version) -> new Write(operation.id(), version, operation);
                case PutReadiness(JobReadiness readiness, long version) ->
                    new Write(
                            new ReadinessKey(readiness.cluster(), readiness.job(), readiness.run()),
                            version,
                            readiness);
                case AddSavepoint(Savepoint savepoint) ->
                    new Write(SavepointKey.of(savepoint), LedgerChange.ABSENT, savepoint);
                case PutSavepoint(Savepoint savepoint, long version) ->
                    new Write(SavepointKey.of(savepoint), version, savepoint);
                case RemoveSavepoint(Savepoint savepoint, long version) ->
                    new Write(SavepointKey.of(savepoint), version, Gone.GONE);
                case AddHistory(HistoryEntry entry) ->
                    new Write(new HistoryKey(writes.size()), LedgerChange.ABSENT, Objects.requireNonNull(entry));
                case AddEvent(JobEvent event, boolean _) -> new Write(EventKey.of(event), LedgerChange.ABSENT, event);
            };
            if (change instanceof AddEvent(JobEvent event, boolean pending) && pending) {
                writes.add(new Write(new PendingKey(EventKey.of(event)), LedgerChange.ABSENT, event));
            }
            if (!keys.add(write.key())) {
                throw new IllegalArgumentException("Two changes of one commit are of the same record.");
            }
            writes.add(write);
        }
        if (changes.isEmpty() || changes.size() > 20) {
            throw new IllegalArgumentException("A commit makes 1 to 20 changes, not " + changes.size() + ".");
        }
        return List.copyOf(writes);
    }
}
