package io.sluiceway.infra.settings;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.net.URI;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A Flink cluster that the functions may use. The functions get it as JSON, in the form of the settings file; their
 * schema {@code clusters.settings.json} is the contract.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(name = "SESSION", value = Cluster.Session.class),
    @JsonSubTypes.Type(name = "MANAGED", value = Cluster.Managed.class)
})
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

    /** Who makes and changes the applications of a managed cluster. */
    enum Ownership {
        /** Sluiceway creates them and changes their code and configuration as each job says. */
        SLUICEWAY,
        /** Somebody else; Sluiceway marks them with its attempts, starts them, stops them and takes their snapshots. */
        EXTERNAL
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

    /**
     * Applications on Amazon Managed Service for Apache Flink, one for each job, in the stack's account and region.
     *
     * @param applications the applications' names, with {@code {job}} where the job's name stands, such as
     *     {@code sluiceway-prod-{job}}; at most 128 characters
     * @param ownership who makes and changes the applications; {@code SLUICEWAY} by default
     * @param runtime the runtime environment, such as {@code FLINK-2_3}; needed for ownership {@code SLUICEWAY}
     * @param serviceRoleArn the role that the applications run with; needed for ownership {@code SLUICEWAY}
     * @param logStreamArn the log stream that new applications write to; none unless given
     * @param checkpointInterval the time between two checkpoints as an ISO-8601 duration, a millisecond to a day; a
     *     minute unless given
     * @param parallelismPerKpu how many subtasks share a Kinesis Processing Unit, 1 to 8; 1 unless given
     */
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Managed(
            String applications,
            Ownership ownership,
            @Nullable String runtime,
            @Nullable String serviceRoleArn,
            @Nullable String logStreamArn,
            @Nullable String checkpointInterval,
            @Nullable Integer parallelismPerKpu)
            implements Cluster {
        private static final String JOB = "{job}";

        /**
         * What the service takes as <a
         * href="https://docs.aws.amazon.com/managed-flink/latest/apiv2/API_CreateApplication.html">an application's
         * name</a>. None of it means something in an IAM resource.
         */
        private static final Pattern APPLICATIONS =
                Pattern.compile("(?=.{1,128}$)[A-Za-z0-9_.-]*\\{job}[A-Za-z0-9_.-]*");

        private static final Pattern RUNTIME = Pattern.compile("FLINK-\\d{1,2}_\\d{1,2}");

        /** It becomes a resource of a policy, so it has nothing that means something there. */
        private static final Pattern ROLE = Pattern.compile(
                "arn:aws[a-z-]*:iam::\\d{12}:role/(?=.{1,500}$)([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]+");

        private static final Pattern LOG_STREAM = Pattern.compile(
                "arn:aws[a-z-]*:logs:[a-z0-9-]+:\\d{12}:log-group:(?=[!-~]{1,1000}$)[^:*]+:log-stream:[^:*]+");

        private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(1);
        private static final Duration LONGEST_INTERVAL = Duration.ofDays(1);
        private static final int MOST_SUBTASKS_PER_KPU = 8;

        /**
         * Checks each, and puts the ownership in.
         *
         * @throws SettingsException if one is missing or breaks its rule
         */
        public Managed {
            Check.matching(
                    applications,
                    "applications",
                    APPLICATIONS,
                    "up to 128 letters, digits, underscores, dots and hyphens with {job} once among them, such as sluiceway-prod-{job}");
            ownership = ownership == null ? Ownership.SLUICEWAY : ownership;
            if (ownership == Ownership.SLUICEWAY) {
                Check.present(runtime, "runtime");
                Check.present(serviceRoleArn, "serviceRoleArn");
            }
            if (runtime != null) {
                Check.matching(runtime, "runtime", RUNTIME, "a runtime environment of Flink, such as FLINK-2_3");
            }
            if (serviceRoleArn != null) {
                Check.matching(
                        serviceRoleArn,
                        "serviceRoleArn",
                        ROLE,
                        "the ARN of a role, such as arn:aws:iam::123456789012:role/flink, without wildcards");
            }
            if (logStreamArn != null) {
                Check.matching(
                        logStreamArn,
                        "logStreamArn",
                        LOG_STREAM,
                        "the ARN of a log stream, such as arn:aws:logs:eu-central-1:123456789012:log-group:flink:log-stream:jobs");
            }
            if (checkpointInterval != null && !isInterval(checkpointInterval)) {
                throw new SettingsException(
                        "'%s' is no checkpointInterval: it is an ISO-8601 duration from PT0.001S to PT24H, such as PT1M"
                                .formatted(checkpointInterval));
            }
            if (parallelismPerKpu != null) {
                Check.within(parallelismPerKpu, "parallelismPerKpu", MOST_SUBTASKS_PER_KPU);
            }
        }

        /** {@return none: the service keeps savepoints and checkpoints in a store of its own} */
        @Override
        public List<S3Directory> stateRoots() {
            return List.of();
        }

        /**
         * {@return a pattern of IAM for the applications' names: every name that a job of this cluster can have, and as
         * few others as IAM can tell}
         */
        public String applicationsPattern() {
            return applications.replace(JOB, "*");
        }

        private static boolean isInterval(String text) {
            try {
                Duration interval = Duration.parse(text);
                return interval.compareTo(SHORTEST_INTERVAL) >= 0 && interval.compareTo(LONGEST_INTERVAL) <= 0;
            } catch (DateTimeParseException e) {
                return false;
            }
        }
    }
}
