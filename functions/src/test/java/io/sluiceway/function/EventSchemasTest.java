package io.sluiceway.function;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.event.EventData;
import io.sluiceway.event.EventData.DataReady;
import io.sluiceway.event.EventData.DataRevised;
import io.sluiceway.event.EventData.JobRecovered;
import io.sluiceway.event.EventData.JobStateChanged;
import io.sluiceway.event.EventData.JobUnhealthy;
import io.sluiceway.event.EventData.OperationCompleted;
import io.sluiceway.event.EventData.OperationFailed;
import io.sluiceway.event.EventData.SavepointCompleted;
import io.sluiceway.event.EventDraft;
import io.sluiceway.health.Health;
import io.sluiceway.health.Reason;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.DataReadyPolicy.Every;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The events as the code writes them and as their schemas describe them. */
class EventSchemasTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Instant THEN = Instant.parse("2013-01-05T10:00:00.5Z");
    private static final OperationId OPERATION = new OperationId("0f".repeat(16));
    private static final StoragePath PATH = new StoragePath("s3://state/savepoints/savepoint-1");
    private static final String LONG = "\"Zürich\" ".repeat(1000);

    /** Each type in each of its forms. */
    static List<EventData> data() {
        List<EventData> data = new ArrayList<>();
        for (JobKind kind : JobKind.values()) {
            for (JobStateChanged.State state : JobStateChanged.State.values()) {
                data.add(new JobStateChanged(kind, 1, state, null, null, null));
                data.add(
                        new JobStateChanged(kind, Integer.MAX_VALUE, state, PATH, ErrorCode.JOB_OUTCOME_UNKNOWN, LONG));
            }
        }
        for (OperationType type : OperationType.values()) {
            data.add(new OperationCompleted(OPERATION, type, THEN, null, null));
            data.add(new OperationCompleted(OPERATION, type, THEN, PATH, null));
            data.add(new OperationFailed(OPERATION, type, THEN, null, null, OperationState.FAILED, "It fell."));
            data.add(new OperationFailed(OPERATION, type, THEN, PATH, null, OperationState.ABANDONED, LONG));
        }
        for (Ending ending : Ending.values()) {
            data.add(
                    switch (ending) {
                        case UPGRADED ->
                            new OperationCompleted(OPERATION, OperationType.UPGRADE_JOB, THEN, PATH, ending);
                        case RESCALED ->
                            new OperationCompleted(OPERATION, OperationType.RESCALE_JOB, THEN, null, ending);
                        case ROLLED_BACK, FAILED ->
                            new OperationFailed(
                                    OPERATION,
                                    OperationType.UPGRADE_JOB,
                                    THEN,
                                    PATH,
                                    ending,
                                    OperationState.FAILED,
                                    LONG);
                    });
        }
        for (SavepointOrigin origin : SavepointOrigin.values()) {
            data.add(new SavepointCompleted(OPERATION, origin, PATH, true));
            data.add(new SavepointCompleted(OPERATION, origin, PATH, false));
        }
        for (JobKind kind : JobKind.values()) {
            for (Every every : Every.values()) {
                DataReadyPolicy policy = DataReadyPolicy.of("results: all", every, "America/New_York", null, null);
                data.add(new DataReady(kind, policy, Instant.EPOCH, THEN));
                data.add(new DataRevised(kind, policy, THEN));
            }
        }
        for (Reason.Code code : unhealthy()) {
            data.add(new JobUnhealthy(1, List.of(new Reason(code, "It fell.")), null, null));
            data.add(new JobUnhealthy(1, List.of(new Reason(code, LONG)), LONG, null));
        }
        data.add(allThatCanBeWrong());
        data.add(new JobRecovered(Integer.MAX_VALUE, THEN));
        return data;
    }

    private static List<Reason.Code> unhealthy() {
        return Stream.of(Reason.Code.values())
                .filter(code -> code.state() == Health.State.UNHEALTHY)
                .toList();
    }

    private static JobUnhealthy allThatCanBeWrong() {
        return new JobUnhealthy(
                Integer.MAX_VALUE,
                unhealthy().stream().map(code -> new Reason(code, LONG)).toList(),
                LONG,
                THEN);
    }

    @Test
    void schema_reasonsOfAnUnhealthyJob_areThoseThatMakeItSo() throws IOException {
        List<String> codes = new ArrayList<>();
        read("job-unhealthy.event")
                .at("/properties/data/properties/reasons/items/properties/code/enum")
                .forEach(code -> codes.add(code.asText()));

        assertThat(codes)
                .containsExactlyElementsOf(unhealthy().stream().map(Enum::name).toList());
    }

    @Test
    void detail_allThatCanBeWrongAtOnce_fitsTheDocumentedSize() throws IOException {
        String wide = "日本".repeat(1000);
        JobUnhealthy worst = new JobUnhealthy(
                Integer.MAX_VALUE,
                unhealthy().stream().map(code -> new Reason(code, wide)).toList(),
                wide,
                THEN);

        assertThat(JSON.writeValueAsBytes(numbered(worst, new RequestId("r".repeat(512)))))
                .hasSizeLessThan(16 * 1024);
    }

    @ParameterizedTest
    @MethodSource("data")
    void detail_everyForm_agreesWithItsSchema(EventData data) {
        for (RequestId request : Arrays.asList(null, new RequestId("nightly/1"))) {
            String detail = JSON.valueToTree(numbered(data, request)).toString();

            assertThat(Schemas.violations(schema(data.type()), detail))
                    .as(detail)
                    .isEmpty();
        }
    }

    private static Map<String, Object> numbered(EventData data, RequestId request) {
        return new EventDraft(
                        new ClusterName("local"),
                        new JobName("flight-delays"),
                        new FlinkJobId("7d".repeat(16)),
                        request,
                        THEN,
                        data)
                .numbered(7)
                .detail();
    }

    /** What the schema allows and nothing ever writes would be waited for in vain. */
    @Test
    void schemas_fieldsAndNames_areThoseOfTheCode() throws IOException {
        for (Class<?> type : EventData.class.getPermittedSubclasses()) {
            List<EventData> ofType = data().stream().filter(type::isInstance).toList();
            assertThat(ofType).isNotEmpty();
            JsonNode schema = read(schema(ofType.getFirst().type())).at("/properties/data");
            JsonNode data = schema.path("properties");
            Set<String> required = new TreeSet<>();
            schema.path("required").forEach(name -> required.add(name.asText()));
            TreeSet<String> written = new TreeSet<>(List.of("cluster", "jobName", "flinkJobId", "occurredAt"));
            for (EventData each : ofType) {
                written.addAll(each.fields().keySet());
            }
            assertThat(new TreeSet<>(names(data))).isEqualTo(written);
            for (String field : written) {
                TreeSet<String> allowed = new TreeSet<>();
                data.path(field).path("enum").forEach(name -> allowed.add(name.asText()));
                TreeSet<String> values = new TreeSet<>();
                ofType.stream()
                        .map(EventData::fields)
                        .filter(fields -> required.contains(field) || fields.containsKey(field))
                        .forEach(fields -> values.add(String.valueOf(fields.get(field))));
                if (!allowed.isEmpty()) {
                    assertThat(allowed).as(field).isEqualTo(values);
                }
            }
        }
    }

    @Test
    void schemas_ofEvents_areOneForEachType() throws IOException {
        try (Stream<java.nio.file.Path> files = Files.list(Schemas.DIRECTORY)) {
            assertThat(files.map(file -> file.getFileName().toString())
                            .filter(name -> name.endsWith(".event.json"))
                            .map(name -> name.substring(0, name.length() - ".json".length())))
                    .containsExactlyInAnyOrderElementsOf(data().stream()
                            .map(data -> schema(data.type()))
                            .distinct()
                            .toList());
        }
    }

    /** As the type is called without its first word, such as {@code job-state-changed.event}. */
    private static String schema(String type) {
        return type.substring("Flink ".length()).toLowerCase(Locale.ROOT).replace(' ', '-') + ".event";
    }

    private static JsonNode read(String schema) throws IOException {
        return JSON.readTree(Files.readString(Schemas.DIRECTORY.resolve(schema + ".json")));
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }
}
