package io.sluiceway.cluster.session;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.List;

/** Whatever Flink says can stand in a sentence, and be read in time. */
class FlinkWordsFuzzTest {
    @FuzzTest
    void words(byte[] bytes) {
        String text = new String(bytes, UTF_8);
        for (String said : List.of(text, text.repeat(200))) {
            FlinkWords words = new FlinkWords(said);
            words.tellOfDuplicateId();
            words.tellOfNoEntryClass();
            words.tellOfProgramFailure();
            words.tellOfRestoreFailure();
            words.savepointWithoutStop().ifPresent(path -> assertThat(path).isNotEmpty());
            checkShown(words.firstLine());
            checkShown(words.rootCause());
            checkShown(words.without(List.of("hunter2", "--password=hunter2", text))
                    .rootCause());
        }
    }

    private static void checkShown(String shown) {
        assertThat(shown).hasSizeLessThan(602).doesNotContainPattern("[\\p{Cc}\\p{Cf}\\p{Cs}]");
        assertThat(UTF_8.newEncoder().canEncode(shown)).isTrue();
    }
}
