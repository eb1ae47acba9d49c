/** What one deployment of Sluiceway is told: typed, checked when it is read, and plain Java. */
@NullMarked
package io.sluiceway.infra.settings;

import org.jspecify.annotations.NullMarked;
