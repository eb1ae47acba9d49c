package io.sluiceway.cluster.session;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * With how many subtasks the vertices of a job may run, as Flink's adaptive scheduler is told.
 *
 * <p>A program may give an operator a parallelism of its own, which Flink doesn't tell apart from the job's. So the
 * vertices with the highest one are taken for those that follow the job's, and a change is made only where these can
 * still be told afterwards. Started anew, a program sets what is its own again.
 *
 * @param vertices by their ids, at least one
 */
record Requirements(Map<String, Bounds> vertices) {
    /**
     * What one vertex may run with.
     *
     * @param lower the fewest subtasks, without which the job waits for slots
     * @param upper the most, which it gets when there are slots enough
     */
    record Bounds(int lower, int upper) {}

    /** The job's parallelism. */
    int highest() {
        return vertices.values().stream().mapToInt(Bounds::upper).max().orElseThrow();
    }

    /** Why the job can't be brought to a parallelism without starting it anew; empty: it can. */
    Optional<String> hindrance(int parallelism) {
        int highest = highest();
        int others = vertices.values().stream()
                .mapToInt(Bounds::upper)
                .filter(upper -> upper < highest)
                .max()
                .orElse(0);
        if (highest == 1) {
            return Optional.of(
                    "The whole job runs with a parallelism of 1, so operators that its program keeps at 1 can't be told.");
        }
        return parallelism > others
                ? Optional.empty()
                : Optional.of("Operators of the job have a parallelism of %d of their own, which isn't below %d."
                        .formatted(others, parallelism));
    }

    /** The same with another parallelism of the job. */
    Requirements scaledTo(int parallelism) {
        int highest = highest();
        Map<String, Bounds> scaled = new LinkedHashMap<>(vertices);
        scaled.replaceAll((vertex, bounds) ->
                bounds.upper() == highest ? new Bounds(Math.min(bounds.lower(), parallelism), parallelism) : bounds);
        return new Requirements(scaled);
    }
}
