package io.sluiceway.cluster.session;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluiceway.cluster.session.FlinkRest.Answer;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.ready.SinkView;
import io.sluiceway.ready.SinkView.Checkpoints;
import io.sluiceway.ready.SinkView.Completed;
import io.sluiceway.ready.SinkView.Watermark;
import io.sluiceway.ready.SinkView.Watermark.Why;
import io.sluiceway.time.Deadline;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a JobManager shows of a job's sink.
 *
 * <p>Flink expands a sink of the name {@code results} into the operators {@code results: Writer} and, where it commits,
 * {@code results: Committer} ({@code SinkTransformationTranslator}), chains them with others, and names a vertex after
 * its operators. An operator's metric has the name {@code <subtask>.<operator>.<metric>} among those of its vertex,
 * with an underscore for each blank, dot, colon and comma ({@code MetricQueryService}).
 *
 * <p>The metrics of a vertex don't say of which execution they are, and may be those of one that is gone. The details
 * of a vertex have counts of each subtask's current execution alone, from the same fetches. So a watermark is taken for
 * that of the current execution when the counts beside it are those.
 */
final class SinkReader {
    /** Of the names in one request; Flink's server takes a request line of at most 4,096 bytes. */
    private static final int LONGEST_QUERY = 3000;

    /** Asking for anything lets Flink fetch metrics, which then come while they are read. */
    private static final int TRIES = 3;

    private static final Pattern FILTERED = Pattern.compile("[ .:,]");
    private static final Pattern NUMBER = Pattern.compile("-?\\d{1,19}");

    /** The end of the year 9999. */
    private static final long LATEST_MILLIS = 253_402_300_799_999L;

    /** Counts of a subtask: their names among the metrics of its vertex, and in the details of its vertex. */
    private static final Map<String, String> COUNTS = Map.of(
            "numRecordsIn", "read-records",
            "numRecordsOut", "write-records",
            "accumulateIdleTimeMs", "accumulated-idle-time",
            "accumulateBackPressuredTimeMs", "accumulated-backpressured-time",
            "accumulateBusyTimeMs", "accumulated-busy-time");

    private final SessionCluster cluster;
    private final FlinkRest rest;
    private final FlinkJobId job;
    private final String sink;
    private final Deadline deadline;

    SinkReader(SessionCluster cluster, FlinkRest rest, FlinkJobId job, String sink, Deadline deadline) {
        this.cluster = cluster;
        this.rest = rest;
        this.job = job;
        this.sink = sink;
        this.deadline = deadline;
    }

    /** A vertex, by its id, and how many subtasks it has. */
    private record Vertex(String id, int parallelism) {}

    /** What metrics showed, and the cluster's time behind that. */
    private record Seen(Watermark watermark, Instant at) {}

    /** @param details the job's */
    SinkView read(JsonNode details) {
        List<Vertex> writers = vertices(details, "Writer");
        Seen seen = writers.size() == 1
                ? watermark(writers.getFirst())
                : new Seen(new Watermark.Unknown(Why.NO_SUCH_SINK), cluster.instant(details, "now"));
        Checkpoints checkpoints = cluster.checkpointStatistics(job, deadline)
                .map(this::checkpoints)
                .orElse(null);
        return new SinkView(seen.watermark(), seen.at(), checkpoints, pending(vertices(details, "Committer")));
    }

    private List<Vertex> vertices(JsonNode details, String part) {
        Pattern operator =
                Pattern.compile("(?:^|-> |[(\\[,] ?|\\] ?)" + Pattern.quote(sink + ": " + part) + "(?:$| ->|[),])");
        List<Vertex> found = new ArrayList<>();
        for (JsonNode vertex : cluster.field(details, "vertices")) {
            if (operator.matcher(cluster.text(vertex, "name")).find()) {
                found.add(new Vertex(cluster.vertexId(vertex), cluster.count(cluster.number(vertex, "parallelism"))));
            }
        }
        return found;
    }

    private Seen watermark(Vertex writer) {
        for (int attempt = 1; ; attempt++) {
            String name = metric("Writer", "currentInputWatermark");
            List<String> names = new ArrayList<>(COUNTS.keySet());
            names.add(name);
            Map<String, String> metrics = metrics(writer, names);
            JsonNode details = cluster.require(rest.get(path(writer), deadline)).body();
            Watermark watermark = watermark(writer, name, metrics, cluster.field(details, "subtasks"));
            boolean changing = watermark instanceof Watermark.Unknown(Why why) && why == Why.OLD_METRICS;
            if (!changing || attempt == TRIES) {
                return new Seen(watermark, cluster.instant(details, "now"));
            }
        }
    }

    private Watermark watermark(Vertex writer, String name, Map<String, String> metrics, JsonNode subtasks) {
        long lowest = Long.MAX_VALUE;
        int holdsUp = 0;
        if (subtasks.size() != writer.parallelism()) {
            return new Watermark.Unknown(Why.OLD_METRICS);
        }
        for (JsonNode subtask : subtasks) {
            int index = cluster.count(cluster.number(subtask, "subtask"));
            String value = metrics.get(index + "." + name);
            if (value == null || !NUMBER.matcher(value).matches()) {
                return new Watermark.Unknown(Why.NO_METRICS);
            }
            if (!isOfItsExecution(index, metrics, cluster.field(subtask, "metrics"))) {
                return new Watermark.Unknown(Why.OLD_METRICS);
            }
            long watermark = parse(value);
            if (watermark == Long.MIN_VALUE || (watermark > LATEST_MILLIS && watermark != Long.MAX_VALUE)) {
                return new Watermark.Unknown(Why.NO_WATERMARK);
            }
            if (watermark < lowest) {
                lowest = watermark;
                holdsUp = index;
            }
        }
        return lowest == Long.MAX_VALUE
                ? new Watermark.Ended()
                : new Watermark.Lowest(Instant.ofEpochMilli(lowest), holdsUp);
    }

    private long parse(String number) {
        try {
            return Long.parseLong(number);
        } catch (NumberFormatException e) {
            throw cluster.nonsense("a watermark beyond all numbers");
        }
    }

    private static boolean isOfItsExecution(int subtask, Map<String, String> metrics, JsonNode own) {
        return own.path("read-records-complete").asBoolean()
                && COUNTS.entrySet().stream()
                        .allMatch(count ->
                                isEqual(metrics.get(subtask + "." + count.getKey()), own.path(count.getValue())));
    }

    /** A busy time that isn't measured is NaN in both. */
    private static boolean isEqual(@Nullable String metric, JsonNode count) {
        try {
            return metric != null
                    && Double.compare(Double.parseDouble(metric), Double.parseDouble(count.asText("none"))) == 0;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    private Checkpoints checkpoints(JsonNode statistics) {
        JsonNode latest = cluster.field(statistics, "latest");
        JsonNode restored = latest.path("restored");
        long triggered = restored.isObject() ? cluster.number(restored, "id") : 0;
        List<Completed> completed = new ArrayList<>();
        for (JsonNode checkpoint : cluster.field(statistics, "history")) {
            long id = cluster.number(checkpoint, "id");
            triggered = Math.max(triggered, id);
            if (cluster.text(checkpoint, "status").equals("COMPLETED")) {
                completed.add(new Completed(
                        id,
                        cluster.field(checkpoint, "is_savepoint").asBoolean(),
                        cluster.instant(checkpoint, "trigger_timestamp")));
            }
        }
        return new Checkpoints(
                execution(statistics, latest, restored).orElse(null),
                restored.isObject() ? cluster.number(restored, "id") : null,
                triggered,
                completed);
    }

    /** The number and the time of the last restore; before the first, whether there is anything to restore. */
    private Optional<String> execution(JsonNode statistics, JsonNode latest, JsonNode restored) {
        long restores = cluster.number(cluster.field(statistics, "counts"), "restored");
        if (restores > 0) {
            return restored.isObject()
                    ? Optional.of(restores + "@" + cluster.number(restored, "restore_timestamp"))
                    : Optional.empty();
        }
        return latest.path("completed").isObject() ? Optional.of("0") : Optional.empty();
    }

    private @Nullable Long pending(List<Vertex> committers) {
        String name = metric("Committer", "pendingCommittables");
        Long pending = null;
        for (Vertex committer : committers) {
            for (String value : metrics(committer, List.of(name)).values()) {
                if (NUMBER.matcher(value).matches()) {
                    pending = (pending == null ? 0 : pending) + Math.max(0, parse(value));
                }
            }
        }
        return pending;
    }

    private String metric(String part, String metric) {
        return FILTERED.matcher(sink + ": " + part).replaceAll("_") + "." + metric;
    }

    private String path(Vertex vertex) {
        return "/jobs/" + job + "/vertices/" + vertex.id();
    }

    /** These metrics of all subtasks, as far as they are there. */
    private Map<String, String> metrics(Vertex vertex, List<String> names) {
        Map<String, String> values = new HashMap<>();
        StringBuilder query = new StringBuilder();
        for (int subtask = 0; subtask < vertex.parallelism(); subtask++) {
            for (String name : names) {
                query.append(query.isEmpty() ? "" : ",")
                        .append(URLEncoder.encode(subtask + "." + name, StandardCharsets.UTF_8));
            }
            if (query.length() > LONGEST_QUERY || subtask == vertex.parallelism() - 1) {
                Answer answer = cluster.require(rest.get(path(vertex) + "/metrics?get=" + query, deadline));
                for (JsonNode metric : answer.body()) {
                    values.put(cluster.text(metric, "id"), cluster.text(metric, "value"));
                }
                query.setLength(0);
            }
        }
        return values;
    }
}
