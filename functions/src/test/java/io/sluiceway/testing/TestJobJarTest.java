package io.sluiceway.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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

        try (JarFile jar = new JarFile(file.toFile());
                Stream<Path> compiled = Files.walk(directory)) {
            List<JarEntry> program = jar.stream()
                    .filter(entry -> entry.getName().endsWith(".class"))
                    .toList();
            assertThat(program)
                    .extracting(JarEntry::getName)
                    .contains(TestJobJar.ENTRY_CLASS.replace('.', '/') + ".class");
            assertThat(compiled.filter(path -> path.toString().endsWith(".class")))
                    .hasSameSizeAs(program);
            for (JarEntry entry : program) {
                try (DataInputStream bytes = new DataInputStream(jar.getInputStream(entry))) {
                    assertThat(bytes.readInt()).isEqualTo(0xCAFEBABE);
                    assertThat(bytes.readInt()).isEqualTo(CLASS_FILE_OF_JAVA_17);
                }
            }
        }
    }
}
