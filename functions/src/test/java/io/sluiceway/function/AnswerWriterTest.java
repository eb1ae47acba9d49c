package io.sluiceway.function;

import static io.sluiceway.function.Schemas.violations;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Observation.NothingYet;
import java.net.URI;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What becomes of a cluster's word in an answer; each answer here agrees with its schema. */
class AnswerWriterTest {
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
        ObjectNode answer = AnswerWriter.write(
                new JobObserved(new ClusterName("local"), null, status, URI.create("https://flink.example/"), null));
        assertThat(violations("job-status.answer", answer.toString())).isEmpty();
        return (ObjectNode) answer.path("job");
    }
}
