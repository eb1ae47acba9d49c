package io.sluiceway.infra;

import io.sluiceway.infra.settings.Packaging;
import io.sluiceway.infra.settings.Settings;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.lambda.Architecture;
import software.amazon.awscdk.services.lambda.Code;
import software.amazon.awscdk.services.lambda.Function;
import software.amazon.awscdk.services.lambda.Runtime;
import software.amazon.awscdk.services.logs.LogGroup;
import software.constructs.Construct;

/**
 * One Lambda function, with a log group and a role of its own. The role may write that log group and nothing else until
 * {@link #allow} adds to it.
 *
 * <p>An asynchronous call that fails is tried again by Lambda, twice by default. That stays so: nobody else waits for
 * such a call, the request id and try in its event make a repetition harmless, and a cluster that couldn't be reached
 * for a moment can then be reached.
 */
public final class SluicewayFunction extends Construct {
    /** What a function leaves of its timeout, so that its own answer comes before Lambda's. */
    private static final Duration RESERVE = Duration.ofSeconds(5);

    /** What a JVM needs to start in a few seconds: Lambda's share of processor grows with the memory. */
    private static final int JVM_MEMORY_MIB = 512;

    private static final String JVM_HANDLER = "io.quarkus.funqy.lambda.FunqyStreamHandler::handleRequest";

    private final Function function;
    private final Role role;

    /**
     * What a function is made from.
     *
     * @param name which function
     * @param settings the deployment
     * @param code the artifact that {@link Settings#packaging()} names; all functions share it
     * @param environment the environment variables that all functions have
     */
    public record Input(FunctionName name, Settings settings, Code code, Map<String, String> environment) {
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
                .build();
    }

    /**
     * Lets the function do more than write its logs.
     *
     * @param sid what it is for, in CamelCase
     * @param actions the exact actions
     * @param resources the exact ARNs; one may end with a wildcard for what lies below it
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
     * @param resources the exact ARNs; one may end with a wildcard for what lies below it
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

    /** {@return the Lambda function} */
    public Function function() {
        return function;
    }

    private static Runtime runtime(Packaging packaging) {
        return switch (packaging) {
            case NATIVE, JVM_LOCAL -> Runtime.PROVIDED_AL2023;
            case JVM_MANAGED -> Runtime.JAVA_25;
        };
    }

    private static String handler(Packaging packaging) {
        return switch (packaging) {
            // The binary knows its handler; Lambda wants the field filled.
            case NATIVE -> "bootstrap";
            case JVM_MANAGED, JVM_LOCAL -> JVM_HANDLER;
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
            case JVM_MANAGED, JVM_LOCAL -> Math.max(name.memoryMiB(), JVM_MEMORY_MIB);
        };
    }
}
