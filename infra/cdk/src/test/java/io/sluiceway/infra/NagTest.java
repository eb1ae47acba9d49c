package io.sluiceway.infra;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.cdklabs.cdknag.AwsSolutionsChecks;
import io.github.cdklabs.cdknag.NagPackProps;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import software.amazon.awscdk.Aspects;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.Stage;
import software.amazon.awscdk.services.iam.Effect;
import software.amazon.awscdk.services.iam.ManagedPolicy;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.s3.Bucket;

/** cdk-nag's rules of AWS Solutions: what they find is put right, or accepted with a reason. */
class NagTest {
    /** What the cloud assembly calls errors and warnings. */
    private static final Set<String> LEVELS = Set.of("aws:cdk:error", "aws:cdk:warning");

    @ParameterizedTest
    @MethodSource("io.sluiceway.infra.SnapshotTest#stages")
    void stacks_everyStage_haveNoFindingThatIsNotAccepted(String stage) {
        assertThat(Stacks.all(Stacks.settings(stage)))
                .isNotEmpty()
                .allSatisfy(stack -> assertThat(findings(stack)).isEmpty());
    }

    /** In a VPC other reasons would cover what the managed cluster's have to. */
    @Test
    void stack_managedClustersWithoutVpc_hasNoFindingThatIsNotAccepted() {
        assertThat(findings(Stacks.stack(Stacks.changed("sample", "plain", settings -> settings.remove("vpc")))))
                .isEmpty();
    }

    @Test
    void policy_wildcardResource_isFound() {
        assertThat(findings(stackAllowing("*", "s3:GetObject")))
                .singleElement()
                .asString()
                .contains("AwsSolutions-IAM5[Resource::*]");
    }

    @Test
    void accept_wildcardsBelow_leavesWiderOnesFound() {
        Stack stack = stackAllowing("*", "s3:GetObject", "s3:Put*");
        allow(stack, "arn:aws:s3:::bucket/jars/*", "s3:GetObject");
        allow(stack, "arn:aws:s3:::*/jars/*", "s3:GetObject");

        Nag.accept(stack.getNode().findChild("policy"), "AwsSolutions-IAM5", "Only what lies below.", Nag.BELOW);

        assertThat(findings(stack))
                .hasSize(3)
                .anySatisfy(finding -> assertThat(finding).contains("[Resource::*]"))
                .anySatisfy(finding -> assertThat(finding).contains("[Resource::arn:aws:s3:::*/jars/*]"))
                .anySatisfy(finding -> assertThat(finding).contains("[Action::s3:Put*]"));
    }

    @Test
    void accept_severalRulesOfOneResource_keepsEach() {
        Stack found = new Stack(Stacks.app(), "stack");
        new Bucket(found, "bucket");
        assertThat(findings(found)).hasSize(2);

        Stack accepted = new Stack(Stacks.app(), "stack");
        Bucket bucket = new Bucket(accepted, "bucket");
        Nag.accept(bucket, "AwsSolutions-S1", "Nobody reads what is in a test.");
        Nag.accept(bucket, "AwsSolutions-S10", "Nobody reads what is in a test.");

        assertThat(findings(accepted)).isEmpty();
    }

    @Test
    void accept_noResource_isRefused() {
        Stack stack = new Stack(Stacks.app(), "stack");

        assertThatThrownBy(() -> Nag.accept(stack, "AwsSolutions-S1", "Nobody reads what is in a test."))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("stack is no resource: nothing can be accepted there");
    }

    private static Stack stackAllowing(String resource, String... actions) {
        Stack stack = new Stack(Stacks.app(), "stack");
        new ManagedPolicy(stack, "policy");
        allow(stack, resource, actions);
        return stack;
    }

    private static void allow(Stack stack, String resource, String... actions) {
        ((ManagedPolicy) stack.getNode().findChild("policy"))
                .addStatements(PolicyStatement.Builder.create()
                        .effect(Effect.ALLOW)
                        .actions(List.of(actions))
                        .resources(List.of(resource))
                        .build());
    }

    /** Errors and warnings; an accepted finding is neither. */
    private static List<String> findings(Stack stack) {
        Aspects.of(stack)
                .add(new AwsSolutionsChecks(
                        NagPackProps.builder().reports(false).build()));
        Optional<RuntimeException> failure = synthesize(stack);
        List<String> findings = stack.getNode().findAll().stream()
                .flatMap(construct -> construct.getNode().getMetadata().stream()
                        .filter(entry -> LEVELS.contains(entry.getType()))
                        .map(entry -> "%s: %s".formatted(construct.getNode().getPath(), entry.getData())))
                .toList();
        if (findings.isEmpty()) {
            failure.ifPresent(e -> {
                throw e;
            });
        }
        return findings;
    }

    /** With the feature flags of {@code cdk.json} a finding ends the synthesis. */
    private static Optional<RuntimeException> synthesize(Stack stack) {
        try {
            ((Stage) stack.getNode().getRoot()).synth();
            return Optional.empty();
        } catch (RuntimeException e) {
            return Optional.of(e);
        }
    }
}
