package io.sluiceway.control.property;

import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.cluster.FakeFlinkCluster.Run;
import io.sluiceway.cluster.FakeFlinkCluster.Trigger;
import io.sluiceway.control.property.Violation.Promise;
import io.sluiceway.event.FakeEventBus;
import io.sluiceway.event.JobEvent;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Request;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.RequestRecord;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.savepoint.FakeSavepointStore;
import io.sluiceway.savepoint.StoragePath;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * Holds what the cluster, the store and the ledger show against what is promised. It knows nothing of how the verbs go
 * about it: it remembers what it saw, and compares.
 */
final class Judge {
    private record Asked(JobName job, Request request) {}

    private final FakeFlinkCluster cluster;
    private final FakeJobLedger ledger;
    private final FakeSavepointStore store;
    private final FakeEventBus bus;
    private final Set<Promise> promises;
    private final Map<FlinkJobId, Attempt> attempts = new HashMap<>();
    private final Map<OperationId, Operation> operations = new HashMap<>();
    private final Map<JobName, List<HistoryEntry>> histories = new HashMap<>();
    private final Map<JobName, List<JobEvent>> told = new HashMap<>();
    private final Set<FlinkJobId> unknown = new HashSet<>();
    private final Set<StoragePath> seen = new HashSet<>();
    private final Map<Asked, FlinkJobId> answers = new HashMap<>();
    private final Set<Asked> cancelled = new HashSet<>();
    private final Set<FlinkJobId> outsideTheLimits = new HashSet<>();
    private final Set<OperationId> givenUpUnread = new HashSet<>();
    private int runsSeen;
    private int savepointsSeen;
    private int commitsSeen;

    Judge(
            FakeFlinkCluster cluster,
            FakeJobLedger ledger,
            FakeSavepointStore store,
            FakeEventBus bus,
            Set<Promise> promises) {
        this.cluster = cluster;
        this.ledger = ledger;
        this.store = store;
        this.bus = bus;
        this.promises = promises;
    }

    /**
     * The design's limits don't hold for this attempt: its post was under way for longer than the fence and the time to
     * settle, or while a clock was wrong by more than that. Its job may come to live beside another until it is seen.
     */
    void putOutsideTheLimits(FlinkJobId attempt) {
        outsideTheLimits.add(attempt);
    }

    /** As {@link #putOutsideTheLimits}, for all that may be under way. */
    void putPostsOutsideTheLimits() {
        ledger.attempts().stream()
                .filter(attempt -> attempt.state() == AttemptState.POSTING)
                .forEach(attempt -> outsideTheLimits.add(attempt.id()));
    }

    /** What has to hold at every moment. */
    void check() {
        states();
        List<JobOverview> living = living();
        runs();
        slots();
        living(living);
        savepoints();
        events();
    }

    /** What the ledger says has happened is told there, once, and under numbers without gaps. */
    private void events() {
        if (ledger.commits() == commitsSeen) {
            return;
        }
        commitsSeen = ledger.commits();
        Map<JobName, List<JobEvent>> events = new HashMap<>();
        for (JobEvent event : ledger.events()) {
            events.computeIfAbsent(event.job(), job -> new ArrayList<>()).add(event);
        }
        for (Job job : ledger.jobs()) {
            List<JobEvent> now = events.getOrDefault(job.name(), List.of());
            List<JobEvent> before = told.put(job.name(), now);
            hold(
                    Promise.EVENTS_ARE_NUMBERED_WITHOUT_GAPS,
                    now.stream()
                                    .map(JobEvent::sequence)
                                    .toList()
                                    .equals(LongStream.rangeClosed(1, job.lastEvent())
                                            .boxed()
                                            .toList())
                            && (before == null || before.equals(now.subList(0, Math.min(before.size(), now.size())))),
                    "%s, whose events are %s and were %s".formatted(job, now, before));
        }
        Map<String, String> states = new HashMap<>();
        Map<String, String> unhealthy = new HashMap<>();
        Map<String, Integer> ends = new HashMap<>();
        Map<String, Integer> savepoints = new HashMap<>();
        for (JobEvent event : ledger.events()) {
            Object operation = event.data().get("operationId");
            switch (event.type()) {
                case "Flink Job State Changed" -> {
                    String state = event.data().get("state").toString();
                    states.put(event.execution().value(), state.equals("RUNNING") ? "SUBMITTED" : state);
                    if (state.equals("SUBMITTED")) {
                        unhealthy.remove(event.execution().value());
                    }
                }
                case "Flink Job Unhealthy" ->
                    hold(
                            Promise.HEALTH_IS_TOLD_IN_TURN,
                            "SUBMITTED".equals(states.get(event.execution().value()))
                                    && unhealthy.put(
                                                    event.execution().value(),
                                                    event.occurredAt().toString())
                                            == null,
                            event.toString());
                case "Flink Job Recovered" ->
                    hold(
                            Promise.HEALTH_IS_TOLD_IN_TURN,
                            "SUBMITTED".equals(states.get(event.execution().value()))
                                    && event.data()
                                            .get("unhealthySince")
                                            .equals(unhealthy.remove(
                                                    event.execution().value())),
                            event.toString());
                case "Flink Operation Completed", "Flink Operation Failed" ->
                    ends.merge(operation + " " + event.type(), 1, Integer::sum);
                case "Flink Savepoint Completed" -> savepoints.merge(operation.toString(), 1, Integer::sum);
                default -> hold(Promise.NOTHING_UNEXPECTED, false, event.toString());
            }
        }
        for (Attempt attempt : ledger.attempts()) {
            hold(
                    Promise.HEALTH_IS_TOLD_IN_TURN,
                    Objects.equals(
                            unhealthy.get(attempt.id().value()),
                            attempt.unhealthySince() == null
                                    ? null
                                    : attempt.unhealthySince().toString()),
                    "%s was told to be unhealthy since %s"
                            .formatted(attempt, unhealthy.get(attempt.id().value())));
            boolean nothingYet = attempt.state() == AttemptState.PREPARING || attempt.state() == AttemptState.POSTING;
            hold(
                    Promise.EVERYTHING_IS_TOLD,
                    Objects.equals(
                            states.get(attempt.id().value()),
                            nothingYet ? null : attempt.state().name()),
                    "%s was last told to be %s"
                            .formatted(attempt, states.get(attempt.id().value())));
        }
        Map<String, Integer> ended = new HashMap<>();
        for (Operation operation : ledger.operations()) {
            if (operation.state().terminal()) {
                String type = operation.state() == OperationState.COMPLETED ? "Completed" : "Failed";
                ended.put(operation.id() + " Flink Operation " + type, 1);
            }
        }
        hold(Promise.EVERYTHING_IS_TOLD, ends.equals(ended), "ended: %s, told: %s".formatted(ended, ends));
        Map<String, Integer> recorded = new HashMap<>();
        ledger.savepoints()
                .forEach(savepoint -> recorded.put(savepoint.operation().value(), 1));
        hold(
                Promise.EVERYTHING_IS_TOLD,
                savepoints.equals(recorded),
                "recorded: %s, told: %s".formatted(recorded, savepoints));
    }

    private List<JobOverview> living() {
        return cluster.listJobs(null).stream()
                .filter(job -> !job.state().terminal())
                .toList();
    }

    private void states() {
        seen.addAll(store.states().keySet());
        for (Attempt attempt : ledger.attempts()) {
            Attempt before = attempts.put(attempt.id(), attempt);
            if (attempt.state() == AttemptState.UNKNOWN) {
                unknown.add(attempt.id());
            }
            if (attempt.state() == AttemptState.REFUSED) {
                hold(
                        Promise.REFUSAL_IS_FOR_GOOD,
                        attempt.failure() != null && !attempt.failure().code().retryable(),
                        "%s was refused with %s".formatted(attempt.id(), attempt.failure()));
            }
            if (before == null || before.equals(attempt)) {
                continue;
            }
            boolean forward = before.state().terminal()
                    ? before.state() == attempt.state()
                            && Objects.equals(before.endedAt(), attempt.endedAt())
                            && Objects.equals(before.submittedAt(), attempt.submittedAt())
                            && Objects.equals(before.failure(), attempt.failure())
                    : rank(attempt.state()) >= rank(before.state());
            hold(Promise.STATES_GO_FORWARD, forward, "attempt %s became %s".formatted(before, attempt));
        }
        for (Operation operation : ledger.operations()) {
            Operation before = operations.put(operation.id(), operation);
            if (operation.equals(before)) {
                continue;
            }
            if (operation.state() == OperationState.ABANDONED && !store.isReadable()) {
                // A limit of the design: nobody could tell whether there is one until time was up.
                givenUpUnread.add(operation.id());
            }
            boolean forward = before == null
                    || (!before.state().terminal()
                            && before.state().compareTo(operation.state()) <= 0
                            && (before.savepoint() == null || before.savepoint().equals(operation.savepoint())));
            hold(Promise.STATES_GO_FORWARD, forward, "operation %s became %s".formatted(before, operation));
            ended(operation);
        }
        for (Job job : ledger.jobs()) {
            List<HistoryEntry> now = ledger.history(job.cluster(), job.name());
            List<HistoryEntry> before = histories.put(job.name(), now);
            hold(
                    Promise.HISTORY_GROWS,
                    before == null || (now.size() >= before.size() && now.containsAll(before)),
                    "the history of %s lost a line".formatted(job.name()));
        }
    }

    /** A post that is known to have come to nothing goes back; one whose job is seen after all goes on. */
    private static int rank(AttemptState state) {
        return switch (state) {
            case PREPARING, POSTING -> 0;
            case UNKNOWN -> 1;
            case SUBMITTED -> 1;
            case FINISHED, FAILED, CANCELED, REFUSED -> 2;
        };
    }

    private void ended(Operation operation) {
        if (operation.state() != OperationState.COMPLETED) {
            return;
        }
        if (operation.type().takesSavepoint() && reached(operation.attempt())) {
            hold(
                    Promise.SAVEPOINTS_ARE_RECORDED,
                    operation.savepoint() != null
                            && ledger.savepoints().stream()
                                    .anyMatch(savepoint -> savepoint.operation().equals(operation.id())
                                            && savepoint.path().equals(operation.savepoint())),
                    "%s is complete without a recorded savepoint".formatted(operation));
        }
        if (operation.type().endsJob() && !outsideTheLimits.contains(operation.attempt())) {
            hold(
                    Promise.STOPPED_JOBS_HAVE_ENDED,
                    living().stream().noneMatch(job -> job.id().equals(operation.attempt())),
                    "%s is complete, and the job lives".formatted(operation));
        }
    }

    /** Whether the cluster was ever asked to run it: what was stopped before has nothing to save. */
    private boolean reached(FlinkJobId attempt) {
        Attempt known = attempts.get(attempt);
        return known.state() != AttemptState.CANCELED || known.submittedAt() != null;
    }

    private void savepoints() {
        List<Savepoint> all = ledger.savepoints();
        for (Savepoint savepoint : all.subList(savepointsSeen, all.size())) {
            hold(
                    Promise.SAVEPOINTS_ARE_THERE,
                    seen.contains(savepoint.path()) && savepoint.attempt().equals(ownerOf(savepoint.path())),
                    "%s was recorded and is not there".formatted(savepoint));
        }
        savepointsSeen = all.size();
        Map<String, Integer> counts = new HashMap<>();
        for (Trigger trigger : cluster.triggers()) {
            hold(
                    Promise.ONE_SAVEPOINT_PER_OPERATION,
                    counts.merge(trigger.incarnation() + " " + trigger.directory(), 1, Integer::sum) == 1,
                    "two savepoints were triggered for " + trigger);
        }
    }

    private void runs() {
        List<Run> runs = cluster.runs();
        for (int i = runsSeen; i < runs.size(); i++) {
            Run run = runs.get(i);
            FlinkJobId id = run.launch().id();
            boolean first = runs.subList(0, i).stream()
                    .noneMatch(other -> other.launch().id().equals(id));
            hold(
                    Promise.ONE_RUN_PER_ATTEMPT,
                    first || outsideTheLimits.contains(id),
                    "%s was run twice: %s".formatted(id, runs));
            if (run.launch().spec().kind() == JobKind.STREAM && !outsideTheLimits.contains(id)) {
                restore(run, runs.subList(0, i));
            }
        }
        runsSeen = runs.size();
        for (Run run : runs) {
            Attempt attempt = attempts.get(run.launch().id());
            boolean neverRan = attempt != null
                    && attempt.submittedAt() == null
                    && (attempt.state() == AttemptState.REFUSED || attempt.state() == AttemptState.CANCELED);
            hold(
                    Promise.REFUSED_NEVER_RUNS,
                    !neverRan || outsideTheLimits.contains(run.launch().id()),
                    "%s was run, and its attempt is %s"
                            .formatted(run.launch().id(), attempt == null ? null : attempt.state()));
        }
    }

    /** A STREAM goes on from the newest state that it is known to have left. */
    private void restore(Run run, List<Run> before) {
        if (!(run.launch().spec().restore() instanceof RestorePoint.Latest)) {
            return;
        }
        List<Run> earlier = before.reversed().stream()
                .filter(other -> other.launch().spec().kind() == JobKind.STREAM
                        && !outsideTheLimits.contains(other.launch().id()))
                .toList();
        StoragePath from = run.launch().restoreFrom();
        if (from == null) {
            for (Run other : earlier) {
                hold(
                        Promise.NO_STREAM_WITHOUT_ITS_STATE,
                        other.launch().restoreFrom() == null
                                && left(other.launch().id()).findAny().isEmpty(),
                        "%s began without state, and %s has left some".formatted(run, other));
                if (other.launch().spec().restore() instanceof RestorePoint.None) {
                    break;
                }
            }
            return;
        }
        FlinkJobId owner = ownerOf(from);
        hold(
                Promise.NO_STREAM_WITHOUT_ITS_STATE,
                before.stream().anyMatch(other -> other.launch().id().equals(owner)),
                "%s went on from a state that none before it has left".formatted(run));
        if (!earlier.isEmpty()) {
            StoragePath stopped =
                    cluster.stopped().get(earlier.getFirst().launch().id());
            hold(
                    Promise.NO_STREAM_WITHOUT_ITS_STATE,
                    stopped == null || !store.contains(stopped) || stopped.equals(from),
                    "%s went on from an older state than %s, with which %s was stopped"
                            .formatted(run, stopped, earlier.getFirst()));
        }
    }

    private Stream<StoragePath> left(FlinkJobId job) {
        return store.states().keySet().stream().filter(path -> job.equals(ownerOf(path)));
    }

    private FlinkJobId ownerOf(StoragePath path) {
        if (path.isWithin(FakeFlinkCluster.CHECKPOINTS)) {
            return new FlinkJobId(path.value().split("/", -1)[4]);
        }
        return cluster.triggers().stream()
                .filter(trigger -> path.isWithin(trigger.directory()))
                .map(Trigger::job)
                .findFirst()
                .orElse(null);
    }

    private void slots() {
        for (Job job : ledger.jobs()) {
            List<FlinkJobId> living = ledger.attempts().stream()
                    .filter(attempt -> attempt.spec().kind() == JobKind.STREAM
                            && attempt.spec().name().equals(job.name())
                            && attempt.state().living())
                    .map(Attempt::id)
                    .toList();
            hold(
                    Promise.SLOT_HELD_BY_THE_LIVING_ATTEMPT,
                    job.active() == null ? living.isEmpty() : living.equals(List.of(job.active())),
                    "%s, while these live: %s".formatted(job, living));
        }
    }

    private void living(List<JobOverview> living) {
        int streams = 0;
        Map<Asked, Integer> runs = new HashMap<>();
        for (JobOverview job : living) {
            Attempt attempt = attempts.get(job.id());
            hold(
                    Promise.NO_JOB_WITHOUT_A_RECORD,
                    attempt != null,
                    "job %s lives, and the ledger doesn't know it".formatted(job.id()));
            if (attempt == null || outsideTheLimits.contains(job.id())) {
                continue;
            }
            if (attempt.spec().kind() == JobKind.STREAM && ++streams > 1) {
                hold(Promise.ONE_LIVING_ATTEMPT_PER_STREAM, false, "these live: " + living);
            }
            Asked asked = new Asked(attempt.spec().name(), new Request(attempt.request(), 1));
            hold(
                    Promise.ONE_LIVING_ATTEMPT_PER_REQUEST,
                    runs.merge(asked, 1, Integer::sum) == 1,
                    "of request %s these live: %s".formatted(attempt.request(), living));
        }
    }

    /** A submission was answered with this attempt. */
    void answered(JobName job, Request request, boolean rerun, FlinkJobId attempt) {
        FlinkJobId before = answers.put(new Asked(job, request), attempt);
        hold(
                Promise.ONE_ANSWER_PER_TRY,
                before == null
                        || before.equals(attempt)
                        || (rerun && unknown.contains(before))
                        || unknown.contains(before),
                "%s was answered with %s and %s".formatted(request, before, attempt));
        hold(
                Promise.CANCELLED_REQUESTS_STAY_SO,
                !cancelled.contains(new Asked(job, request)),
                "%s was stopped before it came, and was answered with %s".formatted(request, attempt));
    }

    /** A request was cancelled before it came. */
    void cancelled(JobName job, Request request) {
        cancelled.add(new Asked(job, request));
    }

    /** What has to hold when everybody has looked and nothing changes any more. */
    void checkEnd() {
        Set<JobEvent> arrived = Set.copyOf(bus.arrived());
        hold(
                Promise.EVENTS_ARE_PUBLISHED,
                arrived.equals(Set.copyOf(ledger.events()))
                        && arrived.stream().map(JobEvent::id).distinct().count() == arrived.size()
                        && ledger.pendingEvents().isEmpty(),
                "%s are pending, and these arrived: %s".formatted(ledger.pendingEvents(), arrived));
        outsideTheLimits.removeIf(id -> attempts.get(id) != null);
        living(living());
        for (JobOverview job : living()) {
            Attempt attempt = attempts.get(job.id());
            hold(
                    Promise.EVERYTHING_ENDS,
                    attempt != null && attempt.state() == AttemptState.SUBMITTED,
                    "job %s lives, and its attempt is %s".formatted(job.id(), attempt));
        }
        for (Operation operation : ledger.operations()) {
            hold(Promise.EVERYTHING_ENDS, operation.state().terminal(), operation + " never ends");
        }
        for (Attempt attempt : ledger.attempts()) {
            hold(
                    Promise.EVERYTHING_ENDS,
                    attempt.state() != AttemptState.PREPARING && attempt.state() != AttemptState.POSTING,
                    attempt + " is never settled");
        }
        for (RequestRecord request : ledger.requests()) {
            hold(
                    Promise.EVERYTHING_ENDS,
                    request.attempt() != null || request.operation() != null || request.refusal() != null,
                    request + " has come to nothing, and nobody knows why");
        }
        for (Operation operation : ledger.operations()) {
            hold(
                    Promise.SAVEPOINTS_ARE_RECORDED,
                    operation.type() == OperationType.SUBMIT_JOB
                            || operation.directory() == null
                            || operation.savepoint() != null
                            || givenUpUnread.contains(operation.id())
                            || store.states().keySet().stream().noneMatch(path -> path.isWithin(operation.directory())),
                    operation + " has left a savepoint that is not recorded");
        }
    }

    void hold(Promise promise, boolean held, String what) {
        if (!held && promises.contains(promise)) {
            throw new Violation(promise, what);
        }
    }
}
