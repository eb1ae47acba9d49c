package io.sluiceway.job;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is done about a job while it lives, beside running it. Each policy is absent unless the specification has it.
 *
 * @param dataReady when the data that it writes is told to be complete
 * @param health when it counts as well; absent: {@link HealthPolicy#DEFAULT}
 */
public record Policies(
        @Nullable DataReadyPolicy dataReady, @Nullable HealthPolicy health) {
    /** Nothing beside running it. */
    public static final Policies NONE = new Policies(null, null);

    /** Policies that say nothing of its health. */
    public Policies(@Nullable DataReadyPolicy dataReady) {
        this(dataReady, null);
    }

    /** When it counts as well. */
    public HealthPolicy healthOrDefault() {
        return health == null ? HealthPolicy.DEFAULT : health;
    }

    /** What tells these policies from others; nothing when there are none. */
    List<String> parts() {
        List<String> parts = new ArrayList<>();
        if (dataReady != null) {
            parts.add("dataReady");
            parts.addAll(dataReady.parts());
        }
        if (health != null) {
            parts.add("health");
            parts.addAll(health.parts());
        }
        return parts;
    }
}
