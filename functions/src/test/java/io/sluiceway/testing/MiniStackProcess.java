package io.sluiceway.testing;

import static org.awaitility.Awaitility.await;

import io.sluiceway.cluster.managed.ManagedCluster;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.s3.S3Client;

/** The laptop's AWS as a process of its own. */
public final class MiniStackProcess implements AutoCloseable {
    private final int port = Processes.freePort();
    private final Process process;

    public MiniStackProcess(Path directory) {
        Path program = Processes.root().resolve(".venv/bin/ministack");
        if (!Files.isExecutable(program)) {
            throw new IllegalStateException("MiniStack isn't installed; run `make test` or `make .venv` first.");
        }
        process = Processes.start(
                directory.resolve("ministack.log"),
                Map.of(
                        "GATEWAY_PORT", Integer.toString(port),
                        "BIND_HOST", "127.0.0.1",
                        "IOT_MTLS_ENABLED", "0",
                        "TMPDIR", directory.toString(),
                        "STATE_DIR", directory.resolve("state").toString()),
                List.of(program.toString()));
        await("MiniStack answers").atMost(Duration.ofSeconds(60)).until(this::answers);
    }

    public URI url() {
        return URI.create("http://127.0.0.1:" + port);
    }

    public S3Client s3() {
        return S3Client.builder()
                .endpointOverride(url())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .forcePathStyle(true)
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                .build();
    }

    /** A client as the functions have it. */
    public CloudWatchClient metrics() {
        return ManagedCluster.newMetricsClientBuilder()
                .endpointOverride(url())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .build();
    }

    private boolean answers() throws InterruptedException {
        if (!process.isAlive()) {
            throw new IllegalStateException("MiniStack ended with " + process.exitValue() + ".");
        }
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                                    HttpRequest.newBuilder(url().resolve("/_ministack/health"))
                                            .build(),
                                    BodyHandlers.discarding())
                            .statusCode()
                    < 500;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() {
        Processes.stop(process);
    }
}
