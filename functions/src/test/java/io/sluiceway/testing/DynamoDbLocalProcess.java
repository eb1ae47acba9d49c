package io.sluiceway.testing;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;

/** AWS's own DynamoDBLocal as a process of its own. */
public final class DynamoDbLocalProcess implements AutoCloseable {
    /** The platforms that Maven Central has its SQLite for. */
    private static final Set<String> PLATFORMS = Set.of("Linux amd64", "Mac OS X x86_64");

    private final int port = Processes.freePort();
    private final Process process;

    public DynamoDbLocalProcess(Path directory) {
        Path home = Processes.root().resolve("local/dynamodb");
        Path lib = home.resolve("target/dynamodb/lib");
        if (!Files.isDirectory(lib)) {
            throw new IllegalStateException("local/dynamodb isn't built; run `make build` first.");
        }
        process = Processes.start(
                directory.resolve("dynamodb.log"),
                Map.of(),
                Processes.java(
                        "-Xmx256m",
                        "-Dsqlite4java.library.path=" + lib,
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        lib + "/*",
                        home.resolve("DynamoDbLocal.java").toString(),
                        Integer.toString(port)));
        await("DynamoDBLocal answers").atMost(Duration.ofSeconds(60)).until(this::answers);
    }

    /** Whether it runs on this machine. */
    public static boolean isForThisPlatform() {
        return PLATFORMS.contains(System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    }

    public URI url() {
        return URI.create("http://127.0.0.1:" + port);
    }

    private boolean answers() {
        if (!process.isAlive()) {
            throw new IllegalStateException("DynamoDBLocal ended with " + process.exitValue() + ".");
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
