package io.sluiceway.ready;

import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.ready.Readiness.Execution;
import io.sluiceway.ready.Readiness.Proven;
import io.sluiceway.ready.Readiness.Sighting;
import io.sluiceway.ready.ReadyEvent.DataReady;
import io.sluiceway.ready.ReadyEvent.DataRevised;
import io.sluiceway.ready.SinkView.Checkpoints;
import io.sluiceway.ready.SinkView.Completed;
import io.sluiceway.ready.SinkView.Watermark;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Tells when all that a job has to write of the time before a boundary is committed, from what a cluster shows of it.
 *
 * <p>A boundary is <b>passed</b> when the lowest input watermark over all writers of the sink is at most a millisecond
 * below it: a watermark says that nothing at or before it follows. Metrics show a moment before they are read, but what
 * a watermark has said stays true, while the execution lives that said it.
 *
 * <p>At the <b>sighting</b>, all records of the time before have reached the writers. They are in the first checkpoint
 * that is <b>triggered behind it</b>, for its barrier passes each writer behind them. The sighting keeps the highest id
 * that was triggered, and the cluster's time: Flink's answer about checkpoints may be some seconds old, so that one
 * which was triggered before the sighting can have a higher id; ids in turn withstand clocks that are set back.
 *
 * <p>A checkpoint that is complete isn't <b>committed</b> yet: Flink's {@code CommitterOperator} commits when it is
 * notified of the completion, which is a message of its own, to each task. The <b>next checkpoint behind it</b> is
 * triggered behind that message, and the task takes the message first; a commit that fails fails the job, and with it
 * the next checkpoint. So when two are complete that were triggered behind the sighting, the first is committed. Where
 * the sink exposes <b>pending committables</b>, none may be left, lest a notification was overtaken. An intermediate
 * <b>savepoint</b> counts for nothing: {@code CheckpointCoordinator} notifies nobody of it.
 *
 * <p>All this holds within one execution. After a <b>restart</b> the writers have forgotten what wasn't in the
 * checkpoint that they went on from, so an open sighting is dropped. Metrics of before the restart would show
 * watermarks that the new execution hasn't reached; Flink keeps them until it has fetched others, and replaces them one
 * by one. So watermarks are ignored for one fetch interval, and for one observation behind it.
 *
 * <p>{@code Long.MAX_VALUE} is no moment: it passes the declared end, if there is one. While somebody stops the job,
 * watermarks pass nothing: a drain sends {@code Long.MAX_VALUE} to one writer after the other, so that the lowest is
 * anything. A job that is FINISHED by itself has passed and committed everything up to its declared end.
 *
 * <p>A job that goes on from a state older than the checkpoint that proved the announced boundary writes again what was
 * announced. Ids tell that, since they grow along a lineage of restored attempts.
 *
 * <p>Nothing depends on when observations are made, nor on the clock of whoever makes them. An observation that is made
 * twice, or misses any number of checkpoints and restarts, does no harm.
 *
 * @param policy whose boundaries they are
 */
public record DataReadyRule(DataReadyPolicy policy) {
    /** Flink's {@code metrics.fetcher.update-interval} unless it is configured, which must not be longer. */
    public static final Duration FETCH_INTERVAL = Duration.ofSeconds(10);

    /**
     * As many events as are told at once: they are published together with the state. While it is as many, another call
     * with the same observation has more.
     */
    public static final int MOST_EVENTS = 10;

    private static final int NEEDED_CHECKPOINTS = 2;

    /** Names what follows an attempt's last execution; a cluster's names have digits. */
    private static final String FINISHED = "FINISHED";

    /**
     * What an observation changes.
     *
     * @param state what is known now; the same as before when nothing has changed
     * @param events what is to be told, in this order, together with keeping the state
     */
    public record Step(Readiness state, List<ReadyEvent> events) {
        public Step {
            events = List.copyOf(events);
        }
    }

    /** What follows from an observation. */
    public Step observe(Readiness before, AttemptSeen observation) {
        List<ReadyEvent> events = new ArrayList<>();
        Readiness after = switch (observation) {
            case AttemptSeen.Finished finished -> finished(before, finished, events);
            case AttemptSeen.Running running -> running(before, running, events);
        };
        return new Step(announce(after, events), events);
    }

    private Readiness finished(Readiness before, AttemptSeen.Finished observation, List<ReadyEvent> events) {
        Instant end = policy.end();
        if (end == null) {
            return before;
        }
        Execution last = before.execution();
        boolean unseen = last == null || !last.attempt().equals(observation.attempt());
        // Where an attempt that nobody saw running began isn't known; at worst, from nothing.
        Readiness judged = unseen ? restored(before, 0, events) : before;
        return judged.withExecution(new Execution(observation.attempt(), FINISHED, Instant.EPOCH, true))
                .withSighting(null)
                .withProven(new Proven(end, Long.MAX_VALUE));
    }

    private Readiness running(Readiness before, AttemptSeen.Running observation, List<ReadyEvent> events) {
        SinkView sink = observation.sink();
        Checkpoints checkpoints = sink.checkpoints();
        if (checkpoints == null || checkpoints.execution() == null) {
            return before;
        }
        Readiness state = before;
        Execution execution = state.execution();
        if (execution != null
                && execution.attempt().equals(observation.attempt())
                && execution.name().equals(FINISHED)) {
            return before;
        }
        if (execution == null
                || !execution.attempt().equals(observation.attempt())
                || !execution.name().equals(checkpoints.execution())) {
            long restored = checkpoints.restored() == null ? 0 : checkpoints.restored();
            execution = new Execution(observation.attempt(), checkpoints.execution(), sink.at(), false);
            state = restored(state, restored, events).withSighting(null).withExecution(execution);
        }
        state = proven(state, sink, checkpoints);
        return sighted(state, execution, observation, checkpoints);
    }

    /** The job goes on from that checkpoint. */
    private static Readiness restored(Readiness state, long checkpoint, List<ReadyEvent> events) {
        Proven proven = state.proven();
        if (proven == null || checkpoint >= proven.checkpoint()) {
            return state;
        }
        Instant announced = state.announced();
        if (announced == null) {
            return state.withProven(null);
        }
        events.add(new DataRevised(announced));
        // What is proven and wasn't announced isn't true any more.
        return state.withProven(new Proven(announced, checkpoint));
    }

    /** Whether what was sighted is committed by now. */
    private static Readiness proven(Readiness state, SinkView sink, Checkpoints checkpoints) {
        Sighting sighting = state.sighting();
        if (sighting == null) {
            return state;
        }
        if (sink.at().isBefore(sighting.at())) {
            // The cluster's clock was set back: what it triggers now would seem to lie before the sighting.
            return state.withSighting(null);
        }
        List<Completed> behind = checkpoints.completed().stream()
                .filter(checkpoint -> !checkpoint.savepoint()
                        && checkpoint.id() > sighting.triggered()
                        && checkpoint.triggeredAt().isAfter(sighting.at()))
                .toList();
        OptionalLong first = behind.stream().mapToLong(Completed::id).min();
        boolean pending = sink.pendingCommittables() != null && sink.pendingCommittables() > 0;
        return first.isEmpty() || behind.size() < NEEDED_CHECKPOINTS || pending
                ? state
                : state.withSighting(null).withProven(new Proven(sighting.boundary(), first.getAsLong()));
    }

    private Readiness sighted(
            Readiness state, Execution execution, AttemptSeen.Running observation, Checkpoints checkpoints) {
        SinkView sink = observation.sink();
        Instant passed = observation.stopping() ? null : passed(sink.watermark());
        if (passed == null) {
            return state;
        }
        if (!execution.settled()) {
            return state.withExecution(settle(execution, sink.at()));
        }
        Instant known = state.proven() == null ? policy.start() : state.proven().boundary();
        return state.sighting() != null || (known != null && !passed.isAfter(known))
                ? state
                : state.withSighting(new Sighting(passed, checkpoints.triggered(), sink.at()));
    }

    /** A watermark was known of an execution at that time. */
    private static Execution settle(Execution execution, Instant at) {
        if (at.isBefore(execution.since())) {
            // The cluster's clock was set back.
            return new Execution(execution.attempt(), execution.name(), at, false);
        }
        return new Execution(
                execution.attempt(),
                execution.name(),
                execution.since(),
                !at.isBefore(execution.since().plus(FETCH_INTERVAL)));
    }

    /** The highest boundary that a watermark has passed; null when it isn't known. */
    private @Nullable Instant passed(Watermark watermark) {
        return switch (watermark) {
            case Watermark.Lowest(Instant lowest, int _) -> new Boundaries(policy).upTo(lowest.plusMillis(1));
            case Watermark.Ended() -> policy.end();
            case Watermark.Unknown(Watermark.Why _) -> null;
        };
    }

    /** Tells the boundaries that are proven and weren't told, the earliest first. */
    private Readiness announce(Readiness state, List<ReadyEvent> events) {
        Proven proven = state.proven();
        if (proven == null) {
            return state;
        }
        Boundaries boundaries = new Boundaries(policy);
        Readiness told = state;
        Optional<Instant> next = next(boundaries, told.announced(), proven.boundary());
        while (events.size() < MOST_EVENTS && next.isPresent() && !next.get().isAfter(proven.boundary())) {
            events.add(new DataReady(boundaries.before(next.get()), next.get()));
            told = told.withAnnounced(next.get());
            next = next(boundaries, told.announced(), proven.boundary());
        }
        return told;
    }

    private Optional<Instant> next(Boundaries boundaries, @Nullable Instant announced, Instant proven) {
        Instant last = announced == null ? policy.start() : announced;
        return last == null ? Optional.of(proven) : boundaries.behind(last);
    }
}
