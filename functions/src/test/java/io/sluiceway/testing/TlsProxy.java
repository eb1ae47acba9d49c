package io.sluiceway.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;

/** A service behind TLS, with a certificate for 127.0.0.1 that nobody knows who isn't told of it. */
public final class TlsProxy implements AutoCloseable {
    private static final String PASSWORD = "changeit";

    private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
    private final Path store;
    private final URI service;
    private final SSLServerSocket socket;

    /**
     * Opens the way to a service.
     *
     * @param directory where the certificate is kept
     */
    public TlsProxy(Path directory, URI service) {
        this.store = directory.resolve("certificate.p12");
        this.service = service;
        try {
            Files.createDirectories(directory);
            makeCertificate();
            socket = (SSLServerSocket)
                    context().getServerSocketFactory().createServerSocket(0, 0, InetAddress.getLoopbackAddress());
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
        executor.execute(this::accept);
    }

    /** {@return where callers find the service} */
    public URI url() {
        return URI.create("https://127.0.0.1:" + socket.getLocalPort());
    }

    /** {@return the options of a JVM, or of a native binary, that trusts the certificate} */
    public List<String> trust() {
        return List.of("-Djavax.net.ssl.trustStore=" + store, "-Djavax.net.ssl.trustStorePassword=" + PASSWORD);
    }

    private void makeCertificate() throws IOException {
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-alias",
                        "tls",
                        "-dname",
                        "CN=127.0.0.1",
                        "-ext",
                        "san=ip:127.0.0.1",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        PASSWORD)
                .redirectErrorStream(true)
                .start();
        String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(keytool.onExit().join().exitValue()).as(said).isZero();
    }

    private SSLContext context() throws IOException, GeneralSecurityException {
        KeyStore keys = KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        return context;
    }

    private void accept() {
        while (!socket.isClosed()) {
            try {
                Socket caller = socket.accept();
                executor.execute(() -> connect(caller));
            } catch (IOException e) {
                // It is being closed.
                return;
            }
        }
    }

    private void connect(Socket caller) {
        try (caller;
                Socket server = new Socket(service.getHost(), service.getPort())) {
            executor.execute(() -> pass(server, caller));
            pass(caller, server);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Passes on what one side says until it ends, which ends the other; a caller may not like the certificate. */
    private static void pass(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException e) {
            // Either side has gone.
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        executor.shutdownNow();
    }
}
