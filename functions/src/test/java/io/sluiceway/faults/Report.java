package io.sluiceway.faults;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What a campaign shows: by fault, how many trials and violations there were, and how long it took to recover. */
final class Report {
    private static final List<String> HEAD =
            List.of("Fault", "Calls", "Trials", "Fewest of a call", "Violations", "Recovery p50", "Recovery max");

    private final List<Outcome> outcomes;
    private final Product product;

    /** @param all what is known; what the fault found nothing to happen to in doesn't count */
    Report(List<Outcome> all, Product product) {
        Map<String, Outcome> newest = new LinkedHashMap<>();
        all.forEach(outcome -> newest.put(outcome.cell() + " " + outcome.seed(), outcome));
        this.outcomes = newest.values().stream().filter(Outcome::reached).toList();
        this.product = product;
    }

    /** The table for a terminal. */
    String text() {
        List<List<String>> rows = rows();
        int[] widths = new int[HEAD.size()];
        rows.forEach(row ->
                Arrays.setAll(widths, i -> Math.max(widths[i], row.get(i).length())));
        StringBuilder text = new StringBuilder();
        for (List<String> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                String padding = " ".repeat(widths[i] - row.get(i).length());
                text.append(i == 0 ? row.get(i) + padding : "  " + padding + row.get(i));
            }
            text.append('\n');
        }
        return text.append(summary()).append('\n').toString();
    }

    /** The table for docs/reliability.md. */
    String markdown() {
        StringBuilder text = new StringBuilder();
        List<List<String>> rows = rows();
        for (int i = 0; i < rows.size(); i++) {
            text.append("| ").append(String.join(" | ", rows.get(i))).append(" |\n");
            if (i == 0) {
                text.append("|---").append("|---:".repeat(HEAD.size() - 1)).append("|\n");
            }
        }
        return text.append('\n').append(summary()).append('\n').toString();
    }

    private String summary() {
        long pairs = outcomes.stream().map(Outcome::pair).distinct().count();
        return String.format(
                Locale.ROOT,
                "%d trials of %d pairs of fault and call, %d violations; package %s, product %s, commit %s.",
                outcomes.size(),
                pairs,
                outcomes.stream().filter(Outcome::violated).count(),
                product.packaging(),
                product.hash(),
                product.commit());
    }

    private List<List<String>> rows() {
        Map<String, List<Outcome>> byRow =
                outcomes.stream().collect(Collectors.groupingBy(Outcome::row, TreeMap::new, Collectors.toList()));
        List<List<String>> rows = new ArrayList<>();
        rows.add(HEAD);
        byRow.forEach((row, of) -> rows.add(row(row.toLowerCase(Locale.ROOT).replace('_', ' '), of)));
        rows.add(row("all", outcomes));
        return rows;
    }

    private static List<String> row(String name, List<Outcome> outcomes) {
        Map<String, Long> pairs =
                outcomes.stream().collect(Collectors.groupingBy(Outcome::pair, Collectors.counting()));
        List<Long> recovery =
                outcomes.stream().map(Outcome::recoveryMillis).sorted().toList();
        return List.of(
                name,
                Integer.toString(pairs.size()),
                Integer.toString(outcomes.size()),
                Long.toString(pairs.isEmpty() ? 0 : Collections.min(pairs.values())),
                Long.toString(outcomes.stream().filter(Outcome::violated).count()),
                seconds(recovery.isEmpty() ? 0 : recovery.get(recovery.size() / 2)),
                seconds(recovery.isEmpty() ? 0 : recovery.getLast()));
    }

    private static String seconds(long millis) {
        return String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
    }
}
