/** The port to the ledger: what Sluiceway has been asked for, what it did, and what came of it. */
@NullMarked
package io.sluiceway.ledger;

import org.jspecify.annotations.NullMarked;
