/** Deadlines: no wait without one. */
@NullMarked
package io.sluiceway.time;

import org.jspecify.annotations.NullMarked;
