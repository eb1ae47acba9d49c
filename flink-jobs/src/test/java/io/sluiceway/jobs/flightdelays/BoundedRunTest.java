package io.sluiceway.jobs.flightdelays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptionsInternal;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Some days' flights on a Flink of one process: the job finishes, and leaves what the reference program finds. */
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
        Path output = directory.resolve("out");

        run(new Configuration(), output, "--from", "2013-01-05", "--to", "2013-01-10");

        assertThat(RealFlights.lines(output))
                .hasSizeGreaterThan(250)
                .isEqualTo(RealFlights.reference("--from", "2013-01-05", "--to", "2013-01-10"));
        assertThat(output.resolve("late")).doesNotExist();
        assertThat(RealFlights.uncommitted(output)).isEmpty();
    }

    @Test
    void run_airportsOnSubtasksOfTheirOwn_writesTheSame() throws Exception {
        int parallelism = 11; // the lowest that parts all three; up to 4 they share one
        assertThat(Stream.of("EWR", "JFK", "LGA")
                        .map(airport -> KeyGroupRangeAssignment.assignKeyToParallelOperator(
                                airport,
                                KeyGroupRangeAssignment.computeDefaultMaxParallelism(parallelism),
                                parallelism)))
                .doesNotHaveDuplicates();
        Path output = directory.resolve("out");

        run(parallelism, new Configuration(), output, "--from", "2013-01-05", "--to", "2013-01-07");

        assertThat(RealFlights.lines(output))
                .isNotEmpty()
                .isEqualTo(RealFlights.reference("--from", "2013-01-05", "--to", "2013-01-07"));
    }

    @Test
    void run_dayOfTheSpringClockChange_isThatDayInNewYork() throws Exception {
        Path output = directory.resolve("out");

        run(new Configuration(), output, "--from", "2013-03-10", "--to", "2013-03-11");

        assertThat(RealFlights.lines(output))
                .isNotEmpty()
                .isEqualTo(RealFlights.reference("--from", "2013-03-10", "--to", "2013-03-11"));
    }

    @Test
    void run_shortWatermarkLag_writesTheLateFlightsAside() throws Exception {
        Path output = directory.resolve("out");
        String[] arguments = {"--from", "2013-02-08", "--to", "2013-02-11", "--watermark-lag", "PT1H"};

        run(new Configuration(), output, arguments);

        List<String> late = new ArrayList<>(List.of(arguments));
        late.add("--late");
        assertThat(RealFlights.lines(output)).isNotEmpty().isEqualTo(RealFlights.reference(arguments));
        assertThat(RealFlights.lines(output.resolve("late")))
                .hasSizeGreaterThan(10)
                .containsExactlyInAnyOrderElementsOf(RealFlights.reference(late.toArray(String[]::new)));
    }

    @Test
    void run_idOfTheSubmissionInOutput_isPutIn() throws Exception {
        JobID id = JobID.fromHexString("0123456789abcdef0123456789abcdef");
        Configuration submission =
                new Configuration().set(PipelineOptionsInternal.PIPELINE_FIXED_JOB_ID, id.toHexString());

        JobID ran = run(
                submission, directory.resolve("out-{flinkJobId}/day"), "--from", "2013-01-05", "--to", "2013-01-06");

        assertThat(ran).isEqualTo(id);
        assertThat(RealFlights.lines(directory.resolve("out-" + id + "/day"))).isNotEmpty();
    }

    @Test
    void run_noIdOfTheSubmission_takesOneOfItsOwn() throws Exception {
        JobID ran = run(
                new Configuration(),
                directory.resolve("out-{flinkJobId}"),
                "--from",
                "2013-01-05",
                "--to",
                "2013-01-06");

        assertThat(RealFlights.lines(directory.resolve("out-" + ran))).isNotEmpty();
    }

    @Test
    void run_daysWithoutFlights_finishesAndWritesNothing() throws Exception {
        Path output = directory.resolve("out");

        run(new Configuration(), output, "--from", "2014-02-01", "--to", "2014-02-02");

        assertThat(output).doesNotExist();
    }

    @Test
    void main_inputIsMissing_failsBeforeAnythingIsSubmitted() {
        assertThatExceptionOfType(ArgumentException.class)
                .isThrownBy(() -> FlightDelays.main(
                        new String[] {"--input", directory.toString(), "--output", directory + "/out", "--replay", "60"
                        }))
                .withMessageStartingWith("INPUT_NOT_FOUND: --input lacks a file: there is no ")
                .withMessageContaining("flights.csv");
        assertThat(Files.exists(directory.resolve("out"))).isFalse();
    }

    private static JobID run(Configuration submission, Path output, String... more) throws Exception {
        return run(2, submission, output, more);
    }

    private static JobID run(int parallelism, Configuration submission, Path output, String... more) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(
                "--input",
                RealFlights.DIRECTORY.toUri().toString(),
                "--output",
                output.toString(),
                "--checkpoint-interval",
                "PT0.2S"));
        arguments.addAll(List.of(more));
        Configuration configuration = Loopback.configuration();
        configuration.addAll(submission);
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration);
        FlightDelays.build(environment, Settings.parse(arguments.toArray(String[]::new)));
        return environment.execute().getJobID();
    }
}
