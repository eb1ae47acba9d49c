package io.sluiceway.health;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.health.Health.State;
import io.sluiceway.health.Reason.Code;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Observation.NothingYet;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.job.Vitals.Flow;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Each case is a job that is stable but for one thing; times are seconds before the look. */
class HealthTest {
    private static final Instant NOW = Instant.parse("2013-01-05T10:00:00Z");
    private static final Duration DAY = Duration.ofDays(1);
    private static final HealthPolicy FLOW =
            new HealthPolicy(Duration.ofMinutes(5), 3, Duration.ofMinutes(10), 3, null, 50, Duration.ofMinutes(10));

    @Test
    void of_runsAndSavesForLongEnough_isStable() {
        Health health = new Case().health();

        assertThat(health).isEqualTo(new Health(State.STABLE, List.of(), NOW.minusSeconds(3600)));
    }

    @ParameterizedTest
    @EnumSource(
            value = JobState.class,
            names = {"FINISHED", "FAILED", "CANCELED", "CANCELLING", "SUSPENDED", "RECONCILING"})
    void of_endedOrOnItsWayOut_isNothingToSay(JobState state) {
        assertThat(Health.of(new Case().state(state).status(), HealthPolicy.DEFAULT))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "INITIALIZING, STARTING",
        "CREATED, STARTING",
        "FAILING, RESTARTING",
        "RESTARTING, RESTARTING",
    })
    void of_notRunning_isSettling(JobState state, Code code) {
        Case job = new Case().state(state);
        job.runningSince = new NothingYet<>();

        assertSettling(job, code);
        assertThat(job.health().runningSince()).isNull();
    }

    @ParameterizedTest
    @CsvSource({"0, JUST_STARTED", "299, JUST_STARTED", "300, "})
    void of_runsSince_isSettledAfterItsTime(long seconds, Code code) {
        Case job = new Case();
        job.runningSince = Observation.now(before(seconds));
        job.lastCheckpoint(0);
        if (seconds == 0) {
            job.last = Observation.now(checkpoint(NOW.plusSeconds(1)));
        }

        assertIs(job, code);
    }

    @Test
    void of_runsWithoutATimeYet_isSettling() {
        Case job = new Case();
        job.runningSince = new NothingYet<>();

        assertThat(job.health().state()).isEqualTo(State.SETTLING);
    }

    /** A failure that the cluster shows before the state that follows from it ends the run. */
    @Test
    void of_failureSinceItRuns_isSettlingFromTheFailureOn() {
        Case job = new Case().failures(60);

        assertThat(job.health().state()).isEqualTo(State.SETTLING);
        assertThat(job.health().runningSince()).isEqualTo(before(60));
    }

    @ParameterizedTest
    @MethodSource
    void of_failures_areALoopWhileTheyGoOn(List<Integer> secondsAgo, JobState state, boolean loop) {
        Case job = new Case().state(state).failures(secondsAgo.toArray(Integer[]::new));
        job.runningSince = state == JobState.RUNNING ? Observation.now(before(1)) : new NothingYet<>();

        Health health = job.health();

        assertThat(health.reasons().stream().anyMatch(reason -> reason.code() == Code.RESTART_LOOP))
                .isEqualTo(loop);
        assertThat(health.state()).isEqualTo(loop ? State.UNHEALTHY : State.SETTLING);
    }

    static Stream<Object[]> of_failures_areALoopWhileTheyGoOn() {
        return Stream.of(
                new Object[] {List.of(), JobState.RUNNING, false},
                new Object[] {List.of(5, 10), JobState.RUNNING, false},
                new Object[] {List.of(5, 10, 15), JobState.RUNNING, true},
                new Object[] {List.of(5, 10, 599), JobState.RUNNING, true},
                new Object[] {List.of(5, 10, 600), JobState.RUNNING, false},
                new Object[] {List.of(5, 10, 15), JobState.RESTARTING, true},
                new Object[] {List.of(5, 10, 15), JobState.FAILING, true},
                // The adaptive scheduler's word while it waits for slots.
                new Object[] {List.of(5, 10, 15), JobState.CREATED, true},
                // Not running, it isn't over it.
                new Object[] {List.of(400, 410, 420), JobState.RESTARTING, true});
    }

    @ParameterizedTest
    @CsvSource({"299, RESTART_LOOP", "300, "})
    void of_loopThatEnded_isStableAfterTheSettlingTime(int seconds, Code code) {
        Case job = new Case().failures(seconds, seconds + 1, seconds + 2);
        job.runningSince = Observation.now(before(seconds));
        job.lastCheckpoint(5);

        assertThat(job.health().reasons().stream().map(Reason::code).findFirst().orElse(null))
                .isEqualTo(code);
        assertThat(job.health().state()).isEqualTo(code == null ? State.STABLE : State.UNHEALTHY);
    }

    @ParameterizedTest
    @CsvSource({"3599, ", "3600, NO_CHECKPOINT_YET", "3601, NO_CHECKPOINT_YET"})
    void of_checkpointCompleted_countsOnlyIfItIsOfThisRun(long seconds, Code code) {
        Case job = new Case().checkpointing(Duration.ofHours(1), 0);
        job.lastCheckpoint(seconds);

        assertIs(job, code);
    }

    @ParameterizedTest
    @CsvSource({
        // At least five minutes, whatever the interval.
        "PT1S, 300, ",
        "PT1S, 301, CHECKPOINT_TOO_OLD",
        "PT1M39S, 301, CHECKPOINT_TOO_OLD",
        // Three intervals.
        "PT2M, 360, ",
        "PT2M, 361, CHECKPOINT_TOO_OLD",
        "PT15M, 2700, ",
        "PT15M, 2701, CHECKPOINT_TOO_OLD",
    })
    void of_newestCheckpoint_isTooOldByItsInterval(Duration interval, long seconds, Code code) {
        Case job = new Case().checkpointing(interval, 0);
        job.lastCheckpoint(seconds);

        assertIs(job, code);
    }

    @ParameterizedTest
    @CsvSource({"60, ", "61, CHECKPOINT_TOO_OLD"})
    void of_newestCheckpoint_isTooOldByThePolicy(long seconds, Code code) {
        Case job = new Case().checkpointing(Duration.ofHours(1), 0);
        job.policy =
                new HealthPolicy(Duration.ofMinutes(5), 3, DAY.dividedBy(24), 3, Duration.ofMinutes(1), null, null);
        job.lastCheckpoint(seconds);

        assertIs(job, code);
    }

    @ParameterizedTest
    @CsvSource({"300, SETTLING, NO_CHECKPOINT_YET", "301, UNHEALTHY, CHECKPOINT_TOO_OLD"})
    void of_noCheckpointEver_isTooOldFromTheStartOfTheRunOn(long seconds, State state, Code worst) {
        Case job = new Case();
        job.runningSince = Observation.now(before(seconds));
        job.last = new NothingYet<>();

        assertThat(job.health().state()).isEqualTo(state);
        assertThat(job.health().reasons().getFirst().code()).isEqualTo(worst);
    }

    /** The adaptive scheduler has forgotten the checkpoints of a job that it starts again. */
    @Test
    void of_noCheckpointWhileItStarts_saysNothingOfCheckpoints() {
        Case job = new Case().state(JobState.CREATED);
        job.runningSince = new NothingYet<>();
        job.last = new NothingYet<>();

        assertSettling(job, Code.STARTING);
    }

    @ParameterizedTest
    @CsvSource({"0, ", "2, ", "3, CHECKPOINTS_FAILING", "9, CHECKPOINTS_FAILING"})
    void of_failedCheckpointsInARow_areUnhealthy(int failed, Code code) {
        assertIs(new Case().checkpointing(Duration.ofMinutes(1), failed), code);
    }

    @Test
    void of_failedCheckpoints_tellsWhatTheLastFailedWith() {
        Case job = new Case();
        job.checkpointing = new Checkpointing.Seen(Duration.ofMinutes(1), 4, "Checkpoint expired.", false);

        assertThat(job.health().reasons())
                .extracting(Reason::message)
                .containsExactly("4 checkpoints in a row failed, the last with: Checkpoint expired.");
    }

    @Test
    void of_noCheckpointing_isUnknown() {
        Case job = new Case();
        job.checkpointing = new Checkpointing.Off();

        assertUnknown(job, Code.NO_CHECKPOINTING);
    }

    @Test
    void of_whatCannotBeSeen_isUnknownAndNeverStable() {
        Case checkpoints = new Case();
        checkpoints.checkpointing = new Checkpointing.Unseen("Nobody tells.");
        Case last = new Case();
        last.last = new NotObservable<>("Nobody tells.");
        Case since = new Case();
        since.runningSince = new NotObservable<>("Nobody tells.");
        Case failures = new Case();
        failures.failures = new NotObservable<>("Nobody tells.");
        Case all = new Case();
        all.vitals = new NotObservable<>("Nobody tells.");

        for (Case job : List.of(checkpoints, last, since, failures, all)) {
            assertThat(job.health().state()).isEqualTo(State.UNKNOWN);
            assertThat(job.health().reasons()).contains(new Reason(Code.NOT_OBSERVABLE, "Nobody tells."));
        }
        assertThat(all.health().reasons()).hasSize(1);
    }

    @Test
    void of_nothingMeasuredYet_isSettling() {
        Case job = new Case();
        job.vitals = new NothingYet<>();

        assertSettling(job, Code.NOT_MEASURED_YET);
    }

    /** As on Managed Flink: completed checkpoints can't be seen, failed ones are counted. */
    @ParameterizedTest
    @CsvSource({
        "'', 3600, STABLE, ",
        "'', 300, STABLE, ",
        "'', 299, SETTLING, NOT_MEASURED_YET",
        "'299', 3600, SETTLING, CHECKPOINT_FAILED",
        "'300', 3600, STABLE, ",
        "'300 400', 3600, STABLE, ",
        "'300 400 599', 3600, UNHEALTHY, CHECKPOINTS_FAILING",
        "'300 400 600', 3600, STABLE, ",
        "'10 10 10', 3600, UNHEALTHY, CHECKPOINTS_FAILING",
    })
    void of_failedCheckpointsCounted_standForCompletedOnes(String failures, long since, State state, Code worst) {
        Case job = new Case();
        job.last = new NotObservable<>("Managed Flink doesn't tell.");
        job.checkpointing = new Checkpointing.Counted(
                Arrays.stream(failures.split(" ", -1))
                        .filter(text -> !text.isEmpty())
                        .map(text -> before(Long.parseLong(text)))
                        .toList(),
                before(since));

        assertThat(job.health().state()).isEqualTo(state);
        assertThat(job.health().reasons().stream().map(Reason::code).findFirst().orElse(null))
                .isEqualTo(worst);
    }

    @ParameterizedTest
    @CsvSource({"0.0, ", "0.49, ", "0.5, BACKPRESSURED", "1.0, BACKPRESSURED"})
    void of_backpressure_isUnhealthyFromItsShareOn(double share, Code code) {
        Case job = new Case();
        job.policy = FLOW;
        job.flow = new Flow(Observation.now(share), Observation.now(NOW));

        assertIs(job, code);
    }

    @ParameterizedTest
    @CsvSource({"-5, ", "600, ", "601, WATERMARK_LAGS"})
    void of_watermark_isUnhealthyBehindItsLag(long seconds, Code code) {
        Case job = new Case();
        job.policy = FLOW;
        job.flow = new Flow(Observation.now(0.0), Observation.now(before(seconds)));

        assertIs(job, code);
    }

    @ParameterizedTest
    @CsvSource({"600, SETTLING, NOT_MEASURED_YET", "601, UNHEALTHY, WATERMARK_LAGS"})
    void of_noWatermark_isUnhealthyOnceItRunsForLongerThanTheLag(long seconds, State state, Code code) {
        Case job = new Case();
        job.policy = FLOW;
        job.runningSince = Observation.now(before(seconds));
        job.flow = new Flow(Observation.now(0.0), new NothingYet<>());

        assertThat(job.health().state()).isEqualTo(state);
        assertIs(job, code);
    }

    @Test
    void of_flowThatNobodyMeasured_isNotStableForWhoAsksForIt() {
        Case unseen = new Case();
        unseen.policy = FLOW;
        Case yet = new Case();
        yet.policy = FLOW;
        yet.flow = new Flow(new NothingYet<>(), Observation.now(NOW));

        assertUnknown(unseen, Code.NOT_OBSERVABLE);
        assertSettling(yet, Code.NOT_MEASURED_YET);
    }

    @Test
    void of_flow_isNothingToWhoDoesNotAskForIt() {
        Case job = new Case();
        job.flow = new Flow(Observation.now(1.0), Observation.now(Instant.EPOCH));

        assertThat(job.health().state()).isEqualTo(State.STABLE);
    }

    @Test
    void of_severalReasons_tellsTheWorstFirst() {
        Case job = new Case().failures(1, 2, 3);
        job.runningSince = Observation.now(before(1));
        job.checkpointing = new Checkpointing.Off();

        assertThat(job.health().reasons())
                .extracting(Reason::code)
                .containsExactly(Code.RESTART_LOOP, Code.NO_CHECKPOINTING, Code.JUST_STARTED);
        assertThat(job.health().reasons().getFirst().message())
                .isEqualTo("It failed 3 times within 10 min; 3 times are a restart loop.");
    }

    private static void assertIs(Case job, Code code) {
        Health health = job.health();
        assertThat(health.reasons()).extracting(Reason::code).isEqualTo(code == null ? List.of() : List.of(code));
        assertThat(health.state()).isEqualTo(code == null ? State.STABLE : code.state());
    }

    private static void assertSettling(Case job, Code code) {
        assertThat(job.health().state()).isEqualTo(State.SETTLING);
        assertIs(job, code);
    }

    private static void assertUnknown(Case job, Code code) {
        assertThat(job.health().state()).isEqualTo(State.UNKNOWN);
        assertIs(job, code);
    }

    private static Instant before(long seconds) {
        return NOW.minusSeconds(seconds);
    }

    private static CompletedCheckpoint checkpoint(Instant at) {
        return new CompletedCheckpoint(7, at, null);
    }

    /** A job that is stable until a test changes something. */
    private static final class Case {
        private JobState state = JobState.RUNNING;
        private HealthPolicy policy = HealthPolicy.DEFAULT;
        private Observation<Instant> runningSince = Observation.now(before(3600));
        private Observation<List<Instant>> failures = Observation.now(List.of());
        private Checkpointing checkpointing = new Checkpointing.Seen(Duration.ofMinutes(1), 0, null, false);
        private Observation<CompletedCheckpoint> last = Observation.now(checkpoint(before(30)));
        private Flow flow = Flow.notObservable("Nobody asked.");
        private Observation<Vitals> vitals;

        Case state(JobState other) {
            state = other;
            return this;
        }

        Case failures(Integer... secondsAgo) {
            failures = Observation.now(
                    Stream.of(secondsAgo).map(HealthTest::before).toList());
            return this;
        }

        Case checkpointing(Duration interval, int failedInARow) {
            checkpointing = new Checkpointing.Seen(interval, failedInARow, null, false);
            return this;
        }

        void lastCheckpoint(long secondsAgo) {
            last = Observation.now(checkpoint(before(secondsAgo)));
        }

        JobStatus status() {
            return new JobStatus(
                    new JobOverview(
                            new FlinkJobId("0123456789abcdef0123456789abcdef"),
                            "delays",
                            state,
                            NOW.minus(DAY),
                            null,
                            new TreeMap<>()),
                    new Known<>(0L, null),
                    new Checkpoints(new NothingYet<>(), new NothingYet<>(), last),
                    new NothingYet<>(),
                    null,
                    vitals == null
                            ? Observation.now(new Vitals(NOW, runningSince, failures, checkpointing, flow))
                            : vitals);
        }

        Health health() {
            return Health.of(status(), policy).orElseThrow();
        }
    }
}
