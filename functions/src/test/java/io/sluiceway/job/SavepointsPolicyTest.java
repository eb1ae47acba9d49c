package io.sluiceway.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SavepointsPolicyTest {
    private static final Instant SINCE = Instant.parse("2013-01-05T10:00:30Z");

    @Test
    void due_everyBeforeItsTime_isNone() {
        SavepointsPolicy policy = every("PT6H");

        assertThat(policy.due(SINCE, SINCE)).isEmpty();
        assertThat(policy.due(SINCE, SINCE.minusSeconds(60))).isEmpty();
        assertThat(policy.due(SINCE, at("2013-01-05T16:00:29.999Z"))).isEmpty();
        assertThat(policy.due(SINCE, at("2013-01-05T16:00:30Z"))).contains(at("2013-01-05T16:00:30Z"));
    }

    @Test
    void due_everyWithoutSuccess_isEachOfItsTimesWhereTheyAreHoursApart() {
        assertThat(usedTimes(every("PT6H"), Duration.ofDays(1)))
                .containsExactly(
                        at("2013-01-05T16:00:30Z"),
                        at("2013-01-05T22:00:30Z"),
                        at("2013-01-06T04:00:30Z"),
                        at("2013-01-06T10:00:30Z"));
    }

    @Test
    void due_everyFewMinutesWithoutSuccess_isMoreAndMoreSeldomAndAtLastHourly() {
        assertThat(usedTimes(every("PT5M"), Duration.ofHours(4)))
                .map(time -> Duration.between(SINCE, time).toMinutes())
                .containsExactly(5L, 10L, 20L, 40L, 60L, 120L, 180L, 240L);
    }

    @Test
    void due_cronFewMinutesWithoutSuccess_isMoreAndMoreSeldomAndAtLastHourly() {
        assertThat(usedTimes(cron("*/5 * * * *", null), Duration.ofHours(3)))
                .containsExactly(
                        at("2013-01-05T10:05:00Z"),
                        at("2013-01-05T10:10:00Z"),
                        at("2013-01-05T10:15:00Z"),
                        at("2013-01-05T10:25:00Z"),
                        at("2013-01-05T10:45:00Z"),
                        at("2013-01-05T11:05:00Z"),
                        at("2013-01-05T12:05:00Z"));
    }

    @Test
    void due_sweptAgainBeforeTheNextTime_isTheSameTime() {
        SavepointsPolicy policy = cron("0 4 * * *", null);

        for (String now : List.of("2013-01-06T04:00:00Z", "2013-01-06T04:00:00.5Z", "2013-01-07T03:59:59.9Z")) {
            assertThat(policy.due(SINCE, at(now))).as(now).contains(at("2013-01-06T04:00:00Z"));
        }
    }

    @Test
    void due_cronTimeBeforeTheJobRan_isntMadeUpFor() {
        SavepointsPolicy policy = cron("0 10 * * *", null);

        assertThat(policy.due(SINCE, at("2013-01-05T23:00:00Z"))).isEmpty();
        assertThat(policy.due(at("2013-01-05T10:00:00Z"), at("2013-01-05T23:00:00Z")))
                .isEmpty();
        assertThat(policy.due(at("2013-01-05T09:59:59.999Z"), at("2013-01-05T23:00:00Z")))
                .contains(at("2013-01-05T10:00:00Z"));
    }

    @Test
    void due_cronWithTimeZone_isByItsClockAlsoWhereThatChanges() {
        SavepointsPolicy policy = cron("30 2 * * *", "Europe/Berlin");

        assertThat(policy.due(at("2026-03-28T12:00:00Z"), at("2026-03-29T20:00:00Z")))
                .as("the hour that is left out")
                .isEmpty();
        assertThat(policy.due(at("2026-03-29T12:00:00Z"), at("2026-03-30T20:00:00Z")))
                .contains(at("2026-03-30T00:30:00Z"));
        assertThat(policy.due(at("2026-10-24T12:00:00Z"), at("2026-10-25T20:00:00Z")))
                .as("the hour that comes twice")
                .contains(at("2026-10-25T01:30:00Z"));
    }

    @Test
    void due_cronWithBothDayFields_isOnDaysThatMatchEither() {
        SavepointsPolicy policy = cron("0 0 13 * 5", null);

        assertThat(policy.due(at("2026-04-05T00:00:00Z"), at("2026-04-10T12:00:00Z")))
                .contains(at("2026-04-10T00:00:00Z"));
        assertThat(policy.due(at("2026-04-10T00:00:00Z"), at("2026-04-13T12:00:00Z")))
                .contains(at("2026-04-13T00:00:00Z"));
    }

    @Test
    void cron_numbersAndNamesOfDays_areTheSame() {
        Instant now = at("2013-01-08T00:00:00Z");
        Instant sunday = at("2013-01-06T00:00:00Z");

        assertThat(List.of("0 0 * * 0", "0 0 * * 7", "0 0 * * SUN", "0 0 * 1 sun"))
                .allSatisfy(text ->
                        assertThat(cron(text, null).due(SINCE, now)).as(text).contains(sunday));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "*/5 * * * *",
                "0,5,55 * * * *",
                "58 23 * * *",
                "3,58 0,23 * * *",
                "2,58 0,12 * * *",
                "0 0 29 2 *",
                "0 0 31 * *"
            })
    void cron_timesFiveMinutesApart_isTaken(String text) {
        assertThat(cron(text, null)).isEqualTo(new Cron(text, java.time.ZoneOffset.UTC));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "*/4 * * * *",
                "0,4 1 1 1 *",
                "2,58 10,11 * * *",
                "2,58 0,23 * * 1-2",
                "0 0 30 2 *",
                "0 0 31 4,6,9,11 *",
                "0 0 * * 8",
                "0 0 0 * *",
                "*/0 * * * *",
                "5-1 * * * *",
                "0 0 * *",
                "0 0 * * * *",
                "0 0 ? * 1",
                "0 0 * * 1#2",
                "0 0 15W * *",
                "@daily",
                "99999999999999999999 * * * *",
                "- - - - -",
                ", , , , ,",
                "/ / / / /",
                "*/ * * * *",
                "0 0 * * *\n"
            })
    void cron_noneOrTimesTooNear_isRefused(String text) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> cron(text, null))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.FIELD_INVALID))
                .satisfies(e -> assertThat(e.sentence()).endsWith("."));
    }

    /** The times that are tried when each of them fails and somebody looks each minute. */
    private static List<Instant> usedTimes(SavepointsPolicy policy, Duration span) {
        List<Instant> used = new ArrayList<>();
        for (Instant now = SINCE; !now.isAfter(SINCE.plus(span)); now = now.plusSeconds(30)) {
            policy.due(SINCE, now).filter(due -> !used.contains(due)).ifPresent(used::add);
        }
        return used;
    }

    private static SavepointsPolicy every(String text) {
        return SavepointsPolicy.of(text, null, null);
    }

    private static SavepointsPolicy cron(String text, String timeZone) {
        return SavepointsPolicy.of(null, text, timeZone);
    }

    private static Instant at(String text) {
        return Instant.parse(text);
    }
}
