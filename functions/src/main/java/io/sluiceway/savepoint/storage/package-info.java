/** Where savepoints and checkpoints lie: Amazon S3, and the file system of the machine. */
@NullMarked
package io.sluiceway.savepoint.storage;

import org.jspecify.annotations.NullMarked;
