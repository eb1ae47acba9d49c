package io.sluiceway.infra.sample;

import io.sluiceway.infra.JobsBucket;
import io.sluiceway.infra.settings.SampleApplication;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import software.amazon.awscdk.services.kinesisanalyticsv2.CfnApplication;
import software.amazon.awscdk.services.kinesisanalyticsv2.CfnApplicationCloudWatchLoggingOption;
import software.constructs.Construct;

/**
 * The application: its code, its configuration, and where it writes its log. CloudFormation creates it in the state
 * {@code READY}, and starts nothing.
 */
final class ManagedApplication extends Construct {
    /** The version of Flink that the job is built with. */
    static final String RUNTIME = "FLINK-2_3";

    /** The time between two checkpoints, and so between two commits of results. */
    static final Duration CHECKPOINT_INTERVAL = Duration.ofMinutes(1);

    /** The service's own default: time to work between checkpoints that take long. */
    private static final Duration PAUSE_BETWEEN_CHECKPOINTS = Duration.ofSeconds(5);

    /** The property group that the job takes its arguments from: {@code RuntimeProperties} of flink-jobs. */
    private static final String PROPERTIES = "program-arguments";

    private final String name;

    /**
     * What the application is made from.
     *
     * @param name its name
     * @param settings what it runs on which data, and with how many subtasks
     * @param jobs the bucket that has the jar
     * @param role what it may do
     * @param log where it writes its log
     */
    record Input(String name, SampleApplication settings, JobsBucket jobs, ServiceRole role, ApplicationLog log) {}

    /**
     * Makes the application.
     *
     * @param scope the stack
     * @param input what to make it from
     */
    ManagedApplication(Construct scope, Input input) {
        super(scope, "application");
        name = input.name();
        CfnApplication application = CfnApplication.Builder.create(this, "application")
                .applicationName(name)
                .applicationDescription("The departure delays of New York's flights; Sluiceway starts and stops it")
                .applicationMode("STREAMING")
                .runtimeEnvironment(RUNTIME)
                .serviceExecutionRole(input.role().role().getRoleArn())
                .applicationConfiguration(CfnApplication.ApplicationConfigurationProperty.builder()
                        .applicationCodeConfiguration(code(input))
                        .environmentProperties(properties(input.settings()))
                        .flinkApplicationConfiguration(flink(input.settings()))
                        .applicationSnapshotConfiguration(
                                CfnApplication.ApplicationSnapshotConfigurationProperty.builder()
                                        .snapshotsEnabled(true)
                                        .build())
                        .build())
                // What a deployment does with an application that runs: it goes on from a snapshot, with all its state.
                .runConfiguration(CfnApplication.RunConfigurationProperty.builder()
                        .applicationRestoreConfiguration(
                                CfnApplication.ApplicationRestoreConfigurationProperty.builder()
                                        .applicationRestoreType("RESTORE_FROM_LATEST_SNAPSHOT")
                                        .build())
                        .flinkRunConfiguration(CfnApplication.FlinkRunConfigurationProperty.builder()
                                .allowNonRestoredState(false)
                                .build())
                        .build())
                .build();
        // The service reads the jar by this role while it creates the application.
        application.getNode().addDependency(input.role());

        CfnApplicationCloudWatchLoggingOption logging = CfnApplicationCloudWatchLoggingOption.Builder.create(
                        this, "logging")
                .applicationName(application.getRef())
                .cloudWatchLoggingOption(CfnApplicationCloudWatchLoggingOption.CloudWatchLoggingOptionProperty.builder()
                        .logStreamArn(input.log().streamArn())
                        .build())
                .build();
        logging.getNode().addDependency(input.log());
    }

    private static CfnApplication.ApplicationCodeConfigurationProperty code(Input input) {
        return CfnApplication.ApplicationCodeConfigurationProperty.builder()
                // The service calls a jar so too.
                .codeContentType("ZIPFILE")
                .codeContent(CfnApplication.CodeContentProperty.builder()
                        .s3ContentLocation(CfnApplication.S3ContentLocationProperty.builder()
                                .bucketArn(input.jobs().arn())
                                .fileKey(input.settings().jarKey())
                                .objectVersion(input.settings().jarVersion())
                                .build())
                        .build())
                .build();
    }

    private static CfnApplication.EnvironmentPropertiesProperty properties(SampleApplication settings) {
        return CfnApplication.EnvironmentPropertiesProperty.builder()
                .propertyGroups(List.of(CfnApplication.PropertyGroupProperty.builder()
                        .propertyGroupId(PROPERTIES)
                        .propertyMap(Map.of(
                                "input", settings.input(),
                                "output", settings.output(),
                                "replay", settings.replay().toString()))
                        .build()))
                .build();
    }

    private static CfnApplication.FlinkApplicationConfigurationProperty flink(SampleApplication settings) {
        return CfnApplication.FlinkApplicationConfigurationProperty.builder()
                .checkpointConfiguration(CfnApplication.CheckpointConfigurationProperty.builder()
                        .configurationType("CUSTOM")
                        .checkpointingEnabled(true)
                        .checkpointInterval(CHECKPOINT_INTERVAL.toMillis())
                        .minPauseBetweenCheckpoints(PAUSE_BETWEEN_CHECKPOINTS.toMillis())
                        .build())
                .monitoringConfiguration(CfnApplication.MonitoringConfigurationProperty.builder()
                        .configurationType("CUSTOM")
                        .logLevel("INFO")
                        // Each finer level multiplies the metrics, which are paid one by one.
                        .metricsLevel("APPLICATION")
                        .build())
                .parallelismConfiguration(CfnApplication.ParallelismConfigurationProperty.builder()
                        .configurationType("CUSTOM")
                        .parallelism(settings.parallelism())
                        .parallelismPerKpu(settings.parallelismPerKpu())
                        // The source has one subtask: more of the others wouldn't make it faster.
                        .autoScalingEnabled(false)
                        .build())
                .build();
    }

    /** {@return the application's name} */
    String name() {
        return name;
    }
}
