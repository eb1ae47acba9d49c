package io.sluiceway.cluster.managed;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A counter as CloudWatch has it: its greatest value of each minute, some minutes missing. It only grows, unless the
 * service starts the job anew: then it begins at 0. What grew in a minute is taken for having grown at its end, so that
 * nothing seems longer ago than it is.
 *
 * @param values by the minutes' beginnings
 * @param minute how long each is; shorter on a double that is measured more often
 */
record CountedMinutes(NavigableMap<Instant, Long> values, Duration minute) {
    /** More than any threshold asks for. */
    private static final int MOST_EVENTS = 16;

    CountedMinutes {
        values = new TreeMap<>(values);
    }

    /** Up to when it was counted; empty when it wasn't. */
    Optional<Instant> until() {
        return values.isEmpty() ? Optional.empty() : Optional.of(endOf(values.lastKey()));
    }

    /** From when on it is known how it grew; empty when it wasn't counted. */
    Optional<Instant> knownSince() {
        return values.isEmpty() ? Optional.empty() : Optional.of(endOf(values.firstKey()));
    }

    /** Since when it is as it is, as far as it is known; empty when it wasn't counted. */
    Optional<Instant> unchangedSince() {
        Instant since = null;
        Long before = null;
        for (Map.Entry<Instant, Long> one : values.entrySet()) {
            if (!one.getValue().equals(before)) {
                since = endOf(one.getKey());
            }
            before = one.getValue();
        }
        return Optional.ofNullable(since);
    }

    /** When it grew, the newest first, each as often as it grew then; the newest of very many. */
    List<Instant> growth() {
        List<Instant> growth = new ArrayList<>();
        Long before = null;
        for (Map.Entry<Instant, Long> one : values.entrySet()) {
            long value = one.getValue();
            long grown = before == null ? 0 : value < before ? value : value - before;
            for (int i = 0; i < Math.min(grown, MOST_EVENTS); i++) {
                growth.addFirst(endOf(one.getKey()));
            }
            before = value;
        }
        return growth.stream().limit(MOST_EVENTS).toList();
    }

    private Instant endOf(Instant beginning) {
        return beginning.plus(minute);
    }
}
