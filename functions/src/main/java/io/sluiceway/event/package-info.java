/** What is told to the world of jobs, operations and savepoints, and the port to the bus that carries it. */
@NullMarked
package io.sluiceway.event;

import org.jspecify.annotations.NullMarked;
