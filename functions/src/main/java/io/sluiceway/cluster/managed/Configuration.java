package io.sluiceway.cluster.managed;

import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationCodeConfiguration;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationCodeConfigurationUpdate;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationConfiguration;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationConfigurationDescription;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationConfigurationUpdate;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationDetail;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationRestoreType;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationSnapshotConfigurationDescription;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.CheckpointConfiguration;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.CheckpointConfigurationUpdate;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.CloudWatchLoggingOption;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.CodeContentType;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ConfigurationType;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.CreateApplicationRequest;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.FlinkApplicationConfiguration;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.FlinkApplicationConfigurationDescription;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.FlinkApplicationConfigurationUpdate;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.LogLevel;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.MetricsLevel;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.MonitoringConfiguration;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.MonitoringConfigurationUpdate;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ParallelismConfiguration;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ParallelismConfigurationDescription;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ParallelismConfigurationUpdate;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.PropertyGroup;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.S3ApplicationCodeLocationDescription;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.S3ContentLocation;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.UpdateApplicationRequest;

/**
 * What an application is made from, as a job's specification says.
 *
 * <p>The service hands {@code main} no arguments. A program reads them from the runtime properties: the group
 * {@value #ARGUMENTS} has the value of {@code --name value} by the name, without hyphens.
 *
 * @param settings what the deployment says of the cluster
 */
record Configuration(ClusterSettings.Managed settings) {
    /** The property group that has the program's arguments. */
    static final String ARGUMENTS = "program-arguments";

    private static final Pattern NAME = Pattern.compile("--([A-Za-z0-9][A-Za-z0-9._-]{0,126})");

    /** A property group has at most 50 properties of at most 2,048 characters: PropertyGroup of the service's API. */
    private static final int MOST_ARGUMENTS = 50;

    private static final int LONGEST_VALUE = 2048;

    private static final long LONGEST_PAUSE_MILLIS = 5000;

    /**
     * Refuses what an application can't be made from.
     *
     * @throws RefusedException JOB_UNSUPPORTED
     */
    void check(JobSpec spec) {
        settings.applications().of(spec.name());
        if (spec.kind() == JobKind.RUN) {
            throw unsupported(
                    "is a RUN: an application whose job ends is READY again however it ended, so whether a RUN has succeeded can't be told");
        }
        if (spec.entryClass() != null) {
            throw unsupported("names an entry class: the service runs the one that the jar's manifest names");
        }
        if (spec.policies().dataReady() != null) {
            throw unsupported(
                    "has job.policies.dataReady: watermarks and the ids of checkpoints can't be seen on Managed Service for Apache Flink");
        }
        if (spec.policies().restart() != null) {
            throw unsupported(
                    "has job.policies.restart: Managed Service for Apache Flink runs a failed job again by itself, and doesn't tell one that has failed for good from one that has finished");
        }
        switch (settings.ownership()) {
            case SLUICEWAY -> arguments(spec);
            case EXTERNAL -> {
                if (!spec.arguments().isEmpty() || spec.parallelism() != null) {
                    throw unsupported(
                            "has arguments or a parallelism: those of an application of ownership EXTERNAL are its own");
                }
            }
        }
    }

    private static RefusedException unsupported(String why) {
        return new RefusedException(ErrorCode.JOB_UNSUPPORTED, "The job " + why + ".");
    }

    private static Map<String, String> arguments(JobSpec spec) {
        Map<String, String> arguments = new LinkedHashMap<>();
        List<String> all = spec.arguments();
        for (int i = 0; i < all.size(); i += 2) {
            Matcher name = NAME.matcher(all.get(i));
            if (!name.matches() || i + 1 == all.size()) {
                throw unsupported("has job.args[%d], which is no pair '--name', 'value': runtime properties are pairs"
                        .formatted(i));
            }
            String value = all.get(i + 1);
            if (value.isEmpty() || value.length() > LONGEST_VALUE) {
                throw unsupported(
                        "has job.args[%d], a value of %d characters; 1 to 2,048 is what a runtime property holds"
                                .formatted(i + 1, value.length()));
            }
            if (arguments.put(name.group(1), value) != null) {
                throw unsupported("has job.args[%d], a name that is there twice".formatted(i));
            }
        }
        if (arguments.size() > MOST_ARGUMENTS) {
            throw unsupported(
                    "has %d pairs of arguments; 50 is what a property group holds".formatted(arguments.size()));
        }
        return arguments;
    }

    /** The application of a job that has none yet, marked with its attempt. */
    CreateApplicationRequest create(JobLaunch launch) {
        CreateApplicationRequest.Builder request = CreateApplicationRequest.builder()
                .applicationName(settings.applications().of(launch.spec().name()))
                .applicationDescription("Made and changed by Sluiceway for the job "
                        + launch.spec().name())
                .runtimeEnvironment(Objects.requireNonNull(settings.runtime()))
                .serviceExecutionRole(Objects.requireNonNull(settings.serviceRoleArn()))
                .applicationConfiguration(ApplicationConfiguration.builder()
                        .applicationCodeConfiguration(ApplicationCodeConfiguration.builder()
                                .codeContentType(CodeContentType.ZIPFILE)
                                .codeContent(content -> content.s3ContentLocation(code(launch)))
                                .build())
                        .environmentProperties(
                                properties -> properties.propertyGroups(AttemptMark.among(groups(launch), launch.id())))
                        .flinkApplicationConfiguration(FlinkApplicationConfiguration.builder()
                                .checkpointConfiguration(CheckpointConfiguration.builder()
                                        .configurationType(ConfigurationType.CUSTOM)
                                        .checkpointingEnabled(true)
                                        .checkpointInterval(interval())
                                        .minPauseBetweenCheckpoints(pause())
                                        .build())
                                .monitoringConfiguration(MonitoringConfiguration.builder()
                                        .configurationType(ConfigurationType.CUSTOM)
                                        .metricsLevel(MetricsLevel.APPLICATION)
                                        .logLevel(LogLevel.INFO)
                                        .build())
                                .parallelismConfiguration(ParallelismConfiguration.builder()
                                        .configurationType(ConfigurationType.CUSTOM)
                                        .parallelism(parallelism(launch))
                                        .parallelismPerKPU(settings.parallelismPerKpu())
                                        // Scaling by itself would restart the job behind the ledger's back.
                                        .autoScalingEnabled(false)
                                        .build())
                                .build())
                        .applicationSnapshotConfiguration(snapshots -> snapshots.snapshotsEnabled(true))
                        .applicationSystemRollbackConfiguration(rollback -> rollback.rollbackEnabled(false))
                        .build());
        if (settings.logStreamArn() != null) {
            request.cloudWatchLoggingOptions(CloudWatchLoggingOption.builder()
                    .logStreamARN(settings.logStreamArn())
                    .build());
        }
        return request.build();
    }

    /** Marks an application with an attempt, unless it was changed since it was looked at. */
    UpdateApplicationRequest update(ApplicationDetail seen, JobLaunch launch) {
        UpdateApplicationRequest.Builder request = UpdateApplicationRequest.builder()
                .applicationName(seen.applicationName())
                .conditionalToken(seen.conditionalToken());
        return switch (settings.ownership()) {
            case SLUICEWAY ->
                request.runtimeEnvironmentUpdate(Objects.requireNonNull(settings.runtime()))
                        .serviceExecutionRoleUpdate(settings.serviceRoleArn())
                        .applicationConfigurationUpdate(whole(launch))
                        .build();
            case EXTERNAL ->
                request.applicationConfigurationUpdate(configuration ->
                                configuration.environmentPropertyUpdates(properties -> properties.propertyGroups(
                                        AttemptMark.among(AttemptMark.groups(seen), launch.id()))))
                        .build();
        };
    }

    /**
     * Restarts an application with another parallelism from the snapshot that this update takes, unless the application
     * was changed since it was looked at.
     */
    static UpdateApplicationRequest rescale(ApplicationDetail seen, int parallelism) {
        return UpdateApplicationRequest.builder()
                .applicationName(seen.applicationName())
                .conditionalToken(seen.conditionalToken())
                .applicationConfigurationUpdate(configuration ->
                        configuration.flinkApplicationConfigurationUpdate(flink -> flink.parallelismConfigurationUpdate(
                                update -> update.configurationTypeUpdate(ConfigurationType.CUSTOM)
                                        .parallelismUpdate(parallelism))))
                .runConfigurationUpdate(run -> run.flinkRunConfiguration(flink -> flink.allowNonRestoredState(false))
                        .applicationRestoreConfiguration(restore ->
                                restore.applicationRestoreType(ApplicationRestoreType.RESTORE_FROM_LATEST_SNAPSHOT)))
                .build();
    }

    /** The parallelism that an application is configured to run with. */
    static Optional<ParallelismConfigurationDescription> parallelism(ApplicationDetail application) {
        return Optional.ofNullable(application.applicationConfigurationDescription())
                .map(ApplicationConfigurationDescription::flinkApplicationConfigurationDescription)
                .map(FlinkApplicationConfigurationDescription::parallelismConfigurationDescription);
    }

    /** Whether the service saves an application's job before it restarts it. */
    static boolean savesBeforeRestarts(ApplicationDetail application) {
        return Optional.ofNullable(application.applicationConfigurationDescription())
                .map(ApplicationConfigurationDescription::applicationSnapshotConfigurationDescription)
                .map(ApplicationSnapshotConfigurationDescription::snapshotsEnabled)
                .orElse(false);
    }

    private ApplicationConfigurationUpdate whole(JobLaunch launch) {
        S3ContentLocation code = code(launch);
        return ApplicationConfigurationUpdate.builder()
                .applicationCodeConfigurationUpdate(ApplicationCodeConfigurationUpdate.builder()
                        .codeContentTypeUpdate(CodeContentType.ZIPFILE)
                        .codeContentUpdate(content ->
                                content.s3ContentLocationUpdate(location -> location.bucketARNUpdate(code.bucketARN())
                                        .fileKeyUpdate(code.fileKey())
                                        .objectVersionUpdate(code.objectVersion())))
                        .build())
                .environmentPropertyUpdates(
                        properties -> properties.propertyGroups(AttemptMark.among(groups(launch), launch.id())))
                .flinkApplicationConfigurationUpdate(FlinkApplicationConfigurationUpdate.builder()
                        .checkpointConfigurationUpdate(CheckpointConfigurationUpdate.builder()
                                .configurationTypeUpdate(ConfigurationType.CUSTOM)
                                .checkpointingEnabledUpdate(true)
                                .checkpointIntervalUpdate(interval())
                                .minPauseBetweenCheckpointsUpdate(pause())
                                .build())
                        .monitoringConfigurationUpdate(MonitoringConfigurationUpdate.builder()
                                .configurationTypeUpdate(ConfigurationType.CUSTOM)
                                .metricsLevelUpdate(MetricsLevel.APPLICATION)
                                .logLevelUpdate(LogLevel.INFO)
                                .build())
                        .parallelismConfigurationUpdate(ParallelismConfigurationUpdate.builder()
                                .configurationTypeUpdate(ConfigurationType.CUSTOM)
                                .parallelismUpdate(parallelism(launch))
                                .parallelismPerKPUUpdate(settings.parallelismPerKpu())
                                .autoScalingEnabledUpdate(false)
                                .build())
                        .build())
                .applicationSnapshotConfigurationUpdate(snapshots -> snapshots.snapshotsEnabledUpdate(true))
                .applicationSystemRollbackConfigurationUpdate(rollback -> rollback.rollbackEnabledUpdate(false))
                .build();
    }

    /** Whether an application's code is the jar that a launch names, by its object and, where it is known, version. */
    static boolean hasCode(ApplicationDetail application, JobLaunch launch) {
        Optional<S3ApplicationCodeLocationDescription> code = Optional.ofNullable(
                        application.applicationConfigurationDescription())
                .map(ApplicationConfigurationDescription::applicationCodeConfigurationDescription)
                .map(description -> description.codeContentDescription())
                .map(description -> description.s3ApplicationCodeLocationDescription());
        return code.filter(location -> location.bucketARN()
                        .endsWith(":" + launch.spec().jar().uri().bucket()))
                .filter(location ->
                        location.fileKey().equals(launch.spec().jar().uri().key()))
                .filter(location -> location.objectVersion() == null
                        || launch.jarVersion() == null
                        || location.objectVersion().equals(launch.jarVersion()))
                .isPresent();
    }

    private static List<PropertyGroup> groups(JobLaunch launch) {
        Map<String, String> arguments = arguments(launch.spec());
        return arguments.isEmpty()
                ? List.of()
                : new ArrayList<>(List.of(PropertyGroup.builder()
                        .propertyGroupId(ARGUMENTS)
                        .propertyMap(arguments)
                        .build()));
    }

    private S3ContentLocation code(JobLaunch launch) {
        // In the role's own partition, such as aws-cn.
        String partition = Objects.requireNonNull(settings.serviceRoleArn()).split(":", 3)[1];
        return S3ContentLocation.builder()
                .bucketARN("arn:%s:s3:::%s"
                        .formatted(partition, launch.spec().jar().uri().bucket()))
                .fileKey(launch.spec().jar().uri().key())
                .objectVersion(launch.jarVersion())
                .build();
    }

    private long interval() {
        return settings.checkpointInterval().toMillis();
    }

    private long pause() {
        return Math.min(LONGEST_PAUSE_MILLIS, interval());
    }

    private static int parallelism(JobLaunch launch) {
        return launch.spec().parallelism() == null ? 1 : launch.spec().parallelism();
    }
}
