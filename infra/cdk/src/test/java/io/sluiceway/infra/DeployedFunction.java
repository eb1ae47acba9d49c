package io.sluiceway.infra;

import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import software.amazon.awscdk.assertions.Template;

/**
 * A function as a template would deploy it, with CloudFormation's references put in: to partition {@code aws}, region
 * {@code REGION} and account {@code ACCOUNT}.
 *
 * @param name the Lambda function's name
 * @param properties the resource's properties
 * @param environment its environment variables
 * @param permissions what its role may do
 */
record DeployedFunction(
        String name, JsonNode properties, Map<String, String> environment, Set<Permission> permissions) {

    /**
     * One statement of a policy.
     *
     * @param effect {@code Allow} or {@code Deny}
     * @param actions the actions
     * @param resources the ARNs
     * @param conditions the values that are allowed, by operator and key
     */
    record Permission(String effect, Set<String> actions, Set<String> resources, Map<String, Set<String>> conditions) {
        static Permission allow(Set<String> actions, Set<String> resources) {
            return new Permission("Allow", actions, resources, Map.of());
        }

        Permission when(String operatorAndKey, Set<String> values) {
            return new Permission(effect, actions, resources, Map.of(operatorAndKey, values));
        }
    }

    /** The functions of a template, by the Lambda function's name. */
    static Map<String, DeployedFunction> of(Template template) {
        JsonNode resources = new JsonMapper().valueToTree(template.toJSON()).path("Resources");
        Map<String, DeployedFunction> functions = new TreeMap<>();
        for (JsonNode resource : ofType(resources, "AWS::Lambda::Function")) {
            JsonNode properties = resource.path("Properties");
            String name = properties.path("FunctionName").asText();
            Map<String, String> environment = properties.path("Environment").path("Variables").properties().stream()
                    .collect(toMap(Map.Entry::getKey, variable -> resolve(resources, variable.getValue())));
            String role = properties.at("/Role/Fn::GetAtt/0").asText();
            functions.put(name, new DeployedFunction(name, properties, environment, permissions(resources, role)));
        }
        return functions;
    }

    /** What the only role that this service takes may do, in a template that has one. */
    static Set<Permission> permissionsOfRoleFor(String service, Template template) {
        JsonNode resources = new JsonMapper().valueToTree(template.toJSON()).path("Resources");
        List<String> roles = resources.properties().stream()
                .filter(resource -> resource.getValue().path("Type").asText().equals("AWS::IAM::Role"))
                .filter(resource -> resource.getValue()
                        .at("/Properties/AssumeRolePolicyDocument/Statement/0/Principal/Service")
                        .asText()
                        .equals(service))
                .map(Map.Entry::getKey)
                .toList();
        assertThat(roles).hasSize(1);
        return permissions(resources, roles.getFirst());
    }

    /** What a managed policy allows. */
    static Set<Permission> permissionsOfPolicy(String name, Template template) {
        JsonNode resources = new JsonMapper().valueToTree(template.toJSON()).path("Resources");
        return ofType(resources, "AWS::IAM::ManagedPolicy").stream()
                .map(policy -> policy.path("Properties"))
                .filter(policy -> policy.path("ManagedPolicyName").asText().equals(name))
                .flatMap(policy -> permissions(resources, policy.at("/PolicyDocument/Statement")))
                .collect(toSet());
    }

    /** What others may do with a queue. */
    static Set<Permission> permissionsOnQueue(String name, Template template) {
        JsonNode resources = new JsonMapper().valueToTree(template.toJSON()).path("Resources");
        return ofType(resources, "AWS::SQS::QueuePolicy").stream()
                .map(policy -> policy.path("Properties"))
                .filter(policy -> nameOf(
                                resources.path(policy.at("/Queues/0/Ref").asText()), "")
                        .equals(name))
                .flatMap(policy -> permissions(resources, policy.at("/PolicyDocument/Statement")))
                .collect(toSet());
    }

    private static Stream<Permission> permissions(JsonNode resources, JsonNode statements) {
        return statements
                .valueStream()
                .map(statement -> new Permission(
                        statement.path("Effect").asText(),
                        texts(resources, statement.path("Action")),
                        texts(resources, statement.path("Resource")),
                        conditions(resources, statement.path("Condition"))));
    }

    /** What the role of that logical id may do. */
    static Set<Permission> permissions(JsonNode resources, String role) {
        JsonNode properties = resources.path(role).path("Properties");
        if (properties.has("ManagedPolicyArns") || properties.has("Policies")) {
            throw new AssertionError("%s has policies that this test doesn't read: %s".formatted(role, properties));
        }
        return ofType(resources, "AWS::IAM::Policy").stream()
                .map(policy -> policy.path("Properties"))
                .filter(policy -> policy.path("Roles")
                        .valueStream()
                        .anyMatch(of -> role.equals(of.path("Ref").asText())))
                .flatMap(policy -> permissions(resources, policy.at("/PolicyDocument/Statement")))
                .collect(toSet());
    }

    /** The statements of a policy, with references to resources of the same template put in. */
    static Set<Permission> statements(JsonNode resources, JsonNode document) {
        return permissions(resources, document.path("Statement")).collect(toSet());
    }

    private static Map<String, Set<String>> conditions(JsonNode resources, JsonNode condition) {
        return condition.properties().stream()
                .flatMap(operator -> operator.getValue().properties().stream()
                        .map(key ->
                                Map.entry(operator.getKey() + " " + key.getKey(), texts(resources, key.getValue()))))
                .collect(toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    private static List<JsonNode> ofType(JsonNode resources, String type) {
        List<JsonNode> found = new ArrayList<>();
        resources.forEach(resource -> {
            if (type.equals(resource.path("Type").asText())) {
                found.add(resource);
            }
        });
        return found;
    }

    /** A trust policy's statement has no resource. */
    private static Set<String> texts(JsonNode resources, JsonNode oneOrMany) {
        if (oneOrMany.isMissingNode()) {
            return Set.of();
        }
        return (oneOrMany.isArray() ? oneOrMany.valueStream() : Stream.of(oneOrMany))
                .map(text -> resolve(resources, text))
                .collect(toSet());
    }

    private static String resolve(JsonNode resources, JsonNode value) {
        if (value.isTextual()) {
            return value.asText();
        }
        if (value.has("Fn::Join")) {
            String separator = value.at("/Fn::Join/0").asText();
            return value.at("/Fn::Join/1")
                    .valueStream()
                    .map(part -> resolve(resources, part))
                    .collect(joining(separator));
        }
        if (value.has("Ref")) {
            String id = value.path("Ref").asText();
            return switch (id) {
                case "AWS::Partition" -> "aws";
                case "AWS::Region" -> "REGION";
                case "AWS::AccountId" -> "ACCOUNT";
                default ->
                    // The reference to an alias is its ARN.
                    resources.path(id).path("Type").asText().equals("AWS::Lambda::Alias")
                            ? "arn:aws:lambda:REGION:ACCOUNT:function:%s:%s"
                                    .formatted(
                                            resolve(
                                                    resources,
                                                    resources.path(id).at("/Properties/FunctionName")),
                                            resources
                                                    .path(id)
                                                    .at("/Properties/Name")
                                                    .asText())
                            : nameOf(resources.path(id), id);
            };
        }
        if (value.at("/Fn::GetAtt/1").asText().equals("Arn")) {
            String id = value.at("/Fn::GetAtt/0").asText();
            JsonNode resource = resources.path(id);
            return switch (resource.path("Type").asText()) {
                case "AWS::S3::Bucket" -> "arn:aws:s3:::" + nameOf(resource, id);
                case "AWS::DynamoDB::Table" -> "arn:aws:dynamodb:REGION:ACCOUNT:table/" + nameOf(resource, id);
                // This ARN's wildcard stands for the group's streams:
                // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
                case "AWS::Logs::LogGroup" ->
                    "arn:aws:logs:REGION:ACCOUNT:log-group:%s:*".formatted(nameOf(resource, id));
                case "AWS::SQS::Queue" -> "arn:aws:sqs:REGION:ACCOUNT:" + nameOf(resource, id);
                case "AWS::Events::EventBus" -> "arn:aws:events:REGION:ACCOUNT:event-bus/" + nameOf(resource, id);
                case "AWS::Events::Rule" -> "arn:aws:events:REGION:ACCOUNT:rule/" + nameOf(resource, id);
                case "AWS::Scheduler::ScheduleGroup" ->
                    "arn:aws:scheduler:REGION:ACCOUNT:schedule-group/" + nameOf(resource, id);
                case "AWS::IAM::Role" -> "arn:aws:iam::ACCOUNT:role/" + nameOf(resource, id);
                case String type -> throw new AssertionError("The ARN of a %s is new to this test".formatted(type));
            };
        }
        if (value.has("Fn::GetStackOutput")) {
            return "{%s}".formatted(value.at("/Fn::GetStackOutput/OutputName").asText());
        }
        throw new AssertionError("A reference that is new to this test: " + value);
    }

    /** A resource without a name of its own is named after its logical id by CloudFormation. */
    private static String nameOf(JsonNode resource, String id) {
        JsonNode properties = resource.path("Properties");
        return Stream.of("BucketName", "LogStreamName", "LogGroupName", "TableName", "QueueName", "FunctionName")
                .map(properties::path)
                .filter(JsonNode::isTextual)
                .map(JsonNode::asText)
                .findFirst()
                .orElse("{" + id.replaceFirst("[0-9A-F]{8}$", "") + "}");
    }
}
