/** Whether a job is well, judged from what its cluster says of it at one moment. */
@NullMarked
package io.sluiceway.health;

import org.jspecify.annotations.NullMarked;
