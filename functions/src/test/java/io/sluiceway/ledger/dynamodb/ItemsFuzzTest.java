package io.sluiceway.ledger.dynamodb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/**
 * An item of any attributes, given as JSON, is read and written as the same again, or told to be none of Sluiceway's.
 */
class ItemsFuzzTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @FuzzTest
    void items(byte[] bytes) {
        Map<String, AttributeValue> item;
        try {
            JsonNode tree = JSON.readTree(new String(bytes, UTF_8));
            if (!tree.isObject()) {
                return;
            }
            item = attribute(tree).m();
        } catch (JsonProcessingException e) {
            return;
        }
        check(item, Items::job, Items::ofJob);
        check(item, Items::request, Items::ofRequest);
        check(item, Items::attempt, Items::ofAttempt);
        check(item, Items::operation, Items::ofOperation);
        check(item, Items::savepoint, Items::ofSavepoint);
        check(item, Items::line, Items::ofLine);
        check(item, Items::event, Items::ofEvent);
        check(item, Items::readiness, Items::ofReadiness);
    }

    private static <T> void check(
            Map<String, AttributeValue> item, Function<Fields, T> reader, Function<T, Attributes> writer) {
        T record;
        try {
            record = reader.apply(new Fields(item));
        } catch (Fields.UnreadableException e) {
            assertThat(e.attribute()).isNotEmpty();
            return;
        }
        assertThat(reader.apply(new Fields(writer.apply(record).made()))).isEqualTo(record);
    }

    private static AttributeValue attribute(JsonNode node) {
        return switch (node.getNodeType()) {
            case STRING -> AttributeValue.fromS(node.asText());
            case NUMBER -> AttributeValue.fromN(node.asText());
            case BOOLEAN -> AttributeValue.fromBool(node.asBoolean());
            case ARRAY -> {
                List<AttributeValue> list = new ArrayList<>();
                node.forEach(element -> list.add(attribute(element)));
                yield AttributeValue.fromL(list);
            }
            case OBJECT -> {
                Map<String, AttributeValue> map = new HashMap<>();
                node.properties().forEach(field -> map.put(field.getKey(), attribute(field.getValue())));
                yield AttributeValue.fromM(map);
            }
            case NULL, MISSING, BINARY, POJO -> AttributeValue.fromNul(true);
        };
    }
}
