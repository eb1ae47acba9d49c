package io.sluiceway.job;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is done about a job while it lives, beside running it. Each policy is absent unless the specification has it.
 *
 * @param dataReady when the data that it writes is told to be complete
 * @param health when it counts as well; absent: {@link HealthPolicy#DEFAULT}
 * @param savepoints when savepoints are taken
 * @param retention which savepoints are kept
 * @param restart that it is started again when it has failed for good; absent: it isn't
 */
public record Policies(
        @Nullable DataReadyPolicy dataReady,
        @Nullable HealthPolicy health,
        @Nullable SavepointsPolicy savepoints,
        @Nullable RetentionPolicy retention,
        @Nullable RestartPolicy restart) {
    /** Nothing beside running it. */
    public static final Policies NONE = new Policies(null, null, null, null, null);

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
        if (savepoints != null) {
            parts.add("savepoints");
            parts.addAll(savepoints.parts());
        }
        if (retention != null) {
            parts.add("retention");
            parts.addAll(retention.parts());
        }
        if (restart != null) {
            parts.add("restart");
            parts.addAll(restart.parts());
        }
        return parts;
    }
}
