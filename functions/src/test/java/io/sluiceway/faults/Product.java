package io.sluiceway.faults;

import io.sluiceway.testing.LambdaRuntime;
import io.sluiceway.testing.Processes;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * What is tested.
 *
 * @param zip the package
 * @param commit which commit is checked out
 * @param hash identifies the product's sources
 * @param packaging {@code JVM} or {@code NATIVE}
 */
record Product(Path zip, String commit, String hash, String packaging) {
    static final String JVM = "JVM";
    private static final int HASH_LENGTH = 16;

    /** @param scratch where to unpack the package for a look at it */
    static Product of(Path zip, Path scratch) {
        try {
            Path bootstrap = LambdaRuntime.unpack(zip, scratch).resolve("bootstrap");
            return new Product(zip, checkedOut(), hashOfSources(), kindOf(bootstrap));
        } catch (IOException | NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static String hashOfSources() throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        Path root = Processes.root();
        try (Stream<Path> sources = Stream.of("functions/src/main", "functions/pom.xml", "pom.xml")
                .map(root::resolve)
                .flatMap(Product::files)) {
            for (Path source : sources.sorted().toList()) {
                digest.update(root.relativize(source).toString().getBytes(StandardCharsets.UTF_8));
                digest.update(Files.readAllBytes(source));
            }
        }
        return HexFormat.of().formatHex(digest.digest()).substring(0, HASH_LENGTH);
    }

    private static Stream<Path> files(Path path) {
        try (Stream<Path> below = Files.walk(path)) {
            return below.filter(Files::isRegularFile).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String checkedOut() throws IOException, InterruptedException {
        Process git = new ProcessBuilder(
                        List.of("git", "-C", Processes.root().toString(), "rev-parse", "--short=12", "HEAD"))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String commit = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
        return git.waitFor() == 0 ? commit : "none";
    }

    /** A native binary begins as ELF says, or Mach-O; a script doesn't. */
    private static String kindOf(Path bootstrap) throws IOException {
        try (InputStream in = Files.newInputStream(bootstrap)) {
            return in.read() == '#' ? JVM : "NATIVE";
        }
    }
}
