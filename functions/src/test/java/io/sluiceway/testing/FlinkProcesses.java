package io.sluiceway.testing;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A real Flink session cluster: a JobManager and a TaskManager as processes of their own, and ZooKeeper where the
 * JobManager is to find again after a crash what it knew.
 */
public final class FlinkProcesses implements AutoCloseable {
    public static final int SLOTS = 3;
    private static final Duration START_DEADLINE = Duration.ofMinutes(3);
    private static final Duration POLL = Duration.ofMillis(50);

    /**
     * What a cluster is like.
     *
     * @param slots how many task slots it has
     * @param highlyAvailable whether a new JobManager goes on with the jobs of the one before
     * @param settings more of Flink's settings
     * @param environment what the processes find in their environment
     * @param started is told of each process
     */
    public record Options(
            int slots,
            boolean highlyAvailable,
            Map<String, String> settings,
            Map<String, String> environment,
            Consumer<Process> started) {}

    private final Path directory;
    private final Options options;
    private final int restPort = Processes.freePort();
    private final int rpcPort = Processes.freePort();
    private final int zooKeeperPort = Processes.freePort();
    private final List<Process> zooKeeper = new ArrayList<>();
    private final HttpClient client = HttpClient.newHttpClient();
    private Process jobManager;
    private Process taskManager;

    public FlinkProcesses(Path directory) {
        this(directory, new Options(SLOTS, false, Map.of(), Map.of(), process -> {}));
    }

    public FlinkProcesses(Path directory, Options options) {
        this.directory = directory;
        this.options = options;
        if (options.highlyAvailable()) {
            startZooKeeper();
        }
        this.jobManager = start("jobmanager");
        this.taskManager = start("taskmanager");
        awaitSlots();
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

    /** Where the JobManager, and each that came after it, writes what it does. */
    public Path jobManagerLog() {
        return directory.resolve("jobmanager/jobmanager.log");
    }

    /** Kills the TaskManager as a crash would, and starts another. */
    public void replaceTaskManager() {
        killTaskManager();
        startTaskManager();
    }

    /** Ends the TaskManager as a crash does. */
    public void killTaskManager() {
        kill(taskManager);
    }

    /** Starts another TaskManager; it has its slots some seconds later. */
    public void startTaskManager() {
        taskManager = start("taskmanager");
    }

    /** Ends the JobManager as a crash does. */
    public void killJobManager() {
        kill(jobManager);
    }

    /** Starts another JobManager on the ports of the one before; it answers some seconds later. */
    public void startJobManager() {
        jobManager = start("jobmanager");
    }

    /** Waits until all task slots are there. */
    public void awaitSlots() {
        await("the Flink cluster has its task slots")
                .atMost(START_DEADLINE)
                .pollInterval(POLL)
                .until(() -> slots() == options.slots());
    }

    /**
     * Lets no savepoint be written below a directory of the savepoint root until the answer is closed: a file stands in
     * its place. It works for root, too, whom a mode of the directory wouldn't keep out.
     *
     * @param name the directory's name, of which nothing may be there yet
     */
    public AutoCloseable blockSavepoints(String name) {
        return standInFor(directory.resolve("savepoints").resolve(name));
    }

    /** Puts a file where a directory would be, until the answer is closed. */
    public static AutoCloseable standInFor(Path place) {
        try {
            Files.createDirectories(place.getParent());
            Files.createFile(place);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return () -> Files.delete(place);
    }

    private Process start(String role) {
        Path script = Processes.root().resolve("local/flink/bin").resolve(role);
        List<String> command = new ArrayList<>(List.of(
                script.toString(),
                directory.resolve(role).toString(),
                "-Drest.port=" + restPort,
                "-Djobmanager.rpc.port=" + rpcPort,
                "-Dtaskmanager.numberOfTaskSlots=" + options.slots(),
                // A TaskManager tries often to reach a JobManager that comes back.
                "-Dcluster.registration.error-delay=200ms",
                "-Dexecution.checkpointing.dir=" + checkpointRoot(),
                "-Dexecution.checkpointing.savepoint-dir=" + savepointRoot()));
        if (options.highlyAvailable()) {
            command.addAll(List.of(
                    "-Dhigh-availability.type=zookeeper",
                    "-Dhigh-availability.zookeeper.quorum=127.0.0.1:" + zooKeeperPort,
                    // Else each JobManager listens for its TaskManagers on a port of its own.
                    "-Dhigh-availability.jobmanager.port=" + rpcPort,
                    // As long as a dead JobManager is believed to live.
                    "-Dhigh-availability.zookeeper.client.session-timeout=3s",
                    "-Dhigh-availability.storageDir=file:" + directory.resolve("ha")));
        }
        options.settings().forEach((key, value) -> command.add("-D" + key + "=" + value));
        Process process = Processes.start(directory.resolve(role + ".out"), options.environment(), command);
        options.started().accept(process);
        return process;
    }

    private void startZooKeeper() {
        Path home = directory.resolve("zookeeper");
        try {
            Files.createDirectories(home);
            Files.writeString(
                    home.resolve("zoo.cfg"),
                    "dataDir=%s%nclientPort=%d%nclientPortAddress=127.0.0.1%ntickTime=200%nadmin.enableServer=false%n"
                            .formatted(home.resolve("data"), zooKeeperPort));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Process process = Processes.start(
                directory.resolve("zookeeper.out"),
                Map.of(),
                Processes.java(
                        "-Xmx128m",
                        "-Dlog.file=" + home.resolve("zookeeper.log"),
                        "-Dlog4j.configurationFile=file:"
                                + Processes.root().resolve("local/flink/conf/log4j2.properties"),
                        "-cp",
                        Processes.root().resolve("local/flink/target/flink/lib") + "/*",
                        "org.apache.flink.runtime.zookeeper.FlinkZooKeeperQuorumPeer",
                        "--zkConfigFile",
                        home.resolve("zoo.cfg").toString(),
                        "--peerId",
                        "1"));
        options.started().accept(process);
        zooKeeper.add(process);
        await("ZooKeeper listens").atMost(START_DEADLINE).pollInterval(POLL).until(() -> listens(zooKeeperPort));
    }

    private static boolean listens(int port) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private int slots() throws InterruptedException {
        if (!jobManager.isAlive()) {
            throw new IllegalStateException(
                    "The JobManager ended; see " + directory + ". Is local/flink built (make build)?");
        }
        try {
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

    private static void kill(Process process) {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        Processes.stop(taskManager);
        Processes.stop(jobManager);
        zooKeeper.forEach(Processes::stop);
        client.close();
    }
}
