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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** The schemas of the contract. */
final class Schemas {
    static final Path DIRECTORY = Path.of("src/main/resources/schemas");
    private static final long LARGE_STACK = 1L << 29;
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
        Schema loaded = LOADED.computeIfAbsent(schema, Schemas::load);
        try {
            return loaded.validate(json, InputFormat.JSON);
        } catch (StackOverflowError e) {
            return onALargeStack(() -> loaded.validate(json, InputFormat.JSON));
        }
    }

    /** Java's regular expressions go one call deeper with each repetition of a group, as a long text has many of. */
    private static List<Error> onALargeStack(Supplier<List<Error>> validation) {
        CompletableFuture<List<Error>> errors = new CompletableFuture<>();
        Thread thread = new Thread(
                null,
                () -> {
                    try {
                        errors.complete(validation.get());
                    } catch (RuntimeException | StackOverflowError e) {
                        errors.completeExceptionally(e);
                    }
                },
                "schemas",
                LARGE_STACK);
        thread.start();
        return errors.join();
    }

    private static Schema load(String name) {
        try {
            return REGISTRY.getSchema(Files.readString(DIRECTORY.resolve(name + ".json")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
