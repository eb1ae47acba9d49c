package io.sluiceway.faults;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** The ledger's table as it is, by DynamoDB's API alone. */
final class LedgerView {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    /** What DynamoDB takes in one batch. */
    private static final int MOST_WRITES = 25;

    /** The table's items, each with its attributes as plain JSON. */
    record Table(List<JsonNode> items) {
        private List<JsonNode> ofSort(String start) {
            return items.stream()
                    .filter(item -> item.path("sk").asText().startsWith(start))
                    .toList();
        }

        private List<JsonNode> ofJob(String start, String job) {
            return ofSort(start).stream()
                    .filter(item -> item.path("job").asText().equals(job))
                    .toList();
        }

        List<JsonNode> attempts(String job) {
            return ofSort("ATTEMPT").stream()
                    .filter(item -> item.at("/spec/job").asText().equals(job))
                    .toList();
        }

        List<JsonNode> operations(String job) {
            return ofJob("OPERATION", job);
        }

        /** Those operations that are upgrades. */
        List<JsonNode> upgrades(String job) {
            return operations(job).stream().filter(item -> item.has("upgrade")).toList();
        }

        List<JsonNode> savepoints(String job) {
            return ofJob("SAVEPOINT#", job);
        }

        /** A job's own record. */
        List<JsonNode> jobs(String job) {
            return ofJob("JOB#", job);
        }

        /** What was told of a job, by number. */
        List<JsonNode> events(String job) {
            return ofJob("EVENT#", job).stream()
                    .filter(item -> item.path("type").asText().equals("EVENT"))
                    .sorted(Comparator.comparingLong(
                            item -> item.path("sequence").asLong()))
                    .toList();
        }

        /** All items that have to do with a job, of whatever kind. */
        List<JsonNode> about(String job) {
            return items.stream()
                    .filter(item -> item.path("job").asText().equals(job)
                            || item.at("/spec/job").asText().equals(job)
                            || item.path("sk").asText().equals("JOB#" + job)
                            || item.path("pk").asText().endsWith("#" + job))
                    .toList();
        }
    }

    private final URI url;
    private final String table;

    LedgerView(URI url, String table) {
        this.url = url;
        this.table = table;
    }

    /** Reads the whole table. */
    Table read() throws IOException {
        List<JsonNode> items = new ArrayList<>();
        ObjectNode request = NODES.objectNode().put("TableName", table).put("ConsistentRead", true);
        JsonNode answer;
        do {
            answer = call("Scan", request);
            answer.path("Items").forEach(item -> items.add(plainMap(item)));
            request.set("ExclusiveStartKey", answer.path("LastEvaluatedKey"));
        } while (answer.has("LastEvaluatedKey"));
        return new Table(items);
    }

    /** Removes what is judged, so that the table stays small. */
    void remove(List<JsonNode> items) throws IOException {
        for (int from = 0; from < items.size(); from += MOST_WRITES) {
            ObjectNode request = NODES.objectNode();
            ArrayNode writes = request.putObject("RequestItems").putArray(table);
            for (JsonNode item : items.subList(from, Math.min(from + MOST_WRITES, items.size()))) {
                ObjectNode key = writes.addObject().putObject("DeleteRequest").putObject("Key");
                for (String name : List.of("pk", "sk")) {
                    key.putObject(name).put("S", item.path(name).asText());
                }
            }
            call("BatchWriteItem", request);
        }
    }

    JsonNode call(String operation, JsonNode request) throws IOException {
        HttpMessage answer = WireClient.send(
                "POST",
                URI.create(url + "/"),
                List.of(
                        "X-Amz-Target: DynamoDB_20120810." + operation,
                        "Content-Type: application/x-amz-json-1.0",
                        // Nobody checks the signature; DynamoDB Local takes the table's space from the key's name.
                        "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request,"
                                + " SignedHeaders=host, Signature=0"),
                JSON.writeValueAsString(request));
        if (answer.status() != 200) {
            throw new IOException(operation + " was answered with " + answer.status() + ": " + answer.text());
        }
        return JSON.readTree(answer.content());
    }

    private static ObjectNode plainMap(JsonNode typed) {
        ObjectNode plain = NODES.objectNode();
        for (Map.Entry<String, JsonNode> field : typed.properties()) {
            plain.set(field.getKey(), plain(field.getValue()));
        }
        return plain;
    }

    /** {@code {"S": "text"}} as {@code "text"}, and so on. */
    private static JsonNode plain(JsonNode typed) {
        Map.Entry<String, JsonNode> value = typed.properties().iterator().next();
        return switch (value.getKey()) {
            case "M" -> plainMap(value.getValue());
            case "L" -> {
                ArrayNode list = NODES.arrayNode();
                value.getValue().forEach(item -> list.add(plain(item)));
                yield list;
            }
            case "N" -> NODES.numberNode(Long.parseLong(value.getValue().asText()));
            default -> value.getValue();
        };
    }
}
