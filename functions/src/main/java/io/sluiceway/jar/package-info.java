/** The port to the store that job jars come from, and what makes a jar trustworthy. */
@NullMarked
package io.sluiceway.jar;

import org.jspecify.annotations.NullMarked;
