package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.EntryClass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A file of any bytes is a jar that can be run, or refused. */
class JarInspectorFuzzTest {
    private static final JarReference JAR = new JarReference(JarUri.parse("s3://jars/job.jar"), null, null);

    @FuzzTest
    void inspect(byte[] bytes) throws IOException {
        Path file = Files.createTempFile("fuzz", ".jar");
        try {
            Files.write(file, bytes);
            inspect(file, null);
            inspect(file, new EntryClass("a.B"));
        } finally {
            Files.delete(file);
        }
    }

    private static void inspect(Path file, @Nullable EntryClass entryClass) {
        try {
            assertThat(JarInspector.inspect(file, JAR, entryClass).value()).hasSize(64);
        } catch (RefusedException e) {
            assertThat(e.code()).isIn(ErrorCode.JAR_NOT_A_JAR, ErrorCode.ENTRY_CLASS_NOT_FOUND);
            assertThat(e.sentence())
                    .endsWith(".")
                    .hasSizeLessThan(600)
                    .doesNotContainPattern("[\\p{Cc}\\p{Cf}\\p{Cs}]");
        }
    }
}
