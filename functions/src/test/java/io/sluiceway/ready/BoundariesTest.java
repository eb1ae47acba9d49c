package io.sluiceway.ready;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.DataReadyPolicy.Every;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BoundariesTest {
    private static final String NEW_YORK = "America/New_York";

    @ParameterizedTest
    @CsvSource({
        "PT1H, UTC, 2013-01-05T10:00:00Z, 2013-01-05T10:00:00Z, 2013-01-05T11:00:00Z",
        "PT1H, UTC, 2013-01-05T10:59:59.999Z, 2013-01-05T10:00:00Z, 2013-01-05T11:00:00Z",
        "PT6H, UTC, 2013-01-05T23:00:00Z, 2013-01-05T18:00:00Z, 2013-01-06T00:00:00Z",
        "P1D, UTC, 2013-01-05T23:00:00Z, 2013-01-05T00:00:00Z, 2013-01-06T00:00:00Z",
        "P1D, America/New_York, 2013-01-05T04:59:59Z, 2013-01-04T05:00:00Z, 2013-01-05T05:00:00Z",
        "PT1H, Asia/Kolkata, 2013-01-05T10:00:00Z, 2013-01-05T09:30:00Z, 2013-01-05T10:30:00Z",
        "PT1H, UTC, 1969-12-31T23:30:00Z, 1969-12-31T23:00:00Z, 1970-01-01T00:00:00Z"
    })
    void upToAndBehind_moment_areItsNeighbours(Every every, String zone, Instant moment, Instant upTo, Instant behind) {
        Boundaries boundaries = new Boundaries(DataReadyPolicy.of("s", every, zone, null, null));

        assertThat(boundaries.upTo(moment)).isEqualTo(upTo);
        assertThat(boundaries.behind(moment)).contains(behind);
        assertThat(boundaries.before(behind)).isEqualTo(upTo);
    }

    /** On 2013-03-10 New York's clocks go from 02:00 to 03:00, on 2013-11-03 from 02:00 back to 01:00. */
    @Test
    void behind_dayOfWhichTheClocksChange_endsAtMidnight() {
        assertThat(from("2013-03-10T05:00:00Z", Every.PT6H, 4))
                .containsExactly(
                        "2013-03-10T11:00:00Z", "2013-03-10T17:00:00Z", "2013-03-10T23:00:00Z", "2013-03-11T04:00:00Z");
        assertThat(from("2013-11-03T04:00:00Z", Every.PT6H, 5))
                .containsExactly(
                        "2013-11-03T10:00:00Z",
                        "2013-11-03T16:00:00Z",
                        "2013-11-03T22:00:00Z",
                        "2013-11-04T04:00:00Z",
                        "2013-11-04T05:00:00Z");
        assertThat(from("2013-11-03T04:00:00Z", Every.P1D, 2))
                .containsExactly("2013-11-04T05:00:00Z", "2013-11-05T05:00:00Z");
    }

    @Test
    void behind_declaredEnd_isTheLast() {
        Boundaries boundaries = new Boundaries(DataReadyPolicy.of("s", Every.PT1H, null, null, "2013-01-05T10:30:00Z"));
        Instant end = Instant.parse("2013-01-05T10:30:00Z");

        assertThat(boundaries.behind(Instant.parse("2013-01-05T10:00:00Z"))).contains(end);
        assertThat(boundaries.behind(end)).isEqualTo(Optional.empty());
        assertThat(boundaries.upTo(Instant.parse("2014-01-01T00:00:00Z"))).isEqualTo(end);
        assertThat(boundaries.before(end)).isEqualTo("2013-01-05T10:00:00Z");
    }

    private static List<String> from(String begin, Every every, int count) {
        Boundaries boundaries = new Boundaries(DataReadyPolicy.of("s", every, NEW_YORK, null, null));
        List<String> found = new ArrayList<>();
        Instant last = Instant.parse(begin);
        for (int i = 0; i < count; i++) {
            Instant next = boundaries.behind(last).orElseThrow();
            assertThat(boundaries.before(next)).isEqualTo(last);
            found.add(next.toString());
            last = next;
        }
        return found;
    }
}
