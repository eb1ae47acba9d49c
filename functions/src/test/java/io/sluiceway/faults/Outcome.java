package io.sluiceway.faults;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * What came of a trial: a line of the campaign's file.
 *
 * @param at when it ended
 * @param commit which commit was checked out
 * @param product the hash of the product's sources
 * @param packaging {@code JVM} or {@code NATIVE}
 * @param cell what was tried
 * @param row the row of the table that it counts in
 * @param pair the pair of fault and call that it counts for
 * @param seed where its chance came from
 * @param end {@code HELD}, {@code VIOLATED}, or {@code NOT_REACHED} when the fault found nothing to happen to
 * @param violations what was broken
 * @param recoveryMillis from the fault to the end of the history
 * @param wallMillis from the beginning to the end of the trial
 */
record Outcome(
        Instant at,
        String commit,
        String product,
        String packaging,
        String cell,
        String row,
        String pair,
        long seed,
        String end,
        List<Violation> violations,
        long recoveryMillis,
        long wallMillis) {
    private static final ObjectMapper JSON = new ObjectMapper();

    Outcome {
        violations = List.copyOf(violations);
    }

    /** Whether the fault happened. */
    boolean reached() {
        return !end.equals("NOT_REACHED");
    }

    boolean violated() {
        return end.equals("VIOLATED");
    }

    /** This outcome with what a second look has shown. */
    Outcome with(List<Violation> seen) {
        return seen.isEmpty()
                ? this
                : new Outcome(
                        at,
                        commit,
                        product,
                        packaging,
                        cell,
                        row,
                        pair,
                        seed,
                        "VIOLATED",
                        seen,
                        recoveryMillis,
                        wallMillis);
    }

    void appendTo(Path file) {
        ObjectNode line = JSON.createObjectNode()
                .put("at", at.toString())
                .put("commit", commit)
                .put("product", product)
                .put("packaging", packaging)
                .put("cell", cell)
                .put("row", row)
                .put("pair", pair)
                .put("seed", seed)
                .put("end", end)
                .put("recoveryMillis", recoveryMillis)
                .put("wallMillis", wallMillis);
        violations.forEach(violation -> line.withArray("/violations")
                .addObject()
                .put("rule", violation.rule())
                .put("what", violation.what()));
        try {
            Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a file knows of a product and packaging. */
    static List<Outcome> ofProduct(Path file, Product product) {
        return readAll(file).stream()
                .filter(outcome -> outcome.product().equals(product.hash())
                        && outcome.packaging().equals(product.packaging()))
                .toList();
    }

    /** All lines of a file; one that was cut off while it was written is left out. */
    static List<Outcome> readAll(Path file) {
        List<Outcome> outcomes = new ArrayList<>();
        try {
            for (String line : Files.exists(file) ? Files.readAllLines(file) : List.<String>of()) {
                if (line.endsWith("}")) {
                    outcomes.add(read(JSON.readTree(line)));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return outcomes;
    }

    private static Outcome read(JsonNode line) {
        List<Violation> violations = new ArrayList<>();
        line.path("violations")
                .forEach(v -> violations.add(
                        new Violation(v.path("rule").asText(), v.path("what").asText())));
        return new Outcome(
                Instant.parse(line.path("at").asText()),
                line.path("commit").asText(),
                line.path("product").asText(),
                line.path("packaging").asText(),
                line.path("cell").asText(),
                line.path("row").asText(),
                line.path("pair").asText(),
                line.path("seed").asLong(),
                line.path("end").asText(),
                violations,
                line.path("recoveryMillis").asLong(),
                line.path("wallMillis").asLong());
    }
}
