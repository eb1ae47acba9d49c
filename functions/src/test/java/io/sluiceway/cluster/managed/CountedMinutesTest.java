package io.sluiceway.cluster.managed;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values of the minutes from 10:00 on; {@code -} stands for one that is missing. Times are minutes after 10:00. */
class CountedMinutesTest {
    private static final Instant TEN = Instant.parse("2013-01-05T10:00:00Z");

    @ParameterizedTest
    @CsvSource({
        "'0', 1, ''",
        "'7', 1, ''",
        "'0 0 0', 1, ''",
        "'0 0 1', 3, '3'",
        "'0 1 1', 2, '2'",
        "'0 2 2 3', 4, '4 2 2'",
        // It grew at some time in between: at the latest in the minute that shows it.
        "'0 - - 1', 4, '4'",
        "'0 - - 0', 1, ''",
        // The service started the job anew.
        "'5 0', 2, ''",
        "'5 2', 2, '2 2'",
    })
    void growth_isAtTheEndOfItsMinute(String values, long unchangedSince, String growth) {
        CountedMinutes minutes = minutes(values);

        assertThat(minutes.unchangedSince()).contains(at(unchangedSince));
        assertThat(minutes.growth())
                .isEqualTo(Arrays.stream(growth.split(" ", -1))
                        .filter(minute -> !minute.isEmpty())
                        .map(minute -> at(Long.parseLong(minute)))
                        .toList());
    }

    @Test
    void known_isFromTheFirstMinuteToTheLast() {
        assertThat(minutes("- 0 0 0").knownSince()).contains(at(2));
        assertThat(minutes("- 0 0 0").until()).contains(at(4));
    }

    @Test
    void nothingCounted_isNothingKnown() {
        assertThat(minutes("").until()).isEmpty();
        assertThat(minutes("").knownSince()).isEmpty();
        assertThat(minutes("").unchangedSince()).isEmpty();
        assertThat(minutes("").growth()).isEmpty();
    }

    @Test
    void shorterPeriod_endsSooner() {
        NavigableMap<Instant, Long> seconds = new TreeMap<>();
        seconds.put(TEN, 0L);
        seconds.put(TEN.plusSeconds(1), 1L);
        CountedMinutes counted = new CountedMinutes(seconds, Duration.ofSeconds(1));

        assertThat(counted.knownSince()).contains(TEN.plusSeconds(1));
        assertThat(counted.until()).contains(TEN.plusSeconds(2));
        assertThat(counted.growth()).containsExactly(TEN.plusSeconds(2));
    }

    @Test
    void growth_veryMuch_isTheNewestAlone() {
        assertThat(minutes("0 1000000 1000003").growth()).hasSize(16).startsWith(at(3), at(3), at(3), at(2));
    }

    private static CountedMinutes minutes(String values) {
        NavigableMap<Instant, Long> minutes = new TreeMap<>();
        List<String> all = List.of(values.split(" ", -1));
        for (int i = 0; i < all.size(); i++) {
            if (!all.get(i).equals("-") && !all.get(i).isEmpty()) {
                minutes.put(at(i), Long.valueOf(all.get(i)));
            }
        }
        return new CountedMinutes(minutes, Duration.ofMinutes(1));
    }

    private static Instant at(long minute) {
        return TEN.plusSeconds(60 * minute);
    }
}
