/** Tests of the job flight-delays. */
@NullMarked
package io.sluiceway.jobs.flightdelays;

import org.jspecify.annotations.NullMarked;
