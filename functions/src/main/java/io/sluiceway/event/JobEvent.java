package io.sluiceway.event;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An event as it was recorded. It never changes: however often it is published, and by whichever version of the code,
 * it is the same. That is why its fields are kept as they were written, and not in a form of their type.
 *
 * @param id which one
 * @param type EventBridge's detail type, such as {@code Flink Job State Changed}
 * @param version the version of the type's form, from 1
 * @param cluster where
 * @param job of which job
 * @param sequence its number among the job's events, from 1, without gaps
 * @param execution of which execution of the job
 * @param request on whose behalf; absent when there is none
 * @param occurredAt when it was seen
 * @param data the fields of its type: texts, whole numbers ({@code Long}), truths, and lists of maps of these
 */
public record JobEvent(
        EventId id,
        String type,
        int version,
        ClusterName cluster,
        JobName job,
        long sequence,
        FlinkJobId execution,
        @Nullable RequestId request,
        Instant occurredAt,
        Map<String, Object> data) {
    private static final Pattern TYPE = Pattern.compile("Flink [A-Z][A-Za-z ]{1,100}");

    public JobEvent {
        if (!TYPE.matcher(type).matches() || version < 1 || sequence < 1) {
            throw new IllegalArgumentException(
                    "There is no event of type '%s', version %d, with number %d.".formatted(type, version, sequence));
        }
        Map<String, Object> copy = new LinkedHashMap<>();
        data.forEach((field, value) -> copy.put(
                field,
                value instanceof List<?> list
                        ? list.stream().map(each -> plainMap(field, each)).toList()
                        : plain(field, value)));
        data = Collections.unmodifiableMap(copy);
    }

    private static Map<String, Object> plainMap(String field, Object element) {
        Map<String, Object> copy = new LinkedHashMap<>();
        if (element instanceof Map<?, ?> map) {
            map.forEach((name, value) -> copy.put(String.valueOf(name), plain(field, value)));
        } else {
            throw new IllegalArgumentException("Field %s holds a list of what are no maps.".formatted(field));
        }
        return Collections.unmodifiableMap(copy);
    }

    private static Object plain(String field, @Nullable Object value) {
        if (value instanceof String || value instanceof Long || value instanceof Boolean) {
            return value;
        }
        throw new IllegalArgumentException("Field %s holds no text, whole number or truth.".formatted(field));
    }

    /**
     * The event's detail, as {@code schemas/*.event.json} describe it.
     *
     * @return texts, whole numbers, truths, maps of them and lists of such maps, in the order to write them in
     */
    public Map<String, Object> detail() {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("id", id.value());
        metadata.put("sequence", sequence);
        metadata.put("version", (long) version);
        metadata.put("correlationId", execution.value());
        if (request != null) {
            metadata.put("requestId", request.value());
        }
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("cluster", cluster.value());
        told.put("jobName", job.value());
        told.put("flinkJobId", execution.value());
        told.put("occurredAt", occurredAt.toString());
        told.putAll(data);
        Map<String, Object> detail = new LinkedHashMap<>();
        detail.put("metadata", metadata);
        detail.put("data", told);
        return detail;
    }
}
