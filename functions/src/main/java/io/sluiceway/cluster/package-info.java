/** The port to a Flink cluster, and the configured clusters by name. */
@NullMarked
package io.sluiceway.cluster;

import org.jspecify.annotations.NullMarked;
