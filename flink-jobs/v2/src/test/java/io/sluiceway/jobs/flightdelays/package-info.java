/** What the second version of {@code flight-delays} changes, and how an upgrade to it goes. */
@NullMarked
package io.sluiceway.jobs.flightdelays;

import org.jspecify.annotations.NullMarked;
