package io.sluiceway.faults;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.sluiceway.faults.FlinkView.Execution;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** Holds what Flink ran, what lies on disk and what the table says against what was promised. */
final class Judge {
    private final Evidence evidence;
    private final List<Violation> violations = new ArrayList<>();

    private Judge(Evidence evidence) {
        this.evidence = evidence;
    }

    /** Judges a trial that has come to rest. */
    static List<Violation> judge(Evidence evidence) {
        Judge judge = new Judge(evidence);
        judge.oneJob();
        judge.noTwoLiving();
        judge.answersAgree();
        judge.everyRequestEnds();
        judge.recorded();
        judge.unknownForAReason();
        judge.savepoints();
        judge.stateKept();
        judge.told();
        judge.violations.addAll(UpgradeRules.judge(evidence));
        evidence.disappointments().forEach(what -> judge.violated("EXPECTED", what));
        return List.copyOf(judge.violations);
    }

    private void violated(String rule, String what) {
        violations.add(new Violation(rule, what));
    }

    /** At most one for each request and try; one more for each of which nobody can tell what became of it, if asked. */
    private void oneJob() {
        Set<String> asked = submissions().stream().map(Judge::requestOf).collect(Collectors.toCollection(TreeSet::new));
        // An upgrade starts the new version, and may start the old one again.
        evidence.table().attempts(evidence.job()).stream()
                .map(attempt -> attempt.path("requestId").asText())
                .filter(request -> request.startsWith("sluiceway/"))
                .forEach(asked::add);
        Set<String> again = submissions().stream()
                .filter(Judge::asksForRerun)
                .map(call -> call.event().path("requestId").asText())
                .collect(Collectors.toSet());
        long unknown = evidence.table().attempts(evidence.job()).stream()
                .filter(attempt -> attempt.path("state").asText().equals("UNKNOWN")
                        && again.contains(attempt.path("requestId").asText()))
                .count();
        List<Execution> executions = evidence.executions();
        if (executions.size() > asked.size() + unknown) {
            violated(
                    "ONE_JOB", "%d executions for the requests %s: %s".formatted(executions.size(), asked, executions));
        }
        Map<String, List<Execution>> byId =
                executions.stream().collect(Collectors.groupingBy(Execution::id, TreeMap::new, Collectors.toList()));
        byId.forEach((id, runs) -> {
            if (runs.size() > 1) {
                violated("ONE_JOB", "job " + id + " ran more than once: " + runs);
            }
        });
    }

    private void noTwoLiving() {
        boolean stream = submissions().stream()
                .anyMatch(call -> call.event().at("/job/kind").asText().equals("STREAM"));
        List<Execution> executions = evidence.executions();
        for (int i = 0; stream && i < executions.size(); i++) {
            for (Execution later : executions.subList(i + 1, executions.size())) {
                if (executions.get(i).overlaps(later)) {
                    violated("NO_TWO_LIVING", executions.get(i) + " and " + later + " lived together");
                }
            }
        }
    }

    /** All answers to the same request and try name the same job, and no ending is told twice. */
    private void answersAgree() {
        Map<String, Set<String>> jobs = new HashMap<>();
        Map<String, Set<String>> endings = new HashMap<>();
        for (Trial.Call call : evidence.calls()) {
            call.answer().ifPresent(answer -> {
                String job = answer.at("/job/flinkJobId").asText();
                if (call.function().equals("submit-job") && !job.isEmpty() && !asksForRerun(call)) {
                    jobs.computeIfAbsent(requestOf(call), key -> new TreeSet<>())
                            .add(job);
                }
                JsonNode operation = answer.path("operation");
                if (operation.path("terminal").asBoolean()) {
                    endings.computeIfAbsent(operation.path("operationId").asText(), key -> new TreeSet<>())
                            .add(operation.path("state").asText() + " "
                                    + operation.path("savepointPath").asText() + " "
                                    + operation.at("/upgrade/ending").asText());
                }
            });
        }
        Stream.of(jobs, endings)
                .forEach(told -> told.forEach((what, answers) -> {
                    if (answers.size() > 1) {
                        violated("ANSWERS_AGREE", what + " was answered with " + answers);
                    }
                }));
    }

    /** The job's events are numbered without gaps, and tell the end of each operation once and each attempt's state. */
    private void told() {
        List<JsonNode> events = evidence.table().events(evidence.job());
        for (JsonNode job : evidence.table().jobs(evidence.job())) {
            List<Long> numbers = events.stream()
                    .map(event -> event.path("sequence").asLong())
                    .toList();
            List<Long> all = LongStream.rangeClosed(1, job.path("lastEvent").asLong())
                    .boxed()
                    .toList();
            if (!numbers.equals(all)) {
                violated("EVENTS_TELL_ALL", "the newest of the events %s is %d".formatted(numbers, all.size()));
            }
            for (JsonNode operation : evidence.table().operations(evidence.job())) {
                String id = operation.path("operationId").asText();
                long told = events.stream()
                        .filter(event -> event.path("detailType").asText().startsWith("Flink Operation"))
                        .filter(event -> event.at("/data/operationId").asText().equals(id))
                        .count();
                boolean ended = Set.of("COMPLETED", "FAILED", "ABANDONED")
                        .contains(operation.path("state").asText());
                if (told != (ended ? 1 : 0)) {
                    violated("EVENTS_TELL_ALL", "%d events tell the end of %s".formatted(told, operation));
                }
            }
            for (JsonNode attempt : evidence.table().attempts(evidence.job())) {
                String state = attempt.path("state").asText();
                String told = events.stream()
                        .filter(event -> event.path("flinkJobId").equals(attempt.path("flinkJobId")))
                        .map(event -> event.at("/data/state").asText())
                        .filter(seen -> !seen.isEmpty())
                        .reduce("", (_, newer) -> newer.equals("RUNNING") ? "SUBMITTED" : newer);
                if (!told.equals(Set.of("PREPARING", "POSTING").contains(state) ? "" : state)) {
                    violated("EVENTS_TELL_ALL", "%s was told as '%s'".formatted(attempt, told));
                }
            }
        }
    }

    private void everyRequestEnds() {
        evidence.unsettled().forEach(step -> violated("EVERY_REQUEST_ENDS", step + " never ended"));
        for (JsonNode attempt : evidence.table().attempts(evidence.job())) {
            String state = attempt.path("state").asText();
            if (Set.of("PREPARING", "POSTING").contains(state)) {
                violated(
                        "EVERY_REQUEST_ENDS",
                        "attempt " + attempt.path("flinkJobId").asText() + " stays " + state);
            }
        }
        for (JsonNode operation : evidence.table().operations(evidence.job())) {
            if (!Endings.ofOperation(operation.path("state").asText())) {
                violated("EVERY_REQUEST_ENDS", "operation " + operation + " hasn't ended");
            }
        }
    }

    private void recorded() {
        Map<String, JsonNode> attempts = new HashMap<>();
        Set<String> numbers = new HashSet<>();
        for (JsonNode attempt : evidence.table().attempts(evidence.job())) {
            attempts.put(attempt.path("flinkJobId").asText(), attempt);
            String number = attempt.path("requestId").asText() + " "
                    + attempt.path("number").asInt();
            if (!numbers.add(number)) {
                violated("ONE_JOB", "two attempts are recorded as " + number);
            }
        }
        for (Execution execution : evidence.executions()) {
            JsonNode attempt = attempts.get(execution.id());
            if (attempt == null) {
                violated("NO_JOB_WITHOUT_RECORD", execution + " isn't recorded");
            } else if (contradicts(attempt.path("state").asText(), execution)) {
                violated(
                        "NO_JOB_WITHOUT_RECORD",
                        execution + " is recorded as " + attempt.path("state").asText());
            }
        }
        Set<String> ran = evidence.executions().stream().map(Execution::id).collect(Collectors.toSet());
        List<String> failed = new ArrayList<>();
        attempts.forEach((id, attempt) -> {
            String state = attempt.path("state").asText();
            if (Set.of("SUBMITTED", "FINISHED").contains(state) && !ran.contains(id)) {
                violated("NO_RECORD_WITHOUT_JOB", "attempt " + id + " is " + state + " and never ran");
            } else if (state.equals("FAILED") && !ran.contains(id)) {
                failed.add(id);
            }
        });
        // Flink doesn't hear of a start that the service itself failed at.
        if (failed.size() > evidence.failedStarts()) {
            violated(
                    "NO_RECORD_WITHOUT_JOB",
                    "the attempts %s are FAILED and never ran, and %d starts failed"
                            .formatted(failed, evidence.failedStarts()));
        }
    }

    private static boolean contradicts(String state, Execution execution) {
        return state.equals("REFUSED")
                || state.equals("PREPARING")
                || (Endings.ofAttempt(state) && execution.end() == null)
                || (Endings.ofAttempt(state)
                        && Endings.ofAttempt(execution.state())
                        && !state.equals(execution.state()));
    }

    /** UNKNOWN is for what a JobManager took with it, and for a post that was cut off before another request came. */
    private void unknownForAReason() {
        Set<String> requests = submissions().stream()
                .map(call -> call.event().path("requestId").asText())
                .collect(Collectors.toSet());
        boolean reason = evidence.jobManagers() > 1 || requests.size() > 1;
        for (JsonNode attempt : evidence.table().attempts(evidence.job())) {
            if (attempt.path("state").asText().equals("UNKNOWN") && !reason) {
                violated("UNKNOWN_FOR_A_REASON", "attempt " + attempt + " is UNKNOWN, and nothing was forgotten");
            }
        }
    }

    private void savepoints() {
        Set<String> onDisk = evidence.savepoints();
        Set<String> recorded = new TreeSet<>();
        evidence.table().savepoints(evidence.job()).forEach(savepoint -> recorded.add(plain(savepoint.path("path"))));
        evidence.table().operations(evidence.job()).stream()
                .filter(operation -> operation.has("savepoint"))
                .forEach(operation -> recorded.add(plain(operation.path("savepoint"))));
        missing(onDisk, recorded).forEach(path -> violated("EVERY_SAVEPOINT_RECORDED", path + " isn't recorded"));
        missing(recorded, onDisk).forEach(path -> violated("EVERY_PATH_EXISTS", path + " is recorded and isn't there"));
        Map<Path, Long> perDirectory = onDisk.stream()
                // A snapshot has no directory of its own; one too many is one that isn't recorded.
                .filter(path -> !path.startsWith("snapshot:"))
                .collect(Collectors.groupingBy(path -> Path.of(path).getParent(), Collectors.counting()));
        perDirectory.forEach((directory, count) -> {
            if (count > 1) {
                violated("ONE_SAVEPOINT", directory + " holds " + count + " savepoints");
            }
        });
    }

    /**
     * What is to go on from the newest state never starts without one when an attempt before it ran. Which one ran
     * before is told by Flink: the functions' clocks may be wrong.
     */
    private void stateKept() {
        Map<String, JsonNode> attempts = new HashMap<>();
        for (JsonNode attempt : evidence.table().attempts(evidence.job())) {
            attempts.put(attempt.path("flinkJobId").asText(), attempt);
        }
        Set<String> before = new HashSet<>();
        for (Execution execution : evidence.executions()) {
            JsonNode attempt = attempts.getOrDefault(execution.id(), MissingNode.getInstance());
            boolean latest = attempt.at("/spec/restore/mode").asText().equals("LATEST")
                    && attempt.at("/spec/kind").asText().equals("STREAM");
            before.remove(execution.id());
            if (!before.isEmpty() && latest && !attempt.has("restoredFrom")) {
                violated("STATE_IS_KEPT", "attempt " + attempt + " started without state");
            }
            if (!leftNothing(execution, attempt)) {
                before.add(execution.id());
            }
        }
    }

    /** Nobody has ever seen it, and it had nothing yet from which another could go on: by Flink's own log. */
    private boolean leftNothing(Execution execution, JsonNode attempt) {
        FlinkView.Course course = evidence.courses().get(execution.flinkJobId());
        return attempt.path("state").asText().equals("UNKNOWN")
                && !attempt.has("submittedAt")
                && course != null
                && course.checkpoints() == 0
                && course.restoredFrom().isEmpty();
    }

    private static String plain(JsonNode uri) {
        return uri.asText().replaceFirst("^file:/+", "/");
    }

    private static List<String> missing(Collection<String> of, Collection<String> in) {
        return of.stream().filter(path -> !in.contains(path)).toList();
    }

    private List<Trial.Call> submissions() {
        return evidence.calls().stream()
                .filter(call -> call.function().equals("submit-job"))
                .toList();
    }

    private static boolean asksForRerun(Trial.Call call) {
        return call.event().path("rerun").asBoolean()
                || call.event().at("/job/onUnknown").asText().equals("RERUN");
    }

    private static String requestOf(Trial.Call call) {
        return call.event().path("requestId").asText() + " try "
                + call.event().path("try").asInt();
    }
}
