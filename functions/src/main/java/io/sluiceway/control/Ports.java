package io.sluiceway.control;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.savepoint.SavepointStore;

/**
 * What every verb works with.
 *
 * @param outbox the ledger, with events of what changes in it
 */
public record Ports(Clusters clusters, Outbox outbox, SavepointStore savepoints, Limits limits) {
    /** Of a deployment whose events are recorded and published nowhere. */
    public Ports(Clusters clusters, JobLedger ledger, SavepointStore savepoints, Limits limits) {
        this(clusters, new Outbox(ledger, null), savepoints, limits);
    }

    /** The ledger; its commits tell of themselves in events. */
    public JobLedger ledger() {
        return outbox;
    }
}
