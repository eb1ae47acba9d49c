/** The session-cluster adapter: Flink's REST protocol over the JDK's HTTP client. */
@NullMarked
package io.sluiceway.cluster.session;

import org.jspecify.annotations.NullMarked;
