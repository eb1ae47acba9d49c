package io.sluiceway.testing;

import io.sluiceway.control.JarInspector;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.testjob.TestJob;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** The jar of {@link TestJob}, and jars that are wrong in some way. */
public final class TestJobJar {
    public static final String ENTRY_CLASS = TestJob.class.getName();

    private TestJobJar() {}

    /** Writes the jar; {@code paddingBytes} of incompressible filling make it as large as wanted. */
    public static Path write(Path file, long paddingBytes) {
        try {
            SortedMap<String, byte[]> classes = new TreeMap<>();
            read(TestJob.class, classes);
            for (Class<?> nested : TestJob.class.getDeclaredClasses()) {
                read(nested, classes);
            }
            return write(file, classes, paddingBytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void read(Class<?> type, SortedMap<String, byte[]> classes) throws IOException {
        String entry = type.getName().replace('.', '/') + ".class";
        try (InputStream bytes = TestJobJar.class.getClassLoader().getResourceAsStream(entry)) {
            classes.put(entry, bytes.readAllBytes());
        }
    }

    /** Writes the jar for Managed Service for Apache Flink, which runs Flink 2 on Java 17. */
    public static Path writeForJava17(Path file) {
        Path source = Processes.root().resolve("functions/src/test/java/" + ENTRY_CLASS.replace('.', '/') + ".java");
        Path classes = file.resolveSibling(file.getFileName() + "-classes");
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            StringWriter said = new StringWriter();
            List<String> options = List.of(
                    "--release",
                    "17",
                    "-proc:none",
                    "-classpath",
                    System.getProperty("java.class.path"),
                    "-d",
                    Files.createDirectories(classes).toString());
            if (!compiler.getTask(said, files, null, options, null, files.getJavaFileObjects(source))
                    .call()) {
                throw new IllegalStateException(said.toString());
            }
            return write(file, read(classes), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static SortedMap<String, byte[]> read(Path directory) throws IOException {
        SortedMap<String, byte[]> classes = new TreeMap<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                classes.put(directory.relativize(file).toString(), Files.readAllBytes(file));
            }
        }
        return classes;
    }

    private static Path write(Path file, SortedMap<String, byte[]> classes, long paddingBytes) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, ENTRY_CLASS);
        try (OutputStream out = Files.newOutputStream(file);
                JarOutputStream jar = new JarOutputStream(out, manifest)) {
            for (Map.Entry<String, byte[]> entry : classes.entrySet()) {
                jar.putNextEntry(new JarEntry(entry.getKey()));
                jar.write(entry.getValue());
            }
            if (paddingBytes > 0) {
                jar.setLevel(Deflater.NO_COMPRESSION);
                jar.putNextEntry(new JarEntry("padding"));
                byte[] chunk = new byte[1 << 20];
                for (long left = paddingBytes; left > 0; left -= chunk.length) {
                    jar.write(chunk);
                }
            }
        }
        return file;
    }

    public static JarDigest digest(Path file) {
        return JarInspector.inspect(file, new JarReference(JarUri.parse("s3://jars/test.jar"), null, null), null);
    }
}
