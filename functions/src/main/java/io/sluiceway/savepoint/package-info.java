/** Where savepoints lie and how far one has come. */
@NullMarked
package io.sluiceway.savepoint;

import org.jspecify.annotations.NullMarked;
