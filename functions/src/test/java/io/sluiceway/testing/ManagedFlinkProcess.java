package io.sluiceway.testing;

import static org.awaitility.Awaitility.await;

import io.sluiceway.cluster.managed.ManagedCluster;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;

/** The double of Managed Flink as a process of its own, over a Flink session cluster and an S3 that are there. */
public final class ManagedFlinkProcess implements AutoCloseable {
    /** The directory of all snapshots, in its own. */
    public static final String SNAPSHOTS = "snapshots";

    private final int port = Processes.freePort();
    private final Process process;

    /**
     * Starts the double.
     *
     * @param properties the file that programs read their runtime properties from
     * @param more further options of its command line
     */
    public ManagedFlinkProcess(Path directory, FlinkProcesses flink, URI s3, Path properties, String... more) {
        List<String> command = new ArrayList<>(List.of(
                Processes.root().resolve(".venv/bin/python").toString(),
                "-m",
                "managed_flink",
                "--port",
                Integer.toString(port),
                "--flink",
                flink.url().toString(),
                "--s3-endpoint",
                s3.toString(),
                "--snapshots",
                "file://" + directory.resolve(SNAPSHOTS),
                "--properties-file",
                properties.toString()));
        command.addAll(List.of(more));
        process = Processes.start(
                directory.resolve("managed-flink.log"),
                Map.of(
                        "PYTHONPATH",
                        Processes.root().resolve("local/managed-flink").toString(),
                        "AWS_ACCESS_KEY_ID",
                        "test",
                        "AWS_SECRET_ACCESS_KEY",
                        "test",
                        "AWS_REGION",
                        Region.US_EAST_1.id()),
                command);
        await("the double of Managed Flink listens")
                .atMost(Duration.ofSeconds(60))
                .until(this::listens);
    }

    public URI url() {
        return URI.create("http://127.0.0.1:" + port);
    }

    /** A client as the functions have it. */
    public KinesisAnalyticsV2Client client() {
        return ManagedCluster.newClientBuilder()
                .endpointOverride(url())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .build();
    }

    /** Switches a fault on, as the double's own page says. */
    public void fault(String json) throws IOException, InterruptedException {
        try (HttpClient http =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            HttpResponse<String> answer = http.send(
                    HttpRequest.newBuilder(url().resolve("/_double/faults"))
                            .timeout(Duration.ofSeconds(20))
                            .POST(HttpRequest.BodyPublishers.ofString(json))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() >= 300) {
                throw new IllegalStateException(answer.body());
            }
        }
    }

    private boolean listens() {
        if (!process.isAlive()) {
            throw new IllegalStateException("The double of Managed Flink ended with " + process.exitValue() + ".");
        }
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() {
        Processes.stop(process);
    }
}
