package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.job.RetentionPolicy;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.ledger.FakeJobLedger.Fault;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.FakeSavepointStore;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.SavepointStore;
import io.sluiceway.savepoint.SavepointStore.Listing;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.MovableClock;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Random histories of a STREAM (attempts, restores, roll-backs, savepoints of each origin, stops, failures, pins, other
 * jobs that begin with its savepoints) with runs of retention in between, which are killed, hindered and overtaken.
 * Each run of the test is the same; {@code -Dretention.seed=…} and {@code -Dretention.count=…} make another or a longer
 * one.
 */
class RetentionPropertyTest {
    private static final long SEED = Long.getLong("retention.seed", 20130105);
    private static final int COUNT = Integer.getInteger("retention.count", 10_000);
    private static final int STEPS = 30;

    private static final ClusterName CLUSTER = new ClusterName("fake");
    private static final JobName NAME = new JobName("flight-delays");
    private static final JobName OTHER = new JobName("flight-delays-fork");

    /** What the histories came to, so that it shows that they are no histories of nothing. */
    private enum Seen {
        REMOVED,
        KEPT_GOOD_BEYOND_THE_POLICY,
        KEPT_PINNED,
        KEPT_IN_USE,
        BEGAN_WITH_A_SAVEPOINT,
        REFUSED_WHAT_IS_BEING_REMOVED,
        PINNED_FOR_ANOTHER_JOB,
        SUBMITTED_DURING_RETENTION,
        RETENTION_DURING_SUBMISSION,
        KILLED
    }

    @Test
    void histories_anyOrder_keepWhatTheJobMayNeedAndNoMore() {
        Map<Seen, Integer> seen = new EnumMap<>(Seen.class);
        for (int i = 0; i < COUNT; i++) {
            World world = new World(new Random(SEED * 1_000_003 + i), seen);
            try {
                for (int step = 0; step < STEPS; step++) {
                    world.step();
                }
                world.settle();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError(
                        "retention.seed=%d, history %d: %s%n%s"
                                .formatted(SEED, i, e.getMessage(), String.join("\n", world.told)),
                        e);
            }
        }
        System.out.printf("retention.seed=%d, retention.count=%d: %s%n", SEED, COUNT, seen);
        assertThat(seen).containsOnlyKeys(Seen.values());
    }

    /** The process ends here. */
    private static final class KilledException extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private static final class World {
        private final Random random;
        private final Map<Seen, Integer> seen;
        private final List<String> told = new ArrayList<>();
        private final MovableClock clock = new MovableClock(Instant.parse("2013-01-05T10:00:00Z"));
        private final FakeSavepointStore store = new FakeSavepointStore();
        private final FakeFlinkCluster cluster = new FakeFlinkCluster(CLUSTER, 3, clock, store);
        private final FakeJobLedger ledger = new FakeJobLedger();
        private final Ports ports = new Ports(new Clusters(List.of(cluster)), ledger, store, VerbFixture.LIMITS);

        /** All that the job ever took; what isn't there any more was removed. */
        private final List<Savepoint> taken = new ArrayList<>();

        private final Set<StoragePath> foreign = new HashSet<>();
        private Operation openStop;
        private boolean retaining;
        private int number;

        World(Random random, Map<Seen, Integer> seen) {
            this.random = random;
            this.seen = seen;
            commit(new LedgerChange.PutJob(new Job(CLUSTER, NAME, JobKind.STREAM, null, null), LedgerChange.ABSENT));
        }

        void step() {
            clock.move(Duration.ofMinutes(1 + random.nextInt(90)));
            if (living().isEmpty() && random.nextBoolean()) {
                submit();
                reach();
                return;
            }
            switch (random.nextInt(14)) {
                case 0, 1, 2, 3 -> savepoint();
                case 4 -> restart();
                case 5 -> checkpoint();
                case 6 -> end();
                case 7 -> stop();
                case 8, 9 -> submit();
                case 10 -> reach();
                case 11 -> anotherJobBegins();
                default -> retain(policy(), true);
            }
        }

        private void savepoint() {
            living().ifPresent(attempt -> take(
                    attempt.value(),
                    random.nextBoolean() ? SavepointOrigin.PERIODIC : SavepointOrigin.USER_REQUEST,
                    random.nextInt(8) == 0));
        }

        private Savepoint take(Attempt attempt, SavepointOrigin origin, boolean pinned) {
            OperationId operation = new OperationId("%032x".formatted(++number));
            Savepoint savepoint = new Savepoint(
                    CLUSTER,
                    NAME,
                    attempt.id(),
                    operation,
                    origin,
                    cluster.savepointDirectory(NAME, operation).child("savepoint-" + number),
                    clock.instant(),
                    random.nextInt(4) > 0,
                    attempt.restarts(),
                    pinned,
                    null);
            store.put(savepoint.path(), clock.instant());
            commit(new LedgerChange.AddSavepoint(savepoint));
            taken.add(savepoint);
            told.add("%s took %s, restarts %d%s"
                    .formatted(attempt.id(), name(savepoint), attempt.restarts(), pinned ? ", pinned" : ""));
            return savepoint;
        }

        private void restart() {
            living().ifPresent(attempt -> {
                put(attempt, attempt.value().change().restarts(attempt.value().restarts() + 1));
                told.add(attempt.value().id() + " restarted");
            });
        }

        private void checkpoint() {
            living().ifPresent(attempt -> {
                StoragePath path = FakeFlinkCluster.CHECKPOINTS
                        .child(attempt.value().id().value())
                        .child("chk-" + ++number);
                store.put(path, clock.instant());
                foreign.add(path);
            });
        }

        private void end() {
            living().ifPresent(attempt -> {
                endStop(attempt.value(), false);
                free(attempt, attempt.value().change().ended(AttemptState.FAILED, clock.instant()));
                told.add(attempt.value().id() + " failed");
            });
        }

        private void stop() {
            living().ifPresent(attempt -> {
                if (openStop != null) {
                    endStop(attempt.value(), true);
                    free(attempt, attempt.value().change().ended(AttemptState.FINISHED, clock.instant()));
                    told.add(attempt.value().id() + " is stopped");
                    return;
                }
                Savepoint savepoint = take(attempt.value(), SavepointOrigin.STOP, false);
                openStop = new Operation(
                        savepoint.operation(),
                        OperationType.STOP_WITH_SAVEPOINT,
                        CLUSTER,
                        NAME,
                        attempt.value().id(),
                        request(),
                        OperationState.IN_PROGRESS,
                        TriggerId.of(savepoint.operation()),
                        cluster.savepointDirectory(NAME, savepoint.operation()),
                        SavepointOrigin.STOP,
                        false,
                        savepoint.path(),
                        null,
                        clock.instant(),
                        null);
                commit(new LedgerChange.PutOperation(openStop, LedgerChange.ABSENT));
                put(attempt, attempt.value().change().stop(openStop.id()));
                told.add(attempt.value().id() + " is being stopped");
            });
        }

        private void endStop(Attempt attempt, boolean completed) {
            if (openStop != null && openStop.attempt().equals(attempt.id())) {
                commit(new LedgerChange.PutOperation(
                        completed
                                ? openStop.completed(openStop.savepoint(), clock.instant())
                                : openStop.failed(openStop.savepoint(), "It failed.", clock.instant()),
                        1));
                openStop = null;
            }
        }

        /** As {@link SubmitJob} does it: the job first, then where the state comes from, then all in one commit. */
        private void submit() {
            Versioned<Job> job = job();
            if (job.value().active() != null) {
                return;
            }
            JobSpec spec = spec(NAME, restorePoint());
            StoragePath from;
            List<LedgerChange> changes = new ArrayList<>();
            try {
                from = new Lineage(ports, cluster, job.value().last(), soon()).restorePoint(spec);
                new RestoreClaim(ledger, soon()).of(spec).ifPresent(changes::add);
            } catch (RefusedException e) {
                if (e.sentence().contains("is being removed")) {
                    count(Seen.REFUSED_WHAT_IS_BEING_REMOVED);
                }
                return;
            }
            if (from != null && !store.contains(from)) {
                // Somebody named what isn't there.
                assertThat(spec.restore()).isInstanceOf(RestorePoint.Savepoint.class);
                return;
            }
            Attempt attempt = attempt(spec, from);
            changes.add(new LedgerChange.PutJob(job.value().taken(attempt.id()), job.version()));
            changes.add(new LedgerChange.PutAttempt(attempt, LedgerChange.ABSENT));
            if (!retaining && random.nextInt(4) == 0) {
                ledger.beforeNextCommit(() -> {
                    count(Seen.RETENTION_DURING_SUBMISSION);
                    retain(policy(), false);
                });
            }
            try {
                ledger.commit(changes, soon());
            } catch (LedgerConflictException e) {
                told.add("a submission was overtaken");
                return;
            }
            told.add("%s is to begin with %s".formatted(attempt.id(), from));
        }

        private RestorePoint restorePoint() {
            return switch (random.nextInt(8)) {
                case 0 -> new RestorePoint.None();
                case 1 -> {
                    StoragePath external = new StoragePath("s3://state/savepoints/external-" + ++number);
                    store.put(external, clock.instant());
                    foreign.add(external);
                    yield new RestorePoint.Savepoint(external, false);
                }
                case 2, 3 ->
                    taken.isEmpty()
                            ? new RestorePoint.None()
                            : new RestorePoint.Savepoint(
                                    taken.get(random.nextInt(taken.size())).path(), false);
                default -> new RestorePoint.Latest(false);
            };
        }

        /** What was submitted reaches the cluster, or is refused. */
        private void reach() {
            FlinkJobId active = job().value().active();
            if (active == null) {
                return;
            }
            Versioned<Attempt> attempt = attempt(active);
            if (attempt.value().state() != AttemptState.PREPARING) {
                return;
            }
            if (random.nextInt(4) == 0) {
                Versioned<Job> job = job();
                commit(
                        new LedgerChange.PutAttempt(
                                attempt.value()
                                        .change()
                                        .ended(AttemptState.REFUSED, clock.instant())
                                        .made(),
                                attempt.version()),
                        new LedgerChange.PutJob(job.value().free(), job.version()));
                told.add(active + " was refused");
                return;
            }
            StoragePath from = attempt.value().restoredFrom();
            if (from != null) {
                assertThat(store.contains(from))
                        .as("%s is there for %s to begin with", from, active)
                        .isTrue();
                count(Seen.BEGAN_WITH_A_SAVEPOINT);
            }
            Versioned<Job> job = job();
            commit(
                    new LedgerChange.PutAttempt(
                            attempt.value().change().submitted(clock.instant()).made(), attempt.version()),
                    new LedgerChange.PutJob(job.value().withLast(active), job.version()));
            told.add(active + " runs");
        }

        private void anotherJobBegins() {
            if (taken.isEmpty()) {
                return;
            }
            Savepoint savepoint = taken.get(random.nextInt(taken.size()));
            StoragePath path =
                    random.nextBoolean() ? savepoint.path() : savepoint.path().child("_metadata");
            try {
                new RestoreClaim(ledger, soon())
                        .of(spec(OTHER, new RestorePoint.Savepoint(path, false)))
                        .ifPresent(claim -> {
                            commit(claim);
                            count(Seen.PINNED_FOR_ANOTHER_JOB);
                            told.add("another job begins with " + name(savepoint));
                        });
            } catch (RefusedException e) {
                count(Seen.REFUSED_WHAT_IS_BEING_REMOVED);
            }
        }

        /** A run of retention, held against what was so before it. */
        private void retain(RetentionPolicy policy, boolean mayBeHindered) {
            List<Savepoint> before = known();
            Set<Savepoint> needed = needed();
            Optional<StoragePath> point = restorable();
            if (mayBeHindered) {
                hinder();
            }
            retaining = true;
            try {
                new RetainSavepoints(ports, cluster)
                        .retain(NAME, policy, before, openStop == null ? List.of() : List.of(openStop), soon());
            } catch (KilledException e) {
                count(Seen.KILLED);
            } catch (RefusedException e) {
                told.add("retention was hindered: " + e.sentence());
            }
            retaining = false;
            unhinder();
            told.add("retention of %d and %s".formatted(policy.count(), policy.age()));
            judge(policy, before, needed, point);
        }

        private void hinder() {
            switch (random.nextInt(12)) {
                case 0 -> ledger.beforeNextCommit(World::kill);
                case 1 -> ledger.afterNextCommit(World::kill);
                case 2 -> ledger.failNextCommit(Fault.ANSWER_LOST);
                case 3 -> ledger.failNextCommit(Fault.CALL_LOST);
                case 4 -> cluster.failNextEffect(FakeFlinkCluster.Fault.ANSWER_LOST);
                case 5 -> cluster.failNextEffect(FakeFlinkCluster.Fault.CALL_LOST);
                case 6 -> cluster.refuseDisposals(true);
                case 7 -> ledger.afterNextCommit(() -> ledger.beforeNextCommit(World::kill));
                case 8, 9 ->
                    ledger.beforeNextCommit(() -> {
                        count(Seen.SUBMITTED_DURING_RETENTION);
                        submit();
                    });
                default -> {}
            }
        }

        private static void kill() {
            throw new KilledException();
        }

        private void unhinder() {
            ledger.beforeNextCommit(() -> {});
            ledger.afterNextCommit(() -> {});
            ledger.failNextCommit(Fault.NONE);
            cluster.failNextEffect(FakeFlinkCluster.Fault.NONE);
            cluster.refuseDisposals(false);
        }

        private void judge(
                RetentionPolicy policy, List<Savepoint> before, Set<Savepoint> needed, Optional<StoragePath> point) {
            assertThat(store.states().keySet()).as("what others took").containsAll(foreign);
            Set<OperationId> kept = new HashSet<>();
            known().stream()
                    .filter(savepoint -> savepoint.disposal() == null)
                    .forEach(savepoint -> kept.add(savepoint.operation()));
            List<Savepoint> counted = before.stream()
                    .filter(savepoint -> savepoint.disposal() == null && !savepoint.pinned())
                    .toList();
            for (Savepoint savepoint : before) {
                if (savepoint.disposal() != null || kept.contains(savepoint.operation())) {
                    continue;
                }
                count(Seen.REMOVED);
                assertThat(point.filter(good -> !foreign.contains(good)))
                        .as("a last good one, when %s goes", name(savepoint))
                        .isPresent();
                assertThat(savepoint.pinned())
                        .as("%s is pinned", name(savepoint))
                        .isFalse();
                assertThat(needed).as("what the job may need").doesNotContain(savepoint);
                assertThat(counted.indexOf(savepoint) >= policy.count()
                                || savepoint
                                        .completedAt()
                                        .isBefore(clock.instant().minus(policy.age())))
                        .as("%s exceeds the policy", name(savepoint))
                        .isTrue();
            }
            for (Savepoint savepoint : known()) {
                if (savepoint.disposal() == null) {
                    assertThat(store.contains(savepoint.path()))
                            .as("%s is there", name(savepoint))
                            .isTrue();
                }
            }
            FlinkJobId active = job().value().active();
            StoragePath start = active == null ? null : attempt(active).value().restoredFrom();
            assertThat(start == null || store.contains(start))
                    .as("%s, which %s begins with, is there", start, active)
                    .isTrue();
            assertThat(restorable()).as("the last good one").isEqualTo(point);
        }

        /** What LATEST would go on from, were no checkpoint retained. */
        private Optional<StoragePath> restorable() {
            SavepointStore withoutCheckpoints =
                    (directory, deadline) -> directory.isWithin(FakeFlinkCluster.CHECKPOINTS)
                            ? new Listing.Found(List.of())
                            : store.list(directory, deadline);
            Ports blind = new Ports(new Clusters(List.of(cluster)), ledger, withoutCheckpoints, VerbFixture.LIMITS);
            FlinkJobId last = job().value().last();
            try {
                return last == null
                        ? Optional.empty()
                        : Optional.ofNullable(new Lineage(blind, cluster, last, soon())
                                .restorePoint(spec(NAME, new RestorePoint.Latest(false))));
            } catch (RefusedException e) {
                return Optional.empty();
            }
        }

        /** What may not be removed, pinned ones apart, judged by what happened to the job. */
        private Set<Savepoint> needed() {
            Set<Savepoint> needed = new LinkedHashSet<>();
            FlinkJobId last = job().value().last();
            FlinkJobId active = job().value().active();
            for (Savepoint savepoint : known()) {
                boolean isStart = Stream.of(Optional.ofNullable(last), Optional.ofNullable(active))
                        .flatMap(Optional::stream)
                        .anyMatch(id ->
                                savepoint.path().equals(attempt(id).value().restoredFrom()));
                boolean isBeingStoppedWith =
                        openStop != null && savepoint.path().equals(openStop.savepoint());
                if (isStart || isBeingStoppedWith) {
                    needed.add(savepoint);
                }
            }
            restorable()
                    .flatMap(point -> known().stream()
                            .filter(savepoint -> savepoint.path().equals(point))
                            .findFirst())
                    .ifPresent(needed::add);
            if (last != null && attempt(last).value().state() != AttemptState.FINISHED) {
                known().stream()
                        .filter(savepoint -> savepoint.attempt().equals(last) && savepoint.verified())
                        .filter(savepoint ->
                                savepoint.restarts() == attempt(last).value().restarts())
                        .findFirst()
                        .ifPresent(needed::add);
            }
            return needed;
        }

        /** When nobody hinders it any more, what exceeds the policy goes: all that nobody needs. */
        void settle() {
            RetentionPolicy policy = policy();
            clock.move(Duration.ofHours(2));
            List<Savepoint> left = known();
            List<Savepoint> before;
            int runs = 0;
            do {
                before = left;
                retain(policy, false);
                left = known();
            } while (!left.equals(before) && ++runs < 12);
            assertThat(left).as("all of it is done").allMatch(savepoint -> savepoint.disposal() == null);
            Set<StoragePath> there = new TreeSet<>(Comparator.comparing(StoragePath::value));
            there.addAll(store.states().keySet());
            there.removeAll(foreign);
            assertThat(there)
                    .as("what is there is what is known")
                    .containsExactlyInAnyOrderElementsOf(
                            left.stream().map(Savepoint::path).toList());
            FlinkJobId last = job().value().last();
            if (last == null
                    || restorable().filter(point -> !foreign.contains(point)).isEmpty()) {
                return;
            }
            Set<Savepoint> needed = needed();
            Instant oldest = clock.instant().minus(policy.age());
            int unpinned = 0;
            for (Savepoint savepoint : left) {
                if (savepoint.pinned()) {
                    count(Seen.KEPT_PINNED);
                    continue;
                }
                unpinned++;
                boolean within =
                        unpinned <= policy.count() && !savepoint.completedAt().isBefore(oldest);
                if (!within) {
                    assertThat(needed)
                            .as("%s is kept beyond the policy", name(savepoint))
                            .contains(savepoint);
                    count(
                            restorable().filter(savepoint.path()::equals).isPresent()
                                    ? Seen.KEPT_GOOD_BEYOND_THE_POLICY
                                    : Seen.KEPT_IN_USE);
                }
            }
        }

        private RetentionPolicy policy() {
            return new RetentionPolicy(1 + random.nextInt(3), Duration.ofHours(1 + random.nextInt(24)));
        }

        private List<Savepoint> known() {
            return ledger.savepoints(CLUSTER, NAME, soon());
        }

        private Versioned<Job> job() {
            return ledger.findJob(CLUSTER, NAME, soon()).orElseThrow();
        }

        private Versioned<Attempt> attempt(FlinkJobId id) {
            return ledger.findAttempt(CLUSTER, id, soon()).orElseThrow();
        }

        /** The attempt that runs. */
        private Optional<Versioned<Attempt>> living() {
            return Optional.ofNullable(job().value().active())
                    .map(this::attempt)
                    .filter(attempt -> attempt.value().state() == AttemptState.SUBMITTED);
        }

        private void put(Versioned<Attempt> attempt, Attempt.Change change) {
            commit(new LedgerChange.PutAttempt(change.made(), attempt.version()));
        }

        private void free(Versioned<Attempt> attempt, Attempt.Change change) {
            Versioned<Job> job = job();
            commit(
                    new LedgerChange.PutAttempt(change.made(), attempt.version()),
                    new LedgerChange.PutJob(job.value().free(), job.version()));
        }

        private Attempt attempt(JobSpec spec, StoragePath from) {
            return new Attempt(
                    new FlinkJobId("%032x".formatted(++number)),
                    request().id(),
                    1,
                    spec,
                    null,
                    null,
                    request(),
                    AttemptState.PREPARING,
                    clock.instant(),
                    clock.instant(),
                    null,
                    from,
                    new OperationId("%032x".formatted(++number)),
                    null,
                    null,
                    null,
                    null,
                    0,
                    null,
                    null,
                    null);
        }

        private static JobSpec spec(JobName name, RestorePoint restore) {
            return new JobSpec(
                    name,
                    JobKind.STREAM,
                    CLUSTER,
                    new JarReference(JarUri.parse("s3://jars/job.jar"), null, null),
                    null,
                    List.of(),
                    null,
                    restore,
                    OnUnknown.REFUSE);
        }

        private void commit(LedgerChange... changes) {
            try {
                ledger.commit(List.of(changes), soon());
            } catch (LedgerConflictException e) {
                throw new IllegalStateException(e);
            }
        }

        private static Request request() {
            return new Request(new RequestId("r"), 1);
        }

        private static String name(Savepoint savepoint) {
            return savepoint.operation() + " of " + savepoint.attempt();
        }

        private Deadline soon() {
            return Deadline.in(Duration.ofSeconds(20), clock);
        }

        private void count(Seen what) {
            seen.merge(what, 1, Integer::sum);
        }
    }
}
