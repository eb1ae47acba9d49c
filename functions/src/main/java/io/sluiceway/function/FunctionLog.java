package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The functions' log: a JSON object a line, with the names and ids that the call is about, so that CloudWatch Logs
 * Insights finds all lines of a request, a job or an operation. No other field of an event is logged.
 */
final class FunctionLog {
    private static final Logger LOG = Logger.getLogger("io.sluiceway.log");

    /** Of what Sluiceway takes for names and ids: whatever else stands in their places may be a secret. */
    private static final Pattern NAME = Pattern.compile("[a-z0-9]+(-[a-z0-9]+)*");

    private static final Pattern REQUEST_ID = Pattern.compile("[!-~]{1,512}");
    private static final int LONGEST_NAME = 128;

    private final Instant begun;
    private final ObjectNode about = JsonNodeFactory.instance.objectNode();

    /** The log of a call that begins now. */
    FunctionLog(Instant begun) {
        this.begun = begun;
    }

    /** What the call is about, as its event names it. */
    void read(JsonNode event) {
        put("requestId", event.path("requestId"), REQUEST_ID);
        if (event.path("try").isInt()) {
            about.set("try", event.path("try"));
        }
        if (event.path("dryRun").isBoolean()) {
            about.set("dryRun", event.path("dryRun"));
        }
        for (JsonNode named : List.of(event, event.path("job"))) {
            put("cluster", named.path("cluster"), NAME);
        }
        put("jobName", event.path("jobName"), NAME);
        put("jobName", event.path("job").path("name"), NAME);
        put("flinkJobId", event.path("flinkJobId"), NAME);
        put("operationId", event.path("operationId"), NAME);
    }

    /** What it has come to. */
    void answered(JsonNode answer, Instant now) {
        JsonNode operation = answer.path("operation");
        JsonNode job = answer.path("job");
        put("cluster", job.path("cluster"), NAME);
        put("cluster", operation.path("cluster"), NAME);
        put("jobName", job.path("name"), NAME);
        put("jobName", operation.path("jobName"), NAME);
        put("flinkJobId", job.path("flinkJobId"), NAME);
        put("flinkJobId", operation.path("flinkJobId"), NAME);
        put("operationId", operation.path("operationId"), NAME);
        String outcome = answer.path("outcome").asText();
        write(
                Logger.Level.INFO,
                "The call was answered: " + outcome + ".",
                now,
                about.deepCopy().put("outcome", outcome).put("durationMs", millis(now)));
    }

    /** That something went wrong; {@code code} is absent for what is no refusal. */
    void warn(Logger.Level level, @Nullable String code, String message, Instant now) {
        ObjectNode line = about.deepCopy();
        if (code != null) {
            line.put("errorCode", code);
        }
        write(level, message, now, line.put("durationMs", millis(now)));
    }

    /** As {@link #warn}, of another job than the call's, such as one of a sweep. */
    void warnOf(ObjectNode other, String code, String message, Instant now) {
        ObjectNode line = about.deepCopy();
        line.setAll(other);
        write(Logger.Level.WARN, message, now, line.put("errorCode", code));
    }

    private void put(String field, JsonNode value, Pattern form) {
        String text = value.asText();
        boolean fits = form == REQUEST_ID || text.length() <= LONGEST_NAME;
        if (value.isTextual() && fits && form.matcher(text).matches()) {
            about.put(field, text);
        }
    }

    private long millis(Instant now) {
        return Duration.between(begun, now).toMillis();
    }

    private static void write(Logger.Level level, String message, Instant now, ObjectNode fields) {
        if (LOG.isEnabled(level)) {
            ObjectNode line = JsonNodeFactory.instance
                    .objectNode()
                    .put("timestamp", now.toString())
                    .put("level", level.name())
                    .put("message", message);
            line.setAll(fields);
            LOG.log(level, line);
        }
    }
}
