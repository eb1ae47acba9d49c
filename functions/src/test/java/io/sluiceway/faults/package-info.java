/** The proof: the packaged functions on real parts, with faults on the wire and an observer that judges. */
@NullMarked
package io.sluiceway.faults;

import org.jspecify.annotations.NullMarked;
