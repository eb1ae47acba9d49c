package io.sluiceway.infra;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.infra.settings.FunctionName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the functions' code calls is what their roles allow: nothing missing, nothing more. */
class GrantedCallsTest {
    /** Kept true by the functions' own AwsCallsTest, which reads their byte code. */
    private static final Path CALLS =
            Path.of(System.getProperty("project.root"), "functions", "src", "test", "resources", "aws-calls.txt");

    /**
     * The actions that a call takes, as the <a
     * href="https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html">service
     * authorization reference</a> tells.
     */
    private static final Map<String, Set<String>> ACTIONS = Map.of(
            // A version of an object has an action of its own. Without the right to list, a missing object is
            // forbidden.
            "S3.getObject", Set.of("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"),
            "S3.listObjectsV2", Set.of("s3:ListBucket"),
            "DynamoDb.getItem", Set.of("dynamodb:GetItem"),
            "DynamoDb.query", Set.of("dynamodb:Query"),
            // Made of puts with conditions.
            "DynamoDb.transactWriteItems", Set.of("dynamodb:PutItem"));

    /** What Lambda itself does in a function's name. */
    private static final Set<String> OF_LAMBDA = Set.of("logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage");

    private static final Map<String, DeployedFunction> FUNCTIONS =
            DeployedFunction.of(Stacks.template(Stacks.settings("local")));

    @ParameterizedTest
    @EnumSource
    void actions_everyFunction_areThoseOfItsCalls(FunctionName name) throws IOException {
        List<String> adapters = switch (name) {
            case SUBMIT_JOB ->
                List.of("io.sluiceway.jar.s3", "io.sluiceway.ledger.dynamodb", "io.sluiceway.savepoint.storage");
            case JOB_STATUS, TAKE_SAVEPOINT, STOP_JOB, MONITOR_JOBS ->
                List.of("io.sluiceway.ledger.dynamodb", "io.sluiceway.savepoint.storage");
            case LIST_JOBS -> List.of();
        };
        Set<String> needed = Files.readAllLines(CALLS).stream()
                .map(line -> line.split(" ", -1))
                .filter(line -> adapters.contains(line[0]))
                .flatMap(line -> actions(line[1]).stream())
                .collect(toSet());
        Set<String> granted = FUNCTIONS.get("sluiceway-local-" + name).permissions().stream()
                .flatMap(permission -> permission.actions().stream())
                .filter(action -> !OF_LAMBDA.contains(action))
                .collect(toSet());

        assertThat(granted).isEqualTo(needed);
    }

    private static Set<String> actions(String call) {
        Set<String> actions = ACTIONS.get(call);
        assertThat(actions).as("the actions that %s takes", call).isNotNull();
        return actions;
    }
}
