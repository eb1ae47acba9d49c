package io.sluiceway.control;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.job.Digests;
import io.sluiceway.job.EntryClass;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/** Looks into a jar before a cluster is given it, so that a wrong one leaves nothing behind there. */
public final class JarInspector {
    private static final int BUFFER_BYTES = 1 << 16;
    private static final int MAX_MANIFEST_BYTES = 1 << 20;

    /** The manifest attribute that Flink prefers to {@code Main-Class} ({@code PackagedProgram} in flink-clients). */
    private static final Attributes.Name PROGRAM_CLASS = new Attributes.Name("program-class");

    private JarInspector() {}

    /**
     * Checks a fetched jar against what the request says of it.
     *
     * @return its SHA-256
     * @throws RefusedException JAR_CHECKSUM_MISMATCH, JAR_NOT_A_JAR or ENTRY_CLASS_NOT_FOUND
     */
    public static JarDigest inspect(Path file, JarReference jar, @Nullable EntryClass entryClass) {
        JarDigest digest = digest(file);
        JarDigest expected = jar.expectedDigest();
        if (expected != null && !expected.equals(digest)) {
            throw new RefusedException(
                    ErrorCode.JAR_CHECKSUM_MISMATCH,
                    "%s has the SHA-256 %s; the request says %s.".formatted(jar.uri(), digest, expected));
        }
        checkEntryClass(file, jar, entryClass);
        return digest;
    }

    private static JarDigest digest(Path file) {
        MessageDigest sha256 = Digests.sha256();
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
        try (FileChannel channel = FileChannel.open(file)) {
            while (channel.read(buffer) >= 0) {
                sha256.update(buffer.flip());
                buffer.clear();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new JarDigest(HexFormat.of().formatHex(sha256.digest()));
    }

    private static void checkEntryClass(Path file, JarReference jar, @Nullable EntryClass requested) {
        try (JarFile opened = new JarFile(file.toFile(), false, ZipFile.OPEN_READ)) {
            EntryClass entryClass = requested == null ? manifestEntryClass(opened, jar) : requested;
            if (opened.getEntry(entryClass.jarEntry()) == null) {
                throw new RefusedException(
                        ErrorCode.ENTRY_CLASS_NOT_FOUND, "%s has no class %s.".formatted(jar.uri(), entryClass));
            }
        } catch (IOException e) {
            throw new RefusedException(ErrorCode.JAR_NOT_A_JAR, "%s can't be opened as a jar.".formatted(jar.uri()), e);
        }
    }

    private static EntryClass manifestEntryClass(JarFile opened, JarReference jar) throws IOException {
        String named = null;
        JarEntry entry = opened.getJarEntry(JarFile.MANIFEST_NAME);
        if (entry != null) {
            Attributes attributes = readManifest(opened, entry).getMainAttributes();
            named = attributes.getValue(PROGRAM_CLASS);
            if (named == null) {
                named = attributes.getValue(Attributes.Name.MAIN_CLASS);
            }
        }
        if (named == null) {
            throw new RefusedException(
                    ErrorCode.ENTRY_CLASS_NOT_FOUND,
                    "The request names no entry class and the manifest of %s has no Main-Class.".formatted(jar.uri()));
        }
        try {
            return new EntryClass(named.strip());
        } catch (RefusedException e) {
            throw new RefusedException(
                    ErrorCode.ENTRY_CLASS_NOT_FOUND,
                    "The manifest of %s names %s, which is no class name.".formatted(jar.uri(), Quoted.of(named)),
                    e);
        }
    }

    /** {@link JarFile#getManifest()} would inflate whatever the entry holds. */
    private static Manifest readManifest(JarFile opened, JarEntry entry) throws IOException {
        try (InputStream content = opened.getInputStream(entry)) {
            byte[] bytes = content.readNBytes(MAX_MANIFEST_BYTES + 1);
            if (bytes.length > MAX_MANIFEST_BYTES) {
                throw new ZipException("The manifest is larger than %d bytes.".formatted(MAX_MANIFEST_BYTES));
            }
            return new Manifest(new ByteArrayInputStream(bytes));
        }
    }
}
