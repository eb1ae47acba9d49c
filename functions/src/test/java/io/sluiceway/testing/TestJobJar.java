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
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.Deflater;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** The jar of {@link TestJob}, and jars that are wrong in some way. */
public final class TestJobJar {
    public static final String ENTRY_CLASS = TestJob.class.getName();
    private static final String CLASS_ENTRY = ENTRY_CLASS.replace('.', '/') + ".class";

    private TestJobJar() {}

    /** Writes the jar; {@code paddingBytes} of incompressible filling make it as large as wanted. */
    public static Path write(Path file, long paddingBytes) {
        try (InputStream program = TestJobJar.class.getClassLoader().getResourceAsStream(CLASS_ENTRY)) {
            return write(file, program.readAllBytes(), paddingBytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
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
            return write(file, Files.readAllBytes(classes.resolve(CLASS_ENTRY)), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path write(Path file, byte[] program, long paddingBytes) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, ENTRY_CLASS);
        try (OutputStream out = Files.newOutputStream(file);
                JarOutputStream jar = new JarOutputStream(out, manifest)) {
            jar.putNextEntry(new JarEntry(CLASS_ENTRY));
            jar.write(program);
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
