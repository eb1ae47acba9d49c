package io.sluiceway.infra;

import io.sluiceway.infra.settings.Settings;
import java.util.List;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.services.s3.BlockPublicAccess;
import software.amazon.awscdk.services.s3.Bucket;
import software.amazon.awscdk.services.s3.BucketEncryption;
import software.amazon.awscdk.services.s3.CfnBucket;
import software.amazon.awscdk.services.s3.CfnBucket.EventBridgeConfigurationProperty;
import software.amazon.awscdk.services.s3.CfnBucket.NotificationConfigurationProperty;
import software.amazon.awscdk.services.s3.LifecycleRule;
import software.amazon.awscdk.services.s3.ObjectOwnership;
import software.constructs.Construct;

/**
 * The bucket that holds the jars of jobs, under {@value #JARS}. It keeps every version, since a job names the one it
 * runs; it is encrypted, private, answers over TLS only, and tells EventBridge of what is put there. On AWS it outlives
 * the stack.
 */
public final class JobsBucket extends Construct {
    /** The prefix of the jars' keys. */
    public static final String JARS = "jars/";

    private final Bucket bucket;

    /**
     * Makes the bucket.
     *
     * @param scope the stack
     * @param settings the deployment
     */
    public JobsBucket(Construct scope, Settings settings) {
        super(scope, "jobs");
        bucket = Bucket.Builder.create(this, "bucket")
                .bucketName(settings.jobsBucketName())
                .versioned(true)
                .encryption(BucketEncryption.S3_MANAGED)
                .enforceSsl(true)
                .minimumTlsVersion(1.2)
                .blockPublicAccess(BlockPublicAccess.BLOCK_ALL)
                .objectOwnership(ObjectOwnership.BUCKET_OWNER_ENFORCED)
                .lifecycleRules(List.of(LifecycleRule.builder()
                        .id("abort-broken-uploads")
                        .abortIncompleteMultipartUploadAfter(Duration.days(7))
                        .build()))
                .removalPolicy(settings.stage().isLocal() ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN)
                .build();
        // By the property itself: CDK's own way puts another function beside it that sets it.
        if (bucket.getNode().getDefaultChild() instanceof CfnBucket resource) {
            resource.setNotificationConfiguration(NotificationConfigurationProperty.builder()
                    .eventBridgeConfiguration(EventBridgeConfigurationProperty.builder()
                            .eventBridgeEnabled(true)
                            .build())
                    .build());
        }
        Nag.accept(
                bucket,
                "AwsSolutions-S1",
                "It holds jars, not customers' data. Who puts and reads one is on record in CloudTrail where the account"
                        + " turns its data events on, and these name the caller; access logs would say less, later, in one"
                        + " more bucket to keep.");
    }

    /** {@return the bucket's name} */
    public String name() {
        return bucket.getBucketName();
    }

    /** {@return the bucket's ARN} */
    public String arn() {
        return bucket.getBucketArn();
    }
}
