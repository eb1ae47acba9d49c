package io.sluiceway.infra.sample;

import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.ArnFormat;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.logs.LogGroup;
import software.amazon.awscdk.services.logs.LogStream;
import software.amazon.awscdk.services.logs.RetentionDays;
import software.constructs.Construct;

/** The log of an application: a group with one stream, which the service writes to. */
final class ApplicationLog extends Construct {
    private static final String STREAM = "application";

    private final LogGroup group;
    private final LogStream stream;

    /**
     * Makes the group and the stream.
     *
     * @param scope the stack
     * @param application the application's name
     * @param retention how long the log is kept
     */
    ApplicationLog(Construct scope, String application, RetentionDays retention) {
        super(scope, "log");
        group = LogGroup.Builder.create(this, "group")
                .logGroupName("/aws/kinesis-analytics/" + application)
                .retention(retention)
                .removalPolicy(RemovalPolicy.DESTROY)
                .build();
        stream = LogStream.Builder.create(this, "stream")
                .logGroup(group)
                .logStreamName(STREAM)
                .removalPolicy(RemovalPolicy.DESTROY)
                .build();
    }

    /** {@return the ARN of the stream} */
    String streamArn() {
        return arn(group.getLogGroupName() + ":log-stream:" + stream.getLogStreamName());
    }

    /** {@return the ARN that stands for all streams of the group} */
    String streamsArn() {
        return arn(group.getLogGroupName() + ":log-stream:*");
    }

    /** {@return the ARN that stands for all groups of the account and region} */
    String groupsArn() {
        return arn("*");
    }

    private String arn(String name) {
        return Stack.of(this)
                .formatArn(ArnComponents.builder()
                        .service("logs")
                        .resource("log-group")
                        .resourceName(name)
                        .arnFormat(ArnFormat.COLON_RESOURCE_NAME)
                        .build());
    }
}
