package io.sluiceway.infra;

import io.sluiceway.infra.settings.FunctionName;
import io.sluiceway.infra.settings.Packaging;
import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.Vpc;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.ArnFormat;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.iam.Effect;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.lambda.Alias;
import software.amazon.awscdk.services.lambda.Architecture;
import software.amazon.awscdk.services.lambda.CfnEventInvokeConfig;
import software.amazon.awscdk.services.lambda.CfnEventInvokeConfig.DestinationConfigProperty;
import software.amazon.awscdk.services.lambda.CfnEventInvokeConfig.OnFailureProperty;
import software.amazon.awscdk.services.lambda.CfnFunction;
import software.amazon.awscdk.services.lambda.CfnFunction.VpcConfigProperty;
import software.amazon.awscdk.services.lambda.Code;
import software.amazon.awscdk.services.lambda.Function;
import software.amazon.awscdk.services.lambda.Runtime;
import software.amazon.awscdk.services.lambda.SnapStartConf;
import software.amazon.awscdk.services.lambda.VersionOptions;
import software.amazon.awscdk.services.logs.LogGroup;
import software.constructs.Construct;
import software.constructs.IConstruct;

/**
 * One Lambda function, with a log group and a role of its own. The role may write that log group, and say that an
 * asynchronous call failed, and nothing else until {@link #allow} adds to it.
 *
 * <p>Each deployment that changes the function publishes a version and moves the alias {@value #LIVE} to it; older
 * versions stay, so that the alias can go back. Callers name the alias.
 *
 * <p>An asynchronous call that fails is tried again by Lambda, twice: nobody else waits for such a call, the request id
 * and try in its event make a repetition harmless, and a cluster that couldn't be reached for a moment can then be
 * reached. What fails for good ends among the {@linkplain FailedEvents failed events}. A sweep isn't tried again, since
 * the next one comes by itself.
 */
public final class SluicewayFunction extends Construct {
    /** The alias that callers name. */
    public static final String LIVE = "live";

    /** How long an asynchronous call may wait for its turn: an event that is older says what was wanted then. */
    private static final Duration MOST_EVENT_AGE = Duration.ofHours(1);

    /**
     * What attaching a function to a VPC takes; see <a
     * href="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html">Lambda's guide</a>.
     */
    private static final List<String> ATTACH_TO_VPC = List.of(
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses");

    /** What a function leaves of its timeout, so that its own answer comes before Lambda's. */
    private static final Duration RESERVE = Duration.ofSeconds(5);

    /** What a JVM needs to start in a few seconds: Lambda's share of processor grows with the memory. */
    private static final int JVM_MEMORY_MIB = 512;

    private static final String JVM_HANDLER = "io.quarkus.funqy.lambda.FunqyStreamHandler::handleRequest";

    private final Function function;
    private final Role role;
    private final Alias live;

    /**
     * What a function is made from.
     *
     * @param name which function
     * @param settings the deployment
     * @param code the artifact that {@link Settings#packaging()} names; all functions share it
     * @param environment the environment variables that all functions have
     * @param failed where asynchronous calls are told that failed for good
     */
    public record Input(
            FunctionName name, Settings settings, Code code, Map<String, String> environment, FailedEvents failed) {
        /** Copies the variables. */
        public Input {
            environment = Map.copyOf(environment);
        }
    }

    /**
     * Makes the function.
     *
     * @param scope the stack
     * @param input what to make it from; its name is the construct's id
     */
    public SluicewayFunction(Construct scope, Input input) {
        super(scope, input.name().text());
        FunctionName name = input.name();
        Settings settings = input.settings();
        String functionName = settings.stage().nameOf(name.text());

        LogGroup logs = LogGroup.Builder.create(this, "logs")
                .logGroupName("/aws/lambda/" + functionName)
                .retention(settings.logRetention())
                .removalPolicy(RemovalPolicy.DESTROY)
                .build();
        role = Role.Builder.create(this, "role")
                .description("What the function %s may do".formatted(functionName))
                .assumedBy(new ServicePrincipal("lambda.amazonaws.com"))
                .build();
        allow("WriteItsLogs", List.of("logs:CreateLogStream", "logs:PutLogEvents"), List.of(logs.getLogGroupArn()));

        Map<String, String> environment = new TreeMap<>(input.environment());
        environment.put("QUARKUS_FUNQY_EXPORT", name.text());
        environment.put("SLUICEWAY_TIME_BUDGET", name.timeout().minus(RESERVE).toString());
        if (settings.packaging() == Packaging.NATIVE) {
            // Quarkus would take Lambda's signals for its own in a native binary:
            // https://quarkus.io/guides/aws-lambda
            environment.put("DISABLE_SIGNAL_HANDLERS", "true");
        }

        function = Function.Builder.create(this, "function")
                .functionName(functionName)
                .description("Sluiceway: " + name.text())
                .code(input.code())
                .runtime(runtime(settings.packaging()))
                .handler(handler(settings.packaging()))
                .architecture(architecture(settings))
                .memorySize(memoryMiB(name, settings.packaging()))
                .timeout(software.amazon.awscdk.Duration.seconds(name.timeout().toSeconds()))
                .environment(environment)
                .role(role)
                .logGroup(logs)
                .snapStart(settings.packaging() == Packaging.JVM_MANAGED ? SnapStartConf.ON_PUBLISHED_VERSIONS : null)
                .reservedConcurrentExecutions(
                        name == FunctionName.MONITOR_JOBS && !settings.withoutReservedConcurrency() ? 1 : null)
                .currentVersionOptions(VersionOptions.builder()
                        .removalPolicy(settings.stage().isDisposable() ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN)
                        .build())
                .build();
        Vpc vpc = settings.vpc();
        if (vpc != null) {
            attach(vpc, functionName);
        }
        live = Alias.Builder.create(this, LIVE)
                .aliasName(LIVE)
                .version(function.getCurrentVersion())
                .build();
        input.failed().grantTo(this);
        tellFailures(name, input.failed());
    }

    private void tellFailures(FunctionName name, FailedEvents failed) {
        CfnEventInvokeConfig.Builder.create(this, "asynchronous-calls")
                .functionName(function.getFunctionName())
                .qualifier(live.getAliasName())
                .maximumRetryAttempts(name == FunctionName.MONITOR_JOBS ? 0 : 2)
                .maximumEventAgeInSeconds(MOST_EVENT_AGE.toSeconds())
                .destinationConfig(DestinationConfigProperty.builder()
                        .onFailure(OnFailureProperty.builder()
                                .destination(failed.queue().getQueueArn())
                                .build())
                        .build())
                .build()
                // Lambda tries the role's right to send when it is told of the destination; the alias is named by its
                // text, which CloudFormation doesn't wait for.
                .getNode()
                .addDependency(role, live);
    }

    private void attach(Vpc vpc, String functionName) {
        if (function.getNode().getDefaultChild() instanceof CfnFunction resource) {
            resource.setVpcConfig(VpcConfigProperty.builder()
                    .subnetIds(vpc.subnetIds())
                    .securityGroupIds(vpc.securityGroupIds())
                    .build());
        }
        role.addToPolicy(PolicyStatement.Builder.create()
                .sid("AttachToVpc")
                .actions(ATTACH_TO_VPC)
                .resources(List.of("*"))
                .build());
        // The role needs that for Lambda itself; the function's own code doesn't.
        role.addToPolicy(PolicyStatement.Builder.create()
                .sid("LeaveTheVpcToLambda")
                .effect(Effect.DENY)
                .actions(ATTACH_TO_VPC)
                .resources(List.of("*"))
                .conditions(Map.of(
                        "ArnEquals",
                        Map.of(
                                "lambda:SourceFunctionArn",
                                Stack.of(this)
                                        .formatArn(ArnComponents.builder()
                                                .service("lambda")
                                                .resource("function")
                                                .resourceName(functionName)
                                                .arnFormat(ArnFormat.COLON_RESOURCE_NAME)
                                                .build()))))
                .build());
        Nag.accept(
                role.getNode().findChild("DefaultPolicy"),
                "AwsSolutions-IAM5",
                "EC2 can't name the network interfaces that Lambda attaches a function with before they are there. The"
                        + " function's own code is denied what the role may do with them.",
                "Resource::*");
    }

    /**
     * Lets the function do more than write its logs.
     *
     * @param sid what it is for, in CamelCase
     * @param actions the exact actions
     * @param resources the exact ARNs; a wildcard stands in one only for what nobody can name yet
     * @throws IllegalArgumentException if an action has a wildcard, or a resource is nothing but one
     */
    public void allow(String sid, List<String> actions, List<String> resources) {
        allow(sid, actions, resources, Map.of());
    }

    /**
     * Lets the function do more than write its logs, under conditions.
     *
     * @param sid what it is for, in CamelCase
     * @param actions the exact actions
     * @param resources the exact ARNs; a wildcard stands in one only for what nobody can name yet
     * @param conditions the values of keys, by key and by operator; all have to hold
     * @throws IllegalArgumentException if an action has a wildcard, or a resource is nothing but one
     */
    public void allow(
            String sid,
            List<String> actions,
            List<String> resources,
            Map<String, Map<String, List<String>>> conditions) {
        if (actions.stream().anyMatch(action -> action.contains("*")) || resources.contains("*")) {
            throw new IllegalArgumentException(
                    "%s allows more than it can name: %s on %s".formatted(sid, actions, resources));
        }
        role.addToPolicy(PolicyStatement.Builder.create()
                .sid(sid)
                .actions(actions)
                .resources(resources)
                .conditions(conditions)
                .build());
    }

    /**
     * Lets the function do what IAM knows no resource for, so that it takes the resource {@code *}.
     *
     * @param sid what it is for, in CamelCase
     * @param action the exact action
     * @param reason why that is no harm, for cdk-nag
     * @throws IllegalArgumentException if the action has a wildcard
     */
    void allowWithoutResource(String sid, String action, String reason) {
        if (action.contains("*")) {
            throw new IllegalArgumentException("%s allows more than it can name: %s".formatted(sid, action));
        }
        role.addToPolicy(PolicyStatement.Builder.create()
                .sid(sid)
                .actions(List.of(action))
                .resources(List.of("*"))
                .build());
        Nag.accept(policy(), "AwsSolutions-IAM5", reason, "Resource::*");
    }

    /** {@return the policy that {@link #allow} writes to} */
    IConstruct policy() {
        return role.getNode().findChild("DefaultPolicy");
    }

    /** {@return the Lambda function} */
    public Function function() {
        return function;
    }

    /** {@return the alias that callers name} */
    public Alias live() {
        return live;
    }

    private static Runtime runtime(Packaging packaging) {
        return switch (packaging) {
            case NATIVE, JVM_AOT, JVM_LOCAL -> Runtime.PROVIDED_AL2023;
            case JVM_MANAGED -> Runtime.JAVA_25;
        };
    }

    private static String handler(Packaging packaging) {
        return switch (packaging) {
            // The binary knows its handler; Lambda wants the field filled.
            case NATIVE -> "bootstrap";
            case JVM_MANAGED, JVM_AOT, JVM_LOCAL -> JVM_HANDLER;
        };
    }

    private static Architecture architecture(Settings settings) {
        return switch (settings.architecture()) {
            case ARM_64 -> Architecture.ARM_64;
            case X86_64 -> Architecture.X86_64;
        };
    }

    private static int memoryMiB(FunctionName name, Packaging packaging) {
        return switch (packaging) {
            case NATIVE -> name.memoryMiB();
            case JVM_MANAGED, JVM_AOT, JVM_LOCAL -> Math.max(name.memoryMiB(), JVM_MEMORY_MIB);
        };
    }
}
