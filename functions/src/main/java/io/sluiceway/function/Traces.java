package io.sluiceway.function;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** Stack traces without messages: what others say of a failure can quote what they were given, secrets among it. */
final class Traces {
    private static final int MOST_FRAMES = 40;

    private Traces() {}

    /** The classes of a throwable and of its causes, each with where it was thrown. */
    static String of(Throwable thrown) {
        StringBuilder trace = new StringBuilder();
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Throwable cause = thrown; cause != null && seen.add(cause); cause = cause.getCause()) {
            trace.append(trace.isEmpty() ? "" : "\nCaused by: ")
                    .append(cause.getClass().getName());
            StackTraceElement[] frames = cause.getStackTrace();
            for (int i = 0; i < Math.min(frames.length, MOST_FRAMES); i++) {
                trace.append("\n\tat ").append(frames[i]);
            }
        }
        return trace.toString();
    }
}
