package io.sluiceway.faults;

/**
 * A promise that was broken.
 *
 * @param rule which one, such as {@code ONE_JOB}
 * @param what what was seen, with ids and times
 */
record Violation(String rule, String what) {}
