package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.sluiceway.cluster.FakeFlinkCluster.SavepointEnd;
import io.sluiceway.control.Answer.EventsListed;
import io.sluiceway.control.Answer.JobsMonitored;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.control.Outbox.Told;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.event.EventData.JobStateChanged.State;
import io.sluiceway.event.EventDraft;
import io.sluiceway.event.JobEvent;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.metrics.FakeMetricsSink;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is told of what the verbs do, and that nothing of it is lost. */
class OutboxTest extends VerbFixture {
    private final FakeMetricsSink metrics = new FakeMetricsSink();

    @Test
    void submit_jobThatRunsAtOnce_tellsItsStatesAndThenTheOperation() {
        Submitted answer = submit("day-5", 3, spec("endless"));

        assertThat(told())
                .containsExactly(
                        "1 Flink Job State Changed SUBMITTED",
                        "2 Flink Job State Changed RUNNING",
                        "3 Flink Operation Completed SUBMIT_JOB");
        assertThat(ledger.events()).allSatisfy(event -> {
            assertThat(event.cluster()).isEqualTo(CLUSTER);
            assertThat(event.job()).isEqualTo(NAME);
            assertThat(event.execution()).isEqualTo(answer.attempt().id());
            assertThat(event.request()).isEqualTo(request("day-5", 3).id());
            assertThat(event.occurredAt()).isEqualTo(clock.instant());
        });
        assertThat(ledger.events().getFirst().data())
                .isEqualTo(Map.of("kind", "STREAM", "attempt", 1L, "state", "SUBMITTED"));
        assertThat(ledger.events().getLast().data())
                .isEqualTo(Map.of(
                        "operationId",
                        answer.operation().id().value(),
                        "operationType",
                        "SUBMIT_JOB",
                        "createdAt",
                        clock.instant().toString()));
    }

    @Test
    void observe_nothingChanged_writesAndTellsNothing() {
        FlinkJobId job = submitEndless();
        int commits = ledger.commits();

        observeJob.observe(job(job), soon());
        observeJob.observe(job(job), soon());

        assertThat(ledger.commits()).isEqualTo(commits);
        assertThat(ledger.events()).hasSize(3);
    }

    @Test
    void observe_jobThatComesToRunLater_tellsItOnce() {
        FlinkJobId job = submitWhile(JobState.INITIALIZING);
        assertThat(told()).noneMatch(event -> event.endsWith("RUNNING"));

        cluster.setState(job, JobState.RUNNING);
        observeJob.observe(job(job), soon());
        cluster.setState(job, JobState.RESTARTING);
        observeJob.observe(job(job), soon());
        cluster.setState(job, JobState.RUNNING);
        observeJob.observe(job(job), soon());

        assertThat(told().subList(2, told().size())).containsExactly("3 Flink Job State Changed RUNNING");
        assertThat(attempt(job).runningAt()).isEqualTo(clock.instant());
    }

    /** Submits a job whose answer is lost, so that it is first seen when its state is that. */
    private FlinkJobId submitWhile(JobState state) {
        cluster.failLookupAfter(0);
        Submitted answer = submit("start", 1, spec("endless"));
        FlinkJobId job = answer.attempt().id();
        cluster.setState(job, state);
        observeJob.observe(job(job), soon());
        return job;
    }

    @Test
    void stop_withSavepoint_tellsTheSavepointTheEndAndTheOperation() {
        FlinkJobId job = submitEndless();
        int before = told().size();

        stopJob.stop(request("release", 1), job(job), null, Mode.SAVEPOINT, soon());
        observeJob.observe(attempt(job).stop(), jars(), soon());

        assertThat(told().subList(before, told().size()))
                .containsExactly(
                        "4 Flink Job State Changed FINISHED",
                        "5 Flink Savepoint Completed STOP",
                        "6 Flink Operation Completed STOP_WITH_SAVEPOINT");
        JobEvent savepoint = ledger.events().stream()
                .filter(event -> event.type().equals("Flink Savepoint Completed"))
                .findFirst()
                .orElseThrow();
        assertThat(savepoint.request()).isEqualTo(request("release", 1).id());
        assertThat(savepoint.data())
                .containsEntry(
                        "savepointPath", ledger.savepoints().getFirst().path().value())
                .containsEntry("operationId", attempt(job).stop().value())
                .containsEntry("verified", true);
    }

    @ParameterizedTest
    @EnumSource(
            value = JobState.class,
            names = {"FINISHED", "FAILED", "CANCELED"})
    void observe_jobThatEnded_tellsHow(JobState end) {
        FlinkJobId job = submitEndless();
        cluster.setState(job, end);

        observeJob.observe(job(job), soon());
        observeJob.observe(job(job), soon());

        assertThat(told().getLast()).isEqualTo("4 Flink Job State Changed " + end);
    }

    @Test
    void observe_jobThatTheClusterForgot_isToldAsUnknown() {
        FlinkJobId job = submitEndless();
        cluster.forgetEverything();

        observeJob.observe(job(job), soon());

        assertThat(told().getLast()).isEqualTo("4 Flink Job State Changed UNKNOWN");
        assertThat(ledger.events().getLast().data())
                .containsEntry("failureCode", "JOB_OUTCOME_UNKNOWN")
                .containsEntry("failure", attempt(job).failure().message());
    }

    @Test
    void submit_refusedProgram_tellsTheRefusalWithoutItsArguments() {
        String secret = "hunter2-hunter2";

        assertRefused(ErrorCode.PROGRAM_FAILED, () -> submit("day-5", 1, withArgument("refusing", secret)));

        assertThat(told()).containsExactly("1 Flink Job State Changed REFUSED", "2 Flink Operation Failed SUBMIT_JOB");
        assertThat(ledger.events()).noneMatch(event -> event.toString().contains(secret));
        assertThat(ledger.events().getFirst().data()).containsEntry("failureCode", "PROGRAM_FAILED");
        assertThat(ledger.events().getLast().data()).containsEntry("operationState", "FAILED");
    }

    private static JobSpec withArgument(String behaviour, String argument) {
        JobSpec spec = spec(behaviour);
        return new JobSpec(
                spec.name(),
                spec.kind(),
                spec.cluster(),
                spec.jar(),
                spec.entryClass(),
                List.of(behaviour, argument),
                spec.parallelism(),
                spec.restore(),
                spec.onUnknown());
    }

    @Test
    void publish_atTheEndOfACall_arrivesAndIsPendingNoMore() {
        submitEndless();
        assertThat(ledger.pendingEvents()).hasSize(3);

        Told published = outbox.publish(soon());

        assertThat(published).isEqualTo(new Told(3, 0, null));
        assertThat(bus.arrived()).isEqualTo(ledger.events());
        assertThat(ledger.pendingEvents()).isEmpty();
        assertThat(outbox.publish(soon())).isEqualTo(new Told(0, 0, null));
        assertThat(bus.calls()).isEqualTo(1);
    }

    @Test
    void monitor_processDiedBetweenRecordAndPublication_publishesWhatItLeft() {
        submitEndless();
        // Another process knows nothing of what this one has recorded.
        JobsMonitored swept = sweepOfAnother();

        assertThat(swept.events()).isEqualTo(new Told(3, 0, null));
        assertThat(bus.arrived()).containsExactlyInAnyOrderElementsOf(ledger.events());
        assertThat(ledger.pendingEvents()).isEmpty();
        assertThat(sweepOfAnother().events()).isEqualTo(new Told(0, 0, null));
    }

    @Test
    void monitor_answerOfTheRecordLost_publishesItAllTheSame() {
        FlinkJobId job = submitEndless();
        outbox.publish(soon());
        cluster.setState(job, JobState.FAILED);
        ledger.failNextCommit(FakeJobLedger.Fault.ANSWER_LOST);
        assertRefused(ErrorCode.LEDGER_UNAVAILABLE, () -> observeJob.observe(job(job), soon()));
        assertThat(outbox.publish(soon())).isEqualTo(new Told(0, 0, null));

        sweepOfAnother();

        assertThat(bus.arrived().getLast().data()).containsEntry("state", "FAILED");
        assertThat(ledger.pendingEvents()).isEmpty();
    }

    @Test
    void monitor_whatItFindsItself_isPublishedByItself() {
        FlinkJobId job = submitEndless();
        outbox.publish(soon());
        cluster.setState(job, JobState.FAILED);

        JobsMonitored swept = new MonitorJobs(ports, metrics, jars(), 1).monitor(null, List.of(), soon());

        assertThat(swept.events()).isEqualTo(new Told(1, 0, null));
        assertThat(bus.arrived().getLast().data()).containsEntry("state", "FAILED");
    }

    @Test
    void publish_busTakesSome_theOthersStayPendingUntilASweep() {
        submitEndless();
        bus.refuse(event -> event.sequence() == 2);

        assertThat(outbox.publish(soon())).isEqualTo(new Told(2, 1, "The bus refused some events."));
        assertThat(ledger.pendingEvents()).extracting(JobEvent::sequence).containsExactly(2L);
        assertThat(sweepOfAnother().events()).isEqualTo(new Told(0, 1, "The bus refused some events."));
        assertThat(metrics.newest(Map.of("cluster", "fake"))).containsEntry("EventsPending", 1.0);

        bus.refuse(event -> false);
        assertThat(sweepOfAnother().events()).isEqualTo(new Told(1, 0, null));

        assertThat(bus.arrived()).containsExactlyInAnyOrderElementsOf(ledger.events());
    }

    @Test
    void monitor_busHasADefect_sweepsAllTheSame() {
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.FAILED);
        bus.breakDown();

        JobsMonitored swept = sweepOfAnother();

        assertThat(attempt(job).endedAt()).isNotNull();
        assertThat(swept.clusters().getFirst().problems()).isEmpty();
        assertThat(swept.events()).isEqualTo(new Told(0, 4, "The bus failed: IllegalStateException."));
        assertThat(ledger.pendingEvents()).hasSize(4);
    }

    @Test
    void publish_answerLost_publishesAgainUnderTheSameIds() {
        submitEndless();
        bus.loseAnswers(true);
        assertThat(outbox.publish(soon())).isEqualTo(new Told(0, 3, "No answer came."));
        bus.loseAnswers(false);

        sweepOfAnother();

        assertThat(bus.arrived()).hasSize(6);
        assertThat(Set.copyOf(bus.arrived())).isEqualTo(new HashSet<>(ledger.events()));
        assertThat(bus.arrived().stream().map(JobEvent::id).distinct()).hasSize(3);
    }

    @Test
    void publish_markLost_isNoFailureAndPublishesAgain() {
        submitEndless();
        ledger.failReadsAfter(1);

        assertThat(outbox.publish(soon())).isEqualTo(new Told(3, 0, "The ledger gave no answer."));
        sweepOfAnother();

        assertThat(bus.arrived()).hasSize(5);
        assertThat(ledger.pendingEvents()).isEmpty();
    }

    @Test
    void publish_noTimeLeft_asksNobody() {
        submitEndless();

        Told none = outbox.publish(Deadline.in(Duration.ofMillis(50), clock));

        assertThat(none).isEqualTo(new Told(0, 3, "There was no time left to publish events."));
        assertThat(bus.calls()).isZero();
        assertThat(ledger.pendingEvents()).hasSize(3);
    }

    @Test
    void publish_withoutABus_recordsAndAsksNobody() {
        Outbox silent = new Outbox(ledger, null);
        Ports withoutBus = new Ports(ports.clusters(), silent, store, LIMITS);
        new SubmitJob(withoutBus, new Jars(jars, Set.of("jars"), workDirectory))
                .submit(request("start", 1), spec("endless"), false, soon());

        assertThat(ledger.events()).hasSize(3);
        assertThat(ledger.pendingEvents()).isEmpty();
        assertThat(silent.publish(soon())).isEqualTo(new Told(0, 0, null));
        int reads = ledger.reads();
        assertThat(silent.publishPending(CLUSTER, soon())).isEqualTo(new Told(0, 0, null));
        assertThat(ledger.reads()).isEqualTo(reads);
    }

    @Test
    void publishPending_moreThanAPage_publishesAll() throws Exception {
        submitEndless();
        for (int i = 0; i < 250; i++) {
            outbox.commit(List.of(lineOfTheJob()), List.of(anotherRunning()), soon());
        }

        assertThat(new Outbox(ledger, bus).publishPending(CLUSTER, soon())).isEqualTo(new Told(253, 0, null));

        assertThat(ledger.pendingEvents()).isEmpty();
        assertThat(bus.arrived())
                .extracting(JobEvent::sequence)
                .doesNotHaveDuplicates()
                .hasSize(253);
    }

    @Test
    void commit_somebodyElseTakesTheNumber_takesTheNextWithoutDecidingAgain() {
        FlinkJobId job = submitEndless();
        Triggered savepoint = new Triggered(job);
        Outbox other = new Outbox(ledger, bus);
        ledger.beforeNextCommit(() -> commit(other));

        savepoint.complete();

        assertThat(ledger.events())
                .extracting(JobEvent::sequence)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, ledger.events().size())
                                .boxed()
                                .toList());
        assertThat(told()).contains("5 Flink Savepoint Completed USER_REQUEST");
        assertThat(ledger.jobs().getFirst().lastEvent()).isEqualTo(6);
    }

    @Test
    void commit_jobWrittenByAVersionThatKnowsNoEvents_goesOnBehindTheNewest() throws Exception {
        FlinkJobId job = submitEndless();
        Versioned<Job> known = ledger.findJob(CLUSTER, NAME, soon()).orElseThrow();
        ledger.commit(
                List.of(new LedgerChange.PutJob(
                        new Job(CLUSTER, NAME, known.value().kind(), job, job), known.version())),
                soon());
        cluster.setState(job, JobState.FAILED);

        observeJob.observe(job(job), soon());

        assertThat(told().getLast()).isEqualTo("4 Flink Job State Changed FAILED");
        assertThat(ledger.jobs().getFirst().lastEvent()).isEqualTo(4);
        assertThat(ledger.jobs().getFirst().active()).isNull();
    }

    /** A savepoint that is under way. */
    private final class Triggered {
        private final OperationId id;

        Triggered(FlinkJobId job) {
            cluster.beSlow();
            id = takeSavepoint
                    .take(request("nightly", 1), job(job), false, soon())
                    .operation()
                    .id();
        }

        void complete() {
            cluster.endSavepoints(SavepointEnd.COMPLETE);
            assertThat(operation(id).state()).isEqualTo(OperationState.COMPLETED);
        }
    }

    private void commit(Outbox other) {
        try {
            other.commit(List.of(lineOfTheJob()), List.of(anotherRunning()), soon());
        } catch (LedgerConflictException e) {
            throw new IllegalStateException(e);
        }
    }

    private LedgerChange lineOfTheJob() {
        return new LedgerChange.AddHistory(new HistoryEntry(
                CLUSTER, NAME, clock.instant(), HistoryEntry.Event.ATTEMPT_SURPLUS, null, null, null, null));
    }

    private EventDraft anotherRunning() {
        return Outbox.ofState(ledger.attempts().getFirst(), State.RUNNING, clock.instant());
    }

    @Test
    void commit_processDiesBeforeIt_neitherChangesNorTells() {
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.FAILED);
        ledger.beforeNextCommit(() -> {
            throw new IllegalStateException("The process is killed.");
        });

        assertThatIllegalStateException().isThrownBy(() -> observeJob.observe(job(job), soon()));

        assertThat(ledger.events()).hasSize(3);
        assertThat(attempt(job).endedAt()).isNull();
    }

    @Test
    void list_pageByPage_isAllThatWasTold() {
        FlinkJobId job = submitEndless();
        cluster.setState(job, JobState.FAILED);
        observeJob.observe(job(job), soon());
        ListEvents listEvents = new ListEvents(ports);

        List<JobEvent> all = new ArrayList<>();
        EventsListed page;
        do {
            page = listEvents.list(
                    CLUSTER, NAME, all.isEmpty() ? 0 : all.getLast().sequence(), 3, soon());
            all.addAll(page.events());
            assertThat(page.lastSequence()).isEqualTo(4);
        } while (page.more());

        assertThat(all).isEqualTo(ledger.events()).hasSize(4);
        assertThat(listEvents.list(CLUSTER, NAME, 4, 3, soon())).isEqualTo(new EventsListed(List.of(), 4, false));
        assertThat(ledger.pendingEvents()).as("listing publishes nothing").hasSize(4);
    }

    @Test
    void list_jobThatNobodyStarted_isNotFound() {
        ListEvents listEvents = new ListEvents(ports);

        assertRefused(ErrorCode.JOB_NOT_FOUND, () -> listEvents.list(CLUSTER, new JobName("nobodys"), 0, 10, soon()));
        assertRefused(
                ErrorCode.CLUSTER_UNKNOWN, () -> listEvents.list(new ClusterName("elsewhere"), NAME, 0, 10, soon()));
    }

    /** A sweep by another process, which has recorded nothing itself. */
    private JobsMonitored sweepOfAnother() {
        Ports another = new Ports(ports.clusters(), new Outbox(ledger, bus), store, LIMITS);
        return new MonitorJobs(another, metrics, jars(), 1).monitor(null, List.of(), soon());
    }

    /** Each event in short: number, type, and what of. */
    private List<String> told() {
        return ledger.events().stream()
                .map(event -> "%d %s %s"
                        .formatted(
                                event.sequence(),
                                event.type(),
                                event.data().containsKey("state")
                                        ? event.data().get("state")
                                        : event.data()
                                                .getOrDefault(
                                                        "operationType",
                                                        event.data().get("origin"))))
                .toList();
    }
}
