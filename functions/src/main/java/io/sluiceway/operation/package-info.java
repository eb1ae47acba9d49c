/** Long actions on a job, their identity and their states. */
@NullMarked
package io.sluiceway.operation;

import org.jspecify.annotations.NullMarked;
