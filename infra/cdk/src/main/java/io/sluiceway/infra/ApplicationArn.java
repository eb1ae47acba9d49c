package io.sluiceway.infra;

import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.Stack;

/** The ARN of an application on Amazon Managed Service for Apache Flink. */
public final class ApplicationArn {
    private ApplicationArn() {}

    /**
     * Names an application of the stack's account and region to IAM. It need not exist yet.
     *
     * @param stack the stack that is deployed
     * @param name the application's name, or a pattern for several
     * @return its ARN
     */
    public static String of(Stack stack, String name) {
        return stack.formatArn(ArnComponents.builder()
                .service("kinesisanalytics")
                .resource("application")
                .resourceName(name)
                .build());
    }
}
