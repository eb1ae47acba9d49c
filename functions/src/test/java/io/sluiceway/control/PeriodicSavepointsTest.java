package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.FakeFlinkCluster.Fault;
import io.sluiceway.cluster.FakeFlinkCluster.SavepointEnd;
import io.sluiceway.control.ClusterMonitored.Moved;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.event.JobEvent;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.job.SavepointsPolicy;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.metrics.FakeMetricsSink;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PeriodicSavepointsTest extends VerbFixture {
    /** One for all sweeps, as in a process that is warm. */
    private @Nullable MonitorJobs monitorJobs;

    private static final SavepointsPolicy HOURLY = SavepointsPolicy.of("PT1H", null, null);
    private static final SavepointsPolicy AT_NOON = SavepointsPolicy.of(null, "0 12 * * *", null);

    @Test
    void sweep_everyHour_takesOneWhenItIsDueAndWritesNothingBefore() {
        FlinkJobId job = start(HOURLY);
        sweep();
        int commits = ledger.commits();

        clock.move(Duration.ofMinutes(59));
        sweep();
        assertThat(ledger.commits()).isEqualTo(commits);
        assertThat(cluster.triggers()).isEmpty();

        clock.move(Duration.ofMinutes(1));
        assertThat(sweep().operations()).isEqualTo(new Moved(1, 0, 0, 0, 0));
        sweep();

        assertThat(ledger.savepoints())
                .singleElement()
                .satisfies(savepoint -> assertThat(savepoint.origin()).isEqualTo(SavepointOrigin.PERIODIC))
                .satisfies(savepoint -> assertThat(savepoint.attempt()).isEqualTo(job))
                .satisfies(savepoint -> assertThat(savepoint.pinned()).isFalse());
        assertThat(periodic())
                .singleElement()
                .satisfies(operation -> assertThat(operation.request().id().value())
                        .isEqualTo("periodic/flight-delays/2013-01-05T11:00:00Z"));
        assertThat(told("Flink Savepoint Completed").getFirst().data()).containsEntry("origin", "PERIODIC");
    }

    @Test
    void sweep_savepointThatSomebodyAskedFor_countsForAnInterval() {
        FlinkJobId job = start(HOURLY);
        clock.move(Duration.ofMinutes(40));
        take(job);

        clock.move(Duration.ofMinutes(59));
        sweep();
        assertThat(periodic()).isEmpty();

        clock.move(Duration.ofMinutes(1));
        sweep();
        assertThat(periodic()).hasSize(1);
    }

    @Test
    void sweep_savepointThatSomebodyAskedFor_doesntCountForATimeOfTheClock() {
        FlinkJobId job = start(AT_NOON);
        moveTo(Instant.parse("2013-01-05T11:59:00Z"));
        take(job);

        moveTo(Instant.parse("2013-01-05T12:00:00Z"));
        sweep();
        sweep();
        moveTo(Instant.parse("2013-01-06T11:59:59Z"));
        sweep();

        assertThat(periodic())
                .singleElement()
                .satisfies(operation -> assertThat(operation.request().id().value())
                        .isEqualTo("periodic/flight-delays/2013-01-05T12:00:00Z"));
    }

    @Test
    void sweep_manyTimesMissed_areMadeUpForByOne() {
        start(HOURLY);
        clock.move(Duration.ofHours(7));

        sweep();
        sweep();

        assertThat(periodic()).hasSize(1);
    }

    @Test
    void sweep_anotherSweepAtTheSameTime_takeItOnce() {
        start(HOURLY);
        sweep();
        clock.move(Duration.ofHours(1));
        ledger.beforeNextCommit(this::sweep);

        assertThat(sweep().problems()).isEmpty();
        sweep();

        assertThat(periodic()).hasSize(1);
        assertThat(cluster.triggers()).hasSize(1);
    }

    @Test
    void sweep_anotherSweepAgesLater_takesNoSecondForTheSameTime() {
        FlinkJobId job = start(HOURLY);
        sweep();
        clock.move(Duration.ofHours(1));
        Attempted old = new Attempted(attempt(job), ledger.savepoints(CLUSTER, NAME, soon()));
        sweep();

        // A sweep that was held up goes by what it read before.
        new PeriodicSavepoints(old.attempt(), HOURLY, old.known()).take(ports, soon());

        assertThat(cluster.triggers()).hasSize(1);
    }

    private record Attempted(Attempt attempt, List<Savepoint> known) {}

    @Test
    void sweep_triggersAnswerLost_goesOnWithTheSame() {
        start(HOURLY);
        sweep();
        clock.move(Duration.ofHours(1));
        cluster.failNextEffect(Fault.ANSWER_LOST);

        sweep();
        clock.move(Duration.ofMinutes(1));
        sweep();

        assertThat(cluster.triggers()).hasSize(1);
        assertThat(periodic())
                .singleElement()
                .satisfies(operation -> assertThat(operation.state()).isEqualTo(OperationState.COMPLETED));
    }

    @Test
    void sweep_killedBehindTheIntent_goesOnWithTheSame() {
        start(HOURLY);
        sweep();
        clock.move(Duration.ofHours(1));
        ledger.afterNextCommit(() -> {
            throw new IllegalStateException("The process is killed.");
        });

        assertThat(sweep().problems()).hasSize(1);
        assertThat(cluster.triggers()).isEmpty();
        sweep();
        sweep();

        assertThat(cluster.triggers()).hasSize(1);
        assertThat(ledger.savepoints()).hasSize(1);
    }

    @Test
    void sweep_savepointFails_isToldAndNotRepeatedBeforeTheNextTime() {
        start(HOURLY);
        cluster.beSlow();
        clock.move(Duration.ofHours(1));
        sweep();
        cluster.endSavepoints(SavepointEnd.FAIL);

        for (int i = 0; i < 3; i++) {
            clock.move(Duration.ofMinutes(1));
            sweep();
        }
        assertThat(periodic()).hasSize(1);
        assertThat(told("Flink Operation Failed")).hasSize(1);
        int commits = ledger.commits();
        clock.move(Duration.ofMinutes(50));
        sweep();
        assertThat(ledger.commits()).isEqualTo(commits);

        clock.move(Duration.ofMinutes(7));
        sweep();
        assertThat(periodic()).hasSize(2);
    }

    @Test
    void sweep_anotherOperationIsOpen_waitsForIt() {
        FlinkJobId job = start(HOURLY);
        cluster.beSlow();
        clock.move(Duration.ofHours(1));
        take(job);

        sweep();
        assertThat(periodic()).isEmpty();

        cluster.endSavepoints(SavepointEnd.FAIL);
        sweep();
        sweep();
        assertThat(periodic()).hasSize(1);
    }

    @Test
    void sweep_jobIsBeingStopped_takesNone() {
        FlinkJobId job = start(HOURLY);
        cluster.beSlow();
        clock.move(Duration.ofHours(1));
        stopJob.stop(request("stop", 1), job(job), null, Mode.SAVEPOINT, soon());

        sweep();
        cluster.endSavepoints(SavepointEnd.COMPLETE);
        sweep();
        clock.move(Duration.ofHours(2));
        sweep();

        assertThat(periodic()).isEmpty();
    }

    @Test
    void sweep_stopFailedAndTheJobGoesOn_takesThemFurther() {
        FlinkJobId job = start(HOURLY);
        cluster.beSlow();
        stopJob.stop(request("stop", 1), job(job), null, Mode.SAVEPOINT, soon());
        cluster.endSavepoints(SavepointEnd.FAIL);
        sweep();

        clock.move(Duration.ofHours(1));
        sweep();

        assertThat(periodic()).hasSize(1);
    }

    @Test
    void sweep_jobDoesntRun_takesItWhenItDoes() {
        FlinkJobId job = start(HOURLY);
        sweep();
        clock.move(Duration.ofHours(1));
        for (JobState state : List.of(JobState.RESTARTING, JobState.FAILING, JobState.RECONCILING)) {
            cluster.setState(job, state);
            sweep();
        }
        assertThat(periodic()).isEmpty();

        cluster.setState(job, JobState.RUNNING);
        sweep();
        assertThat(periodic()).hasSize(1);
    }

    @Test
    void sweep_attemptThatCameLater_beginsAnew() {
        FlinkJobId first = start(HOURLY);
        clock.move(Duration.ofMinutes(59));
        cluster.setState(first, JobState.FAILED);
        sweep();
        submit("again", 1, spec(HOURLY));

        clock.move(Duration.ofMinutes(59));
        sweep();
        assertThat(periodic()).isEmpty();
        clock.move(Duration.ofMinutes(1));
        sweep();
        assertThat(periodic()).hasSize(1);
    }

    @Test
    void sweep_noPolicy_takesNone() {
        submitEndless();
        clock.move(Duration.ofDays(100));

        sweep();

        assertThat(cluster.triggers()).isEmpty();
    }

    @Test
    void sweep_ledgerFails_isAProblemOfTheJobAndTakenLater() {
        start(HOURLY);
        sweep();
        clock.move(Duration.ofHours(1));
        ledger.failNextCommit(FakeJobLedger.Fault.CALL_LOST);

        assertThat(sweep().problems()).hasSize(1);
        assertThat(sweep().problems()).isEmpty();

        assertThat(cluster.triggers()).hasSize(1);
    }

    private FlinkJobId start(SavepointsPolicy policy) {
        return submit("start", 1, spec(policy)).attempt().id();
    }

    private static JobSpec spec(SavepointsPolicy policy) {
        JobSpec plain = spec("endless", new RestorePoint.None());
        return new JobSpec(
                NAME,
                JobKind.STREAM,
                CLUSTER,
                plain.jar(),
                null,
                plain.arguments(),
                1,
                plain.restore(),
                plain.onUnknown(),
                OnlyPolicy.of(policy));
    }

    private void take(FlinkJobId job) {
        takeSavepoint.take(request("mine", 1), job(job), false, soon());
        sweep();
    }

    private List<Operation> periodic() {
        return ledger.operations().stream()
                .filter(operation -> operation.type() == OperationType.TAKE_SAVEPOINT)
                .filter(operation -> operation.origin() == SavepointOrigin.PERIODIC)
                .toList();
    }

    private List<JobEvent> told(String type) {
        return ledger.events().stream()
                .filter(event -> event.type().equals(type))
                .toList();
    }

    private void moveTo(Instant at) {
        clock.move(Duration.between(clock.instant(), at));
    }

    private ClusterMonitored sweep() {
        if (monitorJobs == null) {
            monitorJobs = new MonitorJobs(ports, new FakeMetricsSink(), jars());
        }
        return monitorJobs
                .monitor(null, List.of(), Deadline.in(Duration.ofSeconds(25), clock))
                .clusters()
                .getFirst();
    }
}
