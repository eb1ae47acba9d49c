package io.sluiceway.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.cluster.RunAnswer;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.testing.ManagedFlinkAccount.Settings;
import io.sluiceway.time.Deadline;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationSummary;
import software.amazon.awssdk.services.s3.model.ObjectVersion;

/** What a test does to an account of AWS, tried on the double: its jar runs, and nothing of it stays. */
class ManagedFlinkAccountIT {
    private static final JobName JOB = new JobName("contract-job");
    private static final String ROLE = "arn:aws:iam::000000000000:role/flink";

    @TempDir
    Path home;

    @Test
    void close_applicationThatRuns_leavesWhatIsOthersAlone() {
        try (ManagedFlinkLab lab = new ManagedFlinkLab(home.resolve("lab"), 1);
                KinesisAnalyticsV2Client service = lab.service().client()) {
            service.createApplication(request -> request.applicationName("sluiceway-contract-others")
                    .runtimeEnvironment("FLINK-2_3")
                    .serviceExecutionRole(ROLE));
            Settings settings = new Settings("us-east-1", ManagedFlinkLab.BUCKET, ROLE, "sluiceway-contract");

            try (ManagedFlinkAccount account =
                    new ManagedFlinkAccount(settings, home, lab.service().client(), lab.metrics(), lab.s3())) {
                run(account);
                assertThat(service.listApplications().applicationSummaries()).hasSize(2);
            }

            assertThat(service.listApplications().applicationSummaries())
                    .extracting(ApplicationSummary::applicationName)
                    .containsExactly("sluiceway-contract-others");
            assertThat(lab.s3()
                            .listObjectVersions(request -> request.bucket(ManagedFlinkLab.BUCKET))
                            .versions())
                    .extracting(ObjectVersion::key)
                    .containsExactly(lab.jar().uri().key());
        }
    }

    private static void run(ManagedFlinkAccount account) {
        FlinkCluster cluster = account.cluster(new ClusterName("managed"));
        FlinkJobId id = new FlinkJobId("0123456789abcdef0123456789abcdef");
        JobSpec spec = new JobSpec(
                JOB,
                JobKind.STREAM,
                cluster.name(),
                account.jar(),
                null,
                List.of("--behaviour", "endless"),
                1,
                new RestorePoint.None(),
                JobSpec.OnUnknown.REFUSE);
        JobLaunch launch = new JobLaunch(
                id, spec, new JarDigest("0".repeat(64)), account.jar().versionId(), null);

        assertThat(cluster.runJob(launch, Instant.MAX, soon())).isInstanceOf(RunAnswer.Started.class);
        await().atMost(Duration.ofMinutes(2))
                .untilAsserted(() -> assertThat(cluster.findJob(new JobRef(JOB, id), soon())
                                .orElseThrow()
                                .state())
                        .isEqualTo(JobState.RUNNING));
    }

    private static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(30), Clock.systemUTC());
    }
}
