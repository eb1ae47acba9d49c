package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.time.Deadline;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a verb acts on: a job by its name, meaning its living attempt or else its newest, or one attempt by its Flink
 * job id.
 *
 * @param cluster where
 * @param job the job's name; absent when the attempt says it
 * @param attempt the attempt; absent when the job's name says it
 */
public record Target(
        ClusterName cluster,
        @Nullable JobName job,
        @Nullable FlinkJobId attempt) {
    public Target {
        if (job == null && attempt == null) {
            throw new RefusedException(
                    ErrorCode.FIELD_MISSING, "Neither 'jobName' nor 'flinkJobId' is there; one has to be.");
        }
        if (job != null && attempt != null) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID, "Both 'jobName' and 'flinkJobId' are there; leave one out.");
        }
    }

    /** The job's name; asked from the ledger when the target is an attempt. */
    JobName jobName(FlinkCluster on, JobLedger ledger, Deadline deadline) {
        return job == null ? resolve(on, ledger, deadline).value().spec().name() : job;
    }

    /**
     * The attempt that is meant.
     *
     * @throws RefusedException JOB_NOT_FOUND when the ledger knows none
     */
    Versioned<Attempt> resolve(FlinkCluster on, JobLedger ledger, Deadline deadline) {
        FlinkJobId id = attempt == null ? newest(ledger, deadline) : attempt;
        return ledger.findAttempt(cluster, id, deadline).orElseThrow(() -> on.unknownJob(id));
    }

    private FlinkJobId newest(JobLedger ledger, Deadline deadline) {
        Job known = ledger.findJob(cluster, Objects.requireNonNull(job), deadline)
                .map(Versioned::value)
                .orElseThrow(this::unknown);
        if (known.kind() == JobKind.RUN) {
            throw new RefusedException(
                    ErrorCode.FIELD_MISSING,
                    "Job '%s' is a RUN, of which many may live: name one by 'flinkJobId'.".formatted(job));
        }
        FlinkJobId id = known.active() == null ? known.last() : known.active();
        if (id == null) {
            throw unknown();
        }
        return id;
    }

    private RefusedException unknown() {
        return new RefusedException(
                ErrorCode.JOB_NOT_FOUND,
                "Sluiceway has started no job named '%s' on cluster '%s'.".formatted(job, cluster));
    }

    /** Identifies the target in a payload's hash. */
    String text() {
        return job == null ? "attempt " + attempt : "job " + job;
    }
}
