package io.sluiceway.ready;

import io.sluiceway.ready.Happening.Abort;
import io.sluiceway.ready.Happening.Attempt;
import io.sluiceway.ready.Happening.Barrier;
import io.sluiceway.ready.Happening.Busy;
import io.sluiceway.ready.Happening.Checkpoint;
import io.sluiceway.ready.Happening.Clock;
import io.sluiceway.ready.Happening.Complete;
import io.sluiceway.ready.Happening.Drain;
import io.sluiceway.ready.Happening.Finish;
import io.sluiceway.ready.Happening.Flow;
import io.sluiceway.ready.Happening.Metrics;
import io.sluiceway.ready.Happening.MetricsLost;
import io.sluiceway.ready.Happening.Notify;
import io.sluiceway.ready.Happening.Observe;
import io.sluiceway.ready.Happening.Restart;
import io.sluiceway.ready.Happening.Time;
import io.sluiceway.ready.Happening.Trigger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;

/** Random histories; the first of each choice is the simplest. */
final class Histories {
    private static final int LONGEST = 30;

    private Histories() {}

    /**
     * One history.
     *
     * @param kind what job it is
     * @param happenings what happens to it
     */
    record History(SinkWorld.Kind kind, List<Happening> happenings) {}

    static Arbitrary<History> histories() {
        Arbitrary<SinkWorld.Kind> kinds = Combinators.combine(
                        Arbitraries.of(true, false), Arbitraries.of(false, true), Arbitraries.of(false, true))
                .as(SinkWorld.Kind::new);
        Arbitrary<List<Happening>> steps = Arbitraries.frequencyOf(
                        Tuple.of(12, plain().map(List::of)),
                        Tuple.of(3, Arbitraries.of(12, 6, 1).map(Histories::round)),
                        Tuple.of(
                                3,
                                Combinators.combine(Arbitraries.of(false, true), Arbitraries.of(false, true))
                                        .as(Histories::sighting)),
                        Tuple.of(4, Arbitraries.of(false, false, true).map(Histories::proving)),
                        Tuple.of(1, Arbitraries.just(restarting())),
                        Tuple.of(5, Arbitraries.just(asking())),
                        Tuple.of(4, Arbitraries.just(fetching())),
                        Tuple.of(4, Arbitraries.of(12, 6, 1).map(Histories::flowing)),
                        Tuple.of(4, Arbitraries.just(List.<Happening>of(new Checkpoint(false)))),
                        Tuple.of(1, attempts().map(List::of)))
                .list()
                .ofMinSize(5)
                .ofMaxSize(LONGEST)
                .map(Histories::flat);
        // Nothing can become ready before an execution is known and settled.
        Arbitrary<List<Happening>> beginnings =
                Arbitraries.of(0, 3, 4).map(rounds -> flat(Collections.nCopies(rounds, round(7))));
        return Combinators.combine(kinds, beginnings, steps)
                .as((kind, beginning, rest) -> new History(kind, flat(List.of(beginning, rest))));
    }

    /** When all goes well: records flow, a checkpoint is committed, the sink is observed. */
    static List<Happening> round(int records) {
        return flat(List.of(
                flowing(records), List.of(new Checkpoint(false), new Notify(0), new Notify(1)), asking(), fetching()));
    }

    /**
     * A watermark is seen of which no checkpoint has heard yet.
     *
     * @param behindACheckpoint whether a checkpoint was complete just before the records came
     * @param busy whether the answer about checkpoints is the one before
     */
    private static List<Happening> sighting(boolean behindACheckpoint, boolean busy) {
        return flat(List.of(
                asking(),
                behindACheckpoint ? List.of(new Checkpoint(false)) : List.of(),
                flowing(12),
                fetching(),
                busy ? List.of(new Busy()) : List.of(),
                asking()));
    }

    /** A checkpoint or savepoint is complete, and seen before any committer hears of it. */
    private static List<Happening> proving(boolean savepoint) {
        return List.of(new Checkpoint(savepoint), new Time(Duration.ofMillis(3100)), new Observe(List.of(), List.of()));
    }

    /** A restart in the midst of an observation, and another observation at once. */
    private static List<Happening> restarting() {
        return List.of(
                new Time(Duration.ofSeconds(15)),
                new Observe(List.of(new Restart()), List.of()),
                new Time(Duration.ofSeconds(1)),
                new Observe(List.of(), List.of()));
    }

    private static List<Happening> flowing(int records) {
        return List.of(new Flow(0, records), new Flow(1, records));
    }

    /** Late enough that metrics are asked for, too. */
    private static List<Happening> asking() {
        return List.of(new Time(Duration.ofSeconds(15)), new Observe(List.of(), List.of()));
    }

    private static List<Happening> fetching() {
        return List.of(new Metrics(0), new Metrics(1), new Metrics(0), new Metrics(1));
    }

    private static List<Happening> flat(List<List<Happening>> lists) {
        List<Happening> all = new ArrayList<>();
        lists.forEach(all::addAll);
        return all;
    }

    private static Arbitrary<Happening> plain() {
        Arbitrary<List<Happening>> between = Arbitraries.frequencyOf(
                Tuple.of(30, Arbitraries.just(List.of())),
                Tuple.of(10, world().list().ofMinSize(1).ofMaxSize(3)),
                Tuple.of(2, Arbitraries.just(List.of(new Restart()))),
                Tuple.of(1, Arbitraries.just(List.of(new Drain()))));
        return Arbitraries.frequencyOf(
                Tuple.of(8, world()),
                Tuple.of(2, Combinators.combine(between, between).as(Observe::new)));
    }

    private static Arbitrary<Happening> world() {
        Arbitrary<Integer> writer = Arbitraries.of(0, 1);
        return Arbitraries.frequencyOf(
                Tuple.of(
                        10,
                        Combinators.combine(writer, Arbitraries.of(6, 1, 12)).as(Flow::new)),
                Tuple.of(3, Arbitraries.of(false, true).map(Trigger::new)),
                Tuple.of(6, writer.map(Barrier::new)),
                Tuple.of(4, Arbitraries.create(Complete::new)),
                Tuple.of(1, Arbitraries.create(Abort::new)),
                Tuple.of(5, writer.map(Notify::new)),
                Tuple.of(8, Arbitraries.of(false, false, false, true).map(Checkpoint::new)),
                Tuple.of(2, Arbitraries.create(Restart::new)),
                Tuple.of(8, writer.map(Metrics::new)),
                Tuple.of(1, Arbitraries.create(MetricsLost::new)),
                Tuple.of(2, Arbitraries.create(Busy::new)),
                Tuple.of(5, Arbitraries.of(100, 1000, 3100, 10_100, 60_000).map(ms -> new Time(Duration.ofMillis(ms)))),
                Tuple.of(1, Arbitraries.of(5, 3600, -5, -3600).map(seconds -> new Clock(Duration.ofSeconds(seconds)))));
    }

    /** What a job goes through by somebody's will. */
    private static Arbitrary<Happening> attempts() {
        return Arbitraries.frequencyOf(
                Tuple.of(4, Arbitraries.integers().between(0, 7).map(Attempt::new)),
                Tuple.of(1, Arbitraries.create(Drain::new)),
                Tuple.of(2, Arbitraries.create(Finish::new)));
    }
}
