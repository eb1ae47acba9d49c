package io.sluiceway.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.sluiceway.control.PageToken;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarUri;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.StoragePath;
import java.util.List;
import java.util.function.Function;

/** Values of any text are taken, and then mean one thing, or refused in a sentence. */
class ValuesFuzzTest {
    private static final List<Function<String, ?>> NAMES_AND_IDS = List.of(
            JobName::new,
            ClusterName::new,
            EntryClass::new,
            RequestId::new,
            FlinkJobId::new,
            OperationId::new,
            TriggerId::new,
            JarDigest::new,
            PageToken::parse);

    @FuzzTest
    void storagePath(byte[] bytes) {
        takenOrRefused(StoragePath::new, bytes);
    }

    @FuzzTest
    void storagePathWithin(byte[] bytes) {
        String text = new String(bytes, UTF_8);
        StoragePath root = new StoragePath("s3://state/savepoints");
        try {
            StoragePath path = new StoragePath(text);
            assertThat(path.value()).doesNotContain("/../", "/./").doesNotEndWith("/");
            assertThat(path.isWithin(root))
                    .isEqualTo(path.value().matches("s3://state/savepoints(?:/.*)?"))
                    .isEqualTo(new StoragePath(text + "/a").isWithin(root)
                            && !path.value().equals("s3://state"));
        } catch (RefusedException e) {
            assertThat(e.sentence()).endsWith(".");
        }
    }

    @FuzzTest
    void jarUri(byte[] bytes) {
        takenOrRefused(JarUri::parse, bytes);
    }

    @FuzzTest
    void namesAndIds(byte[] bytes) {
        for (Function<String, ?> type : NAMES_AND_IDS) {
            takenOrRefused(type, bytes);
        }
    }

    @FuzzTest
    void arguments(byte[] bytes) {
        String[] parts = new String(bytes, UTF_8).split("\0", -1);
        List<String> arguments = List.of(parts).subList(1, parts.length);

        String masked = Arguments.mask(parts[0], arguments);

        for (String argument : arguments) {
            if (argument.length() >= 4 && !argument.startsWith("-")) {
                // Ellipses that were there, or stand for something else, can make up an argument of ellipses.
                assertThat(argument.contains("…") || !masked.contains(argument)).isTrue();
            }
        }
    }

    private static void takenOrRefused(Function<String, ?> type, byte[] bytes) {
        String text = new String(bytes, UTF_8);
        Object value;
        try {
            value = type.apply(text);
        } catch (RefusedException e) {
            assertThat(e.sentence())
                    .endsWith(".")
                    .hasSizeLessThan(300)
                    .doesNotContainPattern("[\\p{Cc}\\p{Cf}\\p{Cs}]");
            return;
        }
        assertThat(type.apply(value.toString())).isEqualTo(value);
    }
}
