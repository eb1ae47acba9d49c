package io.sluiceway.faults;

import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.ManagedFlinkProcess;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationDetail;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationStatus;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.SnapshotDetails;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.SnapshotStatus;

/** Managed Flink's double over a Flink session cluster; each job's application has the job's name. */
final class ManagedLabCluster implements LabCluster {
    private static final Set<ApplicationStatus> SETTLED = Set.of(ApplicationStatus.READY, ApplicationStatus.RUNNING);

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final ManagedFlinkProcess service;
    private final KinesisAnalyticsV2Client client;

    /** @param properties where the test job finds its runtime properties */
    ManagedLabCluster(FlinkProcesses flink, URI s3, Path directory, Path properties) {
        this.service = new ManagedFlinkProcess(
                directory.resolve("managed"),
                flink,
                s3,
                properties,
                "--passing",
                "0.1",
                "--poll",
                "0.1",
                // Those that wait for their second look count, too.
                "--max-applications",
                "1000");
        this.client = service.client();
    }

    @Override
    public Map<Service, URI> services() {
        return Map.of(Service.MANAGED_FLINK, service.url());
    }

    @Override
    public String calls() {
        return "managed-flink ";
    }

    @Override
    public String settings(FaultProxy.Caller caller) {
        return """
                {"type": "MANAGED", "applications": "{job}", "runtime": "FLINK-2_3", "checkpointInterval": "PT0.5S",
                 "serviceRoleArn": "arn:aws:iam::000000000000:role/flink"}
                """;
    }

    @Override
    public Map<String, String> environment(FaultProxy.Caller caller) {
        return Map.of(
                "AWS_ENDPOINT_URL_KINESIS_ANALYTICS_V2",
                caller.url(Service.MANAGED_FLINK).toString());
    }

    @Override
    public boolean runsBoundedJobs() {
        return false;
    }

    @Override
    public List<String> arguments(boolean endless) {
        return List.of("--behaviour", endless ? "endless" : "bounded");
    }

    @Override
    public Set<String> savepoints(String job) {
        Set<String> paths = new TreeSet<>();
        try {
            client.listApplicationSnapshotsPaginator(request -> request.applicationName(job)).stream()
                    .flatMap(page -> page.snapshotSummaries().stream())
                    .filter(snapshot -> snapshot.snapshotStatus() == SnapshotStatus.READY)
                    .map(SnapshotDetails::snapshotName)
                    .forEach(name -> paths.add("snapshot://%s/%s".formatted(job, name)));
        } catch (ResourceNotFoundException none) {
            // It never came to an application.
        }
        return paths;
    }

    @Override
    public boolean isAtRest(String job) {
        try {
            return SETTLED.contains(describe(job).applicationStatus());
        } catch (ResourceNotFoundException none) {
            return true;
        }
    }

    @Override
    public void end(String job) {
        try {
            if (describe(job).applicationStatus() == ApplicationStatus.RUNNING) {
                client.stopApplication(request -> request.applicationName(job).force(true));
            }
        } catch (ResourceNotFoundException none) {
            // It never came to an application.
        }
    }

    @Override
    public void forget(String job) {
        // One that is just being stopped can't be deleted.
        Instant giveUp = Instant.now().plus(PATIENCE);
        while (!isAtRest(job) && Instant.now().isBefore(giveUp)) {
            Trial.pause();
        }
        try {
            ApplicationDetail application = describe(job);
            client.deleteApplication(
                    request -> request.applicationName(job).createTimestamp(application.createTimestamp()));
        } catch (ResourceNotFoundException none) {
            // It never came to an application.
        }
    }

    private ApplicationDetail describe(String job) {
        return client.describeApplication(request -> request.applicationName(job))
                .applicationDetail();
    }

    @Override
    public void close() {
        client.close();
        service.close();
    }
}
