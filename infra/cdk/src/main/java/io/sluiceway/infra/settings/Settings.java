package io.sluiceway.infra.settings;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.OptBoolean;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import software.amazon.awscdk.services.logs.RetentionDays;

/**
 * Everything that differs between two deployments. A settings file has the components as its fields, all but the stage,
 * which is the file's name.
 *
 * @param stage the deployment
 * @param packaging how the functions are packaged
 * @param architecture the processors that the functions run on
 * @param jobsBucketName the name of the bucket for jars; without one CloudFormation makes one that is unique
 * @param ledgerTableName the name of the ledger's table; without one CloudFormation makes one that is unique
 * @param clusters the clusters that the functions may use, by the name that events give; at least one
 * @param jarSources where jars may come from besides the jobs bucket; none by default
 * @param vpc where the functions are attached to a VPC; to none by default
 * @param monitorSchedule how often {@code monitor-jobs} sweeps, as a schedule expression; each minute by default. One
 *     that is slower than every half an hour rings the alarm of silent sweeps
 * @param withoutReservedConcurrency whether {@code monitor-jobs} has no concurrency of 1 reserved, so that two sweeps
 *     may overlap; for an account whose quota is less than 101, such as a new one's. {@code false} by default
 * @param triggers what calls the functions besides Airflow; nothing by default
 * @param alarmTopicArn the SNS topic that hears of alarms; without one they are only shown
 * @param tags tags on all that can have some; none by default
 * @param logRetention how long the functions' logs are kept; a month by default
 * @param environment environment variables that every function gets besides its own; none by default
 * @param sampleApplication the application of the sample stack; without one there is no such stack
 */
@JsonIgnoreProperties("stage")
public record Settings(
        @JacksonInject(useInput = OptBoolean.FALSE) Stage stage,
        Packaging packaging,
        Architecture architecture,
        @Nullable String jobsBucketName,
        @Nullable String ledgerTableName,
        SortedMap<String, Cluster> clusters,
        List<JarSource> jarSources,
        @Nullable Vpc vpc,
        String monitorSchedule,
        boolean withoutReservedConcurrency,
        Triggers triggers,
        @Nullable String alarmTopicArn,
        SortedMap<String, String> tags,
        RetentionDays logRetention,
        SortedMap<String, String> environment,
        @Nullable SampleApplication sampleApplication) {

    private static final Pattern CLUSTER_NAME = Pattern.compile("(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*");

    /**
     * What <a href="https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html">DynamoDB</a>
     * takes as a table's name.
     */
    private static final Pattern TABLE = Pattern.compile("[A-Za-z0-9_.-]{3,255}");

    private static final Pattern TOPIC = Pattern.compile("arn:aws[a-z-]*:sns:[a-z0-9-]+:\\d{12}:[A-Za-z0-9_-]{1,256}");

    /**
     * What <a href="https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html">AWS</a>
     * takes as a tag, as far as all services agree.
     */
    private static final Pattern TAG = Pattern.compile("(?!aws:)[\\p{L}\\p{N} _.:/=+@-]{1,128}");

    private static final Pattern VARIABLE = Pattern.compile("[A-Za-z][A-Za-z0-9_]+");

    /**
     * What the functions' own variables and <a
     * href="https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html">Lambda's reserved ones</a> are
     * called.
     */
    private static final Pattern TAKEN_VARIABLE =
            Pattern.compile("SLUICEWAY_.*|QUARKUS_FUNQY_EXPORT|DISABLE_SIGNAL_HANDLERS"
                    + "|AWS_LAMBDA_.*|AWS_REGION|AWS_DEFAULT_REGION|AWS_EXECUTION_ENV"
                    + "|AWS_ACCESS_KEY|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN"
                    + "|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR");

    /**
     * Checks each, and puts the defaults in.
     *
     * @throws SettingsException if one is missing or breaks its rule, or the stage can't run the packaging
     */
    public Settings {
        Check.present(stage, "stage");
        Check.present(packaging, "packaging");
        Check.present(architecture, "architecture");
        if (packaging == Packaging.JVM_LOCAL && !stage.isLocal()) {
            throw new SettingsException(
                    "packaging JVM_LOCAL runs on the stage local only, since AWS has no JDK for its bootstrap to start: the stage %s takes NATIVE, JVM_MANAGED or JVM_AOT"
                            .formatted(stage.name()));
        }
        if (jobsBucketName != null) {
            Check.matching(jobsBucketName, "jobsBucketName", JarSource.BUCKET, JarSource.BUCKET_RULE);
        }
        if (ledgerTableName != null) {
            Check.matching(
                    ledgerTableName,
                    "ledgerTableName",
                    TABLE,
                    "3 to 255 letters, digits, underscores, dots and hyphens");
        }
        clusters = copy(Check.present(clusters, "clusters"));
        if (clusters.isEmpty()) {
            throw new SettingsException("clusters is empty: the functions need at least one to work with");
        }
        clusters.forEach(Settings::checkCluster);
        jarSources = jarSources == null ? List.of() : List.copyOf(jarSources);
        monitorSchedule = monitorSchedule == null ? "rate(1 minute)" : monitorSchedule;
        Triggers.Schedule.checkExpression(monitorSchedule, "monitorSchedule");
        triggers = triggers == null ? Triggers.NONE : triggers;
        checkClusters(triggers, clusters.keySet());
        if (alarmTopicArn != null) {
            Check.matching(
                    alarmTopicArn,
                    "alarmTopicArn",
                    TOPIC,
                    "the ARN of an SNS topic, such as arn:aws:sns:eu-central-1:123456789012:alarms");
        }
        tags = tags == null ? copy(Map.of()) : copy(tags);
        tags.forEach(Settings::checkTag);
        logRetention = logRetention == null ? RetentionDays.ONE_MONTH : logRetention;
        environment = environment == null ? copy(Map.of()) : copy(environment);
        environment.forEach(Settings::checkVariable);
    }

    /** Sorted, so that a template shows what changed and nothing else. */
    private static <V> SortedMap<String, V> copy(Map<String, V> map) {
        return Collections.unmodifiableSortedMap(new TreeMap<>(map));
    }

    private static void checkCluster(String name, @Nullable Cluster cluster) {
        Check.matching(
                name,
                "name of a cluster",
                CLUSTER_NAME,
                "1 to 64 lower-case letters and digits, with single hyphens between them");
        Check.present(cluster, "the cluster " + name);
    }

    /** A trigger that names a cluster names one of these. */
    private static void checkClusters(Triggers triggers, Set<String> known) {
        Stream.of(
                        triggers.schedules().stream().map(Triggers.Schedule::event),
                        triggers.jars().stream().map(Triggers.NewJar::job),
                        triggers.events().stream().map(Triggers.Event::event))
                .flatMap(events -> events)
                .map(event -> event.get("cluster"))
                .filter(cluster -> cluster instanceof String name && !name.contains("<") && !known.contains(name))
                .findFirst()
                .ifPresent(cluster -> {
                    throw new SettingsException("a trigger names the cluster %s, which isn't among the clusters: %s"
                            .formatted(cluster, String.join(", ", known)));
                });
    }

    private static void checkTag(String name, @Nullable String value) {
        Check.matching(name, "tag", TAG, "1 to 128 letters, digits, spaces and _.:/=+-@, and doesn't start with aws:");
        Check.present(value, "the value of tag " + name);
    }

    private static void checkVariable(String name, @Nullable String value) {
        Check.matching(
                name,
                "name of an environment variable",
                VARIABLE,
                "2 or more letters, digits and underscores, and starts with a letter");
        if (TAKEN_VARIABLE.matcher(name).matches()) {
            throw new SettingsException("environment can't set %s: Sluiceway or Lambda sets it itself".formatted(name));
        }
        Check.present(value, "the value of " + name);
    }
}
