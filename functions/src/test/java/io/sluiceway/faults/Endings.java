package io.sluiceway.faults;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Remembers which states are terminal, from one look at the table to the next: they never change again. */
final class Endings {
    private static final Set<String> OF_ATTEMPTS = Set.of("FINISHED", "FAILED", "CANCELED", "REFUSED");
    private static final Set<String> OF_OPERATIONS = Set.of("COMPLETED", "FAILED", "ABANDONED");

    private final Map<String, String> seen = new ConcurrentHashMap<>();

    /** Tells which terminal states of a job have changed since the last look. */
    List<Violation> look(LedgerView.Table table, String job) {
        List<Violation> violations = new ArrayList<>();
        table.attempts(job).forEach(item -> look("attempt", item.path("flinkJobId"), item, OF_ATTEMPTS, violations));
        table.operations(job)
                .forEach(item -> look("operation", item.path("operationId"), item, OF_OPERATIONS, violations));
        return violations;
    }

    private void look(String what, JsonNode id, JsonNode item, Set<String> terminal, List<Violation> violations) {
        String key = what + " " + id.asText();
        String state = item.path("state").asText();
        String ended = terminal.contains(state)
                ? (state + " " + item.at("/upgrade/ending").asText()).trim()
                : state;
        String before = terminal.contains(state) ? seen.putIfAbsent(key, ended) : seen.get(key);
        if (before != null && !before.equals(ended)) {
            violations.add(new Violation("TERMINAL_IS_FINAL", key + " was " + before + " and is " + ended));
        }
    }

    /** Whether such an attempt has ended. */
    static boolean ofAttempt(String state) {
        return OF_ATTEMPTS.contains(state);
    }

    /** Whether such an operation has ended. */
    static boolean ofOperation(String state) {
        return OF_OPERATIONS.contains(state);
    }
}
