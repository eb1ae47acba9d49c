/** The Funqy entry points and their JSON contract: thin, one per function. */
@NullMarked
package io.sluiceway.function;

import org.jspecify.annotations.NullMarked;
