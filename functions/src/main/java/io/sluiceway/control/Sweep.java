package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.control.ClusterMonitored.Moved;
import io.sluiceway.control.ClusterMonitored.Problem;
import io.sluiceway.control.Looks.Look;
import io.sluiceway.control.Looks.Turn;
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
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
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
 * operations are taken forward, their attempts are looked at.
 */
final class Sweep {
    private static final int A_PAGE = 1000;
    private static final int ATTEMPTS_A_READ = 100;

    /** How long one step may take at least, if the call has the time: a job that hangs isn't to hold up the others. */
    private static final Duration STEP = Duration.ofSeconds(6);

    /** With less than this no step is begun: a trigger keeps it back for settling a lost answer, and needs some. */
    private static final Duration LEAST_STEP = SubmitJob.SETTLING_RESERVE.plusMillis(500);

    /** The time was up in the middle of a job. */
    private static final class TimeUpException extends Exception {
        private static final long serialVersionUID = 1;
    }

    /**
     * A job, and what is open of it.
     *
     * @param record its record
     * @param operations those that hadn't ended, by the ledger's word
     * @param attempts likewise, and those that had and that the cluster shows
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
    private final Looks looks;
    private final FlinkCluster cluster;
    private final int atOnce;
    private final Deadline until;
    private final Deadline deadline;
    private final Clock clock;
    private final Instant begin;

    private final Map<FlinkJobId, JobOverview> shown = new LinkedHashMap<>();
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
            Looks looks,
            FlinkCluster cluster,
            int atOnce,
            Deadline until,
            Deadline deadline) {
        this.ports = ports;
        this.ledger = ports.ledger();
        this.observeJob = new ObserveJob(ports);
        this.metrics = metrics;
        this.looks = looks;
        this.cluster = cluster;
        this.atOnce = atOnce;
        this.until = until;
        this.deadline = deadline;
        this.clock = deadline.clock();
        this.begin = clock.instant();
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
     * Finds out whose the jobs are that the cluster shows, and adds the attempts of ours that weren't known to live.
     * For those that no job's record names there is half of the time, lest many jobs of other people leave none for
     * ours.
     */
    private void tellApart(List<Job> jobs, Map<FlinkJobId, Versioned<Attempt>> attempts) throws TimeUpException {
        Set<FlinkJobId> named = new LinkedHashSet<>();
        Set<FlinkJobId> active = new LinkedHashSet<>();
        for (Job job : jobs) {
            if (job.active() != null) {
                active.add(job.active());
            }
            if (job.last() != null) {
                named.add(job.last());
            }
        }
        named.retainAll(shown.keySet());
        named.addAll(active);
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
        Set<FlinkJobId> living = new HashSet<>();
        for (Known job : MonitorJobs.inTurn(jobs, begin)) {
            job.attempts().forEach(attempt -> living.add(attempt.value().id()));
            switch (turn(job)) {
                case NOW -> now.add(job);
                case IN_THE_ROUND -> inTheRound.add(job);
                case LATER -> countAsItWas(job);
            }
        }
        takeOn(now);
        takeOn(inTheRound);
        looks.remember(cluster.name(), tally.looks, living);
    }

    /** When a job has its turn to be taken on. */
    private Turn turn(Known job) {
        if (!job.operations().isEmpty() || job.missing().isPresent()) {
            return Turn.NOW;
        }
        Turn most = Turn.LATER;
        for (Versioned<Attempt> attempt : job.attempts()) {
            Turn turn = hasDataToTell(job, attempt.value()) ? Turn.NOW : turn(attempt.value());
            most = turn.compareTo(most) > 0 ? turn : most;
        }
        return most;
    }

    /** When an attempt has its turn to be looked at: never, if the ledger's word on it is the last. */
    private Turn turn(Attempt attempt) {
        JobOverview there = shown.get(attempt.id());
        return switch (attempt.state()) {
            case PREPARING, POSTING -> Turn.NOW;
            case SUBMITTED -> there == null || isWatched(attempt) ? Turn.NOW : looks.turn(cluster.name(), there, begin);
            case UNKNOWN -> there == null ? Turn.LATER : Turn.NOW;
            // One that was given up before it was seen, and lives, is one too many.
            case FINISHED, FAILED, CANCELED, REFUSED ->
                attempt.submittedAt() == null && there != null && !there.state().terminal() ? Turn.NOW : Turn.LATER;
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

    /** Takes jobs on, some at once, until there are no more or the time is up. */
    private void takeOn(Queue<Known> jobs) {
        int workers = Math.min(atOnce, jobs.size());
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Tally>> found = new ArrayList<>();
            for (int i = 0; i < workers; i++) {
                found.add(threads.submit(() -> work(jobs)));
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

    private Tally work(Queue<Known> jobs) {
        Tally found = new Tally();
        while (!until.remaining().isZero()) {
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
        advance(job, found);
        for (Versioned<Attempt> attempt : job.attempts()) {
            look(job, attempt, found);
        }
    }

    /** Takes open operations forward, each as it was before any of them was. */
    private void advance(Known job, Tally found) throws TimeUpException {
        for (Operation operation : job.operations()) {
            Deadline step = step();
            try {
                found.count(
                        operation,
                        Conflicts.retry(step, () -> new Operations(ports, cluster, step).advance(operation.id())));
            } catch (RuntimeException e) {
                found.open++;
                found.problems.add(new Problem(job.name(), operation.attempt(), operation.id(), refusal(e)));
            }
        }
    }

    private void look(Known job, Versioned<Attempt> known, Tally found) throws TimeUpException {
        Attempt now = known.value();
        if (turn(now) == Turn.LATER) {
            countHealthAsItWas(now, found);
        } else {
            Deadline step = step();
            try {
                // What its operations have changed isn't in the copy.
                JobObserved seen = job.operations().isEmpty() && now.state() == AttemptState.SUBMITTED
                        ? observeJob.observeUnmeasured(known, cluster, step)
                        : observeJob.observeUnmeasured(new Target(cluster.name(), null, now.id()), step);
                now = seen.attempt() == null ? now : seen.attempt();
                remember(seen, found);
                if (job.isCurrent(now) && job.record().kind() == JobKind.STREAM) {
                    measure(job, seen.status(), found, step);
                }
            } catch (RuntimeException e) {
                found.problems.add(new Problem(job.name(), now.id(), null, refusal(e)));
            }
        }
        if (job.isCurrent(now) && now.state() == AttemptState.UNKNOWN) {
            found.unknown++;
        }
        if (job.tellsDataReady(now)) {
            tellDataReady(now, found);
        }
    }

    private void remember(JobObserved seen, Tally found) {
        seen.health().ifPresent(judged -> {
            found.count(judged.state());
            JobOverview listed =
                    seen.attempt() == null ? null : shown.get(seen.attempt().id());
            if (listed != null) {
                found.looks.put(listed.id(), new Look(begin, listed, judged.state()));
            }
        });
    }

    private void tellDataReady(Attempt attempt, Tally found) throws TimeUpException {
        Deadline step = step();
        try {
            new DataReadiness(ports, cluster, step).look(attempt);
        } catch (RuntimeException e) {
            found.problems.add(new Problem(attempt.spec().name(), attempt.id(), null, refusal(e)));
        }
    }

    /** Only of a STREAM: RUNs come and go, under ever new names, and each would be a metric to be paid for. */
    private void measure(Known job, @Nullable JobStatus status, Tally found, Deadline step) {
        if (status == null || status.overview().state().terminal()) {
            return;
        }
        Instant now = clock.instant();
        List<Value> values = new ArrayList<>();
        status.restarts().told().ifPresent(restarts -> values.add(new Value("Restarts", Unit.COUNT, restarts)));
        status.checkpoints()
                .last()
                .told()
                .ifPresent(last -> values.add(age("LastCheckpointAge", last.completedAt(), now)));
        ledger.savepoints(cluster.name(), job.name(), step).stream()
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
