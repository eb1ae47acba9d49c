package io.sluiceway.control;

import io.sluiceway.health.Health;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus.JobOverview;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What the sweeps of this process saw of jobs when they looked at them last. It spares requests and decides nothing
 * else: a process that remembers nothing looks at everything once.
 */
final class Looks {
    /**
     * How often a job is looked at while nothing changes: as often as a value of CloudWatch is asked for by the alarms,
     * and within the time that a failure of checkpoints takes to count.
     */
    static final Duration ROUND = Duration.ofMinutes(5);

    /** When something is looked at; what is more urgent is greater. */
    enum Turn {
        /** Not in this sweep: it is taken for what it was. */
        LATER,
        /** In this sweep, behind what is urgent. */
        IN_THE_ROUND,
        /** First. */
        NOW
    }

    private static final int HEX = 16;
    private static final int DIGITS = 8;

    private final Map<ClusterName, Map<FlinkJobId, Look>> looks = new ConcurrentHashMap<>();

    /**
     * One look.
     *
     * @param at when the sweep began in which it was
     * @param listed how the cluster's list of jobs showed the job before it; absent of one that had ended
     * @param health how the job was found to be
     * @param due when there is something to do for its policies, as far as that is known
     */
    record Look(
            Instant at,
            @Nullable JobOverview listed,
            Health.State health,
            @Nullable Instant due) {
        /** One at an attempt that had ended, and of which the cluster has nothing new to tell. */
        static Look atEnded(Instant at, @Nullable Instant due) {
            return new Look(at, null, Health.State.UNKNOWN, due);
        }

        private boolean isDue(Instant now) {
            return due != null && !now.isBefore(due);
        }

        /**
         * Whether nothing was wrong, nor on its way to become right. What can't be observed doesn't become so by
         * looking more often.
         */
        private boolean quiet() {
            return listed != null
                    && listed.state() == JobState.RUNNING
                    && switch (health) {
                        case STABLE, UNKNOWN -> true;
                        case SETTLING, UNHEALTHY -> false;
                    };
        }
    }

    /** Remembers looks, and forgets all jobs but some. */
    void remember(ClusterName cluster, Map<FlinkJobId, Look> newer, Set<FlinkJobId> jobs) {
        Map<FlinkJobId, Look> known = looks.computeIfAbsent(cluster, name -> new ConcurrentHashMap<>());
        known.putAll(newer);
        known.keySet().retainAll(jobs);
    }

    /** The last look at a job; empty when this process has seen none. */
    Optional<Look> last(ClusterName cluster, FlinkJobId job) {
        return Optional.ofNullable(looks.getOrDefault(cluster, Map.of()).get(job));
    }

    /**
     * When a job that the list shows has its turn to be looked at. LATER it has when it was well, the list shows it as
     * it did then, nothing of its policies is due, and its turn in this round has been. A round begins for each job at
     * another moment, so that about as many have their turn in each sweep, however often there is one.
     */
    Turn turn(ClusterName cluster, JobOverview listed, Instant now) {
        Optional<Look> last = last(cluster, listed.id());
        return last.isPresent()
                        && !(last.get().quiet() && listed.equals(last.get().listed()))
                ? Turn.NOW
                : turn(cluster, listed.id(), now);
    }

    /** When a job that has ended has its turn: LATER when nothing is due and its turn in this round has been. */
    Turn turn(ClusterName cluster, FlinkJobId job, Instant now) {
        Optional<Look> last = last(cluster, job);
        if (last.isPresent() && last.get().isDue(now)) {
            return Turn.NOW;
        }
        return last.isPresent() && round(job, last.get().at()) == round(job, now) ? Turn.LATER : Turn.IN_THE_ROUND;
    }

    private static long round(FlinkJobId job, Instant at) {
        long offset = Long.parseLong(job.value().substring(0, DIGITS), HEX) % ROUND.toSeconds();
        return Math.floorDiv(at.getEpochSecond() + offset, ROUND.toSeconds());
    }
}
