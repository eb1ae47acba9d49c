package io.sluiceway.infra.settings;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.OptBoolean;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
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
 * @param logRetention how long the functions' logs are kept; a month by default
 * @param environment environment variables that every function gets besides its own; none by default
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
        RetentionDays logRetention,
        SortedMap<String, String> environment) {

    private static final Pattern CLUSTER_NAME = Pattern.compile("(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*");

    /**
     * What <a href="https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html">DynamoDB</a>
     * takes as a table's name.
     */
    private static final Pattern TABLE = Pattern.compile("[A-Za-z0-9_.-]{3,255}");

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
                    "packaging JVM_LOCAL runs on the stage local only, since AWS has no JDK for its bootstrap to start: the stage %s takes NATIVE or JVM_MANAGED"
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
