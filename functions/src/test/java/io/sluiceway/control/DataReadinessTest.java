package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.control.Answer.JobObserved.DataReady;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.JobEvent;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.DataReadyPolicy.Every;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.job.Observation;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.FakeJobLedger.Fault;
import io.sluiceway.metrics.FakeMetricsSink;
import io.sluiceway.ready.SinkView;
import io.sluiceway.ready.SinkView.Completed;
import io.sluiceway.ready.SinkView.Watermark;
import io.sluiceway.testing.MovableClock;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What sweeps tell of a job's data, whatever comes between. */
class DataReadinessTest extends VerbFixture {
    private static final String SINK = "delays";
    private static final DataReadyPolicy HOURLY =
            DataReadyPolicy.of(SINK, Every.PT1H, null, "2013-01-05T08:00:00Z", null);

    private final Shown shown = new Shown(clock);
    private final Ports there = new Ports(new Clusters(List.of(shown)), outbox, store, LIMITS);

    /** A cluster whose job shows what its test says. */
    private final class Shown extends FakeFlinkCluster {
        private final MovableClock clock;
        private Watermark watermark = new Watermark.Unknown(Watermark.Why.NO_WATERMARK);
        private String execution = "0";
        private Long restored;
        private long triggered;
        private final List<Completed> completed = new ArrayList<>();
        private Runnable whileSeen = () -> {};
        private boolean stoppedBySomebody;

        private Shown(MovableClock clock) {
            super(CLUSTER, 3, clock, DataReadinessTest.this.store);
            this.clock = clock;
        }

        @Override
        public synchronized Optional<SinkView> observeSink(JobRef job, String sink, Deadline deadline) {
            if (findJob(job, deadline).isEmpty()) {
                return Optional.empty();
            }
            SinkView view = new SinkView(
                    sink.equals(SINK) ? watermark : new Watermark.Unknown(Watermark.Why.NO_SUCH_SINK),
                    clock.instant(),
                    new SinkView.Checkpoints(execution, restored, triggered, completed),
                    null);
            Runnable act = whileSeen;
            whileSeen = () -> {};
            act.run();
            return Optional.of(view);
        }

        @Override
        public synchronized Optional<JobStatus> observeJob(JobRef job, Deadline deadline) {
            return super.observeJob(job, deadline)
                    .map(status -> new JobStatus(
                            status.overview(),
                            status.restarts(),
                            Checkpoints.counted(7, 0, new CompletedCheckpoint(7, clock.instant(), null)),
                            Observation.now(
                                    stoppedBySomebody ? new CompletedCheckpoint(8, clock.instant(), null) : null),
                            status.firstFailure()));
        }
    }

    @BeforeEach
    void submitThere() {
        submitJob = new SubmitJob(there, new Jars(jars, Set.of("jars"), workDirectory));
    }

    @Test
    void sweep_hourIsPassedAndCommitted_tellsOnceWhateverFollows() {
        start(HOURLY);
        pass("2013-01-05T10:20:00Z");

        sweep();
        assertThat(told()).as("passed, and not committed").isEmpty();
        checkpoint();
        sweep();
        assertThat(told()).as("one checkpoint may not be committed yet").isEmpty();
        checkpoint();
        sweep();

        assertThat(told())
                .containsExactly(
                        "Flink Data Ready 2013-01-05T08:00:00Z..2013-01-05T09:00:00Z",
                        "Flink Data Ready 2013-01-05T09:00:00Z..2013-01-05T10:00:00Z");
        for (int i = 0; i < 3; i++) {
            checkpoint();
            sweep();
        }
        assertThat(told()).hasSize(2);
        assertThat(readyEvents().getFirst().data())
                .containsEntry("kind", "STREAM")
                .containsEntry("sink", SINK)
                .containsEntry("every", "PT1H")
                .containsEntry("timeZone", "UTC");
        assertThat(bus.arrived()).containsAll(readyEvents());
    }

    @Test
    void sweep_nothingIsCrossed_writesNothing() {
        start(HOURLY);
        pass("2013-01-05T10:20:00Z");
        sweep();
        int commits = ledger.commits();

        for (int i = 0; i < 3; i++) {
            shown.watermark =
                    new Watermark.Lowest(Instant.parse("2013-01-05T10:30:00Z").plusSeconds(i), 0);
            clock.move(Duration.ofMinutes(1));
            sweep();
        }

        assertThat(ledger.commits()).isEqualTo(commits);
    }

    @Test
    void sweep_jobWithoutThePolicy_isNotAsked() {
        submit("start", 1, spec("endless"));
        shown.whileSeen = () -> {
            throw new AssertionError("Nobody asked for this.");
        };

        assertThat(sweep().problems()).isEmpty();

        assertThat(ledger.findReadiness(CLUSTER, NAME, null, soon())).isEmpty();
    }

    @Test
    void sweep_sinkThatTheJobHasNot_isTold() {
        start(DataReadyPolicy.of("other", Every.PT1H, null, null, null));

        assertThat(sweep().problems()).singleElement().satisfies(problem -> {
            assertThat(problem.refusal().code()).isEqualTo(ErrorCode.FIELD_INVALID);
            assertThat(problem.refusal().sentence()).contains("job.policies.dataReady.sink", "flight-delays");
        });
    }

    @Test
    void sweep_jobIsBeingDrained_believesNoWatermark() {
        FlinkJobId job = start(HOURLY);
        pass("2013-01-05T08:20:00Z");
        sweep();
        shown.beSlow();
        shown.watermark = new Watermark.Lowest(Instant.parse("2013-01-05T23:59:00Z"), 0);
        // The drain was asked for while the sink was read, before what follows could be decided.
        shown.whileSeen = () -> new StopJob(there).stop(request("stop", 1), job(job), null, Mode.DRAIN, soon());

        sweep();
        checkpoint();
        checkpoint();
        sweep();

        assertThat(told()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"ANSWER_LOST", "CALL_LOST"})
    void sweep_diesWhereItTells_isFollowedByOneThatTellsOnce(Fault fault) {
        start(HOURLY);
        pass("2013-01-05T09:20:00Z");
        sweep();
        checkpoint();
        checkpoint();
        ledger.failNextCommit(fault);

        assertThat(sweep().problems()).hasSize(1);
        sweep();

        assertThat(told()).containsExactly("Flink Data Ready 2013-01-05T08:00:00Z..2013-01-05T09:00:00Z");
    }

    @Test
    void sweep_twoAtOnce_tellOnce() {
        start(HOURLY);
        pass("2013-01-05T09:20:00Z");
        sweep();
        checkpoint();
        checkpoint();
        ledger.beforeNextCommit(this::sweep);

        assertThat(sweep().problems()).isEmpty();

        assertThat(told()).containsExactly("Flink Data Ready 2013-01-05T08:00:00Z..2013-01-05T09:00:00Z");
    }

    @Test
    void sweep_manyHoursAtOnce_tellsAllInTheirOrder() {
        start(DataReadyPolicy.of(SINK, Every.PT1H, null, "2013-01-03T06:00:00Z", null));
        pass("2013-01-05T08:00:00Z");
        sweep();
        checkpoint();
        checkpoint();

        sweep();

        assertThat(told()).hasSize(50).isSorted().doesNotHaveDuplicates();
        assertThat(told().getLast()).endsWith("2013-01-05T07:00:00Z..2013-01-05T08:00:00Z");
    }

    @Test
    void sweep_jobGoesOnFromOlderState_tellsThatAndTheNextHourAgain() {
        FlinkJobId first = start(HOURLY);
        pass("2013-01-05T10:00:00Z");
        sweep();
        checkpoint();
        checkpoint();
        sweep();
        shown.setState(first, JobState.FAILED);
        sweep();
        submit("start", 2, spec(HOURLY, new RestorePoint.None()));
        shown.execution = "1@7";
        shown.restored = 1L;
        pass("2013-01-05T11:00:00Z");
        sweep();
        checkpoint();
        checkpoint();
        sweep();

        assertThat(told().subList(2, 4))
                .containsExactly(
                        "Flink Data Revised ..2013-01-05T10:00:00Z",
                        "Flink Data Ready 2013-01-05T10:00:00Z..2013-01-05T11:00:00Z");
    }

    @Test
    void observe_jobWithThePolicy_showsHowFarItIs() {
        FlinkJobId job = start(HOURLY);
        pass("2013-01-05T10:20:00Z");
        sweep();
        int commits = ledger.commits();

        DataReady shownToPeople = new ObserveJob(there)
                .observe(job(job), soon())
                .dataReady()
                .told()
                .orElseThrow();

        assertThat(shownToPeople.known().sighting().boundary()).isEqualTo(Instant.parse("2013-01-05T10:00:00Z"));
        assertThat(shownToPeople.known().announced()).isNull();
        assertThat(shownToPeople.watermark()).isEqualTo(new Watermark.Lowest(Instant.parse("2013-01-05T10:20:00Z"), 0));
        assertThat(ledger.commits()).isEqualTo(commits);
    }

    @Test
    void observe_sinkCannotBeSeen_isAnsweredAllTheSame() {
        FlinkJobId job = start(HOURLY);
        shown.whileSeen = () -> {
            throw new RefusedException(ErrorCode.CLUSTER_REFUSED, "Refused.");
        };

        assertThat(new ObserveJob(there).observe(job(job), soon()).dataReady())
                .isEqualTo(new Observation.NotObservable<>("Refused."));
    }

    @Test
    void sweep_runThatFinished_tellsUpToItsEnd() {
        JobSpec spec = run(DataReadyPolicy.of(
                SINK, Every.P1D, "America/New_York", "2013-01-01T05:00:00Z", "2013-01-03T12:00:00Z"));
        FlinkJobId job = submit("day", 1, spec).attempt().id();
        shown.setState(job, JobState.FINISHED);

        sweep();
        sweep();

        assertThat(told())
                .containsExactly(
                        "Flink Data Ready 2013-01-01T05:00:00Z..2013-01-02T05:00:00Z",
                        "Flink Data Ready 2013-01-02T05:00:00Z..2013-01-03T05:00:00Z",
                        "Flink Data Ready 2013-01-03T05:00:00Z..2013-01-03T12:00:00Z");
        assertThat(readyEvents().getFirst().request()).hasToString("day");
    }

    @Test
    void sweep_runWhoseEndSomebodyElseRecorded_tellsAllTheSame() {
        FlinkJobId job = submit("day", 1, run(untilThird())).attempt().id();
        shown.setState(job, JobState.FINISHED);
        new ObserveJob(there).observe(job(job), soon());

        sweep();

        assertThat(told()).hasSize(1);
    }

    @Test
    void sweep_runThatSomebodyStoppedOnFlinkItself_tellsNothing() {
        FlinkJobId job = submit("day", 1, run(untilThird())).attempt().id();
        shown.stoppedBySomebody = true;
        shown.setState(job, JobState.FINISHED);

        sweep();

        assertThat(told()).isEmpty();
    }

    @Test
    void sweep_runThatWasStopped_tellsNothing() {
        FlinkJobId job = submit("day", 1, with(run("endless", OnUnknown.REFUSE), untilThird()))
                .attempt()
                .id();
        new StopJob(there).stop(request("stop", 1), job(job), null, Mode.SAVEPOINT, soon());

        sweep();
        sweep();

        assertThat(there.ledger()
                        .findAttempt(CLUSTER, job, soon())
                        .orElseThrow()
                        .value()
                        .state()
                        .terminal())
                .isTrue();
        assertThat(told()).isEmpty();
    }

    private static DataReadyPolicy untilThird() {
        return DataReadyPolicy.of(SINK, Every.P1D, null, "2013-01-02T00:00:00Z", "2013-01-03T00:00:00Z");
    }

    private FlinkJobId start(DataReadyPolicy policy) {
        FlinkJobId job = submit("start", 1, spec(policy, new RestorePoint.None()))
                .attempt()
                .id();
        checkpoint();
        return job;
    }

    private static JobSpec spec(DataReadyPolicy policy, RestorePoint restore) {
        return with(spec("endless", restore), policy);
    }

    private static JobSpec run(DataReadyPolicy policy) {
        return with(run("bounded", OnUnknown.REFUSE), policy);
    }

    private static JobSpec with(JobSpec spec, DataReadyPolicy policy) {
        return new JobSpec(
                spec.name(),
                spec.kind(),
                spec.cluster(),
                spec.jar(),
                spec.entryClass(),
                spec.arguments(),
                spec.parallelism(),
                spec.restore(),
                spec.onUnknown(),
                OnlyPolicy.of(policy));
    }

    /** The watermark is known of this execution, and then passes a moment: what was before is no longer shown. */
    private void pass(String moment) {
        shown.watermark = new Watermark.Lowest(Instant.parse("2013-01-05T08:00:00Z"), 0);
        sweep();
        clock.move(Duration.ofSeconds(15));
        sweep();
        clock.move(Duration.ofSeconds(15));
        shown.watermark = new Watermark.Lowest(Instant.parse(moment), 0);
    }

    private void checkpoint() {
        clock.move(Duration.ofSeconds(1));
        shown.triggered++;
        shown.completed.add(new Completed(shown.triggered, false, clock.instant()));
        clock.move(Duration.ofSeconds(1));
    }

    private ClusterMonitored sweep() {
        return new MonitorJobs(there, new FakeMetricsSink(), jars(), 1)
                .monitor(null, List.of(), Deadline.in(Duration.ofSeconds(25), clock))
                .clusters()
                .getFirst();
    }

    private List<JobEvent> readyEvents() {
        return ledger.events().stream()
                .filter(event -> event.type().startsWith("Flink Data"))
                .toList();
    }

    private List<String> told() {
        return readyEvents().stream()
                .map(event -> "%s %s..%s"
                        .formatted(
                                event.type(),
                                event.data().getOrDefault("from", ""),
                                event.data().get("until")))
                .toList();
    }
}
