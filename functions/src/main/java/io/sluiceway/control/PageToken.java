package io.sluiceway.control;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobStatus.JobOverview;
import java.time.Instant;
import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The place in the list of jobs, newest first, behind which the next page begins. Jobs that come or go between two
 * pages shift nothing.
 *
 * @param startedAt when the last job of the page was started
 * @param job that job
 */
public record PageToken(Instant startedAt, FlinkJobId job) implements Comparable<PageToken> {
    private static final Pattern FORM = Pattern.compile("(\\d{1,15})-([0-9a-f]{32})");
    private static final Comparator<PageToken> ORDER = Comparator.comparing(PageToken::startedAt)
            .reversed()
            .thenComparing(token -> token.job().value());

    static PageToken of(JobOverview job) {
        return new PageToken(job.startedAt(), job.id());
    }

    /**
     * Reads a token.
     *
     * @throws RefusedException FIELD_INVALID when the text is none that {@link #toString()} gave
     */
    public static PageToken parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID, "pageToken %s is none that list-jobs gave.".formatted(Quoted.shape(text)));
        }
        return new PageToken(Instant.ofEpochMilli(Long.parseLong(matcher.group(1))), new FlinkJobId(matcher.group(2)));
    }

    @Override
    public int compareTo(PageToken other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return startedAt.toEpochMilli() + "-" + job;
    }
}
