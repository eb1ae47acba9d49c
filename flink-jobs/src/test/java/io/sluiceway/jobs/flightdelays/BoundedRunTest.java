package io.sluiceway.jobs.flightdelays;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
@Timeout(120)
class BoundedRunTest {

    @TempDir
    private Path directory;

    @BeforeAll
    static void requireTheData() {
        RealFlights.require();
    }

    @Test
    void run_severalDays_writesWhatTheReferenceFinds() throws Exception {
        run(2, "--from", "2013-01-05", "--to", "2013-01-10");

        assertThat(RealFlights.lines(directory.resolve("out")))
                .hasSizeGreaterThan(250)
                .isEqualTo(RealFlights.reference("--from", "2013-01-05", "--to", "2013-01-10"));
        assertThat(RealFlights.lines(directory.resolve("out/late"))).isEmpty();
        assertThat(RealFlights.uncommitted(directory)).isEmpty();
    }

    private JobExecutionResult run(int parallelism, String... days) throws Exception {
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.createLocalEnvironment(parallelism, new Configuration());
        FlightDelays.build(environment, Settings.parse(arguments(directory.resolve("out"), days)));
        return environment.execute();
    }

    private static String[] arguments(Path output, String... more) {
        List<String> arguments = new java.util.ArrayList<>(List.of(
                "--input",
                RealFlights.DIRECTORY.toString(),
                "--output",
                output.toString(),
                "--checkpoint-interval",
                "PT0.5S"));
        arguments.addAll(List.of(more));
        assertThat(Files.exists(output)).isFalse();
        return arguments.toArray(String[]::new);
    }
}
