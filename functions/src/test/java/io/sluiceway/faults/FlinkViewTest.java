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

    private static void write(Path log, String job, String from, String to) throws IOException {
        Files.writeString(
                log,
                "2026-11-23T13:46:28.000Z INFO  org.apache.flink.runtime.executiongraph.ExecutionGraph       [] - Job %s (%032x) switched from state %s to %s.%n"
                        .formatted(job, job.hashCode(), from, to),
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }
}
