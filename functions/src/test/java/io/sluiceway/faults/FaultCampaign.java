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
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The large campaign: {@code make faults}. It isn't among the tests of a build; what was run of the same product before
 * isn't run again.
 *
 * <p>Settings are system properties: {@code faults.trials} (of each pair of fault and call; 20),
 * {@code faults.restarts} (trials of each kind of restart; 50), {@code faults.crowds} (trials with a hundred copies;
 * 20), {@code faults.atOnce} (8), {@code faults.minutes} (no limit), {@code faults.package}
 * (functions/target/function-local.zip), {@code faults.dynamoDbLocal} (false), {@code faults.file}
 * (local/run/faults.jsonl), {@code faults.kinds} (a pattern of the faults' names; all), {@code faults.histories} (a
 * pattern of the histories' and restarts' names; all) and {@code faults.cluster}: {@code session}, or {@code managed},
 * where each fault happens to each call of Managed Flink and of CloudWatch, and no process of a cluster is restarted.
 */
class FaultCampaign {
    private static final int TRIALS = Integer.getInteger("faults.trials", 20);
    private static final int RESTARTS = Integer.getInteger("faults.restarts", 50);
    private static final int CROWDS = Integer.getInteger("faults.crowds", 20);
    private static final int AT_ONCE = Integer.getInteger("faults.atOnce", 8);
    private static final int MINUTES = Integer.getInteger("faults.minutes", 24 * 60);
    private static final int SPARES = 3;
    private static final Pattern KINDS = Pattern.compile(System.getProperty("faults.kinds", ".*"));
    private static final Pattern HISTORIES = Pattern.compile(System.getProperty("faults.histories", ".*"));
    private static final boolean MANAGED =
            System.getProperty("faults.cluster", "session").equals("managed");

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
            if (MANAGED) {
                in(zip, home.resolve("managed"), Lab.Kind.MANAGED, product, file, swept);
            } else {
                if (!restarts(true).isEmpty()) {
                    in(zip, home.resolve("ha"), Lab.Kind.HIGHLY_AVAILABLE, product, file, swept);
                }
                in(zip, home.resolve("lab"), Lab.Kind.SESSION, product, file, swept);
            }
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

    private void in(Path zip, Path directory, Lab.Kind kind, Product product, Path file, List<Violation> swept) {
        Lab.Options options = new Lab.Options(kind, Boolean.getBoolean("faults.dynamoDbLocal"));
        try (Lab lab = new Lab(zip, directory, options);
                Campaign campaign = new Campaign(lab, product, file, out, end)) {
            lab.warm(SPARES);
            lab.warmForUpgrades(SPARES);
            switch (kind) {
                case HIGHLY_AVAILABLE -> restarts(true).forEach(restart -> campaign.restart(restart, RESTARTS));
                case SESSION -> {
                    restarts(false).forEach(restart -> campaign.restart(restart, RESTARTS));
                    cells(
                            campaign,
                            campaign.enumerate(picked(History.withEachCall(), History.upgradesWithEachCall()), ".*"),
                            picked(History.onTheirOwn(), History.upgradesOnTheirOwn()));
                    if (CROWDS > 0
                            && isPicked(History.COPIES_100.name())
                            && Instant.now().isBefore(end)) {
                        lab.workers.warm(LambdaWorkers.Variant.of("submit-job"), Lab.CROWD);
                        campaign.run(List.of(Cell.of(History.COPIES_100)), CROWDS, 1);
                    }
                }
                case MANAGED ->
                    cells(
                            campaign,
                            campaign.enumerate(
                                    picked(History.ofApplications(), History.upgradesWithEachCall()),
                                    lab.cluster.calls()),
                            picked(History.onEveryCluster(), History.upgradesOnTheirOwn()));
            }
            swept.addAll(campaign.sweep());
        }
    }

    private static boolean isPicked(String name) {
        return HISTORIES.matcher(name).matches();
    }

    private static List<History> picked(List<History> some, List<History> others) {
        return Stream.concat(some.stream(), others.stream())
                .filter(history -> isPicked(history.name()))
                .toList();
    }

    private static List<Restart> restarts(boolean highlyAvailable) {
        return Stream.of(Restart.values())
                .filter(restart -> restart.highlyAvailable() == highlyAvailable && isPicked(restart.name()))
                .toList();
    }

    private void cells(Campaign campaign, List<Cell> eachCall, List<History> onTheirOwn) {
        List<Cell> cells = new ArrayList<>(eachCall);
        cells.removeIf(cell -> !KINDS.matcher(cell.kind()).matches());
        onTheirOwn.forEach(history -> cells.add(Cell.of(history)));
        out.printf(
                "%d places and histories, %d pairs of fault and call%n",
                cells.stream().map(Cell::place).distinct().count(),
                cells.stream().map(Cell::pair).distinct().count());
        campaign.run(cells, TRIALS, AT_ONCE);
        List<History> withWrongClocks = picked(History.withWrongClocks(), History.upgradesWithWrongClocks());
        if (!campaign.product().packaging().equals(Product.JVM) && !withWrongClocks.isEmpty()) {
            out.println("Left out: " + withWrongClocks + ", since nothing sets the clock of a native binary wrong");
            return;
        }
        campaign.run(withWrongClocks.stream().map(Cell::of).toList(), TRIALS, AT_ONCE);
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
