package io.sluiceway.ledger;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;

/**
 * What makes a request the same request.
 *
 * @param cluster where
 * @param job about which job
 * @param verb what is asked for: a function's name, such as {@code submit-job}
 * @param id the caller's idempotency key
 */
public record RequestKey(ClusterName cluster, JobName job, String verb, RequestId id) {}
