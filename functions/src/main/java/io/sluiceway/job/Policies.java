package io.sluiceway.job;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is done about a job while it lives, beside running it. Each policy is absent unless the specification has it.
 *
 * @param dataReady when the data that it writes is told to be complete
 */
public record Policies(@Nullable DataReadyPolicy dataReady) {
    /** Nothing beside running it. */
    public static final Policies NONE = new Policies(null);

    /** What tells these policies from others; nothing when there are none. */
    List<String> parts() {
        List<String> parts = new ArrayList<>();
        if (dataReady != null) {
            parts.add("dataReady");
            parts.addAll(dataReady.parts());
        }
        return parts;
    }
}
