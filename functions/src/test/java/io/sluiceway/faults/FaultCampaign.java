package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.testing.Processes;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The large campaign: {@code make faults}. It isn't among the tests of a build; what was run of the same product before
 * isn't run again.
 *
 * <p>Settings are system properties: {@code faults.trials} (of each pair of fault and call; 20),
 * {@code faults.restarts} (trials of each kind of restart; 50), {@code faults.crowds} (trials with a hundred copies;
 * 20), {@code faults.atOnce} (8), {@code faults.minutes} (no limit), {@code faults.package}
 * (functions/target/function-local.zip), {@code faults.dynamoDbLocal} (false) and {@code faults.file}
 * (local/run/faults.jsonl).
 */
class FaultCampaign {
    private static final int TRIALS = Integer.getInteger("faults.trials", 20);
    private static final int RESTARTS = Integer.getInteger("faults.restarts", 50);
    private static final int CROWDS = Integer.getInteger("faults.crowds", 20);
    private static final int AT_ONCE = Integer.getInteger("faults.atOnce", 8);
    private static final int MINUTES = Integer.getInteger("faults.minutes", 24 * 60);
    private static final int SPARES = 3;

    private final PrintStream out = System.out;
    private final Instant end = Instant.now().plus(Duration.ofMinutes(MINUTES));

    @Test
    void everyFault_atEveryCall_breaksNoPromise() throws Exception {
        Path zip =
                Processes.root().resolve(System.getProperty("faults.package", "functions/target/function-local.zip"));
        Path file = Processes.root().resolve(System.getProperty("faults.file", "local/run/faults.jsonl"));
        Files.createDirectories(file.getParent());
        Path home = Files.createTempDirectory("sluiceway-faults");
        Product product = Product.of(zip, home);
        out.printf(
                "Package %s (%s), product %s, commit %s; outcomes go to %s%n",
                zip, product.packaging(), product.hash(), product.commit(), file);
        List<Violation> swept = new ArrayList<>();
        try {
            in(zip, home.resolve("ha"), true, product, file, swept);
            in(zip, home.resolve("lab"), false, product, file, swept);
        } finally {
            // Also when something stops the campaign: what was run counts.
            Report report = new Report(Outcome.ofProduct(file, product), product);
            Files.writeString(file.resolveSibling(file.getFileName() + ".md"), report.markdown());
            out.println();
            out.println(report.text());
            remove(home);
        }
        List<Outcome> outcomes = Outcome.ofProduct(file, product);
        assertThat(outcomes.stream().filter(Outcome::violated)).isEmpty();
        assertThat(swept).isEmpty();
    }

    private void in(
            Path zip, Path directory, boolean highlyAvailable, Product product, Path file, List<Violation> swept) {
        Lab.Options options = new Lab.Options(highlyAvailable, Boolean.getBoolean("faults.dynamoDbLocal"));
        try (Lab lab = new Lab(zip, directory, options);
                Campaign campaign = new Campaign(lab, product, file, out, end)) {
            lab.warm(SPARES);
            for (Restart restart : Restart.values()) {
                if (restart.highlyAvailable() == highlyAvailable) {
                    campaign.restart(restart, RESTARTS);
                }
            }
            if (!highlyAvailable) {
                List<Cell> cells = new ArrayList<>(campaign.enumerate(History.withEachCall()));
                History.onTheirOwn().forEach(history -> cells.add(Cell.of(history)));
                out.printf(
                        "%d places and histories, %d pairs of fault and call%n",
                        cells.stream().map(Cell::place).distinct().count(),
                        cells.stream().map(Cell::pair).distinct().count());
                campaign.run(cells, TRIALS, AT_ONCE);
                campaign.run(History.withWrongClocks().stream().map(Cell::of).toList(), TRIALS, AT_ONCE);
                if (CROWDS > 0 && Instant.now().isBefore(end)) {
                    lab.workers.warm(LambdaWorkers.Variant.of("submit-job"), Lab.CROWD);
                    campaign.run(List.of(Cell.of(History.COPIES_100)), CROWDS, 1);
                }
            }
            swept.addAll(campaign.sweep());
        }
    }

    private static void remove(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
