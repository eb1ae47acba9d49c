package io.sluiceway.control.property;

import io.sluiceway.cluster.FakeFlinkCluster.SavepointEnd;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.control.property.Step.Aim;
import io.sluiceway.control.property.Step.Asker;
import io.sluiceway.control.property.Step.Call;
import io.sluiceway.control.property.Step.Caller;
import io.sluiceway.control.property.Step.Event;
import io.sluiceway.control.property.Step.Happening;
import io.sluiceway.control.property.Step.Name;
import io.sluiceway.control.property.Step.Trouble;
import io.sluiceway.control.property.Step.Variant;
import io.sluiceway.control.property.Step.Verb;
import io.sluiceway.control.property.Step.Where;
import io.sluiceway.job.JobState;
import java.time.Duration;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;

/** Random sequences of what can happen; the first of each choice is the simplest. */
final class Sequences {
    private static final int LONGEST = 14;
    private static final int CALLS_TO_PORTS = 9;

    private Sequences() {}

    static Arbitrary<List<Step>> steps() {
        return steps(1).list().ofMinSize(1).ofMaxSize(LONGEST);
    }

    /** @param depth how deep calls may still happen within calls */
    private static Arbitrary<Step> steps(int depth) {
        return Arbitraries.frequencyOf(Tuple.of(3, calls(depth)), Tuple.of(2, events()));
    }

    private static Arbitrary<Step> calls(int depth) {
        Arbitrary<List<Trouble>> troubles = Arbitraries.frequencyOf(
                Tuple.of(3, Arbitraries.just(List.of())),
                Tuple.of(3, trouble(depth).list().ofSize(1)),
                Tuple.of(1, trouble(depth).list().ofSize(2)));
        return Combinators.combine(verbs(), callers(), troubles).as(Call::new);
    }

    private static Arbitrary<Caller> callers() {
        return Combinators.combine(
                        Arbitraries.frequency(
                                Tuple.of(12, 0),
                                Tuple.of(1, 10),
                                Tuple.of(1, -10),
                                Tuple.of(1, 300),
                                Tuple.of(1, -300)),
                        Arbitraries.frequency(Tuple.of(2, false), Tuple.of(1, true)))
                .as(Caller::new);
    }

    private static Arbitrary<Asker> askers() {
        return Combinators.combine(
                        Arbitraries.frequency(Tuple.of(4, 0), Tuple.of(2, 1), Tuple.of(1, 2)),
                        Arbitraries.frequency(Tuple.of(4, 1), Tuple.of(2, 2), Tuple.of(1, 3)))
                .as(Asker::new);
    }

    private static Arbitrary<Aim> aims() {
        return Arbitraries.frequency(Tuple.of(6, -1), Tuple.of(1, -2), Tuple.of(2, 0), Tuple.of(2, 1), Tuple.of(1, 2))
                .map(Aim::new);
    }

    private static Arbitrary<Verb> verbs() {
        Arbitrary<Verb> submit = Combinators.combine(
                        Arbitraries.frequency(Tuple.of(3, Name.STREAM), Tuple.of(1, Name.RUN)),
                        askers(),
                        Arbitraries.frequency(
                                Tuple.of(2, Variant.ENDLESS),
                                Tuple.of(8, Variant.ENDLESS_LATEST),
                                Tuple.of(1, Variant.SAME_LATEST),
                                Tuple.of(2, Variant.WIDE_LATEST),
                                Tuple.of(1, Variant.BOUNDED),
                                Tuple.of(1, Variant.FAILING_LATEST),
                                Tuple.of(1, Variant.REFUSING_LATEST),
                                Tuple.of(1, Variant.STUMBLING_LATEST)),
                        Arbitraries.frequency(Tuple.of(4, false), Tuple.of(1, true)))
                .as(Verb.Submit::new);
        Arbitrary<Verb> stop = Combinators.combine(
                        askers(),
                        aims(),
                        askers().injectNull(0.6),
                        Arbitraries.of(Mode.CANCEL, Mode.SAVEPOINT, Mode.DRAIN))
                .as(Verb.Stop::new);
        Arbitrary<Verb> take = Combinators.combine(askers(), aims()).as(Verb.Take::new);
        Arbitrary<Verb> observeJob = aims().map(Verb.ObserveJob::new);
        Arbitrary<Verb> observeOperation = Arbitraries.integers().between(0, 5).map(Verb.ObserveOperation::new);
        return Arbitraries.frequencyOf(
                Tuple.of(6, submit),
                Tuple.of(2, stop),
                Tuple.of(2, take),
                Tuple.of(1, observeJob),
                Tuple.of(2, observeOperation));
    }

    private static Arbitrary<Event> events() {
        Arbitrary<Integer> living = Arbitraries.integers().between(0, 1);
        return Arbitraries.frequencyOf(
                Tuple.of(
                        6,
                        Arbitraries.of(1, 8, 16, 45, 400, 1000)
                                .map(Duration::ofSeconds)
                                .map(Event.Time::new)),
                Tuple.of(
                        2,
                        Combinators.combine(living, Arbitraries.of(JobState.FINISHED, JobState.FAILED))
                                .as(Event.JobEnds::new)),
                Tuple.of(1, living.map(Event.JobRestarts::new)),
                Tuple.of(1, living.map(Event.JobAils::new)),
                Tuple.of(3, living.map(Event.Checkpoint::new)),
                Tuple.of(
                        4,
                        Arbitraries.frequency(
                                        Tuple.of(4, SavepointEnd.COMPLETE),
                                        Tuple.of(1, SavepointEnd.FAIL),
                                        Tuple.of(1, SavepointEnd.FAIL_TO_STOP))
                                .map(Event.SavepointsEnd::new)),
                Tuple.of(1, living.map(Event.SavepointRemoved::new)),
                Tuple.of(2, Arbitraries.of(true, false).map(Event.JobManagerReplaced::new)),
                Tuple.of(1, Arbitraries.create(Event.EndedJobsForgotten::new)),
                Tuple.of(1, Arbitraries.create(Event.TriggersForgotten::new)),
                Tuple.of(3, living.map(Event.Delivered::new)),
                Tuple.of(1, Arbitraries.of(false, true).map(Event.JarRemoved::new)),
                Tuple.of(1, Arbitraries.of(false, true).map(Event.ClusterDown::new)),
                Tuple.of(1, Arbitraries.of(false, true).map(Event.StoreUnreadable::new)));
    }

    private static Arbitrary<Trouble> trouble(int depth) {
        return Combinators.combine(
                        Arbitraries.frequency(
                                Tuple.of(1, Where.ANY),
                                Tuple.of(1, Where.READ),
                                Tuple.of(3, Where.COMMIT),
                                Tuple.of(2, Where.LOOK),
                                Tuple.of(1, Where.ACT),
                                Tuple.of(3, Where.RUN),
                                Tuple.of(1, Where.PUBLISH)),
                        Arbitraries.integers().between(1, CALLS_TO_PORTS),
                        happenings(depth))
                .as((where, number, what) ->
                        new Trouble(where, where == Where.RUN || where == Where.PUBLISH ? 1 : number, what));
    }

    private static Arbitrary<Happening> happenings(int depth) {
        Arbitrary<Happening> plain = Arbitraries.of(
                new Happening.Killed(false),
                new Happening.Killed(true),
                new Happening.Unreachable(),
                new Happening.TimedOut(),
                new Happening.Unanswered(false),
                new Happening.Unanswered(true),
                new Happening.Delayed(),
                new Happening.Conflict());
        if (depth == 0) {
            return plain;
        }
        Arbitrary<Happening> paused = Combinators.combine(
                        Arbitraries.of(false, true),
                        Arbitraries.lazy(() -> steps(depth - 1))
                                .list()
                                .ofMinSize(1)
                                .ofMaxSize(4))
                .as(Happening.Paused::new);
        return Arbitraries.frequencyOf(Tuple.of(3, plain), Tuple.of(2, paused));
    }
}
