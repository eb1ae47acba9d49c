/**
 * When the data that a job writes is ready: boundaries of event time, what is seen of a sink, and the rule that tells
 * one from the other.
 */
@NullMarked
package io.sluiceway.ready;

import org.jspecify.annotations.NullMarked;
