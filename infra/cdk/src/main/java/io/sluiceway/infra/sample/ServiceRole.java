package io.sluiceway.infra.sample;

import io.sluiceway.infra.ApplicationArn;
import io.sluiceway.infra.BucketArn;
import io.sluiceway.infra.JobsBucket;
import io.sluiceway.infra.Nag;
import io.sluiceway.infra.settings.S3Directory;
import io.sluiceway.infra.settings.SampleApplication;
import java.util.List;
import java.util.Map;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.PrincipalWithConditions;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.constructs.Construct;

/**
 * What an application may do: read its jar, read the flights, write the results, write its log. It needs no right for
 * its checkpoints and snapshots, which the service keeps in a store of its own.
 */
final class ServiceRole extends Construct {
    /** The service's name to IAM. */
    private static final String SERVICE = "kinesisanalytics.amazonaws.com";

    /** The files that the job reads: {@code InputDirectory} of flink-jobs. */
    private static final List<String> INPUT_FILES = List.of("flights.csv", "weather.csv");

    private final Role role;

    /**
     * What the role is made from.
     *
     * @param name the name of the one application that may take the role
     * @param application which jar, input and output
     * @param jobs the bucket that has the jar
     * @param log where the application writes its log
     */
    record Input(String name, SampleApplication application, JobsBucket jobs, ApplicationLog log) {}

    /**
     * Makes the role.
     *
     * @param scope the stack
     * @param input what to make it from
     */
    ServiceRole(Construct scope, Input input) {
        super(scope, "service");
        Stack stack = Stack.of(this);
        role = Role.Builder.create(this, "role")
                .description("What the application %s may do".formatted(input.name()))
                // https://docs.aws.amazon.com/managed-flink/latest/java/iam-cross-service-confused-deputy-prevention.html
                .assumedBy(new PrincipalWithConditions(
                        new ServicePrincipal(SERVICE),
                        Map.of(
                                "StringEquals",
                                Map.of("aws:SourceAccount", stack.getAccount()),
                                "ArnLike",
                                Map.of("aws:SourceArn", ApplicationArn.of(stack, input.name())))))
                .build();
        allowJar(input);
        allowInput(stack, input.application().inputDirectory());
        allowOutput(stack, input.application().outputDirectory());
        allowLog(input.log());
        Nag.accept(
                role.getNode().findChild("DefaultPolicy"),
                "AwsSolutions-IAM5",
                "Flink names the files of its results itself, so the policy can name no more than their directory, which"
                        + " is this job's own. To write to its log stream the service looks it up among the account's log"
                        + " groups and among its group's streams: these two actions list names and read no log.",
                Nag.BELOW);
    }

    private void allowJar(Input input) {
        String jar = input.jobs().arn() + "/" + input.application().jarKey();
        // The service's own policies have both; of the object's versions only the one that runs can be read by its id.
        allow("FindItsJar", List.of("s3:GetObject"), List.of(jar), Map.of());
        allow(
                "ReadItsJar",
                List.of("s3:GetObjectVersion"),
                List.of(jar),
                Map.of(
                        "StringEquals",
                        Map.of("s3:VersionId", input.application().jarVersion())));
    }

    private void allowInput(Stack stack, S3Directory input) {
        String bucket = BucketArn.of(stack, input.bucket());
        allow(
                "ReadTheFlights",
                List.of("s3:GetObject"),
                INPUT_FILES.stream()
                        .map(file -> bucket + "/" + input.prefix() + file)
                        .toList(),
                Map.of());
        allow("SeeTheInput", List.of("s3:ListBucket"), List.of(bucket), below(input));
    }

    /** What Flink's file sink does on S3: multipart uploads, and objects of its own for parts that aren't full yet. */
    private void allowOutput(Stack stack, S3Directory output) {
        String bucket = BucketArn.of(stack, output.bucket());
        allow(
                "WriteTheResults",
                List.of("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
                List.of(bucket + "/" + output.prefix() + "*"),
                Map.of());
        allow("SeeTheOutput", List.of("s3:ListBucket"), List.of(bucket), below(output));
    }

    /** As <a href="https://docs.aws.amazon.com/managed-flink/latest/java/cloudwatch-logs.html">the service asks</a>. */
    private void allowLog(ApplicationLog log) {
        allow("FindItsLogGroup", List.of("logs:DescribeLogGroups"), List.of(log.groupsArn()), Map.of());
        allow("FindItsLogStream", List.of("logs:DescribeLogStreams"), List.of(log.streamsArn()), Map.of());
        allow("WriteItsLog", List.of("logs:PutLogEvents"), List.of(log.streamArn()), Map.of());
    }

    private static Map<String, Map<String, String>> below(S3Directory directory) {
        return Map.of("StringLike", Map.of("s3:prefix", directory.prefix() + "*"));
    }

    private void allow(
            String sid, List<String> actions, List<String> resources, Map<String, Map<String, String>> conditions) {
        role.addToPolicy(PolicyStatement.Builder.create()
                .sid(sid)
                .actions(actions)
                .resources(resources)
                .conditions(conditions)
                .build());
    }

    /** {@return the role} */
    Role role() {
        return role;
    }
}
