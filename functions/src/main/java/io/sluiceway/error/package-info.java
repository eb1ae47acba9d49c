/** The one vocabulary of errors: codes, what a caller does about each, and the exception that carries them. */
@NullMarked
package io.sluiceway.error;

import org.jspecify.annotations.NullMarked;
