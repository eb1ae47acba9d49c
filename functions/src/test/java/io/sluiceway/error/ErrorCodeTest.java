package io.sluiceway.error;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.testing.Processes;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ErrorCodeTest {
    @Test
    void docs_tableOfErrors_listsEveryCodeWithItsActionInOrder() throws IOException {
        List<String> rows = Files.readAllLines(Processes.root().resolve("docs/errors.md")).stream()
                .filter(line -> line.startsWith("| `"))
                .toList();

        assertThat(rows)
                .containsExactlyElementsOf(Arrays.stream(ErrorCode.values())
                        .map(code ->
                                "| `%s` | %s | %s |".formatted(code, code.retryable() ? "yes" : "no", code.action()))
                        .toList());
    }
}
