package io.sluiceway.function;

import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.managed.ManagedCluster;
import io.sluiceway.cluster.session.SessionCluster;
import io.sluiceway.control.Jars;
import io.sluiceway.control.Limits;
import io.sluiceway.control.Outbox;
import io.sluiceway.control.Ports;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.EventBus;
import io.sluiceway.event.eventbridge.EventBridgeBus;
import io.sluiceway.jar.JarStore;
import io.sluiceway.jar.s3.S3JarStore;
import io.sluiceway.job.ClusterName;
import io.sluiceway.ledger.dynamodb.DynamoDbJobLedger;
import io.sluiceway.metrics.MetricsSink;
import io.sluiceway.metrics.emf.EmfMetrics;
import io.sluiceway.savepoint.storage.SchemeSavepointStore;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.providers.DefaultAwsRegionProviderChain;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;
import software.amazon.awssdk.services.s3.S3Client;

/** Puts ports and adapters together; nothing else sees an adapter. */
class Wiring {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);

    /**
     * A blocked read ends only with this, whatever the deadline: the SDK's own time limits interrupt, which it ignores.
     */
    private static final Duration SOCKET_TIMEOUT = Duration.ofSeconds(5);

    @Produces
    @Singleton
    Clock clock() {
        return Clock.systemUTC();
    }

    /** One client for jars and savepoints, made when the first call needs it. */
    @Produces
    @Singleton
    Lazy<S3Client> s3() {
        return new Lazy<>(
                () -> S3Client.builder().httpClientBuilder(httpClient()).build());
    }

    private static UrlConnectionHttpClient.Builder httpClient() {
        return UrlConnectionHttpClient.builder()
                .connectionTimeout(CONNECT_TIMEOUT)
                .socketTimeout(SOCKET_TIMEOUT);
    }

    @Produces
    @Singleton
    JarStore jarStore(Lazy<S3Client> s3) {
        return new S3JarStore(s3);
    }

    /** Made at the first call, so that a wrong setting is told to a caller and not lost in a failing start. */
    @Produces
    @Singleton
    Supplier<Ports> ports(Supplier<Clusters> clusters, Lazy<S3Client> s3, SluicewayConfig config) {
        return new Lazy<>(() -> new Ports(
                clusters.get(),
                new Outbox(
                        new DynamoDbJobLedger(
                                new Lazy<>(() ->
                                        DynamoDbJobLedger.newClientBuilder().build()),
                                ledgerTable(config),
                                config.ledgerRetention(),
                                config.eventRetention()),
                        eventBus(config)),
                new SchemeSavepointStore(s3, config.sharesFileSystem()),
                limits(config.submission())));
    }

    @Produces
    @Singleton
    Supplier<Jars> jars(JarStore store, SluicewayConfig config) {
        return new Lazy<>(() ->
                new Jars(store, config.jarBuckets().orElse(Set.of()), Path.of(System.getProperty("java.io.tmpdir"))));
    }

    private static @Nullable EventBus eventBus(SluicewayConfig config) {
        return config.eventBus()
                .map(bus -> new EventBridgeBus(
                        new Lazy<>(() -> EventBridgeBus.newClientBuilder().build()), bus))
                .orElse(null);
    }

    /** Metrics are log lines of their own: {@code application.properties} lets nothing stand before them. */
    @Produces
    @Singleton
    Supplier<MetricsSink> metrics(SluicewayConfig config) {
        Logger lines = Logger.getLogger("io.sluiceway.metrics");
        return new Lazy<>(() -> config.metricsNamespace()
                .<MetricsSink>map(namespace -> new EmfMetrics(namespace, lines::info))
                .orElseGet(MetricsSink::none));
    }

    private static String ledgerTable(SluicewayConfig config) {
        return config.ledgerTable()
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.CONFIGURATION_INVALID, "The setting SLUICEWAY_LEDGER_TABLE names no table."));
    }

    private static Limits limits(SluicewayConfig.Submission config) {
        return new Limits(config.prepareWithin(), config.postWithin(), config.settleAfter(), config.giveUpAfter());
    }

    /** Made at the first call, so that a wrong setting is told to a caller and not lost in a failing start. */
    @Produces
    @Singleton
    Supplier<Clusters> clusters(SluicewayConfig config) {
        return new Lazy<>(() -> {
            Lazy<KinesisAnalyticsV2Client> managedFlink =
                    new Lazy<>(() -> ManagedCluster.newClientBuilder().build());
            Lazy<CloudWatchClient> cloudWatch =
                    new Lazy<>(() -> ManagedCluster.newMetricsClientBuilder().build());
            HttpClient client = SessionCluster.newHttpClient();
            List<FlinkCluster> clusters = ClusterSettingsReader.read(
                            config.clusters().orElse("{}"))
                    .entrySet()
                    .stream()
                    .map(cluster ->
                            cluster(cluster.getKey(), cluster.getValue(), config, client, managedFlink, cloudWatch))
                    .toList();
            return new Clusters(clusters);
        });
    }

    private static FlinkCluster cluster(
            ClusterName name,
            ClusterSettings settings,
            SluicewayConfig config,
            HttpClient http,
            Supplier<KinesisAnalyticsV2Client> managedFlink,
            Supplier<CloudWatchClient> cloudWatch) {
        return switch (settings) {
            case ClusterSettings.Session session -> new SessionCluster(name, session, http);
            case ClusterSettings.Managed managed ->
                new ManagedCluster(
                        name, managed, managedFlink, cloudWatch, metricsPeriod(config.metricsPeriod()), region());
        };
    }

    static Duration metricsPeriod(Duration period) {
        if (period.compareTo(Duration.ofSeconds(1)) < 0 || period.compareTo(ManagedCluster.METRICS_PERIOD) > 0) {
            throw new RefusedException(
                    ErrorCode.CONFIGURATION_INVALID,
                    "The setting SLUICEWAY_METRICS_PERIOD is %s; PT1S to %s is allowed."
                            .formatted(period, ManagedCluster.METRICS_PERIOD));
        }
        return period;
    }

    /** Lambda tells every function its region. */
    private static String region() {
        return new DefaultAwsRegionProviderChain().getRegion().id();
    }
}
