package io.sluiceway.infra.sample;

import io.sluiceway.infra.Nag;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.iam.IRole;
import software.amazon.awscdk.services.iam.ManagedPolicy;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.constructs.Construct;

/**
 * What Sluiceway's functions need for applications on Amazon Managed Service for Apache Flink, as a policy that their
 * roles can take on. Of what is its own (ownership {@code SLUICEWAY}) it creates and changes applications; others
 * ({@code EXTERNAL}) it starts and stops, and takes their snapshots.
 *
 * <p>Which action goes with which resource is from the <a
 * href="https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonkinesisanalyticsv2.html">Service
 * Authorization Reference</a>.
 */
public final class ManagedFlinkAccess extends Construct {
    /** What every application needs: to be seen, started, stopped and saved. */
    private static final List<String> RUN = List.of(
            "kinesisanalytics:CreateApplicationSnapshot",
            "kinesisanalytics:DeleteApplicationSnapshot",
            "kinesisanalytics:DescribeApplication",
            "kinesisanalytics:DescribeApplicationOperation",
            "kinesisanalytics:DescribeApplicationSnapshot",
            "kinesisanalytics:ListApplicationOperations",
            "kinesisanalytics:ListApplicationSnapshots",
            "kinesisanalytics:StartApplication",
            "kinesisanalytics:StopApplication");

    private final ManagedPolicy policy;

    /**
     * What the policy is made from.
     *
     * @param own the names of applications that Sluiceway creates and changes; one may end with a wildcard
     * @param external the names of applications that somebody else creates and changes
     * @param serviceRole the one role that Sluiceway's own applications run with
     */
    public record Input(List<String> own, List<String> external, IRole serviceRole) {
        /** Copies the names. */
        public Input {
            own = List.copyOf(own);
            external = List.copyOf(external);
        }
    }

    /**
     * Makes the policy.
     *
     * @param scope the stack
     * @param input what to make it from
     */
    public ManagedFlinkAccess(Construct scope, Input input) {
        super(scope, "managed-flink");
        policy = ManagedPolicy.Builder.create(this, "policy")
                .description("What Sluiceway's functions need for applications on Managed Service for Apache Flink")
                .build();
        allow("CreateApplications", List.of("kinesisanalytics:CreateApplication"), List.of("*"), Map.of());
        List<String> change = new ArrayList<>(List.of("kinesisanalytics:UpdateApplication"));
        change.addAll(RUN);
        allow("RunAndChangeItsOwn", change, applications(input.own()), Map.of());
        if (!input.external().isEmpty()) {
            allow("RunThoseOfOthers", RUN, applications(input.external()), Map.of());
        }
        allow(
                "GiveThemTheirRole",
                List.of("iam:PassRole"),
                List.of(input.serviceRole().getRoleArn()),
                Map.of("StringEquals", Map.of("iam:PassedToService", ServiceRole.SERVICE)));
        Nag.accept(
                policy,
                "AwsSolutions-IAM5",
                "IAM knows no resource for CreateApplication, so it takes nothing but the wildcard. What it creates runs"
                        + " with the one role that may be passed, and only what has Sluiceway's prefix can be started.",
                "Resource::*");
        Nag.accept(
                policy,
                "AwsSolutions-IAM5",
                "Sluiceway names its own applications after the jobs that callers give, behind a prefix that holds its"
                        + " stage; the policy can name no more than that prefix.",
                "/^Resource::arn:[^*]+:application[/][^*/]+\\*$/");
    }

    private List<String> applications(List<String> names) {
        return names.stream()
                .map(name -> ApplicationArn.of(Stack.of(this), name))
                .toList();
    }

    private void allow(
            String sid, List<String> actions, List<String> resources, Map<String, Map<String, String>> conditions) {
        policy.addStatements(PolicyStatement.Builder.create()
                .sid(sid)
                .actions(actions)
                .resources(resources)
                .conditions(conditions)
                .build());
    }

    /** {@return the policy} */
    public ManagedPolicy policy() {
        return policy;
    }
}
