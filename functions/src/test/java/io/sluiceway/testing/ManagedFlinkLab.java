package io.sluiceway.testing;

import io.sluiceway.cluster.ApplicationNames;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Ownership;
import io.sluiceway.cluster.managed.ManagedCluster;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;

/** The double of Managed Flink over a real Flink, an S3 with the jar of the test job, and the adapter to them. */
public final class ManagedFlinkLab implements AutoCloseable {
    public static final String BUCKET = "jars";

    /** How the lab's applications are named. */
    public static final ApplicationNames APPLICATIONS = new ApplicationNames("sluiceway-test-{job}");

    private static final String KEY = "job.jar";

    private final MiniStackProcess aws;
    private final FlinkProcesses flink;
    private final ManagedFlinkProcess service;
    private final KinesisAnalyticsV2Client client;
    private final CloudWatchClient metrics;
    private final S3Client s3;
    private final String version;

    public ManagedFlinkLab(Path home, int slots) {
        Path properties = home.resolve("application_properties.json");
        aws = new MiniStackProcess(home.resolve("aws"));
        flink = new FlinkProcesses(
                home.resolve("flink"),
                new FlinkProcesses.Options(
                        slots,
                        false,
                        Map.of(),
                        Map.of("TEST_JOB_PROPERTIES_FILE", properties.toString()),
                        process -> {}));
        service = new ManagedFlinkProcess(
                home.resolve("managed"),
                flink,
                aws.url(),
                properties,
                "--passing",
                "0.1",
                "--poll",
                "0.1",
                "--cloudwatch-endpoint",
                aws.url().toString(),
                "--metrics-period",
                "1");
        client = service.client();
        metrics = aws.metrics();
        s3 = aws.s3();
        s3.createBucket(request -> request.bucket(BUCKET));
        s3.putBucketVersioning(request -> request.bucket(BUCKET)
                .versioningConfiguration(versioning -> versioning.status(BucketVersioningStatus.ENABLED)));
        version = putJar(KEY, TestJobJar.write(home.resolve("job.jar"), 0));
    }

    /** Puts a jar into the bucket, which keeps what was there; answers with its object's version. */
    public String putJar(String key, Path jar) {
        return s3.putObject(request -> request.bucket(BUCKET).key(key), RequestBody.fromFile(jar))
                .versionId();
    }

    /** A cluster that makes and changes its applications. */
    public ManagedCluster cluster(ClusterName name) {
        return new ManagedCluster(
                name,
                new ClusterSettings.Managed(
                        APPLICATIONS,
                        Ownership.SLUICEWAY,
                        "FLINK-2_3",
                        "arn:aws:iam::000000000000:role/flink",
                        null,
                        Duration.ofMillis(500),
                        1),
                () -> client,
                () -> metrics,
                ManagedCluster.METRICS_PERIOD,
                "us-east-1");
    }

    /** The jar by its object's version. */
    public JarReference jar() {
        return new JarReference(new JarUri(BUCKET, KEY), version, null);
    }

    public KinesisAnalyticsV2Client client() {
        return client;
    }

    public CloudWatchClient metrics() {
        return metrics;
    }

    public S3Client s3() {
        return s3;
    }

    public ManagedFlinkProcess service() {
        return service;
    }

    @Override
    public void close() {
        client.close();
        metrics.close();
        s3.close();
        service.close();
        flink.close();
        aws.close();
    }
}
