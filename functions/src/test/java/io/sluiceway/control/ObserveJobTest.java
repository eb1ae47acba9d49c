package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.health.Health;
import io.sluiceway.health.Reason;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.Vitals.Flow;
import io.sluiceway.metrics.MetricsSink;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ObserveJobTest extends VerbFixture {
    private static final Instant BEFORE = Instant.parse("2013-01-05T09:59:00Z");

    /** A cluster whose restarts are measured by somebody else, and late. */
    private final FakeFlinkCluster measured = new FakeFlinkCluster(CLUSTER, 3, clock, store) {
        @Override
        public JobStatus measure(JobRef job, JobStatus status, Deadline deadline) {
            measurements++;
            return new JobStatus(
                    status.overview(),
                    new Known<>(7L, BEFORE),
                    status.checkpoints(),
                    status.lastSavepoint(),
                    status.firstFailure(),
                    status.vitals());
        }

        @Override
        public JobStatus observeFlow(JobRef job, JobStatus status, Deadline deadline) {
            flowsAsked++;
            return status.with(status.vitals().map(vitals -> vitals.with(new Flow(Observation.now(0.9), none()))));
        }

        private static Observation<Instant> none() {
            return Observation.now(null);
        }
    };

    private final Ports late = new Ports(new Clusters(List.of(measured)), ledger, store, LIMITS);
    private final ObserveJob observeLate = new ObserveJob(late);
    private int measurements;
    private int flowsAsked;

    @BeforeEach
    void submitThere() {
        submitJob = new SubmitJob(late, new Jars(jars, Set.of("jars"), workDirectory));
    }

    @Test
    void observe_measuredLate_isShownAndNotRecorded() {
        FlinkJobId job = submitEndless();

        JobStatus shown = observeLate.observe(named(), soon()).status();

        assertThat(shown.restarts()).isEqualTo(new Known<>(7L, BEFORE));
        assertThat(attempt(job).restarts()).isZero();
    }

    @Test
    void observe_operationOfAJobThatIsMeasuredLate_showsIt() {
        FlinkJobId job = submitEndless();

        JobStatus shown = observeLate
                .observe(attempt(job).submission(), jars(), soon())
                .job()
                .status();

        assertThat(shown.restarts()).isEqualTo(new Known<>(7L, BEFORE));
        assertThat(measurements).isEqualTo(1);
    }

    @Test
    void observe_measuredNow_isRecorded() {
        FlinkJobId job = submitEndless();
        measured.setRestarts(job, 2);

        observeLate.observe(named(), soon());

        assertThat(attempt(job).restarts()).isEqualTo(2);
    }

    @Test
    void observe_thresholdsThatAskForFlow_areJudgedByIt() {
        HealthPolicy flow = HealthPolicy.of("PT1S", null, null, null, null, 50, null);
        submitJob.submit(request("start", 1), spec(flow), false, soon());
        clock.move(Duration.ofMinutes(1));

        JobObserved shown = observeLate.observe(named(), soon());

        assertThat(flowsAsked).isEqualTo(1);
        assertThat(shown.health().orElseThrow().reasons())
                .extracting(Reason::code)
                .containsExactly(Reason.Code.BACKPRESSURED);
    }

    @Test
    void observe_thresholdsThatDoNot_leaveItUnasked() {
        submitEndless();

        observeLate.observe(named(), soon());

        assertThat(flowsAsked).isZero();
    }

    @Test
    void observe_jobOfNobodys_isJudgedByTheDefaults() {
        FlinkJobId stranger = new FlinkJobId("1".repeat(32));
        measured.putJob(stranger, JobState.RUNNING);
        clock.move(HealthPolicy.DEFAULT.settlingTime());

        assertThat(observeLate.observe(job(stranger), soon()).health())
                .map(Health::state)
                .contains(Health.State.STABLE);
    }

    private static JobSpec spec(HealthPolicy health) {
        JobSpec spec = spec("endless");
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
                OnlyPolicy.of(health));
    }

    @Test
    void monitor_clusterThatIsMeasuredLate_isNotMeasured() {
        submitEndless();

        new MonitorJobs(late, MetricsSink.none(), jars(), 1)
                .monitor(null, List.of(), Deadline.in(Duration.ofSeconds(50), clock));

        assertThat(measurements).isZero();
    }
}
