package io.sluiceway.infra.sample;

import io.sluiceway.infra.JobsBucket;
import io.sluiceway.infra.settings.SampleApplication;
import io.sluiceway.infra.settings.Settings;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.constructs.Construct;

/**
 * A sample: the example job {@code flight-delays} as an application on Amazon Managed Service for Apache Flink, with
 * ownership {@code EXTERNAL}. This stack owns the application's code and configuration. Sluiceway starts it, stops it
 * and takes its snapshots, once the settings name it as a cluster; all that it changes is its own mark among the
 * runtime properties.
 */
public final class ManagedApplicationStack extends Stack {
    /**
     * What the stack is made from.
     *
     * @param settings the deployment
     * @param application the settings' sample application
     * @param jobs the bucket that has the application's jar
     */
    public record Input(Settings settings, SampleApplication application, JobsBucket jobs) {}

    /**
     * Makes the stack.
     *
     * @param scope the app
     * @param input what to make it from; its stage gives the stack's name
     */
    public ManagedApplicationStack(Construct scope, Input input) {
        super(
                scope,
                input.settings().stage().nameOf("sample"),
                StackProps.builder()
                        .description("Sluiceway: a sample application on Amazon Managed Service for Apache Flink")
                        .build());
        Settings settings = input.settings();
        String suffix = "-" + settings.stage().name();
        String name = "flight-delays" + suffix;
        ApplicationLog log = new ApplicationLog(this, name, settings.logRetention());
        ServiceRole role = new ServiceRole(this, new ServiceRole.Input(name, input.application(), input.jobs(), log));
        ManagedApplication application = new ManagedApplication(
                this, new ManagedApplication.Input(name, input.application(), input.jobs(), role, log));
        new ApplicationAlarms(this, name, settings.alarmTopicArn());

        output("Application", "The application", application.name());
        output(
                "Cluster",
                "What the settings' clusters say of it, so that Sluiceway runs it as the job flight-delays",
                "\"sample-managed\": {\"type\": \"MANAGED\", \"applications\": \"{job}%s\", \"ownership\": \"EXTERNAL\"}"
                        .formatted(suffix));
    }

    private void output(String id, String description, String value) {
        CfnOutput.Builder.create(this, id).description(description).value(value).build();
    }
}
