package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.event.JobEvent;
import io.sluiceway.health.Health;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Failure;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Policies;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Flow;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.FakeJobLedger.Fault;
import io.sluiceway.metrics.MetricsSink;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is told of a job's health, and that it is told once. */
class HealthEventsTest extends VerbFixture {
    private static final String SECRET = "hunter2-hunter2";
    private static final Instant FAILED_AT = Instant.parse("2013-01-05T10:00:30Z");
    private static final String UNHEALTHY = "Flink Job Unhealthy";
    private static final String RECOVERED = "Flink Job Recovered";

    /** A cluster whose jobs fail with what they were given, and whose flow is as the test says. */
    private final FakeFlinkCluster ailing = new FakeFlinkCluster(CLUSTER, 3, clock, store) {
        @Override
        public synchronized Optional<JobStatus> observeJob(JobRef job, Deadline deadline) {
            return super.observeJob(job, deadline).map(status -> {
                JobStatus failed = new JobStatus(
                        status.overview(),
                        status.restarts(),
                        status.checkpoints(),
                        status.lastSavepoint(),
                        failure,
                        status.vitals());
                return measuredLate ? failed.with(new Observation.NothingYet<>()) : failed;
            });
        }

        @Override
        public JobStatus observeFlow(JobRef job, JobStatus status, Deadline deadline) {
            return status.with(status.vitals()
                    .map(vitals -> vitals.with(new Flow(Observation.now(backpressure), Observation.now(null)))));
        }

        @Override
        public JobStatus measure(JobRef job, JobStatus status, Deadline deadline) {
            return measuredLate ? status.with(lateVitals) : status;
        }
    };

    private final Ports there = new Ports(new Clusters(List.of(ailing)), outbox, store, LIMITS);
    private final ObserveJob observe = new ObserveJob(there);
    private Failure failure;
    private double backpressure;
    private boolean measuredLate;
    private Observation<Vitals> lateVitals = new Observation.NothingYet<>();

    @BeforeEach
    void submitThere() {
        submitJob = new SubmitJob(there, new Jars(jars, Set.of("jars"), workDirectory));
    }

    @Test
    void sweep_jobThatIsUnhealthy_tellsItOnceAndWritesNothingFurther() {
        FlinkJobId job = submitEndless();
        sweep();
        assertThat(toldOfHealth()).isEmpty();

        failInALoop(job);
        failure = new Failure("Job failed", "java.lang.ArithmeticException: No such runway.", FAILED_AT);
        sweep();
        int commits = ledger.commits();
        for (int i = 0; i < 3; i++) {
            clock.move(Duration.ofSeconds(10));
            sweep();
            observe.observe(job(job), soon());
        }

        assertThat(ledger.commits()).isEqualTo(commits);
        assertThat(toldOfHealth()).containsExactly(UNHEALTHY);
        JobEvent event = ledger.events().getLast();
        assertThat(event.execution()).isEqualTo(job);
        assertThat(event.request()).isEqualTo(attempt(job).owner().id());
        assertThat(event.data())
                .isEqualTo(Map.of(
                        "attempt",
                        1L,
                        "reasons",
                        List.of(Map.of(
                                "code",
                                "RESTART_LOOP",
                                "message",
                                "It failed 3 times within 10 min; 3 times are a restart loop.")),
                        "failure",
                        "java.lang.ArithmeticException: No such runway.",
                        "failedAt",
                        FAILED_AT.toString()));
        assertThat(attempt(job).unhealthySince()).isEqualTo(event.occurredAt());
        assertThat(bus.arrived()).contains(event);
    }

    @Test
    void sweep_jobThatIsStableAgain_tellsItOnce() {
        FlinkJobId job = submitEndless();
        failInALoop(job);
        sweep();
        Instant unhealthySince = clock.instant();

        clock.move(HealthPolicy.DEFAULT.settlingTime().minusSeconds(1));
        sweep();
        assertThat(toldOfHealth()).containsExactly(UNHEALTHY);
        clock.move(Duration.ofSeconds(1));
        sweep();
        int commits = ledger.commits();
        clock.move(Duration.ofMinutes(1));
        sweep();

        assertThat(toldOfHealth()).containsExactly(UNHEALTHY, RECOVERED);
        assertThat(ledger.events().getLast().data())
                .isEqualTo(Map.of("attempt", 1L, "unhealthySince", unhealthySince.toString()));
        assertThat(attempt(job).unhealthySince()).isNull();
        assertThat(ledger.commits()).isEqualTo(commits);
    }

    @Test
    void observe_jobThatOnlySettlesOrCannotBeObserved_tellsNothing() {
        FlinkJobId job = submitEndless();
        ailing.failAndRestart(job);
        observe.observe(job(job), soon());
        assertThat(toldOfHealth()).isEmpty();

        failInALoop(job);
        observe.observe(job(job), soon());
        clock.move(Duration.ofHours(1));
        measuredLate = true;
        lateVitals = new NotObservable<>("CloudWatch couldn't be asked.");
        assertThat(observe.observe(job(job), soon()).health())
                .map(Health::state)
                .contains(Health.State.UNKNOWN);

        assertThat(toldOfHealth()).containsExactly(UNHEALTHY);
        assertThat(attempt(job).unhealthySince()).isNotNull();
    }

    @Test
    void observe_jobThatSwingsAboutAThreshold_isToldOfOnceInASettlingTime() {
        submitJob.submit(
                request("start", 1),
                spec(new HealthPolicy(Duration.ofMinutes(2), 3, Duration.ofMinutes(10), 3, null, 50, null)),
                false,
                soon());
        clock.move(Duration.ofMinutes(5));

        for (int i = 0; i < 12; i++) {
            backpressure = i % 2 == 0 ? 0.9 : 0.1;
            observe.observe(named(), soon());
            clock.move(Duration.ofSeconds(30));
        }

        assertThat(toldOfHealth()).containsExactly(UNHEALTHY, RECOVERED, UNHEALTHY, RECOVERED);
    }

    @Test
    void observe_anotherTroubleBehindTheFirst_isToldAnew() {
        FlinkJobId job = submitEndless();
        for (int i = 0; i < 2; i++) {
            failInALoop(job);
            observe.observe(job(job), soon());
            clock.move(HealthPolicy.DEFAULT.settlingTime());
            observe.observe(job(job), soon());
        }

        assertThat(toldOfHealth()).containsExactly(UNHEALTHY, RECOVERED, UNHEALTHY, RECOVERED);
    }

    @ParameterizedTest
    @EnumSource(
            value = JobState.class,
            names = {"FINISHED", "FAILED", "CANCELED"})
    void sweep_unhealthyJobEnds_theStateTellsItAndTheNextAttemptBeginsAfresh(JobState end) {
        FlinkJobId first = submitEndless();
        failInALoop(first);
        sweep();
        ailing.setState(first, end);
        sweep();
        assertThat(ledger.events().getLast().data()).containsEntry("state", end.name());

        FlinkJobId second = submit("again", 1, spec("endless")).attempt().id();
        clock.move(HealthPolicy.DEFAULT.settlingTime());
        sweep();
        assertThat(toldOfHealth()).containsExactly(UNHEALTHY);
        failInALoop(second);
        sweep();

        assertThat(toldOfHealth()).containsExactly(UNHEALTHY, UNHEALTHY);
        assertThat(ledger.events().getLast().execution()).isEqualTo(second);
    }

    @Test
    void observe_jobThatWasLostAndIsThereAgain_isToldAnew() {
        FlinkJobId job = submitEndless();
        failInALoop(job);
        observe.observe(job(job), soon());
        ailing.forgetEverything();
        observe.observe(job(job), soon());
        assertThat(ledger.events().getLast().data()).containsEntry("state", "UNKNOWN");

        ailing.putJob(job, JobState.RUNNING);
        failInALoop(job);
        observe.observe(job(job), soon());

        assertThat(toldOfHealth()).containsExactly(UNHEALTHY, UNHEALTHY);
    }

    @Test
    void observe_run_isNeverTold() {
        FlinkJobId job =
                submit("start", 1, run("endless", OnUnknown.REFUSE)).attempt().id();
        failInALoop(job);

        assertThat(observe.observe(job(job), soon()).health())
                .map(Health::state)
                .contains(Health.State.UNHEALTHY);

        assertThat(attempt(job).spec().kind()).isEqualTo(JobKind.RUN);
        assertThat(toldOfHealth()).isEmpty();
    }

    @Test
    void observe_processDiesBeforeTheRecord_tellsByTheNextLook() {
        FlinkJobId job = submitEndless();
        observe.observe(job(job), soon());
        failInALoop(job);
        ailing.setRestarts(job, 0);
        ledger.beforeNextCommit(() -> {
            throw new IllegalStateException("The process is killed.");
        });
        assertThatIllegalStateException().isThrownBy(() -> observe.observe(job(job), soon()));
        assertThat(toldOfHealth()).isEmpty();
        assertThat(attempt(job).unhealthySince()).isNull();

        sweep();

        assertThat(toldOfHealth()).containsExactly(UNHEALTHY);
    }

    @Test
    void observe_answerOfTheRecordLost_tellsOnce() {
        FlinkJobId job = submitEndless();
        observe.observe(job(job), soon());
        failInALoop(job);
        ailing.setRestarts(job, 0);
        ledger.failNextCommit(Fault.ANSWER_LOST);
        assertRefused(ErrorCode.LEDGER_UNAVAILABLE, () -> observe.observe(job(job), soon()));

        sweep();

        assertThat(toldOfHealth()).containsExactly(UNHEALTHY);
        assertThat(bus.arrived()).extracting(JobEvent::type).containsOnlyOnce(UNHEALTHY);
    }

    @Test
    void observe_somebodyElseSeesTheSame_isToldOnce() {
        FlinkJobId job = submitEndless();
        observe.observe(job(job), soon());
        failInALoop(job);
        ailing.setRestarts(job, 0);
        ledger.beforeNextCommit(() -> observe.observe(job(job), soon()));

        observe.observe(job(job), soon());

        assertThat(toldOfHealth()).containsExactly(UNHEALTHY);
    }

    /** Who saw the job long ago mustn't tell what somebody else knows to be over. */
    @Test
    void observe_recoveredWhileItWasLookedAt_isNotToldAnew() {
        FlinkJobId job = submitEndless();
        observe.observe(job(job), soon());
        failInALoop(job);
        ailing.setRestarts(job, 0);
        ledger.beforeNextCommit(() -> {
            observe.observe(job(job), later());
            clock.move(HealthPolicy.DEFAULT.settlingTime());
            observe.observe(job(job), later());
        });

        observe.observe(job(job), later());

        assertThat(toldOfHealth()).containsExactly(UNHEALTHY, RECOVERED);
    }

    @Test
    void observe_failureThatRepeatsAnArgument_isToldWithoutIt() {
        JobSpec spec = spec("endless");
        submitJob.submit(request("start", 1), spec(List.of("endless", SECRET), Policies.NONE), false, soon());
        failInALoop(attempt().id());
        failure = new Failure("Job failed", "java.io.IOException: " + SECRET + " was refused", null);

        observe.observe(named(), soon());

        assertThat(spec.arguments()).doesNotContain(SECRET);
        assertThat(ledger.events().getLast().data().get("failure").toString())
                .startsWith("java.io.IOException: ")
                .endsWith(" was refused")
                .doesNotContain(SECRET);
        assertThat(ledger.events().getLast().data()).doesNotContainKey("failedAt");
    }

    @Test
    void observe_clusterThatIsMeasuredLate_isToldByWhoeverHasItMeasured() {
        FlinkJobId job = submitEndless();
        measuredLate = true;
        lateVitals = Observation.now(new Vitals(
                clock.instant(),
                Observation.now(clock.instant()),
                Observation.now(List.of(clock.instant(), clock.instant(), clock.instant())),
                new Vitals.Checkpointing.Counted(List.of(), clock.instant()),
                Flow.notObservable("It isn't.")));

        sweep();
        assertThat(toldOfHealth()).isEmpty();
        observe.observe(job(job), soon());
        observe.observe(job(job), soon());

        assertThat(toldOfHealth()).containsExactly(UNHEALTHY);
    }

    private void failInALoop(FlinkJobId job) {
        for (int i = 0; i < HealthPolicy.DEFAULT.restarts(); i++) {
            ailing.failAndRestart(job);
        }
    }

    private void sweep() {
        new MonitorJobs(there, MetricsSink.none(), jars(), 1).monitor(null, List.of(), later());
    }

    private Deadline later() {
        return Deadline.in(Duration.ofMinutes(10), clock);
    }

    private List<String> toldOfHealth() {
        return ledger.events().stream()
                .map(JobEvent::type)
                .filter(type -> type.equals(UNHEALTHY) || type.equals(RECOVERED))
                .toList();
    }

    private Attempt attempt() {
        return ledger.attempts().getFirst();
    }

    private static JobSpec spec(HealthPolicy health) {
        return spec(List.of("endless"), OnlyPolicy.of(health));
    }

    private static JobSpec spec(List<String> arguments, Policies policies) {
        JobSpec spec = spec("endless");
        return new JobSpec(
                spec.name(),
                spec.kind(),
                spec.cluster(),
                spec.jar(),
                spec.entryClass(),
                arguments,
                spec.parallelism(),
                spec.restore(),
                spec.onUnknown(),
                policies);
    }
}
