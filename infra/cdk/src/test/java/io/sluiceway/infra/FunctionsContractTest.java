package io.sluiceway.infra;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.sluiceway.infra.settings.Cluster;
import io.sluiceway.infra.settings.FunctionName;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the stack hands to the functions is what the functions' own schemas say. */
class FunctionsContractTest {
    private static final Path SCHEMAS =
            Path.of(System.getProperty("project.root"), "functions", "src", "main", "resources", "schemas");

    @Test
    void functionNames_all_areThoseThatTheFunctionsHaveSchemasFor() throws IOException {
        try (Stream<Path> schemas = Files.list(SCHEMAS)) {
            List<String> names = schemas.map(schema -> schema.getFileName().toString())
                    .filter(file -> file.endsWith(".request.json"))
                    .map(file -> file.replace(".request.json", ""))
                    .toList();
            assertThat(Arrays.stream(FunctionName.values()).map(FunctionName::text))
                    .containsExactlyInAnyOrderElementsOf(names);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"local", "sample"})
    void clusters_committedSettings_followTheFunctionsSchema(String stage) throws IOException {
        Map<String, DeployedFunction> functions = DeployedFunction.of(Stacks.template(Stacks.settings(stage)));
        Schema schema = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(Files.readString(SCHEMAS.resolve("clusters.settings.json")));

        assertThat(functions.values())
                .isNotEmpty()
                .allSatisfy(function -> assertThat(
                                schema.validate(function.environment().get("SLUICEWAY_CLUSTERS"), InputFormat.JSON))
                        .isEmpty());
    }

    @Test
    void clusterSettings_all_areThoseOfTheFunctionsSchema() throws IOException {
        var properties = new JsonMapper()
                .readTree(SCHEMAS.resolve("clusters.settings.json").toFile())
                .at("/additionalProperties/properties");

        assertThat(Stream.concat(
                        Stream.of("type"),
                        Arrays.stream(Cluster.Session.class.getRecordComponents())
                                .map(RecordComponent::getName)))
                .containsExactlyInAnyOrderElementsOf(() -> properties.fieldNames());
    }
}
