package io.sluiceway.job;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.regex.Pattern;

/** What policies have in common in their texts. */
final class PolicyTexts {
    /** The schemas say the same. */
    private static final Pattern DURATION =
            Pattern.compile("P(?=[0-9T])(?:[0-9]{1,4}D)?(?:T(?=[0-9])(?:[0-9]{1,3}H)?(?:[0-9]{1,5}M)?)?");

    private PolicyTexts() {}

    /**
     * A region of the IANA time zone database, or UTC.
     *
     * @throws RefusedException FIELD_INVALID, with the field's whole name
     */
    static ZoneId timeZone(String field, String text) {
        if (text.equals("UTC")) {
            // One value for one thing: the region of this name has the same rules and equals another.
            return ZoneOffset.UTC;
        }
        if (!ZoneId.getAvailableZoneIds().contains(text)) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "%s %s is no region of the IANA time zone database.".formatted(field, Quoted.shape(text)));
        }
        return ZoneId.of(text);
    }

    /** How a time zone is written. */
    static String of(ZoneId timeZone) {
        return timeZone.equals(ZoneOffset.UTC) ? "UTC" : timeZone.getId();
    }

    /**
     * A duration of days, hours and minutes.
     *
     * @throws RefusedException FIELD_INVALID, with the field's whole name
     */
    static Duration duration(String field, String text) {
        String sentence = "%s %s is no duration of days, hours and minutes such as P1DT12H or PT30M."
                .formatted(field, Quoted.shape(text));
        if (!DURATION.matcher(text).matches()) {
            throw new RefusedException(ErrorCode.FIELD_INVALID, sentence);
        }
        try {
            return Duration.parse(text);
        } catch (DateTimeParseException e) {
            throw new RefusedException(ErrorCode.FIELD_INVALID, sentence, e);
        }
    }

    /**
     * Holds a duration within bounds, both allowed.
     *
     * @throws RefusedException FIELD_INVALID, with the field's whole name
     */
    static void checkWithin(String field, Duration duration, Duration least, Duration most) {
        if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "%s is %s; %s to P%dD is allowed.".formatted(field, duration, least, most.toDays()));
        }
    }
}
