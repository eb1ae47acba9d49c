package io.sluiceway.control;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.savepoint.SavepointStore;

/** What every verb works with. */
public record Ports(Clusters clusters, JobLedger ledger, SavepointStore savepoints, Limits limits) {}
