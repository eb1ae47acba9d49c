/** The port to a monitoring system. */
@NullMarked
package io.sluiceway.metrics;

import org.jspecify.annotations.NullMarked;
