package io.sluiceway.jobs.flightdelays;

import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.CONFLICTING_ARGUMENTS;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.INVALID_ARGUMENT;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.MISSING_ARGUMENT;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.UNKNOWN_ARGUMENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RuntimePropertiesTest {

    /** What the service writes for an application with two groups. */
    private static final String PROPERTIES = """
            [
              {"PropertyGroupId": "other", "PropertyMap": {"input": "elsewhere"}},
              {
                "PropertyGroupId": "program-arguments",
                "PropertyMap": {"input": "s3a://bucket/in", "output": "s3a://bucket/out", "replay": "3600"}
              }
            ]""";

    @TempDir
    private Path directory;

    @Test
    void file_variableNamesAnother_isThatOne() {
        assertThat(RuntimeProperties.file(Map.of())).isEqualTo(Path.of("/etc/flink/application_properties.json"));
        assertThat(RuntimeProperties.file(Map.of("APPLICATION_PROPERTIES_FILE", "/var/tmp/properties.json")))
                .isEqualTo(Path.of("/var/tmp/properties.json"));
    }

    @Test
    void read_groupOfTheJob_givesTheArgumentsAndLeavesCheckpointsToTheCluster() throws IOException {
        assertThat(read(PROPERTIES))
                .isEqualTo(new Settings(
                        new InputDirectory("s3a://bucket/in"),
                        "s3a://bucket/out",
                        new Extent.Replay(3600),
                        Duration.ofHours(22),
                        null));
    }

    static Stream<Arguments> wrongProperties() {
        return Stream.of(
                Arguments.of(
                        PROPERTIES.replace("program-arguments", "program-argument"),
                        MISSING_ARGUMENT,
                        "no property group program-arguments"),
                Arguments.of(
                        PROPERTIES.replace("\"input\": \"s3a", "\"in\": \"s3a"), UNKNOWN_ARGUMENT, "--in isn't known"),
                Arguments.of(PROPERTIES.replace("\"3600\"", "\"fast\""), INVALID_ARGUMENT, "--replay is fast"),
                Arguments.of(
                        PROPERTIES.replace("\"3600\"", "\"3600\", \"checkpoint-interval\": \"PT1M\""),
                        CONFLICTING_ARGUMENTS,
                        "take checkpoint-interval out"),
                Arguments.of("[{}]", MISSING_ARGUMENT, "no property group program-arguments"),
                Arguments.of(
                        "[{\"PropertyGroupId\": \"program-arguments\"}]", MISSING_ARGUMENT, "--input has no value"),
                Arguments.of("{", INVALID_ARGUMENT, "isn't a list of property groups"));
    }

    @ParameterizedTest
    @MethodSource("wrongProperties")
    void read_wrongProperties_saysWhatIsWrong(String properties, ArgumentException.Code code, String words) {
        assertThatExceptionOfType(ArgumentException.class)
                .isThrownBy(() -> read(properties))
                .withMessageStartingWith(code + ": ")
                .withMessageContaining(words);
    }

    /** The service refuses a job that sets anything else than this, {@code pipeline.name} and a few more. */
    @Test
    void build_settingsOfTheService_setsNothingThatItRefuses() throws IOException {
        Path input = Files.createDirectory(directory.resolve("in"));
        Files.createFile(input.resolve(InputDirectory.FLIGHTS));
        Files.createFile(input.resolve(InputDirectory.WEATHER));
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.getExecutionEnvironment(new Configuration());
        Map<String, String> before = Map.copyOf(((Configuration) environment.getConfiguration()).toMap());

        FlightDelays.build(environment, read(PROPERTIES.replace("s3a://bucket", directory.toString())));

        Map<String, String> set = ((Configuration) environment.getConfiguration()).toMap();
        before.forEach(set::remove);
        assertThat(set).containsOnlyKeys("execution.runtime-mode", "pipeline.generic-types");
        assertThat(environment.getConfiguration().getOptional(CheckpointingOptions.CHECKPOINTING_INTERVAL))
                .isEmpty();
    }

    private Settings read(String properties) throws IOException {
        return RuntimeProperties.read(Files.writeString(directory.resolve("application_properties.json"), properties));
    }
}
