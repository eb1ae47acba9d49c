package io.sluiceway.infra;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluiceway.infra.sample.ManagedApplicationStack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.assertions.Template;

/**
 * Every stage's templates are committed, so that a review shows what a change deploys. {@code -Dsnapshots.update}
 * writes them anew.
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
    void templates_everyStage_areTheCommittedOnes(String stage) throws IOException {
        SortedMap<String, String> templates = new TreeMap<>();
        for (Stack stack : Stacks.all(Stacks.settings(stage))) {
            String name = stack instanceof ManagedApplicationStack ? stage + ".application" : stage;
            templates.put(
                    name + ".template.json",
                    JSON.writeValueAsString(Template.fromStack(stack).toJSON()) + "\n");
        }
        if (System.getProperty("snapshots.update") != null) {
            Files.createDirectories(SNAPSHOTS);
            for (Map.Entry<String, String> template : templates.entrySet()) {
                Files.writeString(SNAPSHOTS.resolve(template.getKey()), template.getValue());
            }
        }

        assertThat(committed(stage))
                .as("the templates of stage %s; after a wanted change run the tests with -Dsnapshots.update", stage)
                .containsExactlyEntriesOf(templates);
    }

    private static SortedMap<String, String> committed(String stage) throws IOException {
        SortedMap<String, String> templates = new TreeMap<>();
        try (Stream<Path> files = Files.list(SNAPSHOTS)) {
            for (Path file : files.filter(it -> it.getFileName().toString().startsWith(stage + "."))
                    .toList()) {
                templates.put(file.getFileName().toString(), Files.readString(file));
            }
        }
        return templates;
    }
}
