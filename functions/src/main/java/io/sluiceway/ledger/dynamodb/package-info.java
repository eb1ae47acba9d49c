/** The ledger in Amazon DynamoDB. */
@NullMarked
package io.sluiceway.ledger.dynamodb;

import org.jspecify.annotations.NullMarked;
