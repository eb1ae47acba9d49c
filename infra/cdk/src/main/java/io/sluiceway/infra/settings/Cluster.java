package io.sluiceway.infra.settings;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.net.URI;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A Flink cluster that the functions may use. The functions get it as JSON, in the form of the settings file; their
 * schema {@code clusters.settings.json} is the contract.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes(@JsonSubTypes.Type(name = "SESSION", value = Cluster.Session.class))
public sealed interface Cluster {

    /**
     * {@return the directories in S3 that its jobs' savepoints and checkpoints lie below; those elsewhere are left out}
     */
    List<S3Directory> stateRoots();

    /** Whether the cluster's slots have a fixed number. */
    enum Slots {
        /** A job that needs more slots than there are is refused. */
        FIXED,
        /** The cluster adds TaskManagers for a job that needs them. */
        ELASTIC
    }

    /**
     * A session cluster, reached by its REST interface.
     *
     * @param url where the functions reach the JobManager's REST interface, {@code http} or {@code https}
     * @param uiUrl where people reach its web UI; the same place unless given
     * @param savepointRoot the directory that savepoints are written below, such as {@code s3://bucket/savepoints}
     * @param checkpointRoot the directory that its jobs' checkpoints lie below; none is retained unless given
     * @param restoreRoots further directories that jobs may be restored from; none by default
     * @param slots whether the cluster's slots have a fixed number; {@code FIXED} by default
     */
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Session(
            URI url,
            @Nullable URI uiUrl,
            String savepointRoot,
            @Nullable String checkpointRoot,
            List<String> restoreRoots,
            Slots slots)
            implements Cluster {
        private static final Set<String> SCHEMES = Set.of("http", "https");

        /** A directory of a file system that Flink knows, without anything that could lead out of it. */
        private static final Pattern DIRECTORY =
                Pattern.compile("(?!.*/\\.{1,2}(/|$))[a-z][a-z0-9]{0,15}:/[ -~&&[^?#%\\\\\"<>]]{1,900}");

        private static final String DIRECTORY_RULE = "a directory with its scheme, such as s3://bucket/savepoints";

        /**
         * Checks each, and puts the defaults in.
         *
         * @throws SettingsException if one is missing or breaks its rule
         */
        public Session {
            checkUrl(Check.present(url, "url"), "url");
            if (uiUrl != null) {
                checkUrl(uiUrl, "uiUrl");
            }
            Check.matching(savepointRoot, "savepointRoot", DIRECTORY, DIRECTORY_RULE);
            if (checkpointRoot != null) {
                Check.matching(checkpointRoot, "checkpointRoot", DIRECTORY, DIRECTORY_RULE);
            }
            restoreRoots = restoreRoots == null ? List.of() : List.copyOf(restoreRoots);
            restoreRoots.forEach(root -> Check.matching(root, "restoreRoot", DIRECTORY, DIRECTORY_RULE));
            slots = slots == null ? Slots.FIXED : slots;
            // Their buckets become resources of a policy.
            S3Directory.among(roots(savepointRoot, checkpointRoot));
        }

        @Override
        public List<S3Directory> stateRoots() {
            return S3Directory.among(roots(savepointRoot, checkpointRoot));
        }

        private static List<String> roots(String savepointRoot, @Nullable String checkpointRoot) {
            return checkpointRoot == null ? List.of(savepointRoot) : List.of(savepointRoot, checkpointRoot);
        }

        private static void checkUrl(URI url, String name) {
            boolean plain = url.getScheme() != null
                    && SCHEMES.contains(url.getScheme())
                    && url.getHost() != null
                    && url.getRawUserInfo() == null
                    && url.getRawQuery() == null
                    && url.getRawFragment() == null;
            if (!plain) {
                throw new SettingsException(
                        "'%s' is no %s: it is http or https and a host, without user, query and fragment, such as https://flink.example.internal:8081"
                                .formatted(url, name));
            }
        }
    }
}
