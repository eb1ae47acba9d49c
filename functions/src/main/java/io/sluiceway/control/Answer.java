package io.sluiceway.control;

import io.sluiceway.cluster.DashboardLink;
import io.sluiceway.event.JobEvent;
import io.sluiceway.health.Health;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
import io.sluiceway.job.RequestId;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.operation.Operation;
import io.sluiceway.ready.Readiness;
import io.sluiceway.ready.SinkView.Watermark;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a verb answers when it doesn't refuse. */
public sealed interface Answer {
    /** Whether the call had an effect. */
    enum Outcome {
        /** The call started something. */
        STARTED,
        /** An earlier call of this request had started it; this one had no effect. */
        REPLAYED,
        /** Another request or try had started it; it is this one's now. */
        ADOPTED,
        /** What was asked for is so already; nothing was done. */
        UNCHANGED,
        /** An earlier call is at it, or was interrupted; nothing is certain yet. */
        IN_PROGRESS
    }

    /**
     * A job was submitted.
     *
     * @param outcome whether by this call
     * @param attempt the attempt that stands for the request
     * @param operation the operation that submits it
     * @param job what the cluster says of it; absent when it doesn't know the job or couldn't be asked
     * @param jobPage where a person sees it
     */
    record Submitted(
            Outcome outcome,
            Attempt attempt,
            Operation operation,
            @Nullable JobOverview job,
            URI jobPage) implements Answer {}

    /**
     * An operation was asked for.
     *
     * @param outcome whether by this call
     * @param operation how far it has come
     */
    record Triggered(Outcome outcome, Operation operation) implements Answer {}

    /**
     * A call was planned and had no effect.
     *
     * @param plan what it would do
     * @param job what it would answer of a job that is there already; absent when the plan isn't about one
     * @param operation likewise of an operation
     */
    record Planned(
            Plan plan, @Nullable Submitted job, @Nullable Operation operation) implements Answer {}

    /**
     * A request was cancelled before it was heard of: when it comes, it is refused.
     *
     * @param outcome whether by this call
     */
    record RequestCancelled(Outcome outcome) implements Answer {}

    /**
     * A job was observed. At least one of attempt and status is there.
     *
     * @param cluster where it is
     * @param attempt what the ledger says of it; absent when Sluiceway didn't start it
     * @param status what the cluster says of it; absent when it doesn't know the job (yet, or any more)
     * @param jobPage where a person sees it
     * @param dashboard what leads the one who asked into its dashboard; absent: nobody asked
     * @param dataReady how far its data is ready; absent: its specification doesn't ask for that, or nobody looked
     */
    record JobObserved(
            ClusterName cluster,
            @Nullable Attempt attempt,
            @Nullable JobStatus status,
            URI jobPage,
            @Nullable Observation<DashboardLink> dashboard,
            @Nullable Observation<DataReady> dataReady)
            implements Answer {
        /**
         * How far the data of a job is ready.
         *
         * @param policy which data
         * @param known what sweeps have found
         * @param watermark what the sink's writers show; absent when the job doesn't run
         */
        public record DataReady(
                DataReadyPolicy policy,
                Readiness known,
                @Nullable Watermark watermark) {}

        /** As its cluster and the ledger show it. */
        JobObserved(ClusterName cluster, @Nullable Attempt attempt, @Nullable JobStatus status, URI jobPage) {
            this(cluster, attempt, status, jobPage, null, null);
        }

        /** Whether the job is well, by its own thresholds; empty when there is nothing to judge. */
        public Optional<Health> health() {
            return Optional.ofNullable(status).flatMap(seen -> Health.of(seen, healthPolicy()));
        }

        private HealthPolicy healthPolicy() {
            return attempt == null
                    ? HealthPolicy.DEFAULT
                    : attempt.spec().policies().healthOrDefault();
        }
    }

    /**
     * An operation was observed.
     *
     * @param operation how far it has come
     * @param job the job it acts on
     */
    record OperationObserved(Operation operation, JobObserved job) implements Answer {}

    /**
     * One page of the jobs that a cluster knows, the newest first.
     *
     * @param cluster where they are
     * @param jobs the page
     * @param attempts what the ledger says of those that Sluiceway started
     * @param nextPage what to ask with for the next page; absent on the last
     */
    record JobsListed(
            ClusterName cluster,
            List<JobOverview> jobs,
            Map<FlinkJobId, Attempt> attempts,
            @Nullable PageToken nextPage)
            implements Answer {
        public JobsListed {
            jobs = List.copyOf(jobs);
            attempts = Map.copyOf(attempts);
        }
    }

    /**
     * One page of a job's events, the oldest first.
     *
     * @param events the page
     * @param lastSequence the number of the job's newest event; 0 when there is none
     * @param more whether there are more behind the page
     */
    record EventsListed(List<JobEvent> events, long lastSequence, boolean more) implements Answer {
        public EventsListed {
            events = List.copyOf(events);
        }
    }

    /**
     * Clusters were swept.
     *
     * @param request the id that the caller gave the sweep; absent when it gave none
     * @param clusters what was found and done, in the order of the sweep
     * @param clustersLeft those that the time didn't suffice for
     * @param events what became of the events that were pending or came of the sweep
     */
    record JobsMonitored(
            @Nullable RequestId request,
            List<ClusterMonitored> clusters,
            List<ClusterName> clustersLeft,
            Outbox.Told events)
            implements Answer {
        public JobsMonitored {
            clusters = List.copyOf(clusters);
            clustersLeft = List.copyOf(clustersLeft);
        }
    }
}
