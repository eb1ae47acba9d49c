package io.sluiceway.jobs.flightdelays;

import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.CONFLICTING_ARGUMENTS;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.INVALID_ARGUMENT;
import static io.sluiceway.jobs.flightdelays.ArgumentException.Code.MISSING_ARGUMENT;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The job's arguments on Amazon Managed Service for Apache Flink, which hands {@code main} none: it writes the
 * application's <a href="https://docs.aws.amazon.com/managed-flink/latest/java/how-properties.html">runtime
 * properties</a> to a file, as groups of texts. The group {@value #GROUP} has the arguments by name, without the
 * hyphens.
 */
final class RuntimeProperties {

    /** The environment variable of the JobManager that names another file than the service's. */
    static final String FILE_VARIABLE = "APPLICATION_PROPERTIES_FILE";

    /** Where the service puts them. */
    private static final String FILE = "/etc/flink/application_properties.json";

    /** The group that has the job's arguments: Sluiceway writes {@code --name value} there as name and value. */
    static final String GROUP = "program-arguments";

    private static final String CHECKPOINT_INTERVAL = "checkpoint-interval";

    private RuntimeProperties() {}

    /**
     * Where the runtime properties are: where the service puts them, or where {@value #FILE_VARIABLE} says.
     *
     * @param environment the environment variables of this process
     */
    static Path file(Map<String, String> environment) {
        return Path.of(environment.getOrDefault(FILE_VARIABLE, FILE));
    }

    /**
     * Reads the job's settings. How often there are checkpoints is the application's own configuration; the service <a
     * href="https://docs.aws.amazon.com/managed-flink/latest/java/programmatic-configuration.html">refuses</a> jobs
     * that set it.
     *
     * @param file the runtime properties
     * @throws ArgumentException when anything about the arguments is wrong
     * @throws IOException when the file can't be read
     */
    static Settings read(Path file) throws IOException {
        Map<String, String> arguments = group(file);
        if (arguments.containsKey(CHECKPOINT_INTERVAL)) {
            throw new ArgumentException(
                    CONFLICTING_ARGUMENTS,
                    "take " + CHECKPOINT_INTERVAL + " out of the property group " + GROUP
                            + ": on Managed Service for Apache Flink the application's checkpoint configuration has it.");
        }
        return Settings.parse(arguments.entrySet().stream()
                        .flatMap(argument -> Stream.of("--" + argument.getKey(), argument.getValue()))
                        .toArray(String[]::new))
                .withCheckpointsOfTheCluster();
    }

    private static Map<String, String> group(Path file) throws IOException {
        Group[] groups;
        try {
            groups = JsonMapper.builder().build().readValue(Files.readString(file), Group[].class);
        } catch (JsonProcessingException e) {
            throw new ArgumentException(
                    INVALID_ARGUMENT, file + " isn't a list of property groups: " + e.getOriginalMessage());
        }
        return Arrays.stream(groups)
                .filter(group -> GROUP.equals(group.id()))
                .findFirst()
                .map(Group::arguments)
                .orElseThrow(() -> new ArgumentException(
                        MISSING_ARGUMENT,
                        "the application has no property group " + GROUP + "; give it one with input, output and"
                                + " replay."));
    }

    private record Group(
            @JsonProperty("PropertyGroupId") @Nullable String id,
            @JsonProperty("PropertyMap") @Nullable Map<String, String> properties) {

        Map<String, String> arguments() {
            return properties == null ? Map.of() : new TreeMap<>(properties);
        }
    }
}
