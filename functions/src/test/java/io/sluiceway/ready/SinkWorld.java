package io.sluiceway.ready;

import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.ready.DataReadyRule.Step;
import io.sluiceway.ready.ReadyEvent.DataReady;
import io.sluiceway.ready.ReadyEvent.DataRevised;
import io.sluiceway.ready.SinkView.Checkpoints;
import io.sluiceway.ready.SinkView.Completed;
import io.sluiceway.ready.SinkView.Watermark;
import io.sluiceway.ready.SinkView.Watermark.Why;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A job with a sink of two writers and committers, its cluster's REST API, and the rule that watches it. The job knows
 * what is committed; the API shows it as Flink's does: metrics are fetched when somebody asks for them, and shown when
 * they have come; what is known of executions and checkpoints is kept for some seconds.
 *
 * <p>Each writer takes its own records, of a time ten minutes later each and up to half an hour off, in their order. So
 * what a writer has taken, what a checkpoint holds and what is committed are positions in that order.
 */
final class SinkWorld {
    /**
     * What job it is.
     *
     * @param start whether the first boundary is declared
     * @param bounded whether its sources end, and its end is declared
     * @param overtaken whether checkpoints may overtake the notifications of those before; then the sink exposes its
     *     pending committables as they are
     */
    record Kind(boolean start, boolean bounded, boolean overtaken) {}

    private static final int WRITERS = 2;
    private static final long KEPT = 3000;
    private static final int REMEMBERED = 10;
    private static final long NO_WATERMARK = Long.MIN_VALUE;
    private static final Instant BASE = Instant.parse("2013-01-05T00:00:00Z");
    private static final int LAST = 90;
    private static final int ROUNDS = 12;
    private static final Duration SPACING = Duration.ofMinutes(10);
    private static final Duration JITTER = Duration.ofMinutes(30);

    /** A checkpoint or savepoint, and how far each writer had come when its barrier passed; -1 before it passes. */
    private static final class Saved {
        private final long id;
        private final boolean savepoint;
        private final Instant triggeredAt;
        private final int[] positions = {-1, -1};

        private Saved(long id, boolean savepoint, Instant triggeredAt) {
            this.id = id;
            this.savepoint = savepoint;
            this.triggeredAt = triggeredAt;
        }
    }

    /** What the cluster shows of a writer, or is about to: an execution and its watermark. */
    private record Shown(int execution, long watermark) {}

    private final Kind kind;
    private final DataReadyRule rule;
    private final List<Object> told = new ArrayList<>();

    // The job.
    private int attempt = 1;
    private int execution = 1;
    private boolean stopping;
    private boolean drained;
    private boolean finished;
    private final int[] taken = new int[WRITERS];
    private final boolean[] anew = {true, true};
    private final int[] committed = new int[WRITERS];
    private final List<TreeMap<Long, Integer>> prepared = List.of(new TreeMap<>(), new TreeMap<>());
    private final long[] notified = new long[WRITERS];
    private List<Saved> lineage = new ArrayList<>();
    private Saved underWay;
    private long lastId;

    // What the JobManager knows of this attempt.
    private final List<Saved> history = new ArrayList<>();
    private Saved restorePoint;
    private long triggered;
    private int restores;
    private Instant restoredAt = BASE;
    private Long restored;

    // The cluster and its REST API.
    private long now;
    private Duration offset = Duration.ZERO;
    private Instant fetchedAt = Instant.MIN;
    private final boolean[] asked = new boolean[WRITERS];
    private final Shown[] underWayMetrics = new Shown[WRITERS];
    private final Shown[] metrics = new Shown[WRITERS];
    private final long[] torn = {NO_WATERMARK, NO_WATERMARK};
    private int graph;
    private long graphUntil;
    private Checkpoints checkpoints;
    private long checkpointsUntil;
    private boolean busy;

    // What was told.
    private Readiness readiness = Readiness.NONE;
    private Instant announced;
    private int ready;
    private int revised;
    private boolean inRevision;
    private boolean hasToRevise;
    private boolean mayRevise;

    SinkWorld(Kind kind) {
        this.kind = kind;
        this.rule = new DataReadyRule(DataReadyPolicy.of(
                "results",
                DataReadyPolicy.Every.PT1H,
                null,
                kind.start ? BASE.toString() : null,
                kind.bounded ? end().toString() : null));
    }

    private static Instant end() {
        return BASE.plus(SPACING.multipliedBy(LAST)).plus(JITTER).plus(JITTER);
    }

    int ready() {
        return ready;
    }

    int revised() {
        return revised;
    }

    void take(Happening happening) {
        told.add(happening);
        now++;
        switch (happening) {
            case Happening.Flow(int writer, int records) -> flow(writer, records);
            case Happening.Trigger(boolean savepoint) -> trigger(savepoint);
            case Happening.Barrier(int writer) -> barrier(writer);
            case Happening.Complete() -> complete();
            case Happening.Abort() -> underWay = null;
            case Happening.Notify(int writer) -> commit(writer);
            case Happening.Checkpoint(boolean savepoint) -> {
                trigger(savepoint);
                barrier(0);
                barrier(1);
                complete();
            }
            case Happening.Restart() -> restart();
            case Happening.Attempt(int from) -> anotherAttempt(from);
            case Happening.Drain() -> {
                stopping = true;
                drained = !finished;
            }
            case Happening.Finish() -> finish();
            case Happening.Metrics(int writer) -> metrics(writer);
            case Happening.MetricsLost() -> {
                Arrays.fill(asked, false);
                Arrays.fill(underWayMetrics, null);
            }
            case Happening.Busy() -> busy = true;
            case Happening.Time(Duration by) -> now += by.toMillis();
            case Happening.Clock(Duration by) -> {
                offset = offset.plus(by);
                if (by.isNegative()) {
                    checkpointsUntil = 0;
                    busy = false;
                }
            }
            case Happening.Observe(List<Happening> behindMetrics, List<Happening> behindTheClock) ->
                observe(behindMetrics, behindTheClock);
        }
    }

    private Instant clock() {
        return BASE.plusMillis(now).plus(offset);
    }

    // ---- The job.

    private static Instant timeOf(int writer, int record) {
        int jitter = Math.floorMod((record * 31 + writer * 17) * 7919, 61) - 30;
        return BASE.plus(SPACING.multipliedBy(record)).plus(JITTER).plus(Duration.ofMinutes(jitter));
    }

    private void flow(int writer, int records) {
        if (!drained && !finished) {
            taken[writer] = kind.bounded ? Math.min(LAST, taken[writer] + records) : taken[writer] + records;
            anew[writer] = false;
        }
    }

    /** What the writer's watermark is: nothing of that time or before follows. */
    private long watermark(int writer) {
        if (drained || (kind.bounded && taken[writer] == LAST)) {
            return Long.MAX_VALUE;
        }
        return anew[writer]
                ? NO_WATERMARK
                : BASE.plus(SPACING.multipliedBy(taken[writer])).toEpochMilli() - 1;
    }

    private void trigger(boolean savepoint) {
        if (underWay == null && !finished) {
            underWay = new Saved(++lastId, savepoint, clock());
            triggered = lastId;
        }
    }

    private void barrier(int writer) {
        if (underWay == null || underWay.positions[writer] >= 0) {
            return;
        }
        if (!kind.overtaken) {
            commit(writer);
        }
        underWay.positions[writer] = taken[writer];
        prepared.get(writer).put(underWay.id, taken[writer]);
    }

    private void complete() {
        if (underWay == null || Arrays.stream(underWay.positions).anyMatch(position -> position < 0)) {
            return;
        }
        history.add(underWay);
        lineage.add(underWay);
        if (!underWay.savepoint) {
            Arrays.fill(notified, underWay.id);
        }
        underWay = null;
    }

    private void commit(int writer) {
        Map.Entry<Long, Integer> last = prepared.get(writer).floorEntry(notified[writer]);
        if (last != null && !finished) {
            committed[writer] = last.getValue();
            prepared.get(writer).headMap(last.getKey(), true).clear();
        }
    }

    private void restart() {
        if (finished || drained) {
            return;
        }
        Saved last = restorePoint;
        for (Saved saved : history) {
            if (!saved.savepoint) {
                last = saved;
            }
        }
        // Only the last restore is shown, so that one which nobody saw can't be told of.
        hasToRevise &= last == null;
        goOnFrom(last);
    }

    private void goOnFrom(Saved saved) {
        execution++;
        underWay = null;
        for (int writer = 0; writer < WRITERS; writer++) {
            taken[writer] = saved == null ? 0 : saved.positions[writer];
            committed[writer] = taken[writer];
            anew[writer] = true;
            prepared.get(writer).clear();
        }
        Arrays.fill(notified, 0);
        if (saved != null) {
            restores++;
            restoredAt = clock();
            restored = saved.id;
        }
    }

    private void anotherAttempt(int from) {
        if (finished) {
            return;
        }
        Saved saved = from == 0 || lineage.isEmpty() ? null : lineage.get(Math.max(0, lineage.size() - from));
        attempt++;
        stopping = false;
        drained = false;
        lineage = new ArrayList<>(saved == null ? List.of() : lineage.subList(0, lineage.indexOf(saved) + 1));
        lastId = saved == null ? 0 : saved.id;
        history.clear();
        restorePoint = saved;
        triggered = lastId;
        restores = 0;
        restored = null;
        Arrays.fill(metrics, null);
        Arrays.fill(torn, NO_WATERMARK);
        Arrays.fill(asked, false);
        Arrays.fill(underWayMetrics, null);
        graphUntil = 0;
        checkpointsUntil = 0;
        checkpoints = null;
        goOnFrom(saved);
        mayRevise = true;
        hasToRevise = announced != null && !inRevision && !isCommitted(announced);
    }

    private void finish() {
        if (kind.bounded && !drained && taken[0] == LAST && taken[1] == LAST) {
            finished = true;
            committed[0] = LAST;
            committed[1] = LAST;
        }
    }

    private boolean isCommitted(Instant boundary) {
        for (int writer = 0; writer < WRITERS; writer++) {
            for (int record = committed[writer]; record < committed[writer] + 8; record++) {
                boolean exists = !kind.bounded || record < LAST;
                if (exists && timeOf(writer, record).isBefore(boundary)) {
                    return false;
                }
            }
        }
        return true;
    }

    // ---- The REST API.

    private void metrics(int writer) {
        if (underWayMetrics[writer] != null) {
            Shown before = metrics[writer];
            metrics[writer] = underWayMetrics[writer];
            underWayMetrics[writer] = null;
            // While they are taken over, some are new and some are old.
            torn[writer] = before == null ? NO_WATERMARK : before.watermark;
        } else if (asked[writer]) {
            asked[writer] = false;
            underWayMetrics[writer] = new Shown(execution, watermark(writer));
        }
    }

    private Watermark readMetrics() {
        boolean idle = !asked[0] && !asked[1] && underWayMetrics[0] == null && underWayMetrics[1] == null;
        if (idle
                && Duration.between(fetchedAt.equals(Instant.MIN) ? BASE : fetchedAt, clock())
                                .compareTo(DataReadyRule.FETCH_INTERVAL)
                        > 0) {
            fetchedAt = clock();
            Arrays.fill(asked, true);
        }
        if (now >= graphUntil) {
            graph = execution;
            graphUntil = now + KEPT;
        }
        long lowest = Long.MAX_VALUE;
        int subtask = 0;
        for (int writer = 0; writer < WRITERS; writer++) {
            if (metrics[writer] == null) {
                return new Watermark.Unknown(Why.NO_METRICS);
            }
            if (metrics[writer].execution != graph) {
                return new Watermark.Unknown(Why.OLD_METRICS);
            }
            long watermark = torn[writer] == NO_WATERMARK ? metrics[writer].watermark : torn[writer];
            if (watermark == NO_WATERMARK) {
                return new Watermark.Unknown(Why.NO_WATERMARK);
            }
            if (watermark < lowest) {
                lowest = watermark;
                subtask = writer;
            }
        }
        Arrays.fill(torn, NO_WATERMARK);
        return lowest == Long.MAX_VALUE
                ? new Watermark.Ended()
                : new Watermark.Lowest(Instant.ofEpochMilli(lowest), subtask);
    }

    private Checkpoints readCheckpoints() {
        if (now >= checkpointsUntil) {
            if (checkpoints == null || !busy) {
                checkpoints = currentCheckpoints();
            }
            busy = false;
            checkpointsUntil = now + KEPT;
        }
        return checkpoints;
    }

    private Checkpoints currentCheckpoints() {
        String name = null;
        if (restores > 0) {
            name = restores + "@" + restoredAt;
        } else if (history.stream().anyMatch(saved -> !saved.savepoint)) {
            name = "0";
        }
        return new Checkpoints(
                name,
                restored,
                triggered,
                history.stream()
                        .skip(Math.max(0, history.size() - REMEMBERED))
                        .map(saved -> new Completed(saved.id, saved.savepoint, saved.triggeredAt))
                        .toList());
    }

    private Long pending() {
        if (!kind.overtaken) {
            return null;
        }
        long pending = 0;
        for (int writer = 0; writer < WRITERS; writer++) {
            int committedBy = committed[writer];
            pending += prepared.get(writer).values().stream()
                    .filter(position -> position > committedBy)
                    .count();
        }
        return pending;
    }

    // ---- Who watches it.

    private void observe(List<Happening> behindMetrics, List<Happening> behindTheClock) {
        FlinkJobId id = new FlinkJobId("%032x".formatted(attempt));
        if (finished) {
            tell(new AttemptSeen.Finished(id));
            return;
        }
        Watermark watermark = readMetrics();
        behindMetrics.forEach(this::take);
        Instant at = clock();
        behindTheClock.forEach(this::take);
        Checkpoints seen = readCheckpoints();
        tell(new AttemptSeen.Running(id, new SinkView(watermark, at, seen, pending()), stopping));
    }

    private void tell(AttemptSeen observation) {
        told.add(observation);
        Step step;
        do {
            step = rule.observe(readiness, observation);
            readiness = step.state();
            step.events().forEach(this::judge);
        } while (step.events().size() == DataReadyRule.MOST_EVENTS);
        told.add(readiness);
    }

    private void judge(ReadyEvent event) {
        told.add(event);
        switch (event) {
            case DataReady(Instant from, Instant until) -> {
                ready++;
                hold(isCommitted(until), until + " is told to be ready, and isn't committed");
                hold(!hasToRevise, until + " is told to be ready, and that data was revised wasn't told");
                Instant before = announced == null && kind.start ? BASE : announced;
                hold(before == null || from.equals(before), "%s follows on %s".formatted(event, before));
                hold(from.isBefore(until), event + " is no period");
                announced = until;
                inRevision = false;
            }
            case DataRevised(Instant until) -> {
                revised++;
                hold(mayRevise, "data is revised, and no other attempt began");
                hold(until.equals(announced), event + " names another boundary than " + announced);
                mayRevise = false;
                hasToRevise = false;
                inRevision = true;
            }
        }
    }

    /** When all goes well for long enough, whatever has been passed is told. */
    void settle() {
        if (drained) {
            take(new Happening.Attempt(1));
        }
        // Behind what the clock may have been set back by: Flink fetches no metrics until then.
        take(new Happening.Time(Duration.ofDays(3)));
        Instant passed = BASE;
        for (int round = 0; round < ROUNDS; round++) {
            Histories.round(24).forEach(this::take);
            if (round == ROUNDS / 2) {
                passed = BASE.plus(SPACING.multipliedBy(Math.min(taken[0], taken[1])));
            }
        }
        hold(!hasToRevise, "that data was revised wasn't told");
        Instant expected = kind.bounded ? end() : new Boundaries(rule.policy()).upTo(passed);
        hold(
                announced != null && !announced.isBefore(expected),
                "all went well, and %s isn't told".formatted(expected));
    }

    private void hold(boolean promise, String otherwise) {
        if (!promise) {
            StringBuilder all = new StringBuilder(otherwise);
            told.forEach(what -> all.append('\n').append(what));
            throw new AssertionError(all.toString());
        }
    }
}
