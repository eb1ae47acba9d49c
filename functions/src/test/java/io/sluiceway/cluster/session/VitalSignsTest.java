package io.sluiceway.cluster.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Observation.NothingYet;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.job.Vitals.Flow;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What Flink writes is read, and what makes no sense isn't taken for anything. */
class VitalSignsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String RUNNING =
            "{'state':'RUNNING','now':9000,'timestamps':{'RUNNING':3000,'RESTARTING':2000}}";
    private static final String FAILURES =
            "{'exceptionHistory':{'entries':[{'timestamp':2000},{'timestamp':1000}],'truncated':false}}";
    private static final String CHECKPOINTS = "{'latest':{'completed':{'id':4}},'history':[]}";
    private static final String CONFIG = "{'interval':500}";

    @Test
    void read_runningJob_hasItsTimes() {
        Vitals vitals = vitals(RUNNING, FAILURES, CHECKPOINTS, CONFIG);

        assertThat(vitals.at()).isEqualTo(Instant.ofEpochMilli(9000));
        assertThat(vitals.runningSince()).isEqualTo(Observation.now(Instant.ofEpochMilli(3000)));
        assertThat(vitals.failures())
                .isEqualTo(Observation.now(List.of(Instant.ofEpochMilli(2000), Instant.ofEpochMilli(1000))));
        assertThat(vitals.checkpointing()).isEqualTo(new Checkpointing.Seen(Duration.ofMillis(500), 0, null, false));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{}", "{'now':0}", "{'now':-1}", "{'now':'9000'}", "{'now':1.5}", "{'now':253402300800000}"})
    void read_noTime_isNotObservable(String details) {
        assertThat(read(details, FAILURES, CHECKPOINTS, CONFIG)).isInstanceOf(NotObservable.class);
    }

    /** An answer can be older than the state that was asked for behind it. */
    @Test
    void read_answerOfAnotherState_saysNothingOfTheRun() {
        assertThat(vitals(RUNNING.replace("'RUNNING','now'", "'RESTARTING','now'"), FAILURES, CHECKPOINTS, CONFIG)
                        .runningSince())
                .isEqualTo(new NothingYet<>());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{'state':'RUNNING','now':9000}", "{'state':'RUNNING','now':9000,'timestamps':{'RUNNING':0}}"})
    void read_runningSinceNobodyKnowsWhen_isNotObservable(String details) {
        assertThat(vitals(details, FAILURES, CHECKPOINTS, CONFIG).runningSince())
                .isInstanceOf(NotObservable.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "[]", "{'exceptionHistory':{}}", "{'errors':['Internal server error.']}"})
    void read_noHistoryOfFailures_isNotObservable(String exceptions) {
        assertThat(vitals(RUNNING, exceptions, CHECKPOINTS, CONFIG).failures()).isInstanceOf(NotObservable.class);
    }

    @Test
    void read_failedCheckpoints_countSinceTheLastThatCompleted() {
        String checkpoints = """
                {'latest':{'completed':{'id':4}},'history':[
                {'id':9,'status':'IN_PROGRESS','is_savepoint':false},
                {'id':8,'status':'FAILED','is_savepoint':false,'failure_message':'Too\\nslow.'},
                {'id':7,'status':'FAILED','is_savepoint':true,'failure_message':'A savepoint.'},
                {'id':6,'status':'COMPLETED','is_savepoint':true},
                {'id':5,'status':'FAILED','is_savepoint':false,'failure_message':'Too late.'},
                {'id':4,'status':'COMPLETED','is_savepoint':false},
                {'id':3,'status':'FAILED','is_savepoint':false}]}
                """;

        assertThat(vitals(RUNNING, FAILURES, checkpoints, CONFIG).checkpointing())
                .isEqualTo(new Checkpointing.Seen(Duration.ofMillis(500), 2, "Too?slow.", false));
    }

    @Test
    void read_noneEverCompleted_countsAllThatFailed() {
        String checkpoints =
                "{'latest':{'completed':null},'history':[{'id':1,'status':'FAILED','is_savepoint':false}]}";

        assertThat(vitals(RUNNING, FAILURES, checkpoints, CONFIG).checkpointing())
                .isEqualTo(new Checkpointing.Seen(Duration.ofMillis(500), 1, null, false));
    }

    /** Flink's word for no interval. */
    @Test
    void read_noInterval_takesNoCheckpoints() {
        assertThat(vitals(RUNNING, FAILURES, CHECKPOINTS, "{'interval':9223372036854775807}")
                        .checkpointing())
                .isEqualTo(new Checkpointing.Off());
    }

    @Test
    void read_noStatistics_takesNoCheckpoints() {
        assertThat(new VitalSigns(json(RUNNING), json(FAILURES), null, null)
                        .read()
                        .told()
                        .orElseThrow()
                        .checkpointing())
                .isEqualTo(new Checkpointing.Off());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "{'history':[]} | {}",
                "{'history':[]} | {'interval':0}",
                "{'history':[]} | {'interval':-1}",
                "{'history':[]} | {'errors':['Internal server error.']}",
                "{} | {'interval':500}",
            })
    void read_checkpointsThatMakeNoSense_areUnseen(String checkpoints, String config) {
        assertThat(vitals(RUNNING, FAILURES, checkpoints, config).checkpointing())
                .isInstanceOf(Checkpointing.Unseen.class);
    }

    @Test
    void flow_severalVertices_isTheWorstOfEach() {
        assertThat(flow(metrics(100, 2000, 5000), metrics(900, 1000, 7000), metrics(0, 3000, 3000)))
                .isEqualTo(new Flow(Observation.now(0.9), Observation.now(Instant.ofEpochMilli(1000))));
    }

    /** Before the first watermark, and behind the end of the input. */
    @Test
    void flow_vertexWithoutAWatermark_isPassedOver() {
        assertThat(flow(
                                metrics(0, Long.MIN_VALUE, Long.MIN_VALUE),
                                metrics(0, Long.MAX_VALUE, Long.MAX_VALUE),
                                metrics(0, 1000, 1000))
                        .watermark())
                .isEqualTo(Observation.now(Instant.ofEpochMilli(1000)));
        assertThat(flow(metrics(0, Long.MIN_VALUE, 1000)).watermark()).isEqualTo(new NothingYet<>());
    }

    @Test
    void flow_notMeasuredYet_isNotTakenForNone() {
        assertThat(flow("[]", "[]").watermark()).isInstanceOf(NotObservable.class);
        assertThat(flow("[]", "[]").backpressure()).isEqualTo(new NothingYet<>());
    }

    @Test
    void flow_moreThanASecondInASecond_isAllOfIt() {
        assertThat(flow(metrics(1003, 0, 0)).backpressure()).isEqualTo(Observation.now(1.0));
    }

    private static String metrics(double backpressure, double lowest, double highest) {
        return "[{'id':'backPressuredTimeMsPerSecond','min':0.0,'max':%s},{'id':'currentInputWatermark','min':%s,'max':%s}]"
                .formatted(backpressure, lowest, highest);
    }

    private static Flow flow(String... vertices) {
        return VitalSigns.flow(Stream.of(vertices).map(VitalSignsTest::json).toList());
    }

    private static Vitals vitals(String details, String exceptions, String checkpoints, String config) {
        return read(details, exceptions, checkpoints, config).told().orElseThrow();
    }

    private static Observation<Vitals> read(String details, String exceptions, String checkpoints, String config) {
        return new VitalSigns(json(details), json(exceptions), json(checkpoints), json(config)).read();
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text.replace('\'', '"'));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
