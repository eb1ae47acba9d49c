/** The event bus in Amazon EventBridge. */
@NullMarked
package io.sluiceway.event.eventbridge;

import org.jspecify.annotations.NullMarked;
