package io.sluiceway.operation;

import java.time.Instant;

/**
 * How a job gets another parallelism; the steps and their deadlines are those of the {@link Upgrade} beside it.
 *
 * @param from what it runs with, or ran with before
 * @param to what it is to run with
 * @param inPlace whether the cluster changes the job while it lives; otherwise it is stopped with a savepoint and
 *     started again
 * @param since in place: when the cluster was to be asked for what is being done; while that is judged, when it was
 *     seen to be done, so that health from before isn't taken for it
 */
public record Rescale(int from, int to, boolean inPlace, Instant since) {
    /** This one, of which the cluster is asked for another step, or has done one. */
    public Rescale at(Instant moment) {
        return new Rescale(from, to, inPlace, moment);
    }

    /** This one, for which the job is stopped and started again. */
    public Rescale byRestart() {
        return new Rescale(from, to, false, since);
    }
}
