package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlinkViewTest {
    @TempDir
    Path directory;

    private Path log;

    @BeforeEach
    void place() {
        log = directory.resolve("jobmanager.log");
    }

    @Test
    void executions_logIsRolledOverBetweenTwoLooks_missNone() throws IOException {
        FlinkView view = view(false);
        write("first", "INITIALIZING", "CREATED");
        write("second", "INITIALIZING", "CREATED");
        assertThat(view.executions()).hasSize(2);

        write("third", "INITIALIZING", "CREATED");
        Files.move(log, directory.resolve("jobmanager.log.1"));
        write("fourth", "INITIALIZING", "CREATED");

        assertThat(view.executions())
                .extracting(FlinkView.Execution::name)
                .containsExactlyInAnyOrder("first", "second", "third", "fourth");
    }

    @Test
    void executions_endedJobIsRecoveredByTheNextJobManager_isTheSameGoingOn() throws IOException {
        FlinkView view = view(true);
        start();
        write("job", "CREATED", "RUNNING");
        write("job", "RUNNING", "FINISHED");
        start();
        recovered("job");
        write("job", "CREATED", "RUNNING");

        assertThat(view.executions())
                .singleElement()
                .satisfies(execution -> assertThat(execution.jobManager()).isEqualTo(1))
                .satisfies(execution -> assertThat(execution.state()).isEqualTo("RUNNING"))
                .satisfies(execution -> assertThat(execution.end()).isNull());
    }

    @Test
    void executions_endedJobIsSubmittedAgain_areTwo() throws IOException {
        FlinkView view = view(true);
        start();
        write("job", "CREATED", "RUNNING");
        start();
        recovered("job");
        write("job", "CREATED", "RUNNING");
        write("job", "RUNNING", "FINISHED");
        start();
        write("job", "CREATED", "RUNNING");

        assertThat(view.executions())
                .extracting(FlinkView.Execution::state)
                .containsExactlyInAnyOrder("FINISHED", "RUNNING");
    }

    @Test
    void course_ofARestoredJob_tellsWhereItBeganAndItsCheckpointsWithoutSavepoints() throws IOException {
        FlinkView view = view(false);
        String job = "a".repeat(32);
        coordinator("Starting job %s from savepoint file:/savepoints/one ()".formatted(job));
        coordinator(
                "Triggering checkpoint 1 (type=CheckpointType{name='Checkpoint', sharingFilesStrategy=FORWARD_BACKWARD}) @ 1795406340000 for job %s."
                        .formatted(job));
        coordinator(completed(1, job));
        coordinator(
                "Triggering checkpoint 2 (type=SavepointType{name='Suspend Savepoint', postCheckpointAction=SUSPEND, formatType=CANONICAL}) @ 1795406341000 for job %s."
                        .formatted(job));
        coordinator(completed(2, job));

        assertThat(view.course(job)).isEqualTo(new FlinkView.Course("file:/savepoints/one", 1));
        assertThat(view.course("b".repeat(32))).isEqualTo(new FlinkView.Course("", 0));
    }

    private static String completed(int checkpoint, String job) {
        return "Completed checkpoint %d for job %s (1234 bytes, checkpointDuration=5 ms, finalizationTime=1 ms)."
                .formatted(checkpoint, job);
    }

    private FlinkView view(boolean highlyAvailable) {
        return new FlinkView(URI.create("http://127.0.0.1:1"), log, highlyAvailable);
    }

    private void start() throws IOException {
        tell("entrypoint.ClusterEntrypoint", "Starting StandaloneSessionClusterEntrypoint.");
    }

    private void recovered(String job) throws IOException {
        tell("jobmanager.DefaultExecutionPlanStore", "Recovered StreamGraph(jobId: %032x).".formatted(job.hashCode()));
    }

    private void coordinator(String message) throws IOException {
        tell("checkpoint.CheckpointCoordinator", message);
    }

    private void write(String job, String from, String to) throws IOException {
        tell(
                "executiongraph.ExecutionGraph",
                "Job %s (%032x) switched from state %s to %s.".formatted(job, job.hashCode(), from, to));
    }

    private void tell(String of, String message) throws IOException {
        Files.writeString(
                log,
                "2026-11-23T13:46:28.000Z INFO  org.apache.flink.runtime.%s [] - %s%n".formatted(of, message),
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }
}
