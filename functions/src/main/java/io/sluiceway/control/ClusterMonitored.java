package io.sluiceway.control;

import io.sluiceway.error.RefusedException;
import io.sluiceway.health.Health;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobState;
import io.sluiceway.operation.OperationId;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a sweep found on one cluster and did there.
 *
 * @param cluster which one
 * @param reachable whether it told what jobs it knows; the other numbers are 0 when it didn't, {@code left} apart
 * @param states how many of Sluiceway's jobs the cluster showed in which state when the sweep began, ended ones
 *     included until it forgets them; zeros left out. Where other people's jobs are so many that the time doesn't
 *     suffice to tell them all apart, old RUNs can be missing
 * @param health how many of those jobs of which it was asked more are how; zeros left out
 * @param unknown jobs of which nobody can tell what became of their newest attempt, among those that were looked at
 * @param unmanaged jobs that live on the cluster and that the ledger doesn't know, as far as the time sufficed to tell
 * @param looked jobs of the ledger that were looked at
 * @param left jobs of the ledger that the time didn't suffice for
 * @param operations what came of operations that were open
 * @param problems what couldn't be done
 */
public record ClusterMonitored(
        ClusterName cluster,
        boolean reachable,
        Map<JobState, Integer> states,
        Map<Health.State, Integer> health,
        int unknown,
        int unmanaged,
        int looked,
        int left,
        Moved operations,
        List<Problem> problems) {
    public ClusterMonitored {
        states = inOrder(states, JobState.class);
        health = inOrder(health, Health.State.class);
        problems = List.copyOf(problems);
    }

    private static <K extends Enum<K>> Map<K, Integer> inOrder(Map<K, Integer> counts, Class<K> type) {
        Map<K, Integer> inOrder = new EnumMap<>(type);
        inOrder.putAll(counts);
        return Collections.unmodifiableMap(inOrder);
    }

    /**
     * What came of operations that were open.
     *
     * @param open those that still are
     * @param advanced those of them that the sweep took further
     * @param completed those that ended in this sweep, having done what they were for
     * @param failed likewise, not having done it
     * @param abandoned likewise, given up
     */
    public record Moved(int open, int advanced, int completed, int failed, int abandoned) {}

    /**
     * What couldn't be done about a job, or about the whole cluster.
     *
     * @param job which job; absent when it is about the cluster
     * @param attempt which attempt; absent when it is about none
     * @param operation which operation; absent when it is about none
     * @param refusal why
     */
    public record Problem(
            @Nullable JobName job,
            @Nullable FlinkJobId attempt,
            @Nullable OperationId operation,
            RefusedException refusal) {}
}
