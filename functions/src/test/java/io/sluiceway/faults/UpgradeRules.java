package io.sluiceway.faults;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.sluiceway.faults.FlinkView.Course;
import io.sluiceway.faults.FlinkView.Execution;
import io.sluiceway.testjob.TestJob;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Holds how upgrades ended, by the table, against what Flink ran and what the job counted. */
final class UpgradeRules {
    private static final Set<String> ENDINGS = Set.of("UPGRADED", "ROLLED_BACK", "FAILED");

    /** How requests are called that are Sluiceway's own: the start of a version, and that of the old one's return. */
    private static final String OWN = "sluiceway/";

    private final Evidence evidence;
    private final List<Violation> violations = new ArrayList<>();
    private final Map<String, JsonNode> attempts = new HashMap<>();
    private final Map<String, Execution> executions = new HashMap<>();

    private UpgradeRules(Evidence evidence) {
        this.evidence = evidence;
        evidence.table()
                .attempts(evidence.job())
                .forEach(attempt -> attempts.put(attempt.path("flinkJobId").asText(), attempt));
        evidence.executions().forEach(execution -> executions.putIfAbsent(execution.id(), execution));
    }

    /** Judges a trial that has come to rest; one without an upgrade breaks none. */
    static List<Violation> judge(Evidence evidence) {
        UpgradeRules rules = new UpgradeRules(evidence);
        for (JsonNode operation : evidence.table().upgrades(evidence.job())) {
            if (Endings.ofOperation(operation.path("state").asText())) {
                rules.endsInOneWay(operation);
                rules.endsAsFlinkShows(operation);
                rules.keepsState(operation);
                rules.nothingTwice(operation);
                rules.nobodyBetween(operation);
            }
        }
        rules.jobIsFree();
        rules.eachVersionOnce();
        rules.counted();
        return List.copyOf(rules.violations);
    }

    private void violated(String rule, String what) {
        violations.add(new Violation(rule, what));
    }

    private void endsInOneWay(JsonNode operation) {
        String ending = operation.at("/upgrade/ending").asText();
        boolean completed = operation.path("state").asText().equals("COMPLETED");
        if (!ENDINGS.contains(ending) || completed != ending.equals("UPGRADED")) {
            violated("UPGRADE_ENDS", "%s ended as '%s'".formatted(operation, ending));
        }
        if (!completed && operation.path("failure").asText().isEmpty()) {
            violated("UPGRADE_ENDS", operation + " doesn't say why it failed");
        }
    }

    /** The version that is said to run is the one that lives, unless somebody has asked for its end since. */
    private void endsAsFlinkShows(JsonNode operation) {
        JsonNode upgrade = operation.path("upgrade");
        JsonNode old = operation.path("attempt");
        switch (upgrade.path("ending").asText()) {
            case "UPGRADED" -> {
                if (upgrade.has("next")) {
                    runs(operation, upgrade.path("next"), upgrade.path("spec"));
                    ended(operation, old);
                }
            }
            case "ROLLED_BACK" -> {
                runs(operation, upgrade.path("back"), attemptOf(old).path("spec"));
                ended(operation, old);
                ended(operation, upgrade.path("next"));
            }
            default -> {
                boolean saved = evidence.table().operations(evidence.job()).stream()
                        .filter(other -> other.path("operationId").equals(upgrade.path("stop")))
                        .anyMatch(stop -> stop.has("savepoint"));
                if (saved && !operation.has("savepoint")) {
                    violated("ENDING_AGREES", operation + " doesn't name the savepoint of its stop");
                }
            }
        }
    }

    private void runs(JsonNode operation, JsonNode id, JsonNode specification) {
        Execution execution = executions.get(id.asText());
        if (execution == null) {
            violated("ENDING_AGREES", operation + " names " + id + ", which never ran");
            return;
        }
        if (!attemptOf(id).at("/spec/args").equals(specification.path("args"))) {
            violated("ENDING_AGREES", "%s isn't the version that %s names".formatted(attemptOf(id), operation));
        }
        boolean asked = evidence.table().operations(evidence.job()).stream()
                .anyMatch(other -> other.path("attempt").equals(id));
        if (Set.of("CANCELED", "FINISHED").contains(execution.state()) && !asked) {
            violated("ENDING_AGREES", "nobody asked for the end of %s, by %s".formatted(execution, operation));
        }
    }

    private void ended(JsonNode operation, JsonNode id) {
        Execution execution = executions.get(id.asText());
        if (execution != null && execution.end() == null) {
            violated("ENDING_AGREES", "%s lives behind %s".formatted(execution, operation));
        }
    }

    /** Each version began with the state that the operation names, by Flink's own log. */
    private void keepsState(JsonNode operation) {
        JsonNode upgrade = operation.path("upgrade");
        boolean stateless = upgrade.path("mode").asText().equals("STATELESS");
        Stream.of(stateless ? MissingNode.getInstance() : upgrade.path("next"), upgrade.path("back"))
                .map(id -> Optional.ofNullable(executions.get(id.asText())))
                .flatMap(Optional::stream)
                .filter(execution -> !courseOf(execution)
                        .restoredFrom()
                        .equals(operation.path("savepoint").asText()))
                .forEach(execution -> violated(
                        "STATE_IS_KEPT",
                        "%s began with '%s' instead of %s"
                                .formatted(
                                        execution, courseOf(execution).restoredFrom(), operation.path("savepoint"))));
    }

    /** The old version comes back only when nothing of the new one was committed, unless that does no harm. */
    private void nothingTwice(JsonNode operation) {
        JsonNode upgrade = operation.path("upgrade");
        Execution next = executions.get(upgrade.path("next").asText());
        if (upgrade.path("afterCommit").asText().equals("REFUSE")
                && executions.containsKey(upgrade.path("back").asText())
                && next != null
                && courseOf(next).checkpoints() > 0) {
            violated("NOTHING_TWICE", "%s had completed a checkpoint, and the old version came back".formatted(next));
        }
    }

    /** Nobody else starts an attempt from the end of the old version to the beginning of the last. */
    private void nobodyBetween(JsonNode operation) {
        JsonNode upgrade = operation.path("upgrade");
        List<Execution> own = Stream.of(operation.path("attempt"), upgrade.path("next"), upgrade.path("back"))
                .map(id -> Optional.ofNullable(executions.get(id.asText())))
                .flatMap(Optional::stream)
                .toList();
        if (own.size() < 2) {
            return;
        }
        for (Execution other : evidence.executions()) {
            boolean ofIt = own.stream().anyMatch(one -> one.id().equals(other.id()));
            if (!ofIt
                    && other.start().isAfter(own.getFirst().start())
                    && other.start().isBefore(own.getLast().start())) {
                violated("NOBODY_BETWEEN", "%s began between %s".formatted(other, own));
            }
        }
    }

    /** The job's record names an upgrade as long as it is open. */
    private void jobIsFree() {
        Set<String> open = evidence.table().upgrades(evidence.job()).stream()
                .filter(operation ->
                        !Endings.ofOperation(operation.path("state").asText()))
                .map(operation -> operation.path("operationId").asText())
                .collect(Collectors.toSet());
        for (JsonNode job : evidence.table().jobs(evidence.job())) {
            if (job.has("upgrade") && !open.contains(job.path("upgrade").asText())) {
                violated("JOB_IS_FREE", job + " is held by an upgrade that has ended");
            }
        }
    }

    /** An upgrade starts its new version once, and the old one once. */
    private void eachVersionOnce() {
        evidence.executions().stream()
                .map(execution -> attempts.get(execution.id()))
                .flatMap(Stream::ofNullable)
                .map(attempt -> attempt.path("requestId").asText())
                .filter(request -> request.startsWith(OWN))
                .collect(Collectors.groupingBy(request -> request, TreeMap::new, Collectors.counting()))
                .forEach((request, runs) -> {
                    if (runs > 1) {
                        violated("ONE_JOB", "%s has run %d jobs".formatted(request, runs));
                    }
                });
    }

    /** The counters and how far the source had come belong together, no number is left out, and none came twice. */
    private void counted() {
        TreeMap<Long, Integer> times = new TreeMap<>();
        for (String line : evidence.counted().lines()) {
            String[] words = line.split(" ", -1);
            long number = Long.parseLong(words[0]);
            if (Long.parseLong(words[1]) != number / TestJob.COUNTERS + 1) {
                violated("COUNTED_ONCE", "%s was counted for the %s. time".formatted(number, words[1]));
            }
            times.merge(number, 1, Integer::sum);
        }
        if (!times.isEmpty() && times.size() != times.lastKey() + 1) {
            violated("COUNTED_ONCE", "%d numbers up to %d were counted".formatted(times.size(), times.lastKey()));
        }
        List<Long> twice = times.entrySet().stream()
                .filter(entry -> entry.getValue() > 1)
                .map(Map.Entry::getKey)
                .toList();
        if (evidence.counted().once() && !twice.isEmpty()) {
            violated(
                    "COUNTED_ONCE",
                    "%d numbers from %d to %d were counted more than once"
                            .formatted(twice.size(), twice.getFirst(), twice.getLast()));
        }
    }

    private Course courseOf(Execution execution) {
        return evidence.courses().getOrDefault(execution.flinkJobId(), new Course("", 0));
    }

    private JsonNode attemptOf(JsonNode id) {
        return attempts.getOrDefault(id.asText(), MissingNode.getInstance());
    }
}
