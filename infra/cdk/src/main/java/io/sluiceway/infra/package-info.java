/**
 * The CDK app: {@link io.sluiceway.infra.SluicewayStack} and its constructs, one per concern. What differs between two
 * deployments is in {@link io.sluiceway.infra.settings.Settings} and nowhere else.
 */
@NullMarked
package io.sluiceway.infra;

import org.jspecify.annotations.NullMarked;
