package io.sluiceway.savepoint;

import java.time.Instant;

/**
 * That a savepoint is to be removed: it is no restore point any more, whether it is still there or not.
 *
 * @param decidedAt when that was decided, and written before the cluster was asked
 * @param failures how often the cluster refused to remove it
 * @param tryFrom the cluster isn't asked before this
 */
public record Disposal(Instant decidedAt, int failures, Instant tryFrom) {}
