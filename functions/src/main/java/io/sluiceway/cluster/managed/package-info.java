/** The adapter to Amazon Managed Service for Apache Flink, by its control API. */
@NullMarked
package io.sluiceway.cluster.managed;

import org.jspecify.annotations.NullMarked;
