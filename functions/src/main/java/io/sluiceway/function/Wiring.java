package io.sluiceway.function;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.session.SessionCluster;
import io.sluiceway.jar.JarStore;
import io.sluiceway.jar.s3.S3JarStore;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.net.http.HttpClient;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.s3.S3Client;

/** Puts ports and adapters together; nothing else sees an adapter. */
class Wiring {
    private static final Duration S3_CONNECT_TIMEOUT = Duration.ofSeconds(2);

    /**
     * A blocked read ends only with this, whatever the deadline: the SDK's own time limits interrupt, which it ignores.
     */
    private static final Duration S3_SOCKET_TIMEOUT = Duration.ofSeconds(5);

    @Produces
    @Singleton
    Clock clock() {
        return Clock.systemUTC();
    }

    @Produces
    @Singleton
    JarStore jarStore() {
        return new S3JarStore(new Lazy<>(() -> S3Client.builder()
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(S3_CONNECT_TIMEOUT)
                        .socketTimeout(S3_SOCKET_TIMEOUT))
                .build()));
    }

    /** Made at the first call, so that a wrong setting is told to a caller and not lost in a failing start. */
    @Produces
    @Singleton
    Supplier<Clusters> clusters(SluicewayConfig config) {
        return new Lazy<>(() -> {
            HttpClient client = SessionCluster.newHttpClient();
            List<FlinkCluster> clusters = ClusterSettingsReader.read(
                            config.clusters().orElse("{}"))
                    .entrySet()
                    .stream()
                    .<FlinkCluster>map(cluster -> new SessionCluster(cluster.getKey(), cluster.getValue(), client))
                    .toList();
            return new Clusters(clusters);
        });
    }
}
