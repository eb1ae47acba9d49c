package io.sluiceway.job;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a cluster says of a living job that tells whether it is well. All of it is of one moment: no earlier look is
 * needed to judge by it.
 *
 * @param at of which moment it tells, by the clock that its other times are of
 * @param runningSince since when at the latest it runs without a restart; nothing while it doesn't run
 * @param failures when it failed and had to be restarted, the newest first, as far back as the cluster remembers
 * @param checkpointing how its checkpoints get on
 * @param flow how its records get on; not observable unless it was asked for
 */
public record Vitals(
        Instant at,
        Observation<Instant> runningSince,
        Observation<List<Instant>> failures,
        Checkpointing checkpointing,
        Flow flow) {
    /** How a job's checkpoints get on. */
    public sealed interface Checkpointing {
        /** It takes none. */
        record Off() implements Checkpointing {}

        /**
         * Each is seen; the newest completed one is {@link JobStatus.Checkpoints#last}.
         *
         * @param interval at which they are triggered
         * @param failedInARow how many failed since one completed, as far back as the cluster remembers
         * @param lastFailure what the newest of these failed with; absent when there is none
         * @param retained whether the newest stays when the job is cancelled
         */
        record Seen(
                Duration interval,
                int failedInARow,
                @Nullable String lastFailure,
                boolean retained) implements Checkpointing {}

        /**
         * Only those that fail are counted.
         *
         * @param failures when, the newest first, each of as many as failed then
         * @param since how far back they are known
         */
        record Counted(List<Instant> failures, Instant since) implements Checkpointing {
            public Counted {
                failures = List.copyOf(failures);
            }
        }

        /**
         * The cluster can't tell.
         *
         * @param why a sentence
         */
        record Unseen(String why) implements Checkpointing {}
    }

    /**
     * How a job's records get on.
     *
     * @param backpressure the highest share of the last minute that one of its subtasks spent waiting for the next, 0
     *     to 1
     * @param watermark the lowest input watermark of its tasks that have one; nothing while none has
     */
    public record Flow(Observation<Double> backpressure, Observation<Instant> watermark) {
        /** It can't be told, for a reason that is a sentence. */
        public static Flow notObservable(String why) {
            return new Flow(new Observation.NotObservable<>(why), new Observation.NotObservable<>(why));
        }
    }

    /** The same, a program's arguments left out of what its checkpoints failed with. */
    Vitals without(List<String> arguments) {
        return switch (checkpointing) {
            case Checkpointing.Seen(Duration interval, int failedInARow, String lastFailure, boolean retained)
            when lastFailure != null ->
                new Vitals(
                        at,
                        runningSince,
                        failures,
                        new Checkpointing.Seen(
                                interval, failedInARow, Arguments.mask(lastFailure, arguments), retained),
                        flow);
            case Checkpointing.Seen _, Checkpointing.Off _, Checkpointing.Counted _, Checkpointing.Unseen _ -> this;
        };
    }

    /** The same with another flow. */
    public Vitals with(Flow other) {
        return new Vitals(at, runningSince, failures, checkpointing, other);
    }
}
