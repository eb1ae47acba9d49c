package io.sluiceway.testing;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A real Flink session cluster: a JobManager and a TaskManager as processes of their own. */
public final class FlinkProcesses implements AutoCloseable {
    public static final int SLOTS = 3;
    private static final Duration START_DEADLINE = Duration.ofSeconds(90);

    private final Path directory;
    private final int restPort = Processes.freePort();
    private final int rpcPort = Processes.freePort();
    private final Process jobManager;
    private Process taskManager;

    public FlinkProcesses(Path directory) {
        this.directory = directory;
        this.jobManager = start("jobmanager");
        this.taskManager = start("taskmanager");
        await("the Flink cluster has its task slots").atMost(START_DEADLINE).until(() -> slots() == SLOTS);
    }

    public URI url() {
        return URI.create("http://127.0.0.1:" + restPort);
    }

    public URI savepointRoot() {
        return URI.create("file:" + directory.resolve("savepoints"));
    }

    public URI checkpointRoot() {
        return URI.create("file:" + directory.resolve("checkpoints"));
    }

    /** Kills the TaskManager as a crash would, and starts another. */
    public void replaceTaskManager() {
        taskManager.destroyForcibly();
        taskManager = start("taskmanager");
    }

    private Process start(String role) {
        Path script = Processes.root().resolve("local/flink/bin").resolve(role);
        return Processes.start(
                directory.resolve(role + ".out"),
                Map.of(),
                List.of(
                        script.toString(),
                        directory.resolve(role).toString(),
                        "-Drest.port=" + restPort,
                        "-Djobmanager.rpc.port=" + rpcPort,
                        "-Dtaskmanager.numberOfTaskSlots=" + SLOTS,
                        "-Dexecution.checkpointing.dir=" + checkpointRoot(),
                        "-Dexecution.checkpointing.savepoint-dir=" + savepointRoot()));
    }

    private int slots() throws InterruptedException {
        if (!jobManager.isAlive()) {
            throw new IllegalStateException(
                    "The JobManager ended; see " + directory + ". Is local/flink built (make build)?");
        }
        try (HttpClient client = HttpClient.newHttpClient()) {
            String overview = client.send(
                            HttpRequest.newBuilder(url().resolve("/v1/overview"))
                                    .build(),
                            BodyHandlers.ofString())
                    .body();
            return new ObjectMapper().readTree(overview).path("slots-total").asInt();
        } catch (IOException e) {
            return 0;
        }
    }

    @Override
    public void close() {
        Processes.stop(taskManager);
        Processes.stop(jobManager);
    }
}
