package io.sluiceway.function;

import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The schemas of the contract. */
final class Schemas {
    static final Path DIRECTORY = Path.of("src/main/resources/schemas");
    private static final SchemaRegistry REGISTRY =
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    private static final Map<String, Schema> LOADED = new ConcurrentHashMap<>();

    private Schemas() {}

    /**
     * What of a JSON text violates a schema.
     *
     * @param schema its name, such as {@code submit-job.request}
     */
    static List<Error> violations(String schema, String json) {
        return LOADED.computeIfAbsent(schema, Schemas::load).validate(json, InputFormat.JSON);
    }

    private static Schema load(String name) {
        try {
            return REGISTRY.getSchema(Files.readString(DIRECTORY.resolve(name + ".json")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
