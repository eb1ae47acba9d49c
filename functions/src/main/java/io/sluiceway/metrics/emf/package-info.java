/** Metrics in Amazon CloudWatch's embedded metric format. */
@NullMarked
package io.sluiceway.metrics.emf;

import org.jspecify.annotations.NullMarked;
