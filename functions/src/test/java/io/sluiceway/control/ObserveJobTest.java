package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.metrics.MetricsSink;
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
                    status.firstFailure());
        }
    };

    private final Ports late = new Ports(new Clusters(List.of(measured)), ledger, store, LIMITS);
    private final ObserveJob observeLate = new ObserveJob(late);
    private int measurements;

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

        JobStatus shown =
                observeLate.observe(attempt(job).submission(), soon()).job().status();

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
    void monitor_clusterThatIsMeasuredLate_isNotMeasured() {
        submitEndless();

        new MonitorJobs(late, MetricsSink.none()).monitor(null, List.of(), Deadline.in(Duration.ofSeconds(50), clock));

        assertThat(measurements).isZero();
    }
}
