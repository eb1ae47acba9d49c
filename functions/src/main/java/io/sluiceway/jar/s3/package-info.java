/** Job jars in Amazon S3. */
@NullMarked
package io.sluiceway.jar.s3;

import org.jspecify.annotations.NullMarked;
