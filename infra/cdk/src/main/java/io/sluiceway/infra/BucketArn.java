package io.sluiceway.infra;

import software.amazon.awscdk.Arn;
import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.Stack;

/** The ARN of a bucket that the stack doesn't make. */
public final class BucketArn {
    private BucketArn() {}

    /**
     * Names a bucket to IAM.
     *
     * @param stack the stack that is deployed, and with it the partition
     * @param bucket the bucket's name
     * @return its ARN
     */
    public static String of(Stack stack, String bucket) {
        return Arn.format(
                ArnComponents.builder()
                        .service("s3")
                        .region("")
                        .account("")
                        .resource(bucket)
                        .build(),
                stack);
    }
}
