package io.sluiceway.infra;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.sluiceway.infra.settings.Cluster;
import io.sluiceway.infra.settings.FunctionName;
import io.sluiceway.infra.settings.Settings;
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
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
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
        Schema schema = clustersSchema();

        assertThat(functions.values())
                .isNotEmpty()
                .allSatisfy(function -> assertThat(
                                schema.validate(function.environment().get("SLUICEWAY_CLUSTERS"), InputFormat.JSON))
                        .isEmpty());
    }

    @ParameterizedTest
    @MethodSource
    void clusterSettings_everyType_areThoseOfTheFunctionsSchema(String type, Class<? extends Cluster> settings)
            throws IOException {
        JsonNode properties = new JsonMapper()
                .readTree(SCHEMAS.resolve("clusters.settings.json").toFile())
                .at("/additionalProperties/oneOf")
                .valueStream()
                .map(one -> one.path("properties"))
                .filter(one -> one.at("/type/const").asText().equals(type))
                .findFirst()
                .orElseThrow();

        assertThat(Stream.concat(
                        Stream.of("type"),
                        Arrays.stream(settings.getRecordComponents()).map(RecordComponent::getName)))
                .containsExactlyInAnyOrderElementsOf(() -> properties.fieldNames());
    }

    static Stream<Arguments> clusterSettings_everyType_areThoseOfTheFunctionsSchema() {
        return Arrays.stream(Cluster.class.getAnnotation(JsonSubTypes.class).value())
                .map(type -> Arguments.of(type.name(), type.value()));
    }

    @Test
    void clusterTypes_all_areThoseOfTheFunctionsSchema() throws IOException {
        JsonNode schema = new JsonMapper()
                .readTree(SCHEMAS.resolve("clusters.settings.json").toFile());

        assertThat(clusterSettings_everyType_areThoseOfTheFunctionsSchema()
                        .map(arguments -> arguments.get()[0]))
                .containsExactlyInAnyOrderElementsOf(schema.at("/additionalProperties/oneOf")
                        .valueStream()
                        .map(one -> one.at("/properties/type/const").asText())
                        .toList());
    }

    /** Longest values and all kinds of characters: what the settings let pass, the functions take. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                """
                {"type": "MANAGED", "applications": "{job}", "ownership": "EXTERNAL"}""",
                """
                {"type": "MANAGED", "applications": "A_0.z-{job}-B_9.y", "runtime": "FLINK-12_34",
                 "serviceRoleArn": "arn:aws-us-gov:iam::123456789012:role/a/b_+=,.@-/ROLE_+=,.@-9"}""",
                """
                {"type": "MANAGED", "applications": "a{job}", "ownership": "EXTERNAL", "checkpointInterval": "PT0.001S",
                 "logStreamArn": "arn:aws-cn:logs:cn-north-1:123456789012:log-group:/a_.#-/B:log-stream:c/d[$LATEST]e"}""",
                """
                {"type": "MANAGED", "applications": "{job}b", "ownership": "EXTERNAL", "checkpointInterval": "P1D",
                 "parallelismPerKpu": 8}""",
            })
    void managedCluster_thatTheSettingsTake_followsTheFunctionsSchema(String cluster) throws IOException {
        JsonNode json = new JsonMapper().readTree(cluster);
        Settings settings = Stacks.changed(
                "local", "local", changed -> changed.withObject("/clusters").set("managed", json));

        DeployedFunction function =
                DeployedFunction.of(Stacks.template(settings)).get("sluiceway-local-list-jobs");

        assertThat(clustersSchema().validate(function.environment().get("SLUICEWAY_CLUSTERS"), InputFormat.JSON))
                .isEmpty();
    }

    private static Schema clustersSchema() throws IOException {
        return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(Files.readString(SCHEMAS.resolve("clusters.settings.json")));
    }
}
