package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlinkViewTest {
    @TempDir
    Path directory;

    @Test
    void executions_logIsRolledOverBetweenTwoLooks_missNone() throws IOException {
        Path log = directory.resolve("jobmanager.log");
        FlinkView view = new FlinkView(URI.create("http://127.0.0.1:1"), log, false);
        write(log, "first", "INITIALIZING", "CREATED");
        write(log, "second", "INITIALIZING", "CREATED");
        assertThat(view.executions()).hasSize(2);

        write(log, "third", "INITIALIZING", "CREATED");
        Files.move(log, directory.resolve("jobmanager.log.1"));
        write(log, "fourth", "INITIALIZING", "CREATED");

        assertThat(view.executions())
                .extracting(FlinkView.Execution::name)
                .containsExactlyInAnyOrder("first", "second", "third", "fourth");
    }

    @Test
    void executions_endedJobIsRecoveredByTheNextJobManager_isTheSameGoingOn() throws IOException {
        Path log = directory.resolve("jobmanager.log");
        FlinkView view = new FlinkView(URI.create("http://127.0.0.1:1"), log, true);
        start(log);
        write(log, "job", "CREATED", "RUNNING");
        write(log, "job", "RUNNING", "FINISHED");
        start(log);
        recovered(log, "job");
        write(log, "job", "CREATED", "RUNNING");

        assertThat(view.executions())
                .singleElement()
                .satisfies(execution -> assertThat(execution.jobManager()).isEqualTo(1))
                .satisfies(execution -> assertThat(execution.state()).isEqualTo("RUNNING"))
                .satisfies(execution -> assertThat(execution.end()).isNull());
    }

    @Test
    void executions_endedJobIsSubmittedAgain_areTwo() throws IOException {
        Path log = directory.resolve("jobmanager.log");
        FlinkView view = new FlinkView(URI.create("http://127.0.0.1:1"), log, true);
        start(log);
        write(log, "job", "CREATED", "RUNNING");
        start(log);
        recovered(log, "job");
        write(log, "job", "CREATED", "RUNNING");
        write(log, "job", "RUNNING", "FINISHED");
        start(log);
        write(log, "job", "CREATED", "RUNNING");

        assertThat(view.executions())
                .extracting(FlinkView.Execution::state)
                .containsExactlyInAnyOrder("FINISHED", "RUNNING");
    }

    @Test
    void course_ofARestoredJob_tellsWhereItBeganAndItsCheckpointsWithoutSavepoints() throws IOException {
        Path log = directory.resolve("jobmanager.log");
        FlinkView view = new FlinkView(URI.create("http://127.0.0.1:1"), log, false);
        String job = "a".repeat(32);
        coordinator(log, "Starting job %s from savepoint file:/savepoints/one ()".formatted(job));
        coordinator(
                log,
                "Triggering checkpoint 1 (type=CheckpointType{name='Checkpoint', sharingFilesStrategy=FORWARD_BACKWARD}) @ 1795406340000 for job %s."
                        .formatted(job));
        coordinator(log, completed(1, job));
        coordinator(
                log,
                "Triggering checkpoint 2 (type=SavepointType{name='Suspend Savepoint', postCheckpointAction=SUSPEND, formatType=CANONICAL}) @ 1795406341000 for job %s."
                        .formatted(job));
        coordinator(log, completed(2, job));

        assertThat(view.course(job)).isEqualTo(new FlinkView.Course("file:/savepoints/one", 1));
        assertThat(view.course("b".repeat(32))).isEqualTo(new FlinkView.Course("", 0));
    }

    private static String completed(int checkpoint, String job) {
        return "Completed checkpoint %d for job %s (1234 bytes, checkpointDuration=5 ms, finalizationTime=1 ms)."
                .formatted(checkpoint, job);
    }

    private static void start(Path log) throws IOException {
        write(log, "entrypoint.ClusterEntrypoint", "Starting StandaloneSessionClusterEntrypoint.");
    }

    private static void recovered(Path log, String job) throws IOException {
        write(
                log,
                "jobmanager.DefaultExecutionPlanStore",
                "Recovered StreamGraph(jobId: %032x).".formatted(job.hashCode()));
    }

    private static void coordinator(Path log, String message) throws IOException {
        write(log, "checkpoint.CheckpointCoordinator", message);
    }

    private static void write(Path log, String job, String from, String to) throws IOException {
        write(
                log,
                "executiongraph.ExecutionGraph",
                "Job %s (%032x) switched from state %s to %s.".formatted(job, job.hashCode(), from, to));
    }

    private static void write(Path log, String of, String message) throws IOException {
        Files.writeString(
                log,
                "2026-11-23T13:46:28.000Z INFO  org.apache.flink.runtime.%s [] - %s%n".formatted(of, message),
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }
}
