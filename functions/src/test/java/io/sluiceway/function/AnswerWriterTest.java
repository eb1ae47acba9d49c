package io.sluiceway.function;

import static io.sluiceway.function.Schemas.violations;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.control.Answer.EventsListed;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.control.Answer.JobObserved.DataReady;
import io.sluiceway.event.EventData.JobUnhealthy;
import io.sluiceway.event.EventDraft;
import io.sluiceway.event.JobEvent;
import io.sluiceway.health.Reason;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.DataReadyPolicy.Every;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Observation.NothingYet;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.job.Vitals.Flow;
import io.sluiceway.ready.Readiness;
import io.sluiceway.ready.Readiness.Sighting;
import io.sluiceway.ready.SinkView.Watermark;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What becomes of a cluster's word in an answer; each answer here agrees with its schema. */
class AnswerWriterTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Instant START = Instant.parse("2013-01-05T10:00:00Z");

    @Test
    void write_whatTheClusterCannotTell_isNamedWithItsReason() {
        ObjectNode job = write(new JobStatus(
                overview(),
                new NotObservable<>("Nobody counts."),
                new Checkpoints(new NotObservable<>("Nobody tells."), Observation.now(3L), new NothingYet<>()),
                new NothingYet<>(),
                null));

        assertThat(job.path("notObservable"))
                .hasToString("{\"restarts\":\"Nobody counts.\",\"checkpoints.completed\":\"Nobody tells.\"}");
        assertThat(job.path("checkpoints")).hasToString("{\"failed\":3}");
        assertThat(job.has("restarts")).isFalse();
    }

    @Test
    void write_thereIsNothingYet_isAbsentWithoutAWord() {
        ObjectNode job =
                write(new JobStatus(overview(), new NothingYet<>(), Checkpoints.none(), new NothingYet<>(), null));

        assertThat(job.properties())
                .extracting(Map.Entry::getKey)
                .doesNotContain("restarts", "checkpoints", "lastCheckpoint", "lastSavepoint", "notObservable");
    }

    @Test
    void write_whatWasMeasuredBefore_isToldWithItsTime() {
        ObjectNode job = write(new JobStatus(
                overview(),
                new Known<>(2L, START.plusSeconds(60)),
                new Checkpoints(new NothingYet<>(), new Known<>(0L, START.plusSeconds(120)), new NothingYet<>()),
                new NothingYet<>(),
                null));

        assertThat(job.path("restarts").asInt()).isEqualTo(2);
        assertThat(job.path("asOf"))
                .hasToString("{\"restarts\":\"2013-01-05T10:01:00Z\",\"checkpoints.failed\":\"2013-01-05T10:02:00Z\"}");
    }

    @Test
    void write_unhealthyJob_hasItsReasons() {
        ObjectNode job = write(new JobStatus(
                overview(),
                new NothingYet<>(),
                Checkpoints.none(),
                new NothingYet<>(),
                null,
                Observation.now(new Vitals(
                        START.plusSeconds(60),
                        Observation.now(START.plusSeconds(50)),
                        Observation.now(List.of(START.plusSeconds(49), START.plusSeconds(30), START.plusSeconds(20))),
                        new Checkpointing.Seen(Duration.ofSeconds(1), 0, null, false),
                        Flow.notObservable("Nobody asked.")))));

        assertThat(job.path("health").path("state").asText()).isEqualTo("UNHEALTHY");
        assertThat(job.path("health").path("runningSince").asText()).isEqualTo("2013-01-05T10:00:50Z");
        assertThat(job.path("health").path("reasons").path(0))
                .hasToString("{\"code\":\"RESTART_LOOP\","
                        + "\"message\":\"It failed 3 times within 10 min; 3 times are a restart loop.\"}");
        assertThat(job.path("health").path("reasons").findValuesAsText("code"))
                .containsExactly("RESTART_LOOP", "JUST_STARTED", "NO_CHECKPOINT_YET");
    }

    @Test
    void write_eventWithReasons_isAsItsSchemaSays() throws IOException {
        JobUnhealthy unhealthy = new JobUnhealthy(
                1,
                List.of(
                        new Reason(Reason.Code.RESTART_LOOP, "It failed 3 times."),
                        new Reason(Reason.Code.WATERMARK_LAGS, "It is late.")),
                null,
                null);
        JobEvent event = new EventDraft(
                        new ClusterName("local"),
                        new JobName("flight-delays"),
                        new FlinkJobId("7d".repeat(16)),
                        null,
                        START,
                        unhealthy)
                .numbered(1);

        JsonNode answer = AnswerWriter.write(new EventsListed(List.of(event), 1, false));

        assertThat(violations("list-events.answer", answer.toString())).isEmpty();
        assertThat(violations(
                        "job-unhealthy.event", answer.at("/events/0/detail").toString()))
                .isEmpty();
        assertThat(answer.at("/events/0/detail/data/reasons")).isEqualTo(new ObjectMapper().readTree("""
                                        [{"code": "RESTART_LOOP", "message": "It failed 3 times."},
                                         {"code": "WATERMARK_LAGS", "message": "It is late."}]"""));
    }

    /** The schema names the same. */
    @ParameterizedTest
    @EnumSource(Reason.Code.class)
    void write_everyReason_isOfTheSchema(Reason.Code code) {
        ObjectNode job =
                write(new JobStatus(overview(), new NothingYet<>(), Checkpoints.none(), new NothingYet<>(), null));
        job.putObject("health")
                .put("state", code.state().name())
                .putArray("reasons")
                .addObject()
                .put("code", code.name())
                .put("message", "It is so.");
        ObjectNode whole = JsonNodeFactory.instance.objectNode().put("outcome", "OBSERVED");
        whole.set("job", job);

        assertThat(violations("job-status.answer", whole.toString())).isEmpty();
    }

    static Stream<Arguments> watermarks() {
        return Stream.concat(
                Stream.of(
                        arguments(null, "{}"),
                        arguments(new Watermark.Ended(), "{'watermarkEnded': true}"),
                        arguments(
                                new Watermark.Lowest(Instant.parse("2013-01-05T11:12:30Z"), 2),
                                "{'watermark': '2013-01-05T11:12:30Z', 'subtask': 2}")),
                Arrays.stream(Watermark.Why.values())
                        .map(why -> arguments(new Watermark.Unknown(why), "{'watermarkMissing': '" + why + "'}")));
    }

    @ParameterizedTest
    @MethodSource("watermarks")
    void write_dataReady_showsHowFarItIsAndWhatItWaitsFor(Watermark watermark, String expected) throws Exception {
        Instant ten = Instant.parse("2013-01-05T10:00:00Z");
        DataReady ready = new DataReady(
                DataReadyPolicy.of("results", Every.PT1H, null, null, null),
                new Readiness(null, new Sighting(ten.plusSeconds(3600), 7, START), null, ten),
                watermark);

        ObjectNode shown = (ObjectNode) write(Observation.now(ready)).path("dataReady");

        ObjectNode all = JSON.createObjectNode()
                .put("sink", "results")
                .put("until", "2013-01-05T10:00:00Z")
                .put("passed", "2013-01-05T11:00:00Z");
        all.setAll((ObjectNode) JSON.readTree(expected.replace('\'', '"')));
        assertThat(shown).isEqualTo(all);
    }

    @Test
    void write_dataReadyThatCouldNotBeSeen_saysWhy() {
        assertThat(write(new NotObservable<DataReady>("The ledger gave no answer."))
                        .path("notObservable")
                        .path("dataReady")
                        .asText())
                .isEqualTo("The ledger gave no answer.");
    }

    private static ObjectNode write(Observation<DataReady> ready) {
        ObjectNode answer = AnswerWriter.write(new JobObserved(
                new ClusterName("local"),
                null,
                new JobStatus(overview(), new NothingYet<>(), Checkpoints.none(), new NothingYet<>(), null),
                URI.create("https://flink.example/"),
                null,
                ready));
        assertThat(violations("job-status.answer", answer.toString())).isEmpty();
        return (ObjectNode) answer.path("job");
    }

    private static JobOverview overview() {
        return new JobOverview(
                new FlinkJobId("0123456789abcdef0123456789abcdef"),
                "delays",
                JobState.RUNNING,
                START,
                null,
                new TreeMap<>());
    }

    private static ObjectNode write(JobStatus status) {
        ObjectNode answer = AnswerWriter.write(new JobObserved(
                new ClusterName("local"), null, status, URI.create("https://flink.example/"), null, null));
        assertThat(violations("job-status.answer", answer.toString())).isEmpty();
        return (ObjectNode) answer.path("job");
    }
}
