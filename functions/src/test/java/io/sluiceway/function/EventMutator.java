package io.sluiceway.function;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigInteger;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/** Makes good events wrong, the same ones from the same seed. Not every mutation does harm. */
final class EventMutator {
    /** What no message may show; wherever it is put, it is what nobody could mean there. */
    static final String SECRET = "--password=hunter2";

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final JsonMapper ASCII =
            JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

    /** Of the form of no field's name. */
    private static final String TWIN = "the twin of another field";

    private static final String[] PIECES = {
        "../",
        "..",
        "./",
        "/",
        "//",
        "\\",
        "%2e%2e%2f",
        "%00",
        "@evil",
        "?x=1",
        "#x",
        ":",
        " ",
        ".",
        "-",
        "--",
        "_",
        "$",
        "\u0000",
        "\u0007",
        "\n",
        "\r\n",
        "\t",
        "\u001b[2J",
        "\u007f",
        "\u0085",
        "\u00a0",
        "\u00ad",
        "\u0130",
        "\u0301",
        "\u0456",
        "\u200b",
        "\u200d",
        "\u202e",
        "\u2028",
        "\u2060",
        "\ufeff",
        "\uff0f",
        "\uff41",
        "\uff10",
        "\u0661",
        "\ud83d\udeeb",
        "\ud800",
        "\udfff",
        "\uffff",
        "'",
        "\"",
        "<",
        ">",
        "{{ ti }}",
        "<aws.",
        "null",
        "0",
        "A",
        SECRET
    };

    private static final String[] NAMES = {
        "limit",
        "Try",
        "requestID",
        "request\u200bId",
        "r\u0435questId",
        "__proto__",
        "constructor",
        "$ref",
        "",
        " ",
        "try ",
        "job.name",
        "\u0000",
        "\ud800",
        SECRET,
        "x".repeat(3000),
        "requestId",
        "try",
        "cluster",
        "jobName",
        "flinkJobId",
        "operationId",
        "pageToken",
        "owner",
        "mode",
        "path",
        "rerun",
        "dashboard",
        "onUnknown",
        "sha256",
        "policies",
        "dataReady",
        "timeZone",
        "end",
        "health",
        "restarts",
        "settlingTime",
        "watermarkLag",
        "savepoints",
        "cron",
        "retention",
        "age"
    };

    private static final String[] TEXTS = {
        "",
        " ",
        "null",
        "true",
        "1",
        "../../etc/passwd",
        "s3://elsewhere/a.jar",
        "s3://sluiceway-local-jobs@evil/a.jar",
        "s3://key:hunter2@sluiceway-local-jobs/a.jar",
        "s3://sluiceway-local-jobs/../a.jar",
        "https://example.com/a.jar?X-Amz-Signature=hunter2",
        "file:///etc/passwd",
        "s3://sluiceway-local-data/savepoints/a",
        "s3://sluiceway-local-data/savepoints/../a",
        "SAVEPOINT",
        "LATEST",
        "NONE",
        "STREAM",
        "RUN",
        "CANCEL",
        "run",
        "local",
        "0".repeat(32),
        "A".repeat(32),
        "1-" + "0".repeat(32),
        "1".repeat(16) + "-" + "0".repeat(32),
        "PT1H",
        "PT60M",
        "P1D",
        "P8D",
        "UTC",
        "Europe/Berlin",
        "Europe/Berlim",
        "2013-02-28T00:00:00Z",
        "2013-02-29T00:00:00Z",
        "+2013-01-05T00:00:00Z",
        "PT4M",
        "P31D",
        "P1DT",
        "0 4 * * 1-5",
        "0 0 30 2 *",
        "* * * * *",
        "61 4 * * *",
        SECRET
    };

    private static final String[] BUCKETS = {
        "elsewhere",
        "sluiceway-1ocal-jobs",
        "sluiceway-local-jobs.evil",
        "sluiceway-local-jobs@evil",
        "sluiceway-local-jobs:443",
        "key:hunter2@sluiceway-local-jobs",
        "169.254.169.254",
        "..",
        ""
    };

    private static final String[] NUMBERS = {
        "0",
        "-0",
        "1",
        "-1",
        "1.0",
        "1.5",
        "1e2",
        "1E+2",
        "1e-2",
        "100e-2",
        "1000",
        "1001",
        "1000000",
        "1000001",
        "32768",
        "32769",
        "2147483647",
        "2147483648",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "1e999",
        "-1e999",
        "01",
        "+1",
        ".5",
        "1.",
        "0x10",
        "NaN",
        "Infinity",
        "1_000",
        "9".repeat(400),
        "9".repeat(1500)
    };

    private final Random random;

    EventMutator(long seed) {
        this.random = new Random(seed);
    }

    /** An event's bytes, mutated. */
    byte[] mutate(JsonNode good) {
        ObjectNode root = NODES.objectNode();
        root.set("event", good.deepCopy());
        for (int left = 1 + random.nextInt(2); left > 0; left--) {
            mutateTree(root);
        }
        String text = text(root.get("event"));
        return switch (random.nextInt(8)) {
            case 0 -> mutateText(text).getBytes(UTF_8);
            case 1 -> mutateBytes(text);
            default -> text.getBytes(UTF_8);
        };
    }

    /** A place in a tree: a field of an object, or an element of an array. */
    private record Place(JsonNode parent, String field, int index) {
        JsonNode get() {
            return parent instanceof ObjectNode ? parent.get(field) : parent.get(index);
        }

        void set(JsonNode value) {
            if (parent instanceof ObjectNode object) {
                object.set(field, value);
            } else {
                ((ArrayNode) parent).set(index, value);
            }
        }

        void remove() {
            if (parent instanceof ObjectNode object) {
                object.remove(field);
            } else {
                ((ArrayNode) parent).remove(index);
            }
        }
    }

    private static List<Place> places(JsonNode node) {
        List<Place> places = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            places.add(new Place(node, field.getKey(), -1));
            places.addAll(places(field.getValue()));
        }
        for (int i = 0; node.isArray() && i < node.size(); i++) {
            places.add(new Place(node, "", i));
            places.addAll(places(node.get(i)));
        }
        return places;
    }

    private void mutateTree(ObjectNode root) {
        List<Place> places = places(root);
        if (places.isEmpty()) {
            return;
        }
        Place place = one(places);
        JsonNode value = place.get();
        switch (random.nextInt(9)) {
            case 0 -> place.set(anything());
            case 1 -> {
                if (!place.field().equals("event")) {
                    place.remove();
                }
            }
            case 2 -> {
                if (value instanceof ObjectNode object) {
                    object.set(one(NAMES), random.nextBoolean() ? anything() : TextNode.valueOf(one(TEXTS)));
                }
            }
            case 3 -> place.set(one(places).get().deepCopy());
            case 4 -> {
                if (value instanceof ArrayNode array) {
                    for (int left = random.nextInt(300); left > 0; left--) {
                        array.add("x".repeat(random.nextInt(40) == 0 ? 4000 : 3));
                    }
                }
            }
            case 5 -> {
                if (value instanceof ObjectNode object && !object.isEmpty()) {
                    object.set(TWIN, anything());
                }
            }
            case 6 ->
                places.stream()
                        .filter(found -> found.get().asText().matches("s3://[^/]+/.*"))
                        .skip(random.nextInt(2))
                        .findFirst()
                        .ifPresent(found -> {
                            String uri = found.get().asText();
                            found.set(TextNode.valueOf("s3://" + one(BUCKETS) + uri.substring(uri.indexOf('/', 5))));
                        });
            default -> place.set(value.isTextual() ? TextNode.valueOf(mutate(value.asText())) : anything());
        }
    }

    private String mutate(String text) {
        int at = text.isEmpty() ? 0 : random.nextInt(text.length());
        return switch (random.nextInt(9)) {
            case 0 -> one(TEXTS);
            case 1 -> text + one(PIECES);
            case 2 -> one(PIECES) + text;
            case 3, 4 -> text.substring(0, at) + one(PIECES) + text.substring(at);
            case 5 -> text.isEmpty() ? text : text.substring(0, at) + one(PIECES) + text.substring(at + 1);
            case 6 -> text.toUpperCase(Locale.ROOT);
            case 7 -> text.repeat(random.nextInt(100) == 0 ? 50_000 : random.nextInt(60));
            default -> text.isEmpty() ? text : text.substring(0, at) + text.substring(at + 1);
        };
    }

    private JsonNode anything() {
        return switch (random.nextInt(14)) {
            case 0 -> NODES.nullNode();
            case 1 -> NODES.booleanNode(random.nextBoolean());
            case 2 -> NODES.numberNode(random.nextInt());
            case 3 -> NODES.numberNode(random.nextLong());
            case 4 -> NODES.numberNode(random.nextInt(2000) - 5);
            case 5 -> NODES.numberNode(random.nextInt(5) * 1.0);
            case 6 -> NODES.numberNode(random.nextDouble());
            case 7 -> NODES.numberNode(new BigInteger("9".repeat(1 + random.nextInt(900))));
            case 8 -> NODES.arrayNode();
            case 9 -> NODES.objectNode();
            case 10 -> NODES.arrayNode().add(one(TEXTS));
            case 11 -> deep(random.nextInt(300));
            default -> TextNode.valueOf(one(TEXTS));
        };
    }

    /** Within what the schema validator takes, which is 500 levels. */
    private JsonNode deep(int levels) {
        JsonNode node = TextNode.valueOf(SECRET);
        for (int i = 0; i < levels; i++) {
            node = random.nextBoolean()
                    ? NODES.arrayNode().add(node)
                    : NODES.objectNode().set("x", node);
        }
        return node;
    }

    /** As JSON, a field with the twin's name renamed to that of the field before it. */
    private String text(JsonNode event) {
        String text;
        try {
            text = ASCII.writeValueAsString(event);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
        int twin = text.indexOf("\"" + TWIN + "\"");
        if (twin < 0) {
            return text;
        }
        String[] names = Arrays.stream(text.substring(0, twin).split("\"", -1))
                .filter(word -> word.matches("[a-zA-Z]+"))
                .toArray(String[]::new);
        return text.replace(TWIN, names.length == 0 ? "try" : names[random.nextInt(names.length)]);
    }

    private String mutateText(String text) {
        int at = random.nextInt(text.length() + 1);
        return switch (random.nextInt(12)) {
            case 0 -> text.substring(0, at);
            case 1 -> text.substring(0, at) + one(PIECES) + text.substring(at);
            case 2 -> text + one(List.of(" ", "\n", "x", "{}", ",", "]", "null", SECRET, "\u0000"));
            case 3 -> one(List.of(" ", "\t\r\n", "\u000b", "\ufeff", "//\n", "/**/", "x", "[", SECRET)) + text;
            case 4 -> text.replace("}", ",}");
            case 5 -> text.replace("]", ",]");
            case 6 -> text.replace('"', '\'');
            case 7 -> text.replaceFirst(":\\d+", ":" + one(NUMBERS));
            case 8 -> text.replace(":", ": /* " + SECRET + " */");
            case 9 -> {
                int levels = random.nextInt(2000);
                yield "[".repeat(levels) + text + "]".repeat(levels);
            }
            case 10 -> text.replaceFirst("\"([a-z])", "\"\\\\" + one(List.of("x41", "u00", "u0061", "a", "0")));
            default -> text.substring(0, at) + text;
        };
    }

    private byte[] mutateBytes(String text) {
        byte[] bytes = text.getBytes(UTF_8);
        int at = random.nextInt(bytes.length);
        return switch (random.nextInt(6)) {
            case 0 ->
                text.getBytes(Charset.forName(one(List.of("UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE"))));
            case 1 -> insert(bytes, 0, new byte[] {(byte) 0xef, (byte) 0xbb, (byte) 0xbf});
            case 2 -> insert(bytes, at, new byte[] {(byte) random.nextInt(256)});
            case 3 ->
                insert(
                        bytes,
                        at,
                        one(List.of(
                                        "\u00c0\u00af",
                                        "\u00ed\u00a0\u0080",
                                        "\u00f4\u0090\u0080\u0080",
                                        "\u00e2\u0082",
                                        "\u00ff"))
                                .getBytes(ISO_8859_1));
            case 4 -> {
                bytes[at] = (byte) random.nextInt(256);
                yield bytes;
            }
            default -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
        };
    }

    private static byte[] insert(byte[] bytes, int at, byte[] more) {
        byte[] all = Arrays.copyOf(bytes, bytes.length + more.length);
        System.arraycopy(more, 0, all, at, more.length);
        System.arraycopy(bytes, at, all, at + more.length, bytes.length - at);
        return all;
    }

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    private String one(String[] of) {
        return of[random.nextInt(of.length)];
    }
}
