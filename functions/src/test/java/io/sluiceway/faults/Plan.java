package io.sluiceway.faults;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which trials are still to be run: of each pair of fault and call so many, spread over the verbs and histories in
 * which the call is made, and at each place at least one.
 */
final class Plan {
    private static final int MOST_IN_VAIN = 4;

    /** One trial. */
    record Entry(Cell cell, long seed, int round) {}

    private Plan() {}

    /**
     * The trials to run next, in an order in which all pairs come forward together. It may take more than one: a fault
     * that found nothing to happen to doesn't count, and another is planned in its place.
     *
     * @param done what has been run
     * @param perPair how many trials of each pair
     */
    static List<Entry> next(Collection<Cell> cells, List<Outcome> done, int perPair) {
        Set<String> played = new HashSet<>();
        Map<String, Integer> reached = new HashMap<>();
        for (Outcome outcome : done) {
            played.add(outcome.cell() + " " + outcome.seed());
            reached.merge(outcome.pair(), outcome.reached() ? 1 : 0, Integer::sum);
        }
        List<Entry> entries = new ArrayList<>();
        Map<String, List<Cell>> pairs =
                cells.stream().collect(Collectors.groupingBy(Cell::pair, LinkedHashMap::new, Collectors.toList()));
        pairs.forEach((pair, of) -> {
            List<Cell> spread = spread(of);
            long places = of.stream().map(Cell::place).distinct().count();
            int missing = perPair - reached.getOrDefault(pair, 0);
            int limit = MOST_IN_VAIN * Math.max(perPair, spread.size());
            for (int i = 0; i < limit && (i < places || missing > 0); i++) {
                Cell cell = spread.get(i % spread.size());
                long seed = 1L + i / spread.size();
                if (!played.contains(cell + " " + seed)) {
                    entries.add(new Entry(cell, seed, i));
                    missing--;
                }
            }
        });
        Collections.shuffle(entries, new Random(perPair));
        entries.sort(Comparator.comparingInt(Entry::round));
        return entries;
    }

    /** Each place first with one history, then with the next. */
    private static List<Cell> spread(List<Cell> cells) {
        Map<String, Integer> seen = new HashMap<>();
        Map<Cell, Integer> turn = new HashMap<>();
        List<Cell> shuffled = new ArrayList<>(cells);
        Collections.shuffle(shuffled, new Random(cells.size()));
        shuffled.forEach(cell -> turn.put(cell, seen.merge(cell.place(), 1, Integer::sum)));
        shuffled.sort(Comparator.comparing(turn::get));
        return shuffled;
    }
}
