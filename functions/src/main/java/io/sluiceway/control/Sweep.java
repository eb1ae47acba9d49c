package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.control.ClusterMonitored.Moved;
import io.sluiceway.control.ClusterMonitored.Problem;
import io.sluiceway.control.Looks.Look;
import io.sluiceway.control.Looks.Turn;
import io.sluiceway.control.RetainSavepoints.Retained;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.health.Health;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Policies;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Page;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.metrics.Measurement;
import io.sluiceway.metrics.Measurement.Unit;
import io.sluiceway.metrics.Measurement.Value;
import io.sluiceway.metrics.MetricsSink;
import io.sluiceway.operation.Operation;
import io.sluiceway.time.Deadline;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One sweep over one cluster; used once.
 *
 * <p>The cluster's list of jobs is read first, then what hasn't ended by the ledger's word. Of most jobs that is all:
 * the list shows them as they were when they were looked at. The others are taken on, some of them at once: their open
 * operations are taken forward, their attempts are looked at, and what their policies ask for is done.
 */
final class Sweep {
    private static final int A_PAGE = 1000;
    private static final int ATTEMPTS_A_READ = 100;

    /** How long one step may take at least, if the call has the time: a job that hangs isn't to hold up the others. */
    private static final Duration STEP = Duration.ofSeconds(6);

    /** What part of the cluster's share is kept for restarts when there is one to look at. */
    private static final int SHARE_OF_RESTARTS = 4;

    /** With less than this no step is begun: what a post needs, which keeps some back to settle a lost answer. */
    private static final Duration LEAST_STEP =
            SubmitJob.SETTLING_RESERVE.plus(SubmitJob.LEAST_TIME_TO_POST).plusMillis(500);

    /** The time was up in the middle of a job. */
    private static final class TimeUpException extends Exception {
        private static final long serialVersionUID = 1;
    }

    /**
     * A job, and what is open of it.
     *
     * @param record its record
     * @param operations those that hadn't ended, by the ledger's word
     * @param attempts likewise, and those that had and that the cluster shows, or that are a STREAM's newest
     */
    private record Known(Job record, List<Operation> operations, List<Versioned<Attempt>> attempts) {
        JobName name() {
            return record.name();
        }

        /** Whether it is the attempt that stands for the job: the one that lives, or else the newest. */
        boolean isCurrent(Attempt attempt) {
            return attempt.id().equals(record.active() == null ? record.last() : record.active());
        }

        /** The living attempt that its record names, if it wasn't found. */
        Optional<FlinkJobId> missing() {
            return Optional.ofNullable(record.active())
                    .filter(active -> attempts.stream()
                            .noneMatch(attempt -> attempt.value().id().equals(active)));
        }

        /** Whether it is the attempt that its job's policies are about. */
        boolean isKept(Attempt attempt) {
            return record.kind() == JobKind.STREAM && isCurrent(attempt);
        }

        /** Whether it is told when the data of this attempt is ready. */
        boolean tellsDataReady(Attempt attempt) {
            return attempt.spec().policies().dataReady() != null
                    && (isCurrent(attempt) || record.kind() == JobKind.RUN);
        }
    }

    /** What was found of jobs and done about them, by one thread. */
    private static final class Tally {
        private final Map<Health.State, Integer> health = new EnumMap<>(Health.State.class);
        private final Map<FlinkJobId, Look> looks = new HashMap<>();
        private final List<Measurement> measurements = new ArrayList<>();
        private final List<Attempt> toRestart = new ArrayList<>();
        private final List<Problem> problems = new ArrayList<>();
        private int looked;
        private int unknown;
        private int open;
        private int advanced;
        private int completed;
        private int failed;
        private int abandoned;

        private void add(Tally other) {
            other.health.forEach((state, count) -> health.merge(state, count, Integer::sum));
            looks.putAll(other.looks);
            measurements.addAll(other.measurements);
            toRestart.addAll(other.toRestart);
            problems.addAll(other.problems);
            looked += other.looked;
            unknown += other.unknown;
            open += other.open;
            advanced += other.advanced;
            completed += other.completed;
            failed += other.failed;
            abandoned += other.abandoned;
        }

        private void count(Health.State state) {
            health.merge(state, 1, Integer::sum);
        }

        private void count(Operation before, Operation after) {
            switch (after.state()) {
                case PENDING, IN_PROGRESS -> {
                    open++;
                    advanced += after.equals(before) ? 0 : 1;
                }
                case COMPLETED -> completed++;
                case FAILED -> failed++;
                case ABANDONED -> abandoned++;
            }
        }
    }

    private final Ports ports;
    private final JobLedger ledger;
    private final ObserveJob observeJob;
    private final MetricsSink metrics;
    private final Jars jars;
    private final Looks looks;
    private final FlinkCluster cluster;
    private final int atOnce;
    private final Deadline until;
    private final Deadline deadline;
    private final Clock clock;
    private final Instant begin;
    private final RetainSavepoints retention;

    private final Map<FlinkJobId, JobOverview> shown = new LinkedHashMap<>();
    /** The newest attempts of STREAMs that have ended, that aren't read because nothing is due. */
    private final Set<FlinkJobId> atRest = new HashSet<>();

    private final Map<JobState, Integer> states = new EnumMap<>(JobState.class);
    private final Tally tally = new Tally();
    private boolean reachable;
    private int unmanaged;

    /**
     * A sweep to be run.
     *
     * @param looks what sweeps before saw
     * @param atOnce how many jobs are taken on at once
     * @param until no job is begun after this
     * @param deadline when the call has to have answered
     */
    Sweep(
            Ports ports,
            MetricsSink metrics,
            Jars jars,
            Looks looks,
            FlinkCluster cluster,
            int atOnce,
            Deadline until,
            Deadline deadline) {
        this.ports = ports;
        this.ledger = ports.ledger();
        this.observeJob = new ObserveJob(ports);
        this.metrics = metrics;
        this.jars = jars;
        this.looks = looks;
        this.cluster = cluster;
        this.atOnce = atOnce;
        this.until = until;
        this.deadline = deadline;
        this.clock = deadline.clock();
        this.begin = clock.instant();
        this.retention = new RetainSavepoints(ports, cluster);
    }

    ClusterMonitored run() {
        List<Job> jobs = List.of();
        try {
            askCluster();
        } catch (RefusedException e) {
            tally.problems.add(new Problem(null, null, null, e));
        }
        try {
            if (reachable) {
                // The jobs last: each attempt and operation that is found then has its job.
                Map<FlinkJobId, Versioned<Attempt>> attempts = livingAttempts();
                List<Versioned<Operation>> operations =
                        all((limit, after) -> ledger.openOperations(cluster.name(), limit, after, deadline));
                jobs = jobs();
                tellApart(jobs, attempts);
                sweep(known(jobs, attempts, operations));
                restart();
            } else {
                jobs = jobs();
            }
        } catch (RefusedException e) {
            tally.problems.add(new Problem(null, null, null, e));
        } catch (TimeUpException _) {
            // What wasn't looked at is counted below.
        }
        tally.measurements.forEach(metrics::publish);
        return new ClusterMonitored(
                cluster.name(),
                reachable,
                states,
                tally.health,
                tally.unknown,
                unmanaged,
                tally.looked,
                jobs.size() - tally.looked,
                new Moved(tally.open, tally.advanced, tally.completed, tally.failed, tally.abandoned),
                tally.problems);
    }

    private void askCluster() {
        cluster.listJobs(until).forEach(job -> shown.put(job.id(), job));
        reachable = true;
    }

    private Map<FlinkJobId, Versioned<Attempt>> livingAttempts() {
        Map<FlinkJobId, Versioned<Attempt>> living = new LinkedHashMap<>();
        for (Versioned<Attempt> attempt :
                all((limit, after) -> ledger.livingAttempts(cluster.name(), limit, after, deadline))) {
            living.put(attempt.value().id(), attempt);
        }
        return living;
    }

    private List<Job> jobs() {
        return all((limit, after) -> ledger.jobs(cluster.name(), limit, after, deadline));
    }

    /** A question for one page of a list. */
    private interface Pages<T> {
        Page<T> page(int limit, @Nullable String after);
    }

    private static <T> List<T> all(Pages<T> pages) {
        List<T> all = new ArrayList<>();
        String after = null;
        do {
            Page<T> page = pages.page(A_PAGE, after);
            all.addAll(page.items());
            after = page.next();
        } while (after != null);
        return all;
    }

    /**
     * Finds out whose the jobs are that the cluster shows, and adds the attempts of ours that weren't known to live,
     * and the newest of each STREAM that has its turn, which can be one to start again. For those that no job's record
     * names there is half of the time, lest many jobs of other people leave none for ours.
     */
    private void tellApart(List<Job> jobs, Map<FlinkJobId, Versioned<Attempt>> attempts) throws TimeUpException {
        Set<FlinkJobId> named = new LinkedHashSet<>();
        for (Job job : jobs) {
            if (job.active() != null) {
                named.add(job.active());
            }
            if (job.last() != null && shown.containsKey(job.last())) {
                named.add(job.last());
            } else if (job.last() != null && job.kind() == JobKind.STREAM && job.active() == null) {
                (looks.turn(cluster.name(), job.last(), begin) == Turn.LATER ? atRest : named).add(job.last());
            }
        }
        for (Set<FlinkJobId> part : parts(without(attempts.keySet(), named))) {
            read(part, attempts);
        }

        Set<FlinkJobId> theirs = new HashSet<>();
        Deadline half = Deadline.in(until.remaining().dividedBy(2), clock);
        Set<FlinkJobId> ours = new HashSet<>(named);
        ours.addAll(attempts.keySet());
        for (Set<FlinkJobId> part : parts(MonitorJobs.inTurn(without(ours, shown.keySet()), begin))) {
            if (half.remaining().isZero()) {
                break;
            }
            read(part, attempts);
            theirs.addAll(without(attempts.keySet(), part));
        }
        for (JobOverview job : shown.values()) {
            if (attempts.containsKey(job.id()) || named.contains(job.id())) {
                states.merge(job.state(), 1, Integer::sum);
            } else if (theirs.contains(job.id()) && !job.state().terminal()) {
                unmanaged++;
            }
        }
    }

    private static List<FlinkJobId> without(Set<FlinkJobId> known, Set<FlinkJobId> ids) {
        return ids.stream().filter(id -> !known.contains(id)).toList();
    }

    private static List<Set<FlinkJobId>> parts(List<FlinkJobId> ids) {
        List<Set<FlinkJobId>> parts = new ArrayList<>();
        for (int from = 0; from < ids.size(); from += ATTEMPTS_A_READ) {
            parts.add(new LinkedHashSet<>(ids.subList(from, Math.min(from + ATTEMPTS_A_READ, ids.size()))));
        }
        return parts;
    }

    private void read(Set<FlinkJobId> ids, Map<FlinkJobId, Versioned<Attempt>> into) throws TimeUpException {
        for (Versioned<Attempt> attempt : ledger.findAttempts(cluster.name(), ids, step())) {
            into.put(attempt.value().id(), attempt);
        }
    }

    private static List<Known> known(
            List<Job> jobs, Map<FlinkJobId, Versioned<Attempt>> attempts, List<Versioned<Operation>> operations) {
        SequencedMap<JobName, Known> known = new LinkedHashMap<>();
        for (Job job : jobs) {
            known.put(job.name(), new Known(job, new ArrayList<>(), new ArrayList<>()));
        }
        for (Versioned<Attempt> attempt : attempts.values()) {
            Known job = known.get(attempt.value().spec().name());
            if (job != null) {
                job.attempts().add(attempt);
            }
        }
        for (Versioned<Operation> operation : operations) {
            Known job = known.get(operation.value().job());
            if (job != null) {
                job.operations().add(operation.value());
            }
        }
        return List.copyOf(known.values());
    }

    private void sweep(List<Known> jobs) {
        Queue<Known> now = new ConcurrentLinkedQueue<>();
        Queue<Known> inTheRound = new ConcurrentLinkedQueue<>();
        Set<FlinkJobId> remembered = new HashSet<>(atRest);
        for (Known job : MonitorJobs.inTurn(jobs, begin)) {
            job.attempts().forEach(attempt -> remembered.add(attempt.value().id()));
            switch (turn(job)) {
                case NOW -> now.add(job);
                case IN_THE_ROUND -> inTheRound.add(job);
                case LATER -> countAsItWas(job);
            }
        }
        Duration forRestarts = jobs.stream().anyMatch(Sweep::hasToRestart)
                ? until.remaining().dividedBy(SHARE_OF_RESTARTS)
                : Duration.ZERO;
        takeOn(now, forRestarts);
        takeOn(inTheRound, forRestarts);
        looks.remember(cluster.name(), tally.looks, remembered);
    }

    private static boolean hasToRestart(Known job) {
        return job.attempts().stream().map(Versioned::value).anyMatch(attempt -> isToRestart(job, attempt));
    }

    private static boolean isToRestart(Known job, Attempt attempt) {
        return job.isCurrent(attempt) && job.record().upgrade() == null && RestartJobs.concerns(attempt);
    }

    /** When a job has its turn to be taken on. */
    private Turn turn(Known job) {
        if (!job.operations().isEmpty() || job.missing().isPresent()) {
            return Turn.NOW;
        }
        Turn most = Turn.LATER;
        for (Versioned<Attempt> attempt : job.attempts()) {
            Turn turn = hasDataToTell(job, attempt.value()) ? Turn.NOW : turn(job, attempt.value());
            most = turn.compareTo(most) > 0 ? turn : most;
        }
        return most;
    }

    /** When an attempt has its turn to be looked at. */
    private Turn turn(Known job, Attempt attempt) {
        if (isToRestart(job, attempt)) {
            return Turn.NOW;
        }
        if (!isObserved(attempt)) {
            return job.isKept(attempt) ? looks.turn(cluster.name(), attempt.id(), begin) : Turn.LATER;
        }
        JobOverview there = shown.get(attempt.id());
        return attempt.state() != AttemptState.SUBMITTED || there == null || isWatched(attempt)
                ? Turn.NOW
                : looks.turn(cluster.name(), there, begin);
    }

    /** Whether the ledger's word on an attempt can be another than the cluster's. */
    private boolean isObserved(Attempt attempt) {
        JobOverview there = shown.get(attempt.id());
        return switch (attempt.state()) {
            case PREPARING, POSTING, SUBMITTED -> true;
            case UNKNOWN -> there != null;
            // One that was given up before it was seen, and lives, is one too many.
            case FINISHED, FAILED, CANCELED, REFUSED ->
                attempt.submittedAt() == null && there != null && !there.state().terminal();
        };
    }

    /** Whether a job is looked at in each sweep, because there is something to come or the list wouldn't show it. */
    private static boolean isWatched(Attempt attempt) {
        return attempt.runningAt() == null
                || attempt.unhealthySince() != null
                || attempt.spec().policies().healthOrDefault().asksForFlow();
    }

    private boolean hasDataToTell(Known job, Attempt attempt) {
        DataReadyPolicy policy = attempt.spec().policies().dataReady();
        if (policy == null || !job.tellsDataReady(attempt)) {
            return false;
        }
        return switch (attempt.state()) {
            case SUBMITTED -> true;
            case FINISHED -> policy.end() != null && shown.containsKey(attempt.id());
            case PREPARING, POSTING, UNKNOWN, FAILED, CANCELED, REFUSED -> false;
        };
    }

    private void countAsItWas(Known job) {
        for (Versioned<Attempt> attempt : job.attempts()) {
            countHealthAsItWas(attempt.value(), tally);
            if (job.isCurrent(attempt.value()) && attempt.value().state() == AttemptState.UNKNOWN) {
                tally.unknown++;
            }
        }
        tally.looked++;
    }

    private void countHealthAsItWas(Attempt attempt, Tally found) {
        if (attempt.state() == AttemptState.SUBMITTED) {
            looks.last(cluster.name(), attempt.id()).ifPresent(look -> found.count(look.health()));
        }
    }

    /**
     * Takes jobs on, some at once, until there are no more or the time is up.
     *
     * @param reserve how much of the time is left when none is begun any more
     */
    private void takeOn(Queue<Known> jobs, Duration reserve) {
        int workers = Math.min(atOnce, jobs.size());
        if (workers < 2) {
            tally.add(work(jobs, reserve));
            return;
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Tally>> found = new ArrayList<>();
            for (int i = 0; i < workers; i++) {
                found.add(threads.submit(() -> work(jobs, reserve)));
            }
            for (Future<Tally> some : found) {
                tally.add(some.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RefusedException(ErrorCode.INTERNAL_ERROR, "The sweep was interrupted.", e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException thrown -> throw thrown;
                case Error error -> throw error;
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }

    private Tally work(Queue<Known> jobs, Duration reserve) {
        Tally found = new Tally();
        while (until.remaining().compareTo(reserve) > 0) {
            Known job = jobs.poll();
            if (job == null) {
                return found;
            }
            try {
                takeOn(job, found);
            } catch (TimeUpException _) {
                return found;
            } catch (RuntimeException e) {
                found.problems.add(new Problem(job.name(), null, null, refusal(e)));
            }
            found.looked++;
        }
        return found;
    }

    private void takeOn(Known job, Tally found) throws TimeUpException {
        if (job.missing().isPresent()) {
            // It is there when it was begun just now.
            new Attempts(ports, cluster, step()).require(job.missing().get());
        }
        List<Operation> stillOpen = advance(job, found);
        for (Versioned<Attempt> attempt : job.attempts()) {
            look(job, attempt, stillOpen, found);
        }
    }

    /**
     * Takes open operations forward, each as it was before any of them was.
     *
     * @return those that still are open
     */
    private List<Operation> advance(Known job, Tally found) throws TimeUpException {
        List<Operation> stillOpen = new ArrayList<>();
        for (Operation operation : job.operations()) {
            Deadline step = step();
            try {
                Operation after = Conflicts.retry(step, () -> advance(operation, step));
                found.count(operation, after);
                if (!after.state().terminal()) {
                    stillOpen.add(after);
                }
            } catch (RuntimeException e) {
                found.open++;
                stillOpen.add(operation);
                found.problems.add(new Problem(job.name(), operation.attempt(), operation.id(), refusal(e)));
            }
        }
        return stillOpen;
    }

    private Operation advance(Operation operation, Deadline step) throws LedgerConflictException {
        Operations operations = new Operations(ports, cluster, step);
        return operation.type().goesInSteps()
                ? new UpgradeJob(ports, jars).advance(operations.require(operation.id()), cluster, step)
                : operations.advance(operation.id());
    }

    private void look(Known job, Versioned<Attempt> known, List<Operation> stillOpen, Tally found)
            throws TimeUpException {
        Attempt now = known.value();
        if (turn(job, now) == Turn.LATER) {
            countHealthAsItWas(now, found);
        } else if (isObserved(now)) {
            now = observe(job, known, stillOpen, found);
        } else {
            Instant due = job.isKept(now) ? keep(job, now, null, stillOpen, found) : null;
            found.looks.put(now.id(), Look.atEnded(begin, due));
        }
        if (job.isCurrent(now) && now.state() == AttemptState.UNKNOWN) {
            found.unknown++;
        }
        if (isToRestart(job, now)) {
            found.toRestart.add(now);
            found.looks.put(now.id(), Look.atEnded(begin, begin));
        }
        if (job.tellsDataReady(now)) {
            tellDataReady(now, found);
        }
    }

    /** @return the attempt as it was found */
    private Attempt observe(Known job, Versioned<Attempt> known, List<Operation> stillOpen, Tally found)
            throws TimeUpException {
        Attempt now = known.value();
        Deadline step = step();
        JobObserved seen;
        try {
            // What its operations have changed isn't in the copy.
            seen = job.operations().isEmpty() && now.state() == AttemptState.SUBMITTED
                    ? observeJob.observeUnmeasured(known, cluster, step)
                    : observeJob.observeUnmeasured(new Target(cluster.name(), null, now.id()), step);
        } catch (RuntimeException e) {
            found.problems.add(new Problem(job.name(), now.id(), null, refusal(e)));
            return now;
        }
        now = seen.attempt() == null ? now : seen.attempt();
        Instant due = job.isKept(now) ? keep(job, now, seen.status(), stillOpen, found) : null;
        JobOverview listed = shown.get(now.id());
        seen.health().ifPresent(judged -> {
            found.count(judged.state());
            if (listed != null) {
                found.looks.put(listed.id(), new Look(begin, listed, judged.state(), due));
            }
        });
        return now;
    }

    private void tellDataReady(Attempt attempt, Tally found) throws TimeUpException {
        Deadline step = step();
        try {
            new DataReadiness(ports, cluster, step).look(attempt);
        } catch (RuntimeException e) {
            found.problems.add(new Problem(attempt.spec().name(), attempt.id(), null, refusal(e)));
        }
    }

    /**
     * What is done about a STREAM beside looking at it. A RUN has no such policies; and RUNs come and go, under ever
     * new names, and each would be a metric to be paid for.
     *
     * @return when there is something to do again, if that can be before the attempt's next turn
     */
    private @Nullable Instant keep(
            Known job, Attempt attempt, @Nullable JobStatus status, List<Operation> stillOpen, Tally found)
            throws TimeUpException {
        Policies policies = attempt.spec().policies();
        JobStatus living = status == null || status.overview().state().terminal() ? null : status;
        if (living == null && policies.retention() == null) {
            return null;
        }
        Deadline step = step();
        try {
            List<Instant> due = new ArrayList<>();
            List<Savepoint> savepoints = ledger.savepoints(cluster.name(), job.name(), step);
            if (living != null) {
                measure(job, living, savepoints, found);
            }
            if (policies.savepoints() != null && living != null) {
                PeriodicSavepoints periodic = new PeriodicSavepoints(attempt, policies.savepoints(), savepoints);
                if (living.overview().state() == JobState.RUNNING
                        && attempt.state() == AttemptState.SUBMITTED
                        && stillOpen.isEmpty()) {
                    periodic.take(ports, step).ifPresent(operation -> found.count(operation, operation));
                    periodic.next(begin).ifPresent(due::add);
                } else {
                    due.add(begin);
                }
            }
            Retained retained = retention.retain(job.name(), policies.retention(), savepoints, stillOpen, step);
            found.problems.addAll(retained.problems());
            if (retained.again() != null) {
                due.add(retained.again());
            }
            return due.stream().min(Comparator.naturalOrder()).orElse(null);
        } catch (RuntimeException e) {
            found.problems.add(new Problem(job.name(), attempt.id(), null, refusal(e)));
            return begin;
        }
    }

    /** Behind all else, since to bring a jar and to run its program takes its time. */
    private void restart() throws TimeUpException {
        for (Attempt attempt : tally.toRestart) {
            Deadline step = step();
            try {
                new RestartJobs(ports, jars, cluster, step).restart(attempt);
            } catch (RuntimeException e) {
                tally.problems.add(new Problem(attempt.spec().name(), attempt.id(), null, refusal(e)));
            }
        }
    }

    private void measure(Known job, JobStatus status, List<Savepoint> savepoints, Tally found) {
        Instant now = clock.instant();
        List<Value> values = new ArrayList<>();
        status.restarts().told().ifPresent(restarts -> values.add(new Value("Restarts", Unit.COUNT, restarts)));
        status.checkpoints()
                .last()
                .told()
                .ifPresent(last -> values.add(age("LastCheckpointAge", last.completedAt(), now)));
        savepoints.stream()
                .map(Savepoint::completedAt)
                .findFirst()
                .ifPresent(at -> values.add(age("LastSavepointAge", at, now)));
        if (!values.isEmpty()) {
            SequencedMap<String, String> dimensions = new LinkedHashMap<>();
            dimensions.put("cluster", cluster.name().value());
            dimensions.put("job", job.name().value());
            found.measurements.add(new Measurement(now, dimensions, values));
        }
    }

    /** At least 0: clocks differ. */
    private static Value age(String metric, Instant at, Instant now) {
        return new Value(
                metric,
                Unit.SECONDS,
                Math.max(
                        0,
                        Duration.between(at, now).toMillis()
                                / (double) Duration.ofSeconds(1).toMillis()));
    }

    /** The time of the next step: what is left of the cluster's share, or a little of the call's. */
    private Deadline step() throws TimeUpException {
        if (deadline.remaining().compareTo(LEAST_STEP) < 0) {
            throw new TimeUpException();
        }
        Instant least = clock.instant().plus(STEP);
        Instant at = until.at().isAfter(least) ? until.at() : least;
        return at.isAfter(deadline.at()) ? deadline : new Deadline(at, clock);
    }

    /** What a job's step failed with; a defect, too, is told and doesn't end the sweep. */
    private static RefusedException refusal(RuntimeException failure) {
        return failure instanceof RefusedException refused
                ? refused
                : new RefusedException(
                        ErrorCode.INTERNAL_ERROR,
                        "The job's sweep failed: %s."
                                .formatted(failure.getClass().getSimpleName()),
                        failure);
    }
}
