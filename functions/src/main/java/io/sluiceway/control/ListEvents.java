package io.sluiceway.control;

import io.sluiceway.control.Answer.EventsListed;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.JobEvent;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobName;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.Page;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.time.Deadline;

/** Lists what was told of a job, published or not: for whoever has missed some of it. */
public final class ListEvents {
    private final Ports ports;

    public ListEvents(Ports ports) {
        this.ports = ports;
    }

    /**
     * Lists one page, the oldest first.
     *
     * @param afterSequence the number behind which the page begins; 0: from the oldest that is kept
     * @param pageSize how many events at the most, 1 to 1,000
     * @throws RefusedException CLUSTER_UNKNOWN; JOB_NOT_FOUND when Sluiceway has started no job of that name
     */
    public EventsListed list(ClusterName cluster, JobName name, long afterSequence, int pageSize, Deadline deadline) {
        ports.clusters().named(cluster);
        Page<JobEvent> page = ports.ledger().events(cluster, name, afterSequence, pageSize, deadline);
        // Read behind the page, so that no event of it has a higher number.
        Job job = ports.ledger()
                .findJob(cluster, name, deadline)
                .map(Versioned::value)
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.JOB_NOT_FOUND,
                        "Sluiceway has started no job named '%s' on cluster '%s'.".formatted(name, cluster)));
        return new EventsListed(page.items(), job.lastEvent(), page.next() != null);
    }
}
