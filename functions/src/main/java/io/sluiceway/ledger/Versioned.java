package io.sluiceway.ledger;

/**
 * A record as it was read, with the version that a change of it has to meet.
 *
 * @param value the record
 * @param version from 1; grows by one with each change
 */
public record Versioned<T>(T value, long version) {}
