package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.faults.FlinkView.Course;
import io.sluiceway.faults.FlinkView.Execution;
import io.sluiceway.faults.LambdaWorkers.Result;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each rule is held against a made-up history that breaks it, and nothing else. */
class JudgeTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Instant START = Instant.parse("2026-11-23T08:00:00Z");
    private static final String FIRST = "1".repeat(32);
    private static final String SECOND = "2".repeat(32);

    private final List<Trial.Call> calls = new ArrayList<>();
    private final List<Execution> executions = new ArrayList<>();
    private final List<JsonNode> items = new ArrayList<>();
    private final Set<String> savepoints = new TreeSet<>();
    private final List<String> unsettled = new ArrayList<>();
    private final List<String> disappointments = new ArrayList<>();
    private int jobManagers = 1;
    private final Map<String, Course> courses = new HashMap<>();
    private int failedStarts;

    @Test
    void judge_oneRequestOneJob_findsNothing() {
        aRunningJob();

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_twoJobsOfOneRequest_findsThem() {
        aRunningJob();
        executions.add(new Execution(SECOND, SECOND, "job", 1, START, "FINISHED", START));
        items.add(attempt(SECOND, "request", 2, "FINISHED"));

        assertThat(rules()).contains("ONE_JOB");
    }

    @Test
    void judge_sameIdRunTwice_findsIt() {
        aRunningJob();
        submission("request", 2, FIRST, "");
        executions.set(0, new Execution(FIRST, FIRST, "job", 1, START, "LOST", START.plusSeconds(1)));
        executions.add(new Execution(FIRST, FIRST, "job", 2, START.plusSeconds(2), "RUNNING", null));
        jobManagers = 2;

        assertThat(rules()).containsExactly("ONE_JOB");
    }

    @Test
    void judge_rerunOfAnUnknownJob_isAllowedWhereItWasAskedFor() {
        submission("request", 1, SECOND, ", \"onUnknown\": \"RERUN\"");
        executions.add(new Execution(FIRST, FIRST, "job", 1, START, "LOST", START.plusSeconds(1)));
        executions.add(new Execution(SECOND, SECOND, "job", 2, START.plusSeconds(2), "RUNNING", null));
        items.add(attempt(FIRST, "request", 1, "UNKNOWN"));
        items.add(attempt(SECOND, "request", 2, "SUBMITTED"));
        jobManagers = 2;

        assertThat(rules()).isEmpty();

        calls.clear();
        submission("request", 1, SECOND, "");

        assertThat(rules()).containsExactly("ONE_JOB");
    }

    @Test
    void judge_twoAttemptsWithOneNumber_findsThem() {
        aRunningJob();
        items.add(attempt(SECOND, "request", 1, "REFUSED"));

        assertThat(rules()).containsExactly("ONE_JOB");
    }

    @Test
    void judge_twoStreamsAtATime_findsThem() {
        aRunningJob();
        submission("other", 1, SECOND, "");
        executions.add(new Execution(SECOND, SECOND, "job", 1, START.plusSeconds(1), "RUNNING", null));
        items.add(attempt(SECOND, "other", 1, "SUBMITTED"));

        assertThat(rules()).containsExactly("NO_TWO_LIVING");
    }

    @Test
    void judge_oneStreamAfterAnother_findsNothing() {
        aRunningJob();
        submission("other", 1, SECOND, "");
        executions.set(0, new Execution(FIRST, FIRST, "job", 1, START, "CANCELED", START.plusSeconds(1)));
        executions.add(new Execution(SECOND, SECOND, "job", 1, START.plusSeconds(1), "RUNNING", null));
        items.add(attempt(SECOND, "other", 1, "SUBMITTED"));

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_answersWithDifferentJobs_findsThem() {
        aRunningJob();
        submission("request", 1, SECOND, "");

        assertThat(rules()).containsExactly("ANSWERS_AGREE");
    }

    @Test
    void judge_operationToldWithTwoEndings_findsThem() {
        aRunningJob();
        items.add(operation("op", "COMPLETED", ""));
        told("COMPLETED");
        told("FAILED");

        assertThat(rules()).containsExactly("ANSWERS_AGREE");
    }

    @Test
    void judge_stepWithoutAnEnd_findsIt() {
        aRunningJob();
        unsettled.add("submit-job");

        assertThat(rules()).containsExactly("EVERY_REQUEST_ENDS");
    }

    @Test
    void judge_attemptThatStaysOpen_findsIt() {
        submission("request", 1, "", "");
        items.add(attempt(FIRST, "request", 1, "POSTING"));

        assertThat(rules()).containsExactly("EVERY_REQUEST_ENDS");
    }

    @Test
    void judge_operationThatStaysOpen_findsIt() {
        aRunningJob();
        items.add(operation("op", "IN_PROGRESS", ""));

        assertThat(rules()).containsExactly("EVERY_REQUEST_ENDS");
    }

    @Test
    void judge_jobThatIsntRecorded_findsIt() {
        aRunningJob();
        items.clear();

        assertThat(rules()).containsExactly("NO_JOB_WITHOUT_RECORD");
    }

    @Test
    void judge_runningJobRecordedAsRefused_findsIt() {
        aRunningJob();
        items.set(0, attempt(FIRST, "request", 1, "REFUSED"));

        assertThat(rules()).containsExactly("NO_JOB_WITHOUT_RECORD");
    }

    @Test
    void judge_runningJobRecordedAsFailed_findsIt() {
        aRunningJob();
        items.set(0, attempt(FIRST, "request", 1, "FAILED"));

        assertThat(rules()).containsExactly("NO_JOB_WITHOUT_RECORD");
    }

    @Test
    void judge_failedAttemptsThatNeverRan_areAsManyAsStartsThatFailed() {
        aRunningJob();
        executions.clear();
        items.set(0, attempt(FIRST, "request", 1, "FAILED"));

        assertThat(rules()).containsExactly("NO_RECORD_WITHOUT_JOB");

        failedStarts = 1;

        assertThat(rules()).isEmpty();

        items.set(0, attempt(FIRST, "request", 1, "FINISHED"));

        assertThat(rules()).containsExactly("NO_RECORD_WITHOUT_JOB");
    }

    @Test
    void judge_recordOfAJobThatNeverRan_findsIt() {
        aRunningJob();
        executions.clear();

        assertThat(rules()).containsExactly("NO_RECORD_WITHOUT_JOB");
    }

    @Test
    void judge_unknownWithoutAReason_findsIt() {
        aRunningJob();
        items.set(0, attempt(FIRST, "request", 1, "UNKNOWN"));

        assertThat(rules()).containsExactly("UNKNOWN_FOR_A_REASON");

        jobManagers = 2;

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_savepointThatIsntRecorded_findsIt() {
        aRunningJob();
        savepoints.add("/savepoints/job/op/savepoint-1");

        assertThat(rules()).containsExactly("EVERY_SAVEPOINT_RECORDED");
    }

    @Test
    void judge_recordedPathThatIsntThere_findsIt() {
        aRunningJob();
        items.add(operation("op", "COMPLETED", "file:/savepoints/job/op/savepoint-1"));

        assertThat(rules()).containsExactly("EVERY_PATH_EXISTS");

        savepoints.add("/savepoints/job/op/savepoint-1");

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_twoSavepointsOfOneOperation_findsThem() {
        aRunningJob();
        items.add(operation("op", "COMPLETED", "file:/savepoints/job/op/savepoint-1"));
        items.add(item("""
                {"pk": "JOB#lab#job", "sk": "SAVEPOINT#op", "job": "job", "path": "file:/savepoints/job/op/savepoint-2"}
                """));
        savepoints.add("/savepoints/job/op/savepoint-1");
        savepoints.add("/savepoints/job/op/savepoint-2");

        assertThat(rules()).containsExactly("ONE_SAVEPOINT");
    }

    @Test
    void judge_latestByAClockThatIsBehind_goesByFlinksClock() {
        aRunningJob();
        submission("next", 1, SECOND, "");
        executions.set(0, new Execution(FIRST, FIRST, "job", 1, START, "FINISHED", START.plusSeconds(1)));
        executions.add(new Execution(SECOND, SECOND, "job", 1, START.plusSeconds(2), "RUNNING", null));
        items.clear();
        items.add(latest(FIRST, "request", "FINISHED", "2026-11-23T08:00:00Z", ""));
        items.add(latest(
                SECOND, "next", "SUBMITTED", "2026-11-23T07:55:02Z", ", \"restoredFrom\": \"file:/savepoints/one\""));

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_latestWithoutTheStateOfTheOneBefore_findsIt() {
        aRunningJob();
        submission("next", 1, SECOND, "");
        executions.set(0, new Execution(FIRST, FIRST, "job", 1, START, "FINISHED", START.plusSeconds(1)));
        executions.add(new Execution(SECOND, SECOND, "job", 1, START.plusSeconds(2), "RUNNING", null));
        items.add(latest(SECOND, "next", "SUBMITTED", "2026-11-23T08:00:02Z", ""));

        assertThat(rules()).containsExactly("STATE_IS_KEPT");
    }

    @ParameterizedTest
    @CsvSource({"0, '', ", "2, '', STATE_IS_KEPT", "0, file:/savepoints/one, STATE_IS_KEPT"})
    void judge_latestBehindOneThatNobodySaw_needsNoStateWhereItHadNone(int checkpoints, String from, String rule) {
        aRunningJob();
        submission("next", 1, SECOND, "");
        executions.set(0, new Execution(FIRST, FIRST, "job", 1, START, "RUNNING", null));
        executions.add(new Execution(SECOND, SECOND, "job", 2, START.plusSeconds(2), "RUNNING", null));
        courses.put(FIRST, new Course(from, checkpoints));
        jobManagers = 2;
        items.clear();
        ObjectNode unseen = (ObjectNode) latest(FIRST, "request", "UNKNOWN", "2026-11-23T08:00:00Z", "");
        unseen.remove("submittedAt");
        items.add(unseen);
        items.add(latest(SECOND, "next", "SUBMITTED", "2026-11-23T08:00:02Z", ""));

        assertThat(rules().contains("STATE_IS_KEPT")).isEqualTo(rule != null);
    }

    @Test
    void judge_eventsThatTellAll_areAsPromised() {
        aRunningJob();
        items.add(operation("op", "FAILED", ""));
        items.add(job(3));
        items.add(event(1, FIRST, "\"state\": \"SUBMITTED\""));
        items.add(event(2, FIRST, "\"state\": \"RUNNING\""));
        items.add(event(3, FIRST, "\"operationId\": \"op\""));

        assertThat(rules()).isEmpty();
    }

    @Test
    void judge_changeThatNoEventTells_isFound() {
        aRunningJob();
        items.add(job(0));
        assertThat(rules()).containsExactly("EVENTS_TELL_ALL");

        items.set(items.size() - 1, job(1));
        items.add(event(1, FIRST, "\"state\": \"SUBMITTED\""));
        assertThat(rules()).isEmpty();

        items.add(operation("op", "ABANDONED", ""));
        assertThat(rules()).containsExactly("EVENTS_TELL_ALL");
    }

    @Test
    void judge_eventsWithAGapOrOneTooMany_areFound() {
        aRunningJob();
        items.add(job(2));
        items.add(event(2, FIRST, "\"state\": \"SUBMITTED\""));
        assertThat(rules()).containsExactly("EVENTS_TELL_ALL");

        items.add(event(1, FIRST, "\"state\": \"SUBMITTED\""));
        assertThat(rules()).isEmpty();

        items.add(event(3, FIRST, "\"state\": \"SUBMITTED\""));
        assertThat(rules()).containsExactly("EVENTS_TELL_ALL");
    }

    private static JsonNode job(int lastEvent) {
        return item("""
                {"pk": "CLUSTER#lab", "sk": "JOB#job", "type": "JOB", "job": "job", "lastEvent": %d}
                """.formatted(lastEvent));
    }

    private static JsonNode event(int sequence, String execution, String data) {
        return item("""
                {"pk": "JOB#lab#job", "sk": "EVENT#%012d", "type": "EVENT", "job": "job", "sequence": %d,
                 "flinkJobId": "%s", "detailType": "%s", "data": {%s}}
                """.formatted(
                        sequence,
                        sequence,
                        execution,
                        data.contains("operationId") ? "Flink Operation Failed" : "Flink Job State Changed",
                        data));
    }

    @Test
    void judge_disappointment_isAViolation() {
        aRunningJob();
        disappointments.add("An old stop has ended the job.");

        assertThat(rules()).containsExactly("EXPECTED");
    }

    @Test
    void endings_terminalStateThatChanges_isFound() {
        Endings endings = new Endings();

        assertThat(endings.look(table(attempt(FIRST, "request", 1, "SUBMITTED")), "job"))
                .isEmpty();
        assertThat(endings.look(table(attempt(FIRST, "request", 1, "FAILED")), "job"))
                .isEmpty();
        assertThat(endings.look(table(attempt(FIRST, "request", 1, "SUBMITTED")), "job"))
                .extracting(Violation::rule)
                .containsExactly("TERMINAL_IS_FINAL");
        assertThat(endings.look(table(operation("op", "ABANDONED", "")), "job")).isEmpty();
        assertThat(endings.look(table(operation("op", "COMPLETED", "")), "job"))
                .extracting(Violation::rule)
                .containsExactly("TERMINAL_IS_FINAL");
    }

    @Test
    void endings_upgradeThatEndsAnotherWay_isFound() {
        Endings endings = new Endings();
        String upgrade = ", \"upgrade\": {\"ending\": \"%s\"}";

        assertThat(endings.look(table(operation("op", "FAILED", "", upgrade.formatted("ROLLED_BACK"))), "job"))
                .isEmpty();
        assertThat(endings.look(table(operation("op", "FAILED", "", upgrade.formatted("FAILED"))), "job"))
                .extracting(Violation::rule)
                .containsExactly("TERMINAL_IS_FINAL");
    }

    @Test
    void judge_versionThatAnUpgradeStarted_isAllowedBesideTheRequests() {
        aRunningJob();
        executions.set(0, new Execution(FIRST, FIRST, "job", 1, START, "FINISHED", START.plusSeconds(1)));
        executions.add(new Execution(SECOND, SECOND, "job", 1, START.plusSeconds(2), "RUNNING", null));
        items.add(attempt(SECOND, "sluiceway/upgrade/op", 1, "SUBMITTED"));

        assertThat(rules()).isEmpty();
    }

    private void aRunningJob() {
        submission("request", 1, FIRST, "");
        executions.add(new Execution(FIRST, FIRST, "job", 1, START, "RUNNING", null));
        items.add(attempt(FIRST, "request", 1, "SUBMITTED"));
    }

    private void submission(String request, int tryNumber, String answered, String more) {
        JsonNode event = item("""
                {"requestId": "%s", "try": %d, "job": {"kind": "STREAM"%s}}
                """.formatted(request, tryNumber, more));
        JsonNode answer = item("{\"job\": {\"flinkJobId\": \"%s\"}}".formatted(answered));
        calls.add(new Trial.Call(START, "submit-job", "submit-job", event, new Result.Answered(false, answer)));
    }

    private void told(String state) {
        JsonNode answer = item("""
                {"operation": {"operationId": "op", "terminal": true, "state": "%s"}}
                """.formatted(state));
        calls.add(new Trial.Call(START, "job-status", "job-status", item("{}"), new Result.Answered(false, answer)));
    }

    private static JsonNode attempt(String id, String request, int number, String state) {
        return item("""
                {"pk": "ATTEMPT#lab#%s", "sk": "ATTEMPT", "flinkJobId": "%s", "requestId": "%s", "number": %d,
                 "state": "%s", "createdAt": "2026-11-23T08:00:00Z", "submittedAt": "2026-11-23T08:00:00Z",
                 "spec": {"job": "job", "kind": "STREAM", "restore": {"mode": "NONE"}}}
                """.formatted(id, id, request, number, state));
    }

    private static JsonNode latest(String id, String request, String state, String createdAt, String more) {
        return item("""
                {"pk": "ATTEMPT#lab#%s", "sk": "ATTEMPT", "flinkJobId": "%s", "requestId": "%s", "number": 1,
                 "state": "%s", "createdAt": "%s", "submittedAt": "%s"%s,
                 "spec": {"job": "job", "kind": "STREAM", "restore": {"mode": "LATEST"}}}
                """.formatted(id, id, request, state, createdAt, createdAt, more));
    }

    private static JsonNode operation(String id, String state, String savepoint) {
        return operation(id, state, savepoint, "");
    }

    private static JsonNode operation(String id, String state, String savepoint, String more) {
        String path = savepoint.isEmpty() ? "" : ", \"savepoint\": \"" + savepoint + "\"";
        return item("""
                {"pk": "OPERATION#%s", "sk": "OPERATION", "operationId": "%s", "job": "job", "state": "%s"%s%s}
                """.formatted(id, id, state, path, more));
    }

    private static LedgerView.Table table(JsonNode... items) {
        return new LedgerView.Table(List.of(items));
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
                calls,
                unsettled,
                disappointments,
                executions,
                new LedgerView.Table(items),
                savepoints,
                jobManagers,
                courses,
                Evidence.Counted.NOTHING,
                failedStarts);
        return Judge.judge(evidence).stream().map(Violation::rule).distinct().toList();
    }
}
