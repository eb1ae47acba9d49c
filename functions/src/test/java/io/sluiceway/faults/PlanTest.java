package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlanTest {
    private static final String POST = "flink POST /jars/:jarid/run";
    private static final Product PRODUCT = new Product(Path.of("function.zip"), "commit", "hash", "JVM");

    private final List<Cell> cells = List.of(
            new Cell(History.SUBMIT, Fault.Kind.RESET, "submit-job", POST, 1),
            new Cell(History.RUN, Fault.Kind.RESET, "submit-job", POST, 1),
            new Cell(History.SUBMIT, Fault.Kind.RESET, "submit-job", POST, 2),
            Cell.of(History.STALE_KILL));

    @Test
    void next_nothingDone_plansSoManyOfEachPairAndEachPlaceFirst() {
        List<Plan.Entry> entries = Plan.next(cells, List.of(), 5);

        assertThat(entries).filteredOn(e -> e.cell().fault() != null).hasSize(5);
        assertThat(entries).filteredOn(e -> e.cell().fault() == null).hasSize(5);
        assertThat(entries.stream().filter(e -> e.cell().fault() != null).limit(2))
                .extracting(e -> e.cell().nth())
                .containsExactlyInAnyOrder(1, 2);
    }

    @Test
    void next_fewerThanPlaces_plansEachPlaceOnce() {
        assertThat(Plan.next(cells, List.of(), 1))
                .extracting(e -> e.cell().place())
                .doesNotHaveDuplicates()
                .hasSize(3);
    }

    @Test
    void next_someInVain_plansOthersInTheirStead() {
        List<Outcome> done = new ArrayList<>();
        Plan.next(cells, List.of(), 3).forEach(entry -> done.add(outcome(entry, "HELD")));
        assertThat(Plan.next(cells, done, 3)).isEmpty();

        done.set(0, outcome(new Plan.Entry(cellOf(done.get(0)), done.get(0).seed(), 0), "NOT_REACHED"));

        assertThat(Plan.next(cells, done, 3)).hasSize(1);
    }

    @Test
    void next_allInVain_givesUp() {
        List<Outcome> done = new ArrayList<>();
        for (List<Plan.Entry> next = Plan.next(cells, done, 3); !next.isEmpty(); next = Plan.next(cells, done, 3)) {
            next.forEach(entry -> done.add(outcome(entry, "NOT_REACHED")));
        }

        assertThat(done).hasSize(2 * 4 * 3);
    }

    @Test
    void report_ofOutcomes_countsWhatWasReached() {
        List<Outcome> outcomes = new ArrayList<>();
        Plan.next(cells, List.of(), 3).forEach(entry -> outcomes.add(outcome(entry, "HELD")));
        outcomes.add(outcome(new Plan.Entry(cells.getFirst(), 99, 0), "NOT_REACHED"));
        outcomes.add(outcome(new Plan.Entry(cells.getFirst(), 100, 0), "VIOLATED"));

        Report report = new Report(outcomes, PRODUCT);

        assertThat(report.markdown()).contains("| reset | 1 | 4 | 4 | 1 | 1.5 s | 1.5 s |");
        assertThat(report.text()).contains("7 trials of 2 pairs of fault and call, 1 violations");
    }

    private Cell cellOf(Outcome outcome) {
        return cells.stream()
                .filter(cell -> cell.toString().equals(outcome.cell()))
                .findFirst()
                .orElseThrow();
    }

    private static Outcome outcome(Plan.Entry entry, String end) {
        Cell cell = entry.cell();
        return new Outcome(
                Instant.EPOCH,
                "commit",
                "hash",
                "JVM",
                cell.toString(),
                cell.row(),
                cell.pair(),
                entry.seed(),
                end,
                List.of(),
                1500,
                2000);
    }
}
