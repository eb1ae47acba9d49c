package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.faults.FlinkView.Course;
import io.sluiceway.faults.FlinkView.Execution;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Each rule about upgrades is held against a made-up history that breaks it, and nothing else. */
class UpgradeRulesTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Instant START = Instant.parse("2026-11-23T08:00:00Z");
    private static final String OLD = "1".repeat(32);
    private static final String NEXT = "2".repeat(32);
    private static final String BACK = "3".repeat(32);
    private static final String OTHER = "4".repeat(32);
    private static final String SAVEPOINT = "file:/savepoints/job/stop/savepoint-1";

    private final List<Execution> executions = new ArrayList<>();
    private final Map<String, Course> courses = new HashMap<>();
    private final List<JsonNode> items = new ArrayList<>();
    private final List<String> numbers = new ArrayList<>();

    @Test
    void judge_versionThatTookOver_findsNothing() {
        upgraded();

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_versionThatWasRolledBack_findsNothing() {
        rolledBack();

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_versionWhoseStartFailedInTheService_findsNothing() {
        rolledBack();
        executions.removeIf(execution -> execution.id().equals(NEXT));

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_versionsThatFlinkKnowsByOtherIds_areHeldToTheSame() {
        rolledBack();
        executions.replaceAll(UpgradeRulesTest::underAnotherId);
        Map<String, Course> byFlinksIds = new HashMap<>();
        courses.forEach((id, course) -> byFlinksIds.put("f" + id.substring(1), course));
        courses.clear();
        courses.putAll(byFlinksIds);

        assertThat(rules()).isEmpty();

        courses.put("f" + NEXT.substring(1), new Course(SAVEPOINT, 1));
        assertThat(rules()).containsExactly("NOTHING_TWICE");

        courses.put("f" + NEXT.substring(1), new Course("", 0));
        assertThat(rules()).containsExactly("STATE_IS_KEPT");
    }

    private static Execution underAnotherId(Execution one) {
        return new Execution(one.id(), "f" + one.id().substring(1), one.name(), 1, one.start(), one.state(), one.end());
    }

    @Test
    void judge_oldVersionThatRunsOn_findsNothing() {
        execution(OLD, 0, -1, "", 9);
        attempt(OLD, "request", "first");
        upgrade("FAILED", "REFUSE", "FAILED", "", "");

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_jobWithoutAnUpgrade_findsNothing() {
        execution(OLD, 0, -1, "", 0);
        attempt(OLD, "request", "first");
        items.add(item("{\"sk\": \"JOB#job\", \"job\": \"job\"}"));

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_endedUpgradeWithoutAnEnding_findsIt() {
        upgraded();
        items.removeLast();
        upgrade("COMPLETED", "REFUSE", "", ", \"next\": \"" + NEXT + "\"", SAVEPOINT);

        assertThat(rules()).containsExactly("UPGRADE_ENDS");
    }

    @Test
    void judge_failedOperationThatSaysUpgraded_findsIt() {
        upgraded();
        items.removeLast();
        upgrade("FAILED", "REFUSE", "UPGRADED", ", \"next\": \"" + NEXT + "\"", SAVEPOINT);

        assertThat(rules()).containsExactly("UPGRADE_ENDS");
    }

    @Test
    void judge_oldVersionThatLivesBehindAnUpgrade_findsIt() {
        upgraded();
        executions.set(0, new Execution(OLD, OLD, "job", 1, START, "RUNNING", null));

        assertThat(rules()).containsExactly("ENDING_AGREES");
    }

    @Test
    void judge_upgradedToAVersionThatNeverRan_findsIt() {
        upgraded();
        executions.removeLast();

        assertThat(rules()).containsExactly("ENDING_AGREES");
    }

    @Test
    void judge_upgradedToAnotherVersion_findsIt() {
        upgraded();
        items.set(1, attemptItem(NEXT, "sluiceway/upgrade/op", "first"));

        assertThat(rules()).containsExactly("ENDING_AGREES");
    }

    @Test
    void judge_rolledBackToTheNewVersion_findsIt() {
        rolledBack();
        items.set(2, attemptItem(BACK, "sluiceway/rollback/op", "second"));

        assertThat(rules()).containsExactly("ENDING_AGREES");
    }

    @Test
    void judge_upgradedToAVersionThatWasCancelledUnasked_findsIt() {
        upgraded();
        execution(NEXT, 2, 3, SAVEPOINT, 4);

        assertThat(rules()).containsExactly("ENDING_AGREES");

        items.add(item("{\"sk\": \"OPERATION\", \"job\": \"job\", \"operationId\": \"by\", \"attempt\": \"%s\"}"
                .formatted(NEXT)));

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_failureThatDoesNotNameTheSavepoint_findsIt() {
        execution(OLD, 0, 1, "", 9);
        attempt(OLD, "request", "first");
        stop(SAVEPOINT);
        upgrade("FAILED", "REFUSE", "FAILED", "", "");

        assertThat(rules()).containsExactly("ENDING_AGREES");
    }

    @Test
    void judge_versionThatBeganWithoutState_findsIt() {
        upgraded();
        courses.put(NEXT, new Course("", 4));

        assertThat(rules()).containsExactly("STATE_IS_KEPT");
    }

    @Test
    void judge_versionThatBeganWithAnotherState_findsIt() {
        rolledBack();
        courses.put(BACK, new Course("file:/savepoints/job/other/savepoint-2", 4));

        assertThat(rules()).containsExactly("STATE_IS_KEPT");
    }

    @Test
    void judge_rolledBackBehindACheckpoint_findsItUnlessItWasAccepted() {
        rolledBack();
        courses.put(NEXT, new Course(SAVEPOINT, 1));

        assertThat(rules()).containsExactly("NOTHING_TWICE");

        items.removeLast();
        upgrade(
                "FAILED",
                "ACCEPT_DUPLICATES",
                "ROLLED_BACK",
                ", \"next\": \"%s\", \"back\": \"%s\"".formatted(NEXT, BACK),
                SAVEPOINT);

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_someoneElseBetweenTwoVersions_findsIt() {
        rolledBack();
        executions.add(
                1, new Execution(OTHER, OTHER, "job", 1, START.plusMillis(1500), "CANCELED", START.plusMillis(1600)));

        assertThat(rules()).containsExactly("NOBODY_BETWEEN");
    }

    @Test
    void judge_someoneElseBehindTheUpgrade_findsNothing() {
        upgraded();
        executions.add(new Execution(OTHER, OTHER, "job", 1, START.plusSeconds(9), "RUNNING", null));

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_jobThatStaysHeld_findsIt() {
        upgraded();
        items.add(item("{\"sk\": \"JOB#job\", \"job\": \"job\", \"upgrade\": \"op\"}"));

        assertThat(rules()).containsExactly("JOB_IS_FREE");
    }

    @Test
    void judge_jobThatAnOpenUpgradeHolds_findsNothing() {
        execution(OLD, 0, -1, "", 9);
        attempt(OLD, "request", "first");
        upgrade("IN_PROGRESS", "REFUSE", "", "", "");
        items.add(item("{\"sk\": \"JOB#job\", \"job\": \"job\", \"upgrade\": \"op\"}"));

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_versionThatRanTwice_findsIt() {
        upgraded();
        execution(OTHER, 3, 4, SAVEPOINT, 0);
        attempt(OTHER, "sluiceway/upgrade/op", "second");

        assertThat(rules()).contains("ONE_JOB");
    }

    @Test
    void judge_numbersInTheirOrder_findNothing() {
        upgraded();
        numbers.addAll(List.of("0 1", "1 1", "2 1", "3 1", "4 1", "5 2"));

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_counterBehindTheNumbers_findsIt() {
        upgraded();
        numbers.addAll(List.of("0 1", "1 1", "2 1", "3 1", "4 1", "5 1"));

        assertThat(rules()).containsExactly("COUNTED_ONCE");
    }

    @Test
    void judge_numberThatIsLeftOut_findsIt() {
        upgraded();
        numbers.addAll(List.of("0 1", "2 1"));

        assertThat(rules()).containsExactly("COUNTED_ONCE");
    }

    @Test
    void judge_numberThatCameTwice_findsIt() {
        upgraded();
        numbers.addAll(List.of("0 1", "1 1", "0 1"));

        assertThat(rules()).containsExactly("COUNTED_ONCE");
    }

    private void upgraded() {
        execution(OLD, 0, 1, "", 9);
        execution(NEXT, 2, -1, SAVEPOINT, 4);
        attempt(OLD, "request", "first");
        attempt(NEXT, "sluiceway/upgrade/op", "second");
        stop(SAVEPOINT);
        upgrade("COMPLETED", "REFUSE", "UPGRADED", ", \"next\": \"" + NEXT + "\"", SAVEPOINT);
    }

    private void rolledBack() {
        execution(OLD, 0, 1, "", 9);
        execution(NEXT, 2, 3, SAVEPOINT, 0);
        execution(BACK, 4, -1, SAVEPOINT, 4);
        attempt(OLD, "request", "first");
        attempt(NEXT, "sluiceway/upgrade/op", "second");
        attempt(BACK, "sluiceway/rollback/op", "first");
        stop(SAVEPOINT);
        upgrade(
                "FAILED",
                "REFUSE",
                "ROLLED_BACK",
                ", \"next\": \"%s\", \"back\": \"%s\"".formatted(NEXT, BACK),
                SAVEPOINT);
    }

    /** @param end in which second; negative: it lives */
    private void execution(String id, int start, int end, String restoredFrom, int checkpoints) {
        executions.removeIf(execution -> execution.id().equals(id));
        executions.add(new Execution(
                id,
                id,
                "job",
                1,
                START.plusSeconds(start),
                end < 0 ? "RUNNING" : "CANCELED",
                end < 0 ? null : START.plusSeconds(end)));
        courses.put(id, new Course(restoredFrom, checkpoints));
    }

    private void attempt(String id, String request, String version) {
        items.add(attemptItem(id, request, version));
    }

    private static JsonNode attemptItem(String id, String request, String version) {
        return item("""
                {"sk": "ATTEMPT", "flinkJobId": "%s", "requestId": "%s", "spec": {"job": "job", "args": ["%s"]}}
                """.formatted(id, request, version));
    }

    private void stop(String savepoint) {
        items.add(item("""
                {"sk": "OPERATION", "job": "job", "operationId": "stop", "attempt": "%s", "state": "COMPLETED",
                 "savepoint": "%s"}
                """.formatted(OLD, savepoint)));
    }

    private void upgrade(String state, String afterCommit, String ending, String more, String savepoint) {
        items.add(item("""
                {"sk": "OPERATION", "job": "job", "operationId": "op", "attempt": "%s", "state": "%s"%s%s,
                 "upgrade": {"mode": "SAVEPOINT", "afterCommit": "%s", "stop": "stop",
                             "spec": {"args": ["second"]}%s%s}}
                """.formatted(
                        OLD,
                        state,
                        state.equals("FAILED") ? ", \"failure\": \"It isn't well.\"" : "",
                        savepoint.isEmpty() ? "" : ", \"savepoint\": \"" + savepoint + "\"",
                        afterCommit,
                        ending.isEmpty() ? "" : ", \"ending\": \"" + ending + "\"",
                        more)));
    }

    private static JsonNode item(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> rules() {
        Evidence evidence = new Evidence(
                "job",
                List.of(),
                List.of(),
                List.of(),
                executions,
                new LedgerView.Table(items),
                Set.of(),
                1,
                courses,
                new Evidence.Counted(numbers, true),
                0);
        return UpgradeRules.judge(evidence).stream()
                .map(Violation::rule)
                .distinct()
                .toList();
    }
}
