/** One class per verb: what the functions do, free of Funqy, AWS and HTTP. */
@NullMarked
package io.sluiceway.control;

import org.jspecify.annotations.NullMarked;
