package io.sluiceway.faults;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.zip.CRC32;

/** What services say when they don't do what they are asked for. */
final class Refusals {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Refusals() {}

    static HttpMessage of(Fault.Kind kind, Service service, HttpMessage request) {
        return switch (service) {
            case FLINK ->
                HttpMessage.answer(
                        503,
                        List.of("Content-Type: application/json; charset=UTF-8"),
                        "{\"errors\":[\"Service temporarily unavailable due to an ongoing leader election. Please refresh.\"]}");
            case S3 ->
                HttpMessage.answer(
                        503,
                        List.of("Content-Type: application/xml"),
                        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>SlowDown</Code>"
                                + "<Message>Please reduce your request rate.</Message></Error>");
            case CLOUDWATCH ->
                HttpMessage.answer(
                        503,
                        List.of("Content-Type: text/xml"),
                        "<ErrorResponse><Error><Type>Receiver</Type><Code>ServiceUnavailable</Code>"
                                + "<Message>Service unavailable</Message></Error></ErrorResponse>");
            case DYNAMODB -> dynamoDb(kind, request);
            case MANAGED_FLINK -> managedFlink(kind);
        };
    }

    private static HttpMessage managedFlink(Fault.Kind kind) {
        return switch (kind) {
            case THROTTLE -> managedFlink(400, "ThrottlingException", "Rate exceeded");
            case CONDITION_FAILED ->
                managedFlink(
                        400,
                        "ConcurrentModificationException",
                        "The application was changed by another request at the same time.");
            case IN_USE ->
                managedFlink(400, "ResourceInUseException", "The application is not available for this operation.");
            case SERVER_ERROR -> managedFlink(500, "InternalFailure", "Internal failure");
            default -> managedFlink(503, "ServiceUnavailable", "Service unavailable");
        };
    }

    private static HttpMessage managedFlink(int status, String type, String message) {
        return HttpMessage.answer(
                status,
                List.of("Content-Type: application/x-amz-json-1.1"),
                "{\"__type\":\"%s\",\"message\":\"%s\"}".formatted(type, message));
    }

    private static HttpMessage dynamoDb(Fault.Kind kind, HttpMessage request) {
        boolean transaction = request.header("X-Amz-Target").orElse("").endsWith(".TransactWriteItems");
        return switch (kind) {
            case THROTTLE ->
                transaction
                        ? error(
                                400,
                                "com.amazon.coral.availability#ThrottlingException",
                                "Rate of requests exceeds.",
                                "")
                        : error(
                                400,
                                "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
                                "The level of configured provisioned throughput for the table was exceeded.",
                                "");
            case SERVER_ERROR ->
                error(500, "com.amazonaws.dynamodb.v20120810#InternalServerError", "Internal server error", "");
            case CONDITION_FAILED ->
                transaction
                        ? cancelled(request)
                        : error(
                                400,
                                "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                                "The conditional request failed",
                                "");
            default -> error(503, "com.amazonaws.dynamodb.v20120810#ServiceUnavailable", "Service Unavailable", "");
        };
    }

    private static HttpMessage cancelled(HttpMessage request) {
        try {
            int items = JSON.readTree(request.content()).path("TransactItems").size();
            String first = "{\"Code\":\"ConditionalCheckFailed\",\"Message\":\"The conditional request failed\"}";
            String others = String.join("", Collections.nCopies(items - 1, ",{\"Code\":\"None\"}"));
            return error(
                    400,
                    "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                    "Transaction cancelled, please refer cancellation reasons for specific reasons",
                    ",\"CancellationReasons\":[" + first + others + "]");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static HttpMessage error(int status, String type, String message, String more) {
        String body =
                "{\"__type\":\"%s\",\"message\":\"%s\",\"Message\":\"%s\"%s}".formatted(type, message, message, more);
        CRC32 crc = new CRC32();
        crc.update(body.getBytes(StandardCharsets.UTF_8));
        return HttpMessage.answer(
                status, List.of("Content-Type: application/x-amz-json-1.0", "x-amz-crc32: " + crc.getValue()), body);
    }
}
