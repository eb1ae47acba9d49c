package io.sluiceway.ready;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.DataReadyPolicy.Every;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.ready.DataReadyRule.Step;
import io.sluiceway.ready.ReadyEvent.DataReady;
import io.sluiceway.ready.ReadyEvent.DataRevised;
import io.sluiceway.ready.SinkView.Checkpoints;
import io.sluiceway.ready.SinkView.Completed;
import io.sluiceway.ready.SinkView.Watermark;
import io.sluiceway.ready.SinkView.Watermark.Why;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The rule clause by clause; {@link DataReadyRulePropertyTest} holds all of them against what can happen. */
class DataReadyRuleTest {
    private static final Instant NOW = Instant.parse("2026-11-23T12:00:00Z");
    private static final FlinkJobId FIRST = new FlinkJobId("1".repeat(32));
    private static final FlinkJobId SECOND = new FlinkJobId("2".repeat(32));

    private final List<Completed> completed = new ArrayList<>(List.of(checkpoint(1, 0)));
    private DataReadyRule rule = rule(null, null);
    private Readiness state = Readiness.NONE;
    private List<ReadyEvent> events = List.of();
    private FlinkJobId attempt = FIRST;
    private String execution = "0";
    private Long restored;
    private Long pending;

    /** An execution that is known and settled, 20 seconds old. */
    @BeforeEach
    void settle() {
        see(0, at("09:10"));
        see(15, at("09:10"));
    }

    @Test
    void observe_twoCheckpointsBehindTheSighting_isReady() {
        see(20, at("09:59:59.999"));
        completed.add(checkpoint(2, 21));
        see(22, at("10:01"));
        assertThat(events).isEmpty();
        completed.add(checkpoint(3, 23));

        see(24, at("10:01"));

        assertThat(events).containsExactly(new DataReady(time("09:00"), time("10:00")));
        assertThat(state.announced()).isEqualTo(time("10:00"));
    }

    @Test
    void observe_watermarkAMillisecondShort_isNoSighting() {
        see(20, at("09:59:59.998"));

        // The hour before was passed at the first sight already.
        assertThat(state.sighting().boundary()).isEqualTo(time("09:00"));
    }

    @Test
    void observe_savepointsAndWhatWasTriggeredBefore_provesNothing() {
        see(20, at("10:00"));
        completed.add(new Completed(2, true, NOW.plusSeconds(21)));
        completed.add(new Completed(3, true, NOW.plusSeconds(22)));
        completed.add(checkpoint(4, 19));
        completed.add(checkpoint(5, 23));

        see(24, at("10:00"));

        assertThat(events).isEmpty();
    }

    @Test
    void observe_pendingCommittables_waits() {
        see(20, at("10:00"));
        completed.add(checkpoint(2, 21));
        completed.add(checkpoint(3, 22));
        pending = 1L;
        see(23, at("10:00"));
        assertThat(events).isEmpty();
        pending = 0L;

        see(24, at("10:00"));

        assertThat(events).hasSize(1);
    }

    @Test
    void observe_restartBehindTheSighting_sightsAgain() {
        see(20, at("10:00"));
        execution = "1@later";
        restored = 1L;
        completed.add(checkpoint(2, 21));
        completed.add(checkpoint(3, 22));

        see(23, at("10:00"));

        assertThat(events).isEmpty();
        assertThat(state.sighting()).isNull();
        see(33, at("10:00"));
        assertThat(state.sighting()).isNull();
        see(34, at("10:00"));
        assertThat(state.sighting()).isNotNull();
    }

    @Test
    void observe_noExecutionYet_changesNothing() {
        Step step = rule.observe(
                Readiness.NONE,
                new AttemptSeen.Running(
                        FIRST, new SinkView(at("10:00"), NOW, new Checkpoints(null, null, 0, List.of()), null), false));

        assertThat(step).isEqualTo(new Step(Readiness.NONE, List.of()));
    }

    @Test
    void observe_nothingNew_changesNothing() {
        see(20, new Watermark.Unknown(Why.NO_METRICS));
        Readiness before = state;

        see(300, new Watermark.Unknown(Why.NO_WATERMARK));

        assertThat(state).isEqualTo(before);
    }

    @Test
    void observe_manyBoundariesAtOnce_tellsEachInItsOrderAndNoMoreThanTenATime() {
        rule = rule("2013-01-05T05:00:00Z", null);
        see(20, at("17:00"));
        completed.add(checkpoint(2, 21));
        completed.add(checkpoint(3, 22));

        see(23, at("17:00"));

        assertThat(events)
                .hasSize(10)
                .startsWith(new DataReady(time("05:00"), time("06:00")))
                .endsWith(new DataReady(time("14:00"), time("15:00")));
        see(23, at("17:00"));
        assertThat(events)
                .containsExactly(
                        new DataReady(time("15:00"), time("16:00")), new DataReady(time("16:00"), time("17:00")));
        see(23, at("17:00"));
        assertThat(events).isEmpty();
    }

    @Test
    void observe_endOfEventTime_isTheDeclaredEnd() {
        rule = rule("2013-01-05T09:00:00Z", "2013-01-05T10:30:00Z");
        see(20, new Watermark.Ended());
        completed.add(checkpoint(2, 21));
        completed.add(checkpoint(3, 22));

        see(23, new Watermark.Ended());

        assertThat(events)
                .containsExactly(
                        new DataReady(time("09:00"), time("10:00")), new DataReady(time("10:00"), time("10:30")));
    }

    @Test
    void observe_endOfEventTimeOfAJobThatIsStopped_isNothing() {
        rule = rule("2013-01-05T09:00:00Z", "2013-01-05T10:30:00Z");

        take(new AttemptSeen.Running(FIRST, view(20, new Watermark.Ended()), true));

        assertThat(state.sighting()).isNull();
    }

    @Test
    void observe_endOfEventTimeWithoutADeclaredEnd_isNothing() {
        see(20, new Watermark.Ended());

        assertThat(state.sighting()).isNull();
    }

    @Test
    void observe_finished_tellsUpToTheEndOnce() {
        rule = rule("2013-01-05T09:00:00Z", "2013-01-05T10:30:00Z");

        take(new AttemptSeen.Finished(FIRST));

        assertThat(events)
                .containsExactly(
                        new DataReady(time("09:00"), time("10:00")), new DataReady(time("10:00"), time("10:30")));
        take(new AttemptSeen.Finished(FIRST));
        assertThat(events).isEmpty();
        see(30, at("09:10"));
        assertThat(events).isEmpty();
    }

    @Test
    void observe_attemptThatFinishedUnseenBehindAnotherThatTold_revises() {
        rule = rule("2013-01-05T09:00:00Z", "2013-01-05T10:30:00Z");
        see(20, at("10:00"));
        completed.add(checkpoint(2, 21));
        completed.add(checkpoint(3, 22));
        see(23, at("10:00"));

        take(new AttemptSeen.Finished(SECOND));

        assertThat(events).containsExactly(new DataRevised(time("10:00")), new DataReady(time("10:00"), time("10:30")));
        take(new AttemptSeen.Finished(SECOND));
        assertThat(events).isEmpty();
    }

    @Test
    void observe_restoreBehindWhatWasAnnounced_revisesOnce() {
        see(20, at("10:00"));
        completed.add(checkpoint(2, 21));
        completed.add(checkpoint(3, 22));
        see(23, at("10:00"));
        attempt = SECOND;
        restored = 1L;

        see(30, at("09:10"));

        assertThat(events).containsExactly(new DataRevised(time("10:00")));
        see(31, at("09:10"));
        assertThat(events).isEmpty();
        execution = "1@again";
        see(32, at("09:10"));
        assertThat(events).isEmpty();
    }

    @Test
    void observe_restoreFromTheCheckpointThatProved_revisesNothing() {
        see(20, at("10:00"));
        completed.add(checkpoint(2, 21));
        completed.add(checkpoint(3, 22));
        see(23, at("10:00"));
        attempt = SECOND;
        restored = 2L;

        see(30, at("09:10"));

        assertThat(events).isEmpty();
    }

    @Test
    void observe_clockOfTheClusterSetBack_sightsAgain() {
        see(20, at("10:00"));

        see(-3600, at("10:00"));

        assertThat(state.sighting().at()).isEqualTo(NOW.minusSeconds(3600));
        completed.add(checkpoint(2, -3599));
        completed.add(checkpoint(3, -3598));
        see(-3597, at("10:00"));
        assertThat(events).hasSize(1);
    }

    private void see(int seconds, Watermark watermark) {
        take(new AttemptSeen.Running(attempt, view(seconds, watermark), false));
    }

    private SinkView view(int seconds, Watermark watermark) {
        long triggered = completed.stream().mapToLong(Completed::id).max().orElse(0);
        return new SinkView(
                watermark,
                NOW.plusSeconds(seconds),
                new Checkpoints(execution, restored, triggered, completed),
                pending);
    }

    private void take(AttemptSeen observation) {
        Step step = rule.observe(state, observation);
        state = step.state();
        events = step.events();
    }

    private static DataReadyRule rule(String start, String end) {
        return new DataReadyRule(DataReadyPolicy.of("results", Every.PT1H, null, start, end));
    }

    private static Completed checkpoint(long id, int seconds) {
        return new Completed(id, false, NOW.plusSeconds(seconds));
    }

    private static Watermark at(String time) {
        return new Watermark.Lowest(time(time), 0);
    }

    private static Instant time(String time) {
        return Instant.parse("2013-01-05T%sZ".formatted(time.length() == 5 ? time + ":00" : time));
    }
}
