package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.control.ClusterMonitored.Moved;
import io.sluiceway.control.ClusterMonitored.Problem;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.health.Health;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Policies;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.HistoryEntry;
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
import io.sluiceway.operation.OperationId;
import io.sluiceway.time.Deadline;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One sweep over one cluster; used once.
 *
 * <p>What is open is found from three sides: a job's record names the attempt that holds a STREAM's slot and the newest
 * attempt; the cluster shows what lives; and the history of a job tells what was asked for of late and hasn't ended,
 * which nothing else names: savepoints, and attempts of a RUN that aren't on the cluster.
 */
final class Sweep {
    private static final int JOBS_A_PAGE = 1000;
    private static final int LINES_A_PAGE = 100;

    /** How far back the history is read, to the page: longer than sweeps are away and savepoints take. */
    static final Duration LOOK_BACK = Duration.ofDays(1);

    /** How long one step may take at least, if the call has the time: a job that hangs isn't to hold up the others. */
    private static final Duration STEP = Duration.ofSeconds(6);

    /** What part of the cluster's share is kept for restarts when there is one to look at. */
    private static final int SHARE_OF_RESTARTS = 4;

    /** With less than this no step is begun: a trigger keeps it back for settling a lost answer, and needs some. */
    private static final Duration LEAST_STEP = SubmitJob.SETTLING_RESERVE.plusMillis(500);

    /** The time was up in the middle of a job. */
    private static final class TimeUpException extends Exception {
        private static final long serialVersionUID = 1;
    }

    private final Ports ports;
    private final JobLedger ledger;
    private final ObserveJob observeJob;
    private final MetricsSink metrics;
    private final Jars jars;
    private final FlinkCluster cluster;
    private final Deadline until;
    private final Deadline deadline;
    private final Clock clock;

    private final RetainSavepoints retention;
    private final Map<FlinkJobId, JobOverview> shown = new LinkedHashMap<>();
    private final Map<JobName, Set<FlinkJobId>> shownOf = new HashMap<>();
    private final Map<JobState, Integer> states = new EnumMap<>(JobState.class);
    private final Map<Health.State, Integer> health = new EnumMap<>(Health.State.class);
    private final List<Problem> problems = new ArrayList<>();
    private final List<Attempt> toRestart = new ArrayList<>();
    private final Duration timeToRestart;
    private boolean reachable;
    private int unknown;
    private int unmanaged;
    private int looked;
    private int open;
    private int advanced;
    private int completed;
    private int failed;
    private int abandoned;

    /**
     * A sweep to be run.
     *
     * @param until no job is begun after this
     * @param deadline when the call has to have answered
     */
    Sweep(Ports ports, MetricsSink metrics, Jars jars, FlinkCluster cluster, Deadline until, Deadline deadline) {
        this.ports = ports;
        this.jars = jars;
        this.ledger = ports.ledger();
        this.observeJob = new ObserveJob(ports);
        this.metrics = metrics;
        this.cluster = cluster;
        this.until = until;
        this.deadline = deadline;
        this.clock = deadline.clock();
        this.retention = new RetainSavepoints(ports, cluster);
        this.timeToRestart = until.remaining().dividedBy(SHARE_OF_RESTARTS);
    }

    ClusterMonitored run() {
        List<Job> jobs = List.of();
        try {
            askCluster();
        } catch (RefusedException e) {
            problems.add(new Problem(null, null, null, e));
        }
        try {
            jobs = jobs();
            if (reachable) {
                tellApart(jobs);
                sweep(MonitorJobs.inTurn(jobs, clock.instant()));
                restart();
            }
        } catch (RefusedException e) {
            problems.add(new Problem(null, null, null, e));
        } catch (TimeUpException _) {
            // What wasn't looked at is counted below.
        }
        return new ClusterMonitored(
                cluster.name(),
                reachable,
                states,
                health,
                unknown,
                unmanaged,
                looked,
                jobs.size() - looked,
                new Moved(open, advanced, completed, failed, abandoned),
                problems);
    }

    private void askCluster() {
        cluster.listJobs(until).forEach(job -> shown.put(job.id(), job));
        reachable = true;
    }

    private List<Job> jobs() {
        List<Job> jobs = new ArrayList<>();
        String after = null;
        do {
            Page<Job> page = ledger.jobs(cluster.name(), JOBS_A_PAGE, after, deadline);
            jobs.addAll(page.items());
            after = page.next();
        } while (after != null);
        return jobs;
    }

    /**
     * Finds out whose the jobs are that the cluster shows, most of them by what their jobs' records name. For the
     * others there is half of the time, lest many jobs of other people leave none for ours.
     */
    private void tellApart(List<Job> jobs) throws TimeUpException {
        Map<FlinkJobId, JobName> named = new HashMap<>();
        for (Job job : jobs) {
            namedBy(job).forEach(id -> named.put(id, job.name()));
        }
        Deadline half = Deadline.in(until.remaining().dividedBy(2), clock);
        for (JobOverview job : MonitorJobs.inTurn(List.copyOf(shown.values()), clock.instant())) {
            boolean known = named.containsKey(job.id());
            if (!known && half.remaining().isZero()) {
                continue;
            }
            JobName owner = known ? named.get(job.id()) : owner(job.id());
            if (owner != null) {
                shownOf.computeIfAbsent(owner, name -> new LinkedHashSet<>()).add(job.id());
                states.merge(job.state(), 1, Integer::sum);
            } else if (!job.state().terminal()) {
                unmanaged++;
            }
        }
    }

    private static Set<FlinkJobId> namedBy(Job job) {
        Set<FlinkJobId> ids = new LinkedHashSet<>();
        if (job.active() != null) {
            ids.add(job.active());
        }
        if (job.last() != null) {
            ids.add(job.last());
        }
        return ids;
    }

    private @Nullable JobName owner(FlinkJobId id) throws TimeUpException {
        return ledger.findAttempt(cluster.name(), id, step())
                .map(attempt -> attempt.value().spec().name())
                .orElse(null);
    }

    private void sweep(List<Job> jobs) {
        for (Job job : jobs) {
            if (toRestart.isEmpty()
                    ? until.remaining().isZero()
                    : until.remaining().compareTo(timeToRestart) < 0) {
                return;
            }
            try {
                sweep(job);
            } catch (TimeUpException _) {
                return;
            } catch (RuntimeException e) {
                problems.add(new Problem(job.name(), null, null, refusal(e)));
            }
            looked++;
        }
    }

    /** Behind all else, since to bring a jar and to run its program takes its time. */
    private void restart() throws TimeUpException {
        for (Attempt attempt : toRestart) {
            Deadline step = step();
            try {
                new RestartJobs(ports, jars, cluster, step).restart(attempt);
            } catch (RuntimeException e) {
                problems.add(new Problem(attempt.spec().name(), attempt.id(), null, refusal(e)));
            }
        }
    }

    private void sweep(Job job) throws TimeUpException {
        Set<FlinkJobId> ids = namedBy(job);
        ids.addAll(shownOf.getOrDefault(job.name(), Set.of()));
        Set<OperationId> named = new LinkedHashSet<>();
        readHistory(job.name(), ids, named);

        List<Attempt> attempts = new ArrayList<>();
        for (FlinkJobId id : ids) {
            // An old attempt may have gone by the ledger's retention; one that holds the slot can't have.
            Optional<Versioned<Attempt>> found = id.equals(job.active())
                    ? Optional.of(new Attempts(ports, cluster, step()).require(id))
                    : ledger.findAttempt(cluster.name(), id, step());
            found.map(Versioned::value).ifPresent(attempts::add);
        }
        attempts.forEach(attempt -> nameOperations(attempt, named));
        List<Operation> stillOpen = advance(job.name(), named);
        for (Attempt attempt : attempts) {
            look(job, attempt, stillOpen);
        }
    }

    private void readHistory(JobName job, Set<FlinkJobId> attempts, Set<OperationId> operations)
            throws TimeUpException {
        Instant horizon = clock.instant().minus(LOOK_BACK);
        Set<FlinkJobId> settled = new HashSet<>();
        Set<OperationId> ended = new HashSet<>();
        String after = null;
        boolean old;
        do {
            Page<HistoryEntry> page = ledger.history(cluster.name(), job, LINES_A_PAGE, after, step());
            for (HistoryEntry line : page.items()) {
                switch (line.event()) {
                    case ATTEMPT_INTENDED, ATTEMPT_ADOPTED, ATTEMPT_RESUMED, ATTEMPT_SUBMITTED ->
                        addUnless(settled, attempts, line.attempt());
                    case ATTEMPT_ENDED, ATTEMPT_UNKNOWN -> addUnless(attempts, settled, line.attempt());
                    case OPERATION_INTENDED, OPERATION_TRIGGERED -> addUnless(ended, operations, line.operation());
                    case OPERATION_ENDED -> addUnless(operations, ended, line.operation());
                    case ATTEMPT_SURPLUS, SAVEPOINT_DISPOSED, REQUEST_REFUSED -> {}
                }
            }
            after = page.next();
            old = !page.items().isEmpty() && page.items().getLast().at().isBefore(horizon);
        } while (after != null && !old);
    }

    /** The newest line decides, for it is read first. */
    private static <T> void addUnless(Set<T> decided, Collection<T> to, @Nullable T id) {
        if (id != null && !decided.contains(id)) {
            to.add(id);
        }
    }

    private static void nameOperations(Attempt attempt, Set<OperationId> operations) {
        if (attempt.stop() != null) {
            operations.add(attempt.stop());
        }
        if (attempt.state() == AttemptState.PREPARING || attempt.state() == AttemptState.POSTING) {
            operations.add(attempt.submission());
        }
    }

    /**
     * Takes those operations forward that are open, each as it was before any of them was.
     *
     * @return those that still are
     */
    private List<Operation> advance(JobName job, Set<OperationId> ids) throws TimeUpException {
        List<Operation> before = new ArrayList<>();
        for (OperationId id : ids) {
            ledger.findOperation(id, step())
                    .map(Versioned::value)
                    .filter(operation -> !operation.state().terminal())
                    .ifPresent(before::add);
        }
        List<Operation> stillOpen = new ArrayList<>();
        for (Operation operation : before) {
            Deadline step = step();
            try {
                Operation after =
                        Conflicts.retry(step, () -> new Operations(ports, cluster, step).advance(operation.id()));
                count(operation, after);
                if (!after.state().terminal()) {
                    stillOpen.add(after);
                }
            } catch (RuntimeException e) {
                open++;
                stillOpen.add(operation);
                problems.add(new Problem(job, operation.attempt(), operation.id(), refusal(e)));
            }
        }
        return stillOpen;
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

    /** Looks at an attempt whose word in the ledger can be another than the cluster's. */
    private void look(Job job, Attempt attempt, List<Operation> stillOpen) throws TimeUpException {
        boolean current = attempt.id().equals(job.active() == null ? job.last() : job.active());
        Attempt now = attempt;
        JobOverview there = shown.get(attempt.id());
        boolean changes = switch (attempt.state()) {
            case PREPARING, POSTING, SUBMITTED -> true;
            case UNKNOWN -> there != null;
            // It was given up before it was seen, and lives: it is one too many.
            case FINISHED, FAILED, CANCELED, REFUSED ->
                attempt.submittedAt() == null && there != null && !there.state().terminal();
        };
        JobStatus status = null;
        boolean asked = !changes;
        if (changes) {
            Deadline step = step();
            try {
                JobObserved seen = observeJob.observeUnmeasured(new Target(cluster.name(), null, attempt.id()), step);
                now = seen.attempt() == null ? attempt : seen.attempt();
                seen.health().ifPresent(judged -> health.merge(judged.state(), 1, Integer::sum));
                status = seen.status();
                asked = true;
            } catch (RuntimeException e) {
                problems.add(new Problem(job.name(), attempt.id(), null, refusal(e)));
            }
        }
        if (current && now.state() == AttemptState.UNKNOWN) {
            unknown++;
        }
        if (current && asked && job.kind() == JobKind.STREAM) {
            keep(job, now, status, stillOpen);
        }
        if (current && RestartJobs.concerns(now)) {
            toRestart.add(now);
        }
        if (now.spec().policies().dataReady() != null && (current || job.kind() == JobKind.RUN)) {
            tellDataReady(now);
        }
    }

    private void tellDataReady(Attempt attempt) throws TimeUpException {
        Deadline step = step();
        try {
            new DataReadiness(ports, cluster, step).look(attempt);
        } catch (RuntimeException e) {
            problems.add(new Problem(attempt.spec().name(), attempt.id(), null, refusal(e)));
        }
    }

    /**
     * What is done about a STREAM beside looking at it. A RUN has no such policies; and RUNs come and go, under ever
     * new names, and each would be a metric to be paid for.
     */
    private void keep(Job job, Attempt attempt, @Nullable JobStatus status, List<Operation> stillOpen)
            throws TimeUpException {
        Policies policies = attempt.spec().policies();
        JobStatus living = status == null || status.overview().state().terminal() ? null : status;
        if (living == null && policies.retention() == null) {
            return;
        }
        Deadline step = step();
        try {
            List<Savepoint> savepoints = ledger.savepoints(cluster.name(), job.name(), step);
            if (living != null) {
                measure(job, living, savepoints);
            }
            if (policies.savepoints() != null
                    && living != null
                    && living.overview().state() == JobState.RUNNING
                    && attempt.state() == AttemptState.SUBMITTED
                    && stillOpen.isEmpty()) {
                new PeriodicSavepoints(ports, step)
                        .take(attempt, policies.savepoints(), savepoints)
                        .ifPresent(operation -> count(operation, operation));
            }
            problems.addAll(retention.retain(job.name(), policies.retention(), savepoints, stillOpen, step));
        } catch (RuntimeException e) {
            problems.add(new Problem(job.name(), attempt.id(), null, refusal(e)));
        }
    }

    private void measure(Job job, JobStatus status, List<Savepoint> savepoints) {
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
            metrics.publish(new Measurement(now, dimensions, values));
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
