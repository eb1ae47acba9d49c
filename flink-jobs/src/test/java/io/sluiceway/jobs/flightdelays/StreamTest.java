package io.sluiceway.jobs.flightdelays;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The year's replay, broken off and taken up again: every flight is counted once, whatever happens in between. */
@Tag("slow")
@Timeout(240)
class StreamTest {

    /** The year in about 20 seconds. */
    private static final String SPEED = "1.6E6";

    private static final Duration DEADLINE = Duration.ofSeconds(100);

    private static List<String> wholeYear;

    @TempDir
    private Path directory;

    private MiniCluster cluster;

    @BeforeAll
    static void askTheReference() throws Exception {
        wholeYear = RealFlights.reference();
    }

    @BeforeEach
    void startCluster() throws Exception {
        Configuration configuration = Loopback.configuration()
                .set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay")
                .set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, Integer.MAX_VALUE)
                .set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(100))
                .set(
                        CheckpointingOptions.CHECKPOINTS_DIRECTORY,
                        directory.resolve("checkpoints").toUri().toString());
        cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(2)
                .setNumSlotsPerTaskManager(1)
                .withRandomPorts()
                .build());
        cluster.start();
    }

    @AfterEach
    void stopCluster() throws Exception {
        cluster.close();
    }

    @Test
    void replay_taskManagerKilled_writesTheYearOnce() throws Exception {
        JobID job = submit(SavepointRestoreSettings.none());
        await("some hours are written", () -> lines().size() > 1000);
        int before = lines().size();

        cluster.terminateTaskManager(0).get(30, TimeUnit.SECONDS);
        await("the failure is seen", () -> cluster.getExecutionGraph(job).get().getFailureInfo() != null);
        cluster.startTaskManager();

        await("the year is written", () -> lines().size() >= wholeYear.size());
        assertThat(before).isLessThan(wholeYear.size());
        assertThat(lines()).isEqualTo(wholeYear);
        assertThat(cluster.getJobStatus(job).get()).isEqualTo(JobStatus.RUNNING);
        assertThat(directory.resolve("out/late")).doesNotExist();
    }

    @Test
    void replay_stoppedWithSavepointAndRestored_writesTheYearOnce() throws Exception {
        JobID first = submit(SavepointRestoreSettings.none());
        await("some hours are written", () -> lines().size() > 1000);

        String savepoint = cluster.stopWithSavepoint(
                        first, directory.resolve("savepoints").toUri().toString(), false, SavepointFormatType.CANONICAL)
                .get(60, TimeUnit.SECONDS);
        await("the job has finished", () -> cluster.getJobStatus(first).get() == JobStatus.FINISHED);
        List<String> before = lines();

        submit(SavepointRestoreSettings.forPath(savepoint, false));
        await("the year is written", () -> lines().size() >= wholeYear.size());
        assertThat(before).hasSizeLessThan(wholeYear.size());
        assertThat(lines()).isEqualTo(wholeYear);
    }

    @Test
    void replay_drained_writesWhatItHasSeen() throws Exception {
        JobID job = submit(SavepointRestoreSettings.none());
        await("some hours are written", () -> lines().size() > 100);

        cluster.stopWithSavepoint(
                        job, directory.resolve("savepoints").toUri().toString(), true, SavepointFormatType.CANONICAL)
                .get(60, TimeUnit.SECONDS);
        await("the job has finished", () -> cluster.getJobStatus(job).get() == JobStatus.FINISHED);

        // A drained hour may lack flights that weren't known yet, but none is there twice.
        assertThat(lines()).hasSizeLessThan(wholeYear.size()).doesNotHaveDuplicates();
        assertThat(RealFlights.uncommitted(directory.resolve("out"))).isEmpty();
    }

    private JobID submit(SavepointRestoreSettings restore) throws Exception {
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(2);
        FlightDelays.build(
                environment,
                Settings.parse(
                        "--input",
                        RealFlights.DIRECTORY.toString(),
                        "--output",
                        directory.resolve("out").toString(),
                        "--replay",
                        SPEED,
                        "--checkpoint-interval",
                        "PT0.5S"));
        JobGraph graph = environment.getStreamGraph().getJobGraph();
        graph.setSavepointRestoreSettings(restore);
        return cluster.submitJob(graph).get(60, TimeUnit.SECONDS).getJobID();
    }

    private List<String> lines() throws Exception {
        return RealFlights.lines(directory.resolve("out"));
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        Instant deadline = Instant.now().plus(DEADLINE);
        while (!condition.call()) {
            assertThat(Instant.now()).as("until %s", what).isBefore(deadline);
            LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        }
    }
}
