package io.sluiceway.control;

import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.RequestId;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A restart that a policy asks for. It is a request like any other, under an id that whoever sees the failure arrives
 * at: {@code sluiceway/restart/<number>/<failed>}.
 *
 * @param number which of a row it is, from 1
 * @param failed the attempt in whose place another is started
 */
record Restart(int number, FlinkJobId failed) {
    private static final Pattern REQUEST = Pattern.compile("sluiceway/restart/([1-9]\\d{0,2})/([0-9a-f]{32})");

    RequestId request() {
        return new RequestId("sluiceway/restart/%d/%s".formatted(number, failed));
    }

    /** The restart that a request is; empty when it is somebody's own. */
    static Optional<Restart> of(RequestId request) {
        Matcher matcher = REQUEST.matcher(request.value());
        return matcher.matches()
                ? Optional.of(new Restart(Integer.parseInt(matcher.group(1)), new FlinkJobId(matcher.group(2))))
                : Optional.empty();
    }

    Restart next() {
        return new Restart(number + 1, failed);
    }
}
