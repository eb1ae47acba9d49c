package io.sluiceway.control;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.operation.Operation;
import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a verb answers when it doesn't refuse. */
public sealed interface Answer {
    /** Whether the call had an effect. */
    enum Outcome {
        /** The call started something. */
        STARTED,
        /** An earlier call of the same request and try had started it; this one had no effect. */
        REPLAYED
    }

    /**
     * A job was submitted.
     *
     * @param outcome whether by this call
     * @param submission what was submitted, and as which Flink job
     * @param job what the cluster says of it; absent when it couldn't be asked after the submission
     */
    record Submitted(
            Outcome outcome,
            Submission submission,
            @Nullable JobOverview job) implements Answer {}

    /**
     * An operation was triggered.
     *
     * @param outcome whether by this call
     * @param operation how far it has come
     */
    record Triggered(Outcome outcome, Operation operation) implements Answer {}

    /**
     * A job was observed.
     *
     * @param cluster where it is
     * @param status what the cluster says of it
     * @param jobPage where a person sees it
     */
    record JobObserved(ClusterName cluster, JobStatus status, URI jobPage) implements Answer {}

    /**
     * An operation was observed.
     *
     * @param operation how far it has come
     * @param job the job it acts on; absent when the cluster no longer knows it
     */
    record OperationObserved(Operation operation, @Nullable JobObserved job) implements Answer {}

    /**
     * One page of the jobs that a cluster knows, the newest first.
     *
     * @param cluster where they are
     * @param jobs the page
     * @param nextPage what to ask with for the next page; absent on the last
     */
    record JobsListed(
            ClusterName cluster,
            List<JobOverview> jobs,
            @Nullable PageToken nextPage) implements Answer {
        public JobsListed {
            jobs = List.copyOf(jobs);
        }
    }
}
