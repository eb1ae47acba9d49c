package io.sluiceway.faults;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.UUID;
import java.util.function.UnaryOperator;

/** Switches off, on the wire, what the promises rest on: a suite that stays green then shows nothing. */
enum Sabotage {
    /** Every write of the ledger succeeds, whatever it was conditional on. */
    NO_CONDITIONS {
        @Override
        List<String> calls() {
            return List.of("dynamodb TransactWriteItems", "dynamodb PutItem");
        }

        @Override
        void change(ObjectNode body) {
            if (body.path("TransactItems") instanceof ArrayNode items) {
                for (int i = items.size() - 1; i >= 0; i--) {
                    if (items.get(i).has("ConditionCheck")) {
                        items.remove(i);
                    }
                }
                items.forEach(item -> item.forEach(Sabotage::dropCondition));
            } else {
                dropCondition(body);
            }
        }
    },
    /** Flink gives each run an id of its own. */
    NO_DERIVED_JOB_ID {
        @Override
        List<String> calls() {
            return List.of("flink POST /jars/:jarid/run");
        }

        @Override
        void change(ObjectNode body) {
            body.remove("jobId");
        }
    },
    /** Flink takes each trigger for a new one. */
    NO_STORED_TRIGGER_ID {
        @Override
        List<String> calls() {
            return List.of("flink POST /jobs/:jobid/savepoints", "flink POST /jobs/:jobid/stop");
        }

        @Override
        void change(ObjectNode body) {
            body.put("triggerId", UUID.randomUUID().toString().replace("-", ""));
        }
    },
    /** No job's record names the upgrade that is under way. */
    NO_UPGRADE_MARK {
        @Override
        List<String> calls() {
            return List.of("dynamodb TransactWriteItems");
        }

        @Override
        void change(ObjectNode body) {
            for (JsonNode write : body.path("TransactItems")) {
                if (write.at("/Put/Item/sk/S").asText().startsWith("JOB#")
                        && write.at("/Put/Item") instanceof ObjectNode item) {
                    item.remove("upgrade");
                }
            }
        }
    },
    /** Managed Flink takes each snapshot that is asked for for a new one. */
    NO_SNAPSHOT_NAME {
        @Override
        List<String> calls() {
            return List.of("managed-flink CreateApplicationSnapshot");
        }

        @Override
        void change(ObjectNode body) {
            body.put("SnapshotName", UUID.randomUUID().toString());
        }
    },
    /** Managed Flink starts each job without the snapshot that is named. */
    NO_RESTORE {
        @Override
        List<String> calls() {
            return List.of("managed-flink StartApplication");
        }

        @Override
        void change(ObjectNode body) {
            body.withObject("/RunConfiguration/ApplicationRestoreConfiguration")
                    .put("ApplicationRestoreType", "SKIP_RESTORE_FROM_SNAPSHOT")
                    .remove("SnapshotName");
        }
    };

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Which calls it changes. */
    abstract List<String> calls();

    abstract void change(ObjectNode body);

    /** The history, and the fault in it, that has to go red under this sabotage. */
    Cell revealing() {
        return switch (this) {
            // One is held back before it takes the slot, while the other takes it.
            case NO_CONDITIONS ->
                new Cell(History.TWO_REQUESTS, Fault.Kind.PAUSE, "submit-job", "dynamodb TransactWriteItems", 1);
            case NO_DERIVED_JOB_ID ->
                new Cell(History.SUBMIT, Fault.Kind.LOSE_ANSWER, "submit-job", calls().getFirst(), 1);
            // The old version has ended, the new one hasn't begun: somebody else begins.
            case NO_UPGRADE_MARK -> Cell.of(History.UPGRADE_JOB_BETWEEN);
            case NO_SNAPSHOT_NAME ->
                new Cell(History.SAVEPOINT, Fault.Kind.LOSE_ANSWER, "take-savepoint", calls().getFirst(), 1);
            // The new version is said to go on where the old one stopped.
            case NO_RESTORE -> Cell.of(History.UPGRADE_JOB);
            // One is held back before it triggers, while the other triggers.
            case NO_STORED_TRIGGER_ID ->
                new Cell(History.SAVEPOINT_COPIES_2, Fault.Kind.PAUSE, "take-savepoint", calls().getFirst(), 1);
        };
    }

    /** From now on, until the proxy stops tampering. */
    void beginAt(FaultProxy proxy) {
        UnaryOperator<HttpMessage> rewrite = request -> {
            try {
                ObjectNode body = (ObjectNode) JSON.readTree(request.content());
                change(body);
                return request.withContent(JSON.writeValueAsBytes(body));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
        calls().forEach(call -> proxy.tamper(call, rewrite));
    }

    /** DynamoDB refuses names and values that no expression uses. */
    private static void dropCondition(JsonNode write) {
        if (write instanceof ObjectNode put && put.has("Item")) {
            put.remove(List.of("ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"));
        }
    }
}
