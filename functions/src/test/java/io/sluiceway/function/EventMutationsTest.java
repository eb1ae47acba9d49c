package io.sluiceway.function;

import static io.sluiceway.function.Schemas.violations;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.Cron;
import io.sluiceway.job.SavepointsPolicy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.format.DateTimeParseException;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thousands of events, each a good one made wrong. Each run is the same; {@code -Dmutations.seed=…} and
 * {@code -Dmutations.count=…} make another or a longer one.
 */
class EventMutationsTest {
    private static final long SEED = Long.getLong("mutations.seed", 20130105);
    private static final int COUNT = Integer.getInteger("mutations.count", 4000);
    private static final Path GOOD = Path.of("src/test/resources/events/good");
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    /** The validator itself fails for a float beyond a long; a fraction is as wrong wherever there is a number. */
    private static final String BEYOND_LONG = "(?<=:|,|\\[)-?\\d[\\d.]*E\\d\\d+";

    private static final Logger LOG = Logger.getLogger("io.sluiceway.log");

    /** What an event is refused for that its schema doesn't allow. */
    private static final Set<ErrorCode> EVENT = EnumSet.of(
            ErrorCode.EVENT_UNREADABLE,
            ErrorCode.FIELD_MISSING,
            ErrorCode.FIELD_UNKNOWN,
            ErrorCode.FIELD_INVALID,
            ErrorCode.JOB_NAME_INVALID,
            ErrorCode.CLUSTER_UNKNOWN);

    /** What an event that its schema allows can be refused for, without anything done, by this deployment. */
    private static final Set<ErrorCode> SETTINGS =
            EnumSet.of(ErrorCode.CLUSTER_UNKNOWN, ErrorCode.JAR_BUCKET_NOT_ALLOWED, ErrorCode.RESTORE_PATH_NOT_ALLOWED);

    /** What a good event that names what isn't there is refused for. */
    private static final Set<ErrorCode> LATER = EnumSet.of(
            ErrorCode.JAR_NOT_FOUND,
            ErrorCode.JOB_NOT_FOUND,
            ErrorCode.OPERATION_NOT_FOUND,
            ErrorCode.PARALLELISM_EXCEEDS_SLOTS);

    @TempDir
    static Path directory;

    @BeforeAll
    static void mute() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void unmute() {
        LOG.setLevel(null);
    }

    @Test
    void call_mutatedEvent_isTakenAsItsSchemaSays() throws IOException {
        List<Path> files = files();
        Map<ErrorCode, Integer> codes = new EnumMap<>(ErrorCode.class);
        int taken = 0;
        for (int i = 0; i < COUNT; i++) {
            Path file = files.get(i % files.size());
            byte[] event = new EventMutator(SEED * 1_000_003 + i).mutate(JSON.readTree(file.toFile()));
            Optional<ErrorCode> code = check(file.getFileName().toString().split("\\.", -1)[0], event);
            code.ifPresent(refused -> codes.merge(refused, 1, Integer::sum));
            taken += code.isPresent() ? 0 : 1;
        }
        System.out.printf("mutations.seed=%d, mutations.count=%d: taken %d, refused %s%n", SEED, COUNT, taken, codes);
        assertThat(codes.keySet()).containsAll(EVENT).containsAll(SETTINGS);
        assertThat(taken).isPositive();
    }

    private static List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(GOOD)) {
            return files.sorted().toList();
        }
    }

    /** Calls with an event and holds what comes of it against the schemas; the code that it is refused with. */
    private static Optional<ErrorCode> check(String function, byte[] event) {
        FakeDeployment deployment = new FakeDeployment(directory);
        Instant called = Instant.now();
        JsonNode answer = deployment.answer(function, event);
        String shown = "mutations.seed=" + SEED + ": " + function + " "
                + new String(event, 0, Math.min(event.length, 3000), UTF_8);

        assertThat(Duration.between(called, Instant.now())).as(shown).isLessThan(Duration.ofSeconds(5));
        assertThat(violations(function + ".answer", answer.toString()))
                .as(shown)
                .isEmpty();
        Optional<ErrorCode> code = Optional.of(answer.at("/error/code").asText())
                .filter(text -> !text.isEmpty())
                .map(ErrorCode::valueOf);
        Optional<JsonNode> tree = parse(event);
        if (tree.isEmpty()) {
            assertThat(code).as(shown).contains(ErrorCode.EVENT_UNREADABLE);
        } else if (!violations(function + ".request", tree.get().toString().replaceAll(BEYOND_LONG, "0.5"))
                .isEmpty()) {
            assertThat(code).as(shown).isPresent();
            assertThat(code.get()).as(shown).isIn(EVENT);
        } else if (isRefusedAllTheSame(tree.get())) {
            assertThat(code).as(shown).contains(ErrorCode.FIELD_INVALID);
        } else {
            code.ifPresent(refused -> assertThat(SETTINGS.contains(refused) || LATER.contains(refused))
                    .as(refused + ": " + shown)
                    .isTrue());
        }
        if (code.isPresent() && !LATER.contains(code.get())) {
            assertThat(deployment.isUntouched()).as(shown).isTrue();
            assertThat(answer.at("/error/message").asText())
                    .as(shown)
                    .endsWith(".")
                    .hasSizeLessThan(2000)
                    .doesNotContain("hunter2")
                    .doesNotContainPattern("[\\p{Cc}\\p{Cf}\\p{Cs}]");
        }
        return code;
    }

    /** The event as RFC 8259 and I-JSON take it; empty when it is none. */
    private static Optional<JsonNode> parse(byte[] event) {
        try {
            String text = UTF_8.newDecoder().decode(ByteBuffer.wrap(event)).toString();
            return text.startsWith("\ufeff")
                    ? Optional.empty()
                    : Optional.of(JSON.readTree(text)).filter(JsonNode::isObject);
        } catch (CharacterCodingException | JsonProcessingException e) {
            return Optional.empty();
        }
    }

    /** The rules that a schema can't say. */
    private static boolean isRefusedAllTheSame(JsonNode event) {
        JsonNode args = event.at("/job/args");
        boolean halves = false;
        int bytes = 0;
        for (JsonNode arg : args) {
            halves |= !UTF_8.newEncoder().canEncode(arg.asText());
            bytes += arg.asText().getBytes(UTF_8).length;
        }
        boolean restores = event.at("/job/restore").isObject()
                ? !event.at("/job/restore/mode").asText().equals("NONE")
                : event.at("/job/kind").asText().equals("STREAM");
        return halves
                || isNoPolicy(event.at("/job/policies/dataReady"))
                || isNoPlan(event.at("/job/policies/savepoints"))
                || isOutside(event.at("/job/policies/retention/age"), "PT1H", "P3650D")
                || isBackoffBeyondItsMost(event.at("/job/policies/restart"))
                || bytes > 256 * 1024
                || (event.at("/job/allowNonRestoredState").asBoolean() && !restores)
                // JSON Schema counts 1.0 and 1e2 among the integers.
                || Stream.of(
                                "/try",
                                "/pageSize",
                                "/afterSequence",
                                "/job/parallelism",
                                "/owner/try",
                                "/job/policies/restart/limit",
                                "/job/policies/health/restarts",
                                "/job/policies/health/failedCheckpoints",
                                "/job/policies/health/backpressurePercent",
                                "/job/policies/retention/count")
                        .anyMatch(place -> event.at(place).isFloatingPointNumber());
    }

    private static boolean isNoPolicy(JsonNode dataReady) {
        String start = dataReady.path("start").asText("0001-01-01T00:00:00Z");
        String end = dataReady.path("end").asText("9999-12-31T23:59:59Z");
        return !ZoneId.getAvailableZoneIds().contains(dataReady.path("timeZone").asText("UTC"))
                // Of one form, instants sort as their texts do.
                || (dataReady.has("start") && dataReady.has("end") && start.compareTo(end) >= 0)
                || Stream.of(start, end).anyMatch(text -> !isDay(text.substring(0, 10)));
    }

    private static boolean isNoPlan(JsonNode savepoints) {
        return isOutside(savepoints.path("every"), "PT5M", "P30D")
                || !ZoneId.getAvailableZoneIds()
                        .contains(savepoints.path("timeZone").asText("UTC"))
                || (savepoints.has("cron") && !isCron(savepoints.path("cron").asText()));
    }

    private static boolean isOutside(JsonNode duration, String least, String most) {
        return duration.isTextual()
                && (Duration.parse(duration.asText()).compareTo(Duration.parse(least)) < 0
                        || Duration.parse(duration.asText()).compareTo(Duration.parse(most)) > 0);
    }

    /** What crontab's language is, the policy's own test says. */
    private static boolean isCron(String text) {
        try {
            return SavepointsPolicy.of(null, text, null) instanceof Cron;
        } catch (RefusedException e) {
            return false;
        }
    }

    private static boolean isBackoffBeyondItsMost(JsonNode restart) {
        return restart.has("maxBackoff")
                && Duration.parse(restart.path("maxBackoff").asText())
                                .compareTo(
                                        Duration.parse(restart.path("backoff").asText("PT30S")))
                        < 0;
    }

    private static boolean isDay(String text) {
        try {
            LocalDate.parse(text);
            return true;
        } catch (DateTimeParseException e) {
            return false;
        }
    }
}
