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
import software.amazon.awssdk.services.kinesisanalyticsv2.model.OperationStatus;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.SnapshotDetails;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.SnapshotStatus;

/** Managed Flink's double over a Flink session cluster; each job's application has the job's name. */
final class ManagedLabCluster implements LabCluster {
    private static final Set<ApplicationStatus> SETTLED = Set.of(ApplicationStatus.READY, ApplicationStatus.RUNNING);

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** The service's own is a minute, in which an upgrade that is judged does nothing but wait. */
    private static final Duration METRICS_PERIOD = Duration.ofSeconds(1);

    /** A savepoint's directory below all snapshots: application, snapshot, savepoint. */
    private static final int SNAPSHOT_DEPTH = 3;

    private final URI aws;
    private final Path directory;
    private final ManagedFlinkProcess service;
    private final KinesisAnalyticsV2Client client;

    /**
     * @param aws what plays S3 and CloudWatch
     * @param properties where the test job finds its runtime properties
     */
    ManagedLabCluster(FlinkProcesses flink, URI aws, Path directory, Path properties) {
        this.aws = aws;
        this.directory = directory.resolve("managed");
        this.service = new ManagedFlinkProcess(
                this.directory,
                flink,
                aws,
                properties,
                "--cloudwatch-endpoint",
                aws.toString(),
                "--metrics-period",
                Long.toString(METRICS_PERIOD.toSeconds()),
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
        return Map.of(Service.MANAGED_FLINK, service.url(), Service.CLOUDWATCH, aws);
    }

    @Override
    public String calls() {
        return "(managed-flink|cloudwatch) .*";
    }

    @Override
    public String stopCall() {
        return "managed-flink StopApplication";
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
                caller.url(Service.MANAGED_FLINK).toString(),
                "AWS_ENDPOINT_URL_CLOUDWATCH",
                caller.url(Service.CLOUDWATCH).toString(),
                "SLUICEWAY_METRICS_PERIOD",
                METRICS_PERIOD.toString());
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
    public List<String> arguments(String behaviour, Path into, String version) {
        return List.of("--behaviour", behaviour, "--into", into.toString(), "--version", version);
    }

    @Override
    public boolean countsCheckpoints() {
        return false;
    }

    @Override
    public Duration judgement() {
        return Duration.ofMinutes(11);
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
    public String savepointAt(String place) {
        return snapshotAt(directory.resolve(ManagedFlinkProcess.SNAPSHOTS), place);
    }

    /**
     * The path of the snapshot whose savepoint lies at a place; what lies elsewhere is of no snapshot, and is answered
     * as it is.
     *
     * @param snapshots where the double puts each snapshot's savepoint, in a directory for its application and name
     */
    static String snapshotAt(Path snapshots, String place) {
        Path path = Path.of(place.replaceFirst("^file:/+", "/"));
        if (!path.startsWith(snapshots) || path.getNameCount() != snapshots.getNameCount() + SNAPSHOT_DEPTH) {
            return place;
        }
        Path name = snapshots.relativize(path);
        return "snapshot://%s/%s".formatted(name.getName(0), name.getName(1));
    }

    /** A file stands where the directory of the application's snapshots would. */
    @Override
    public AutoCloseable blockSavepoints(String job) {
        return FlinkProcesses.standInFor(
                directory.resolve(ManagedFlinkProcess.SNAPSHOTS).resolve(job));
    }

    @Override
    public int failedStarts(String job) {
        try {
            return Math.toIntExact(
                    client.listApplicationOperationsPaginator(request -> request.applicationName(job)).stream()
                            .flatMap(page -> page.applicationOperationInfoList().stream())
                            .filter(operation -> operation.operation().equals("StartApplication")
                                    && operation.operationStatus() == OperationStatus.FAILED)
                            .count());
        } catch (ResourceNotFoundException none) {
            return 0;
        }
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
