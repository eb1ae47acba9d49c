package io.sluiceway.infra.sample;

import io.sluiceway.infra.JobsBucket;
import io.sluiceway.infra.settings.SampleApplication;
import io.sluiceway.infra.settings.Settings;
import java.util.List;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.constructs.Construct;

/**
 * A sample: the example job {@code flight-delays} as an application on Amazon Managed Service for Apache Flink, with
 * ownership {@code EXTERNAL}. This stack owns the application's code and configuration; Sluiceway starts it, stops it
 * and takes its snapshots, and nothing else, so that a later deployment of the stack reverts nothing that Sluiceway
 * did.
 *
 * <p>Besides, it states what Sluiceway's functions need for such applications ({@link ManagedFlinkAccess}).
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
        // Without Sluiceway's prefix: what Sluiceway may change is told by it, and this it may not.
        String name = "flight-delays-" + settings.stage().name();
        String own = settings.stage().nameOf("*");
        ApplicationLog log = new ApplicationLog(this, name, settings.logRetention());
        ServiceRole role = new ServiceRole(
                this, new ServiceRole.Input(List.of(name, own), input.application(), input.jobs(), log));
        ManagedApplication application = new ManagedApplication(
                this, new ManagedApplication.Input(name, input.application(), input.jobs(), role, log));
        new ApplicationAlarms(this, name, settings.alarmTopicArn());
        ManagedFlinkAccess access =
                new ManagedFlinkAccess(this, new ManagedFlinkAccess.Input(List.of(own), List.of(name), role.role()));

        output("Application", "The application", application.name());
        output(
                "Start",
                "Starts the application, from its newest snapshot if there is one",
                "aws kinesisanalyticsv2 start-application --application-name " + name);
        output(
                "ManagedFlinkPolicy",
                "What the functions need for applications on Managed Flink",
                access.policy().getManagedPolicyArn());
    }

    private void output(String id, String description, String value) {
        CfnOutput.Builder.create(this, id).description(description).value(value).build();
    }
}
