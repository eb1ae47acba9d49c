package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.savepoint.StoragePath;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads the setting that describes the clusters, as strictly as an event. */
final class ClusterSettingsReader {
    private ClusterSettingsReader() {}

    @RegisterForReflection
    record Cluster(
            Type type,
            String url,
            @Nullable String uiUrl,
            String savepointRoot,
            @Nullable String checkpointRoot,
            @Nullable List<String> restoreRoots,
            @Nullable Slots slots) {
        Cluster {
            required("type", type);
            required("url", url);
            required("savepointRoot", savepointRoot);
            for (int i = 0; restoreRoots != null && i < restoreRoots.size(); i++) {
                required("restoreRoots[" + i + "]", restoreRoots.get(i));
            }
        }

        private static final int MAX_PORT = 65_535;

        enum Type {
            SESSION
        }

        ClusterSettings.Session session() {
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

    /**
     * Reads the clusters by name.
     *
     * @throws RefusedException CONFIGURATION_INVALID when the setting can't be read
     */
    static Map<ClusterName, ClusterSettings.Session> read(String setting) {
        Map<ClusterName, ClusterSettings.Session> clusters = new TreeMap<>(Comparator.comparing(ClusterName::value));
        for (Map.Entry<String, JsonNode> cluster : objects(setting).entrySet()) {
            try {
                clusters.put(
                        new ClusterName(cluster.getKey()),
                        EventReader.read(cluster.getValue(), Cluster.class).session());
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
