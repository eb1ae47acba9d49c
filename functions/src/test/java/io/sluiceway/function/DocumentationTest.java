package io.sluiceway.function;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.sluiceway.testing.Processes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class DocumentationTest {
    private static final Pattern EXAMPLE =
            Pattern.compile("<!-- schema: ([a-z.-]+) -->\\n```json\\n(.*?)\\n```", Pattern.DOTALL);
    private static final Path SCHEMAS = Path.of("src/main/resources/schemas");

    static Stream<Arguments> examples() throws IOException {
        Matcher matcher = EXAMPLE.matcher(document());
        return matcher.results().map(example -> Arguments.of(example.group(1), example.group(2))).toList().stream();
    }

    private static String document() throws IOException {
        Path docs = Processes.root().resolve("docs");
        return Files.readString(docs.resolve("functions.md")) + Files.readString(docs.resolve("events.md"));
    }

    @ParameterizedTest
    @MethodSource("examples")
    void documents_example_agreesWithItsSchema(String schema, String example) throws IOException {
        SchemaRegistry registry = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

        assertThat(registry.getSchema(Files.readString(SCHEMAS.resolve(schema + ".json")))
                        .validate(example, InputFormat.JSON))
                .isEmpty();
    }

    @Test
    void documents_everyJsonBlock_isCheckedAgainstASchema() throws IOException {
        assertThat(EXAMPLE.matcher(document()).results().count())
                .isEqualTo(
                        Pattern.compile("```json").matcher(document()).results().count())
                .isPositive();
    }
}
