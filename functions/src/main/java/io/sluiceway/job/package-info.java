/** What a job is: its name, its specification, its derived Flink job id and what was observed of it. */
@NullMarked
package io.sluiceway.job;

import org.jspecify.annotations.NullMarked;
