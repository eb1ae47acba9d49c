package io.sluiceway.metrics.emf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.metrics.Measurement;
import io.sluiceway.metrics.Measurement.Unit;
import io.sluiceway.metrics.Measurement.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class EmfMetricsTest {
    private static final Instant AT = Instant.parse("2013-01-05T10:00:00.123456Z");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final List<String> lines = new ArrayList<>();
    private final EmfMetrics metrics = new EmfMetrics("Sluiceway", lines::add);

    @Test
    void publish_measurement_isTheLineThatTheSpecificationDescribes() {
        metrics.publish(new Measurement(
                AT,
                dimensions("cluster", "job"),
                List.of(new Value("Restarts", Unit.COUNT, 3), new Value("LastCheckpointAge", Unit.SECONDS, 12.5))));

        assertThat(lines).containsExactly("""
                {"_aws":{"Timestamp":1357380000123,"CloudWatchMetrics":[{"Namespace":"Sluiceway",\
                "Dimensions":[["cluster","job"]],"Metrics":[{"Name":"Restarts","Unit":"Count"},\
                {"Name":"LastCheckpointAge","Unit":"Seconds"}]}]},\
                "cluster":"a","job":"a","Restarts":3,"LastCheckpointAge":12.5}""");
    }

    @ParameterizedTest
    @EnumSource(Unit.class)
    void publish_mostOfEverything_keepsTheSpecificationsRules(Unit unit) throws IOException {
        metrics.publish(measurement(30, 100, unit));

        String line = lines.getFirst();
        assertThat(line).doesNotContain("\n");
        assertThat(SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                        .getSchema(Files.readString(Path.of("src/test/resources/emf/line.json")))
                        .validate(line, InputFormat.JSON))
                .isEmpty();
        assertTargetsAreThere(JSON.readTree(line));
    }

    /** What the specification demands and a schema can't say: each name that the directive names is a member. */
    private static void assertTargetsAreThere(JsonNode line) {
        JsonNode directive = line.at("/_aws/CloudWatchMetrics/0");
        assertThat(directive.at("/Dimensions/0"))
                .hasSize(30)
                .allSatisfy(dimension ->
                        assertThat(line.get(dimension.asText()).isTextual()).isTrue());
        assertThat(directive.at("/Metrics"))
                .hasSize(100)
                .allSatisfy(metric -> assertThat(
                                line.get(metric.get("Name").asText()).isNumber())
                        .isTrue());
    }

    @Test
    void publish_moreThanALineHolds_isRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> metrics.publish(measurement(31, 1, Unit.COUNT)));
        assertThatIllegalArgumentException().isThrownBy(() -> metrics.publish(measurement(1, 101, Unit.COUNT)));
        assertThat(lines).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Sluiceway", "sluiceway/prod", "a b", "x:y#z_1.0-"})
    void new_namespace_isTaken(String namespace) {
        new EmfMetrics(namespace, lines::add).publish(measurement(1, 1, Unit.COUNT));

        assertThat(lines).singleElement().asString().contains("\"Namespace\":\"" + namespace + "\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "AWS/Lambda", ":a", "a\nb", "é", "<x>"})
    void new_namespaceThatCloudWatchDoesNotTake_isRefused(String namespace) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> new EmfMetrics(namespace, lines::add))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CONFIGURATION_INVALID));
        assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> new EmfMetrics("a".repeat(256), lines::add));
    }

    private static Measurement measurement(int dimensions, int values, Unit unit) {
        return new Measurement(
                AT,
                dimensions(IntStream.range(0, dimensions).mapToObj(i -> "d" + i).toArray(String[]::new)),
                IntStream.range(0, values)
                        .mapToObj(i -> new Value("M" + i, unit, i / 2.0))
                        .toList());
    }

    private static SequencedMap<String, String> dimensions(String... names) {
        SequencedMap<String, String> dimensions = new LinkedHashMap<>();
        for (String name : names) {
            dimensions.put(name, "a");
        }
        return dimensions;
    }
}
