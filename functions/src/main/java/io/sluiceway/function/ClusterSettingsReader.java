package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.cluster.ApplicationNames;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Ownership;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.savepoint.StoragePath;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the setting that describes the clusters, as strictly as an event. */
final class ClusterSettingsReader {
    private ClusterSettingsReader() {}

    /** A type that isn't known is refused by naming those that are. */
    enum Type {
        SESSION,
        MANAGED
    }

    @RegisterForReflection
    record Session(
            Type type,
            String url,
            @Nullable String uiUrl,
            String savepointRoot,
            @Nullable String checkpointRoot,
            @Nullable List<String> restoreRoots,
            @Nullable Slots slots) {
        Session {
            required("type", type);
            required("url", url);
            required("savepointRoot", savepointRoot);
            for (int i = 0; restoreRoots != null && i < restoreRoots.size(); i++) {
                required("restoreRoots[" + i + "]", restoreRoots.get(i));
            }
        }

        private static final int MAX_PORT = 65_535;

        ClusterSettings.Session settings() {
            return new ClusterSettings.Session(
                    httpUrl("url", url),
                    uiUrl == null ? null : httpUrl("uiUrl", uiUrl),
                    new StoragePath(savepointRoot),
                    checkpointRoot == null ? null : new StoragePath(checkpointRoot),
                    restoreRoots == null
                            ? List.of()
                            : restoreRoots.stream().map(StoragePath::new).toList(),
                    slots == null ? Slots.FIXED : slots);
        }

        /** The URL itself is never told: it may hold a password. */
        private static URI httpUrl(String field, String text) {
            try {
                URI uri = new URI(text);
                if (uri.getHost() != null
                        && uri.getPort() <= MAX_PORT
                        && uri.getRawUserInfo() == null
                        && uri.getRawQuery() == null
                        && uri.getRawFragment() == null
                        && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
                    return uri;
                }
            } catch (URISyntaxException e) {
                throw invalid(field);
            }
            throw invalid(field);
        }

        private static RefusedException invalid(String field) {
            return new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "The field '%s' is no http or https URL without user, query and fragment.".formatted(field));
        }
    }

    @RegisterForReflection
    record Managed(
            Type type,
            String applications,
            @Nullable Ownership ownership,
            @Nullable String runtime,
            @Nullable String serviceRoleArn,
            @Nullable String logStreamArn,
            @Nullable String checkpointInterval,
            @Nullable Integer parallelismPerKpu) {
        private static final Pattern ROLE = Pattern.compile("arn:aws[a-z-]*:iam::\\d{12}:role/[!-~]{1,500}");
        private static final Pattern LOG_STREAM =
                Pattern.compile("arn:aws[a-z-]*:logs:[a-z0-9-]+:\\d{12}:log-group:[!-~]{1,1000}");
        private static final Pattern RUNTIME = Pattern.compile("FLINK-\\d{1,2}_\\d{1,2}");
        private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(1);
        private static final Duration LONGEST_INTERVAL = Duration.ofDays(1);
        private static final int MOST_PER_KPU = 8;

        Managed {
            required("applications", applications);
            ownership = ownership == null ? Ownership.SLUICEWAY : ownership;
            if (ownership == Ownership.SLUICEWAY) {
                required("runtime", runtime);
                required("serviceRoleArn", serviceRoleArn);
            }
        }

        ClusterSettings.Managed settings() {
            return new ClusterSettings.Managed(
                    new ApplicationNames(applications),
                    Objects.requireNonNull(ownership),
                    matching("runtime", runtime, RUNTIME, "Flink's runtime environment, such as FLINK-2_3"),
                    matching("serviceRoleArn", serviceRoleArn, ROLE, "ARN of a role"),
                    matching("logStreamArn", logStreamArn, LOG_STREAM, "ARN of a log stream"),
                    interval(),
                    perKpu());
        }

        private static @Nullable String matching(String field, @Nullable String text, Pattern rule, String what) {
            if (text != null && !rule.matcher(text).matches()) {
                throw invalid(field, "no " + what);
            }
            return text;
        }

        private Duration interval() {
            if (checkpointInterval == null) {
                return Duration.ofMinutes(1);
            }
            try {
                Duration interval = Duration.parse(checkpointInterval);
                if (interval.compareTo(SHORTEST_INTERVAL) >= 0 && interval.compareTo(LONGEST_INTERVAL) <= 0) {
                    return interval;
                }
            } catch (DateTimeParseException e) {
                throw invalid("checkpointInterval", "no ISO-8601 duration, such as PT1M");
            }
            throw invalid("checkpointInterval", "not between PT0.001S and PT24H");
        }

        private int perKpu() {
            int perKpu = parallelismPerKpu == null ? 1 : parallelismPerKpu;
            if (perKpu < 1 || perKpu > MOST_PER_KPU) {
                throw invalid("parallelismPerKpu", "not 1 to 8");
            }
            return perKpu;
        }

        private static RefusedException invalid(String field, String why) {
            return new RefusedException(ErrorCode.FIELD_INVALID, "The field '%s' is %s.".formatted(field, why));
        }
    }

    private static ClusterSettings settings(JsonNode cluster) {
        // Whatever is wrong about the type is told by the strict reading.
        return "MANAGED".equals(cluster.path("type").asText())
                ? EventReader.read(cluster, Managed.class).settings()
                : EventReader.read(cluster, Session.class).settings();
    }

    /**
     * Reads the clusters by name.
     *
     * @throws RefusedException CONFIGURATION_INVALID when the setting can't be read
     */
    static Map<ClusterName, ClusterSettings> read(String setting) {
        Map<ClusterName, ClusterSettings> clusters = new TreeMap<>(Comparator.comparing(ClusterName::value));
        for (Map.Entry<String, JsonNode> cluster : objects(setting).entrySet()) {
            try {
                clusters.put(new ClusterName(cluster.getKey()), settings(cluster.getValue()));
            } catch (RefusedException e) {
                throw invalid("cluster %s: %s".formatted(Quoted.of(cluster.getKey()), e.sentence()), e);
            }
        }
        if (clusters.isEmpty()) {
            throw new RefusedException(
                    ErrorCode.CONFIGURATION_INVALID, "The setting SLUICEWAY_CLUSTERS names no cluster.");
        }
        return clusters;
    }

    private static Map<String, JsonNode> objects(String setting) {
        try {
            Map<String, JsonNode> objects = new TreeMap<>();
            EventReader.parse(setting).properties().forEach(field -> objects.put(field.getKey(), field.getValue()));
            return objects;
        } catch (RefusedException e) {
            throw invalid(e.sentence(), e);
        }
    }

    private static RefusedException invalid(String why, RefusedException cause) {
        return new RefusedException(
                ErrorCode.CONFIGURATION_INVALID, "The setting SLUICEWAY_CLUSTERS can't be used: " + why, cause);
    }
}
