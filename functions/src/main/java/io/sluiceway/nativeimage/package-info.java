/** What a native build does without of the libraries. Nothing here is in what a JVM runs. */
@NullMarked
package io.sluiceway.nativeimage;

import org.jspecify.annotations.NullMarked;
