package io.sluiceway.infra;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.sluiceway.infra.settings.FunctionName;
import io.sluiceway.infra.settings.SettingsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Holds the events that settings files write against the functions' own schemas, so that what a function would refuse
 * at midnight is refused at the synthesis.
 *
 * @param directory where the schemas are
 */
record FunctionSchemas(Path directory) {
    /** In the repository, seen from the directory of {@code cdk.json}. */
    static final FunctionSchemas COMMITTED =
            new FunctionSchemas(Path.of("..", "..", "functions", "src", "main", "resources", "schemas"));

    /**
     * Checks an event.
     *
     * @param function the function that is to get it
     * @param event the event, without request id and try
     * @param where what the settings call it, for the error
     * @throws SettingsException if the function would refuse it
     */
    void check(FunctionName function, Map<String, Object> event, String where) {
        Map<String, Object> whole = new TreeMap<>(event);
        whole.put("requestId", "one");
        if (function.changesJobs()) {
            whole.put("try", 1);
        }
        Path file = directory.resolve(function + ".request.json");
        List<Error> errors;
        try {
            Schema schema = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                    .getSchema(Files.readString(file));
            errors = schema.validate(new JsonMapper().writeValueAsString(whole), InputFormat.JSON);
        } catch (IOException e) {
            throw new SettingsException("The schema %s can't be read: %s.".formatted(file, e), e);
        }
        if (!errors.isEmpty()) {
            throw new SettingsException("%s: %s would refuse the event: %s."
                    .formatted(
                            where,
                            function,
                            errors.stream().map(Error::toString).collect(Collectors.joining("; "))));
        }
    }
}
