package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.JobsMonitored;
import io.sluiceway.control.Outbox.Told;
import io.sluiceway.error.RefusedException;
import io.sluiceway.health.Health;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobState;
import io.sluiceway.job.RequestId;
import io.sluiceway.metrics.Measurement;
import io.sluiceway.metrics.Measurement.Unit;
import io.sluiceway.metrics.Measurement.Value;
import io.sluiceway.metrics.MetricsSink;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * Sweeps over clusters: observes what lives there, and takes what is open forward, so that a submission, a savepoint or
 * a stop whose caller went away comes to its end without anybody asking; and publishes the events that others recorded
 * and didn't come to publish; and starts STREAMs again that have failed, where their policy says so.
 *
 * <p>Each cluster gets its share of the time. Where a sweep begins among the clusters, and among the jobs of each,
 * moves with the clock, so that when the time suffices for some of them only, sweeps take turns. All that is remembered
 * from sweep to sweep is how jobs were when they were looked at: it spares looking at each of them each time, and is
 * made anew by a process that doesn't have it.
 */
public final class MonitorJobs {
    /** What is kept for settling the last step, and some time to take that step in. */
    private static final Duration RESERVE = SubmitJob.SETTLING_RESERVE.plusSeconds(1);

    /** What part of a cluster's share events may take that earlier calls have left unpublished. */
    private static final int SHARE_OF_EVENTS = 4;

    /** With less than this a cluster that works would seem not to. */
    private static final Duration LEAST_SHARE = Duration.ofMillis(500);

    /**
     * Multiples of the golden ratio, their whole parts left out, fall evenly and never twice on the same place: the
     * places where many sweeps begin lie about equally far apart, however many there are.
     */
    private static final double GOLDEN_RATIO = (1 + Math.sqrt(5)) / 2;

    private static final int SECONDS_A_MINUTE = 60;

    private final Ports ports;
    private final MetricsSink metrics;
    private final Jars jars;
    private final int atOnce;
    private final Looks looks = new Looks();

    /** Sweeps that take on as many jobs at once as a cluster bears. */
    public MonitorJobs(Ports ports, MetricsSink metrics, Jars jars) {
        this(ports, metrics, jars, Integer.MAX_VALUE);
    }

    /**
     * Sweeps that take on some jobs at once.
     *
     * @param atOnce how many at the most, from 1
     */
    public MonitorJobs(Ports ports, MetricsSink metrics, Jars jars, int atOnce) {
        this.ports = ports;
        this.metrics = metrics;
        this.jars = jars;
        this.atOnce = atOnce;
    }

    /**
     * Sweeps over the named clusters.
     *
     * @param request what the caller calls this sweep; absent when it gives it no name
     * @param names the clusters; none: all that are configured
     * @return what was found and done; a cluster or a job that fails is told in it and doesn't hinder the others
     * @throws RefusedException CLUSTER_UNKNOWN when one of the names is of no cluster
     */
    public JobsMonitored monitor(@Nullable RequestId request, List<ClusterName> names, Deadline deadline) {
        List<FlinkCluster> clusters = (names.isEmpty() ? ports.clusters().names() : names)
                .stream().map(ports.clusters()::named).toList();
        Deadline work = deadline.leaving(RESERVE);
        List<ClusterMonitored> swept = new ArrayList<>();
        List<ClusterName> left = new ArrayList<>();
        Told told = Told.NOTHING;
        List<FlinkCluster> inTurn = inTurn(clusters, deadline.clock().instant());
        for (int i = 0; i < inTurn.size(); i++) {
            FlinkCluster cluster = inTurn.get(i);
            Duration share = work.remaining().dividedBy(inTurn.size() - i);
            if (work.remaining().compareTo(LEAST_SHARE) < 0) {
                left.add(cluster.name());
                continue;
            }
            Deadline until = Deadline.in(share.compareTo(LEAST_SHARE) < 0 ? LEAST_SHARE : share, deadline.clock());
            Told before = ports.outbox()
                    .publishPending(
                            cluster.name(),
                            Deadline.in(until.remaining().dividedBy(SHARE_OF_EVENTS), deadline.clock()));
            ClusterMonitored monitored = new Sweep(
                            ports, metrics, jars, looks, cluster, Math.min(atOnce, cluster.atOnce()), until, deadline)
                    .run();
            Told events = before.and(ports.outbox().publish(deadline));
            publish(monitored, events, deadline.clock().instant());
            swept.add(monitored);
            told = told.and(events);
        }
        return new JobsMonitored(request, swept, left, told);
    }

    /** The same things, beginning where a sweep at that moment begins. */
    static <T> List<T> inTurn(List<T> all, Instant at) {
        double turns = Math.floorDiv(at.getEpochSecond(), SECONDS_A_MINUTE) * GOLDEN_RATIO;
        List<T> rotated = new ArrayList<>(all);
        Collections.rotate(rotated, -(int) ((turns - Math.floor(turns)) * all.size()));
        return rotated;
    }

    private void publish(ClusterMonitored cluster, Told events, Instant at) {
        List<Value> values = new ArrayList<>();
        values.add(count("ClusterUnreachable", cluster.reachable() ? 0 : 1));
        values.add(count("JobsLeft", cluster.left()));
        values.add(count("SweepErrors", cluster.problems().size()));
        values.add(count("EventsPending", events.pending()));
        // What couldn't be counted isn't 0.
        if (cluster.problems().stream().noneMatch(problem -> problem.job() == null)) {
            values.add(count("JobsRunning", in(cluster, JobState.RUNNING)));
            values.add(count("JobsRestarting", in(cluster, JobState.RESTARTING)));
            values.add(count("JobsFailing", in(cluster, JobState.FAILING)));
            values.add(count("JobsFailed", in(cluster, JobState.FAILED)));
            values.add(count(
                    "JobsInTransition",
                    in(
                            cluster,
                            JobState.INITIALIZING,
                            JobState.CREATED,
                            JobState.CANCELLING,
                            JobState.SUSPENDED,
                            JobState.RECONCILING)));
            values.add(count("JobsStable", cluster.health().getOrDefault(Health.State.STABLE, 0)));
            values.add(count("JobsUnhealthy", cluster.health().getOrDefault(Health.State.UNHEALTHY, 0)));
            values.add(count("JobsUnknown", cluster.unknown()));
            values.add(count("UnmanagedJobs", cluster.unmanaged()));
            values.add(count("OpenOperations", cluster.operations().open()));
            values.add(count(
                    "FailedOperations",
                    cluster.operations().failed() + cluster.operations().abandoned()));
        }
        SequencedMap<String, String> dimensions = new LinkedHashMap<>();
        dimensions.put("cluster", cluster.cluster().value());
        metrics.publish(new Measurement(at, dimensions, values));
    }

    private static Value count(String metric, int value) {
        return new Value(metric, Unit.COUNT, value);
    }

    private static int in(ClusterMonitored cluster, JobState... states) {
        int sum = 0;
        for (JobState state : states) {
            sum += cluster.states().getOrDefault(state, 0);
        }
        return sum;
    }
}
