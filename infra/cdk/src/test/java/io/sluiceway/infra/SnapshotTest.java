package io.sluiceway.infra;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every stage's template is committed, so that a review shows what a change deploys. {@code -Dsnapshots.update} writes
 * them anew.
 */
class SnapshotTest {
    private static final Path SNAPSHOTS = Path.of("src", "test", "snapshots");
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();

    static List<String> stages() throws IOException {
        try (Stream<Path> files = Files.list(Stacks.SETTINGS)) {
            return files.map(file -> file.getFileName().toString().replace(".json", ""))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("stages")
    void template_everyStage_isTheCommittedOne(String stage) throws IOException {
        Path snapshot = SNAPSHOTS.resolve(stage + ".template.json");
        String template =
                JSON.writeValueAsString(Stacks.template(Stacks.settings(stage)).toJSON()) + "\n";
        if (System.getProperty("snapshots.update") != null) {
            Files.createDirectories(SNAPSHOTS);
            Files.writeString(snapshot, template);
        }

        assertThat(snapshot)
                .as("the template of stage %s; after a wanted change run the tests with -Dsnapshots.update", stage)
                .hasContent(template);
    }
}
