package io.sluiceway.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestJobJarTest {
    private static final int CLASS_FILE_OF_JAVA_17 = 61;

    @TempDir
    Path directory;

    @Test
    void writeForJava17_holdsAllOfTheProgramForJava17() throws IOException {
        Path file = TestJobJar.writeForJava17(directory.resolve("job.jar"));

        try (JarFile jar = new JarFile(file.toFile())) {
            JarEntry program = jar.getJarEntry(TestJobJar.ENTRY_CLASS.replace('.', '/') + ".class");
            try (DataInputStream bytes = new DataInputStream(jar.getInputStream(program))) {
                assertThat(bytes.readInt()).isEqualTo(0xCAFEBABE);
                assertThat(bytes.readInt()).isEqualTo(CLASS_FILE_OF_JAVA_17);
            }
        }
        try (Stream<Path> compiled = Files.walk(directory)) {
            assertThat(compiled.filter(path -> path.toString().endsWith(".class")))
                    .hasSize(1);
        }
    }
}
