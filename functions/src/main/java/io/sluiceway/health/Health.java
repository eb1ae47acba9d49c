package io.sluiceway.health;

import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobStatus;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether a job is well. RUNNING isn't health: a job in a restart loop shows RUNNING.
 *
 * @param state what the worst reason makes of it
 * @param reasons what keeps it from being stable, the worst first; none when it is
 * @param runningSince since when at the latest it runs without a restart; absent when it doesn't, or nobody can tell
 */
public record Health(
        State state, List<Reason> reasons, @Nullable Instant runningSince) {
    /** How a job is, the worst last. */
    public enum State {
        /** It runs, has completed a checkpoint since it does, and hasn't been restarted for the settling time. */
        STABLE,
        /** Nothing is wrong; it just has to go on so. */
        SETTLING,
        /** Nothing is known to be wrong, and nothing shows that it is stable: that takes what can't be observed. */
        UNKNOWN,
        /** Something is wrong. */
        UNHEALTHY
    }

    public Health {
        reasons = reasons.stream()
                .sorted(Comparator.comparing((Reason reason) -> reason.code().state())
                        .reversed())
                .toList();
    }

    /**
     * Judges a job by what its cluster says of it, and by nothing else: whoever looks at the same status comes to the
     * same judgement, and nobody needs to have looked before.
     *
     * @return empty when there is nothing to judge: the job has ended, is being cancelled, or changes hands
     */
    public static Optional<Health> of(JobStatus status, HealthPolicy policy) {
        return switch (status.overview().state()) {
            case INITIALIZING, CREATED, RUNNING, FAILING, RESTARTING -> Optional.of(new Judge(status, policy).health());
            case FAILED, CANCELLING, CANCELED, FINISHED, SUSPENDED, RECONCILING -> Optional.empty();
        };
    }
}
