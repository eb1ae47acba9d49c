/**
 * A sample for teams whose jobs run on Amazon Managed Service for Apache Flink:
 * {@link io.sluiceway.infra.sample.ManagedApplicationStack}, one application with all that belongs to it.
 */
@NullMarked
package io.sluiceway.infra.sample;

import org.jspecify.annotations.NullMarked;
