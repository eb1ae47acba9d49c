package io.sluiceway.testing;

import static org.awaitility.Awaitility.await;

import io.sluiceway.cluster.ApplicationNames;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Ownership;
import io.sluiceway.cluster.managed.ManagedCluster;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationDetail;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationStatus;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ResourceInUseException;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ResourceNotFoundException;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * A real account of AWS with Managed Service for Apache Flink, by the SDK's default credentials. It touches
 * applications of a name that nobody else has, and one object in the bucket; both are gone when it is closed.
 */
public final class ManagedFlinkAccount implements AutoCloseable {
    private static final String REGION = "SLUICEWAY_TEST_AWS_REGION";
    private static final String BUCKET = "SLUICEWAY_TEST_AWS_BUCKET";
    private static final String ROLE = "SLUICEWAY_TEST_AWS_ROLE_ARN";
    private static final String APPLICATIONS = "SLUICEWAY_TEST_AWS_APPLICATIONS";

    /** A stop and a deletion take minutes each. */
    private static final Duration PATIENCE = Duration.ofMinutes(15);

    /**
     * What the environment says of the account.
     *
     * @param region where
     * @param bucket an S3 bucket with versions, for the jar
     * @param roleArn what the applications run with; it may read the bucket
     * @param applications what the applications' names begin with
     */
    public record Settings(String region, String bucket, String roleArn, String applications) {
        /** What is to be set. */
        public static final String NEEDED = REGION + ", " + BUCKET + ", " + ROLE;

        /**
         * Reads the environment.
         *
         * @return empty when nothing is said of an account
         * @throws IllegalStateException when only a part is said
         */
        public static Optional<Settings> read(Map<String, String> environment) {
            TreeSet<String> missing = new TreeSet<>(List.of(REGION, BUCKET, ROLE));
            missing.removeIf(name -> !environment.getOrDefault(name, "").isBlank());
            if (missing.size() == 3) {
                return Optional.empty();
            }
            if (!missing.isEmpty()) {
                throw new IllegalStateException("An account needs " + String.join(" and ", missing) + ", too.");
            }
            return Optional.of(new Settings(
                    environment.get(REGION),
                    environment.get(BUCKET),
                    environment.get(ROLE),
                    environment.getOrDefault(APPLICATIONS, "sluiceway-contract")));
        }
    }

    private final Settings settings;
    private final ApplicationNames applications;
    private final KinesisAnalyticsV2Client client;
    private final CloudWatchClient metrics;
    private final S3Client s3;
    private final String key;
    private final String version;

    /** Opens the account, with clients as the functions have them. */
    public static ManagedFlinkAccount open(Settings settings, Path home) {
        Region region = Region.of(settings.region());
        return new ManagedFlinkAccount(
                settings,
                home,
                ManagedCluster.newClientBuilder().region(region).build(),
                ManagedCluster.newMetricsClientBuilder().region(region).build(),
                S3Client.builder()
                        .region(region)
                        .httpClientBuilder(UrlConnectionHttpClient.builder())
                        .build());
    }

    /** Opens what plays an account. */
    ManagedFlinkAccount(
            Settings settings, Path home, KinesisAnalyticsV2Client client, CloudWatchClient metrics, S3Client s3) {
        this.settings = settings;
        this.client = client;
        this.metrics = metrics;
        this.s3 = s3;
        String own =
                settings.applications() + "-" + UUID.randomUUID().toString().substring(0, 8);
        applications = new ApplicationNames(own + "-{job}");
        key = own + "/job.jar";
        version = s3.putObject(
                        request -> request.bucket(settings.bucket()).key(key),
                        RequestBody.fromFile(TestJobJar.writeForJava17(home.resolve("job.jar"))))
                .versionId();
        if (version == null) {
            close();
            throw new IllegalStateException("Bucket " + settings.bucket() + " keeps no versions.");
        }
    }

    /** How its applications are named. */
    public ApplicationNames applications() {
        return applications;
    }

    /** A cluster that makes and changes its applications. */
    public ManagedCluster cluster(ClusterName name) {
        return new ManagedCluster(
                name,
                new ClusterSettings.Managed(
                        applications,
                        Ownership.SLUICEWAY,
                        "FLINK-2_3",
                        settings.roleArn(),
                        null,
                        Duration.ofMinutes(1),
                        1),
                () -> client,
                () -> metrics,
                ManagedCluster.METRICS_PERIOD,
                settings.region());
    }

    /** The jar by its object's version. */
    public JarReference jar() {
        return new JarReference(new JarUri(settings.bucket(), key), version, null);
    }

    @Override
    public void close() {
        try (client;
                metrics;
                s3) {
            client.listApplicationsPaginator().applicationSummaries().stream()
                    .map(summary -> summary.applicationName())
                    .filter(applications::matches)
                    .toList()
                    .forEach(this::delete);
            s3.deleteObject(
                    request -> request.bucket(settings.bucket()).key(key).versionId(version));
        }
    }

    private void delete(String application) {
        if (describe(application).orElseThrow().applicationStatus() != ApplicationStatus.READY) {
            try {
                client.stopApplication(
                        request -> request.applicationName(application).force(true));
            } catch (ResourceInUseException e) {
                // It is in a passing status, such as that of a stop.
            }
        }
        ApplicationDetail ready = await("the application is READY")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofSeconds(2))
                .until(
                        () -> describe(application).orElseThrow(),
                        detail -> detail.applicationStatus() == ApplicationStatus.READY);
        client.deleteApplication(
                request -> request.applicationName(application).createTimestamp(ready.createTimestamp()));
        await("the application is gone")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofSeconds(2))
                .until(() -> describe(application).isEmpty());
    }

    private Optional<ApplicationDetail> describe(String application) {
        try {
            return Optional.of(client.describeApplication(request -> request.applicationName(application))
                    .applicationDetail());
        } catch (ResourceNotFoundException e) {
            return Optional.empty();
        }
    }
}
