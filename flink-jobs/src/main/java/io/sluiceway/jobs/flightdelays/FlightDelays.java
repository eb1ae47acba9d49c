package io.sluiceway.jobs.flightdelays;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.PipelineOptionsInternal;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.OutputFileConfig;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.BasePathBucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * The departure delays of New York's airports in 2013, by airport and hour, beside the weather.
 *
 * <p>README.md of this module says what comes out and how time works. Each operator has a uid that must not change:
 * savepoints find their state by it.
 */
public final class FlightDelays {

    /** The job's name in Flink, where the submission doesn't set {@code pipeline.name}. */
    public static final String DEFAULT_NAME = "flight-delays";

    /** What stands for the Flink job's id in {@code --output}. */
    public static final String JOB_ID_PLACEHOLDER = "{flinkJobId}";

    /** Flights that became known after their hour was complete. */
    static final OutputTag<Flight> LATE = new OutputTag<>("late-flights") {};

    private FlightDelays() {}

    /**
     * Builds the job and submits it.
     *
     * @param args see {@link Settings}; none on Amazon Managed Service for Apache Flink, see {@link RuntimeProperties}
     * @throws ArgumentException when the arguments can't be followed; nothing was submitted then
     * @throws Exception when Flink doesn't take the job, or, run attached, when the job fails
     */
    public static void main(String[] args) throws Exception {
        java.nio.file.Path properties = RuntimeProperties.file(System.getenv());
        Settings settings = args.length == 0 && Files.exists(properties)
                ? RuntimeProperties.read(properties)
                : Settings.parse(args);
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        build(environment, settings);
        environment.execute(
                environment.getConfiguration().getOptional(PipelineOptions.NAME).orElse(DEFAULT_NAME));
    }

    /**
     * Lays the whole pipeline into an environment, without starting it.
     *
     * @throws ArgumentException when the input isn't there
     * @throws IOException when the input's file system can't be asked
     */
    static void build(StreamExecutionEnvironment environment, Settings settings) throws IOException {
        requireFile(settings.input().file(InputDirectory.FLIGHTS));
        requireFile(settings.input().file(InputDirectory.WEATHER));
        configure(environment, settings.checkpointInterval());
        Path output = new Path(withJobId(settings.output(), environment));

        DataStream<Flight> flights = environment
                .fromSource(
                        new FlightSource(settings.input(), settings.extent(), settings.watermarkLag()),
                        WatermarkStrategy.noWatermarks(),
                        "flights")
                .setParallelism(1)
                .uid("flights");

        SingleOutputStreamOperator<HourlyDelays> hours = hourlyDelays(flights);

        hours.map(new WeatherJoin(settings.input()))
                .name("weather")
                .uid("weather")
                .sinkTo(jsonLines(output))
                .name("results")
                .uid("results");

        hours.getSideOutput(LATE)
                .map(new LateFlights())
                .name("late-flights")
                .uid("late-flights")
                .sinkTo(jsonLines(new Path(output, "late")))
                .name("late-results")
                .uid("late-results");
    }

    /**
     * The hours of each airport, as they become complete; flights that come later are in its side output {@link #LATE}.
     */
    static SingleOutputStreamOperator<HourlyDelays> hourlyDelays(DataStream<Flight> flights) {
        return flights.keyBy(Flight::origin)
                .window(TumblingEventTimeWindows.of(Duration.ofHours(1)))
                .sideOutputLateData(LATE)
                .aggregate(new DelayAggregate(), new NameTheHour())
                .name("hourly-delays")
                .uid("hourly-delays");
    }

    private static <T> FileSink<T> jsonLines(Path directory) {
        return FileSink.forRowFormat(directory, new JsonLines<T>())
                .withBucketAssigner(new BasePathBucketAssigner<>())
                .withRollingPolicy(OnCheckpointRollingPolicy.build())
                .withOutputFileConfig(OutputFileConfig.builder()
                        .withPartPrefix("part")
                        .withPartSuffix(".jsonl")
                        .build())
                .build();
    }

    private static void configure(StreamExecutionEnvironment environment, @Nullable Duration checkpointInterval) {
        Configuration configuration = new Configuration();
        // Some days and the whole year are to go through the same watermarks, so that both find the same flights late.
        configuration.set(ExecutionOptions.RUNTIME_MODE, RuntimeExecutionMode.STREAMING);
        if (checkpointInterval != null) {
            configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, checkpointInterval);
        }
        // State and streams go by Flink's own serializers, which know how to read older savepoints; Kryo doesn't.
        configuration.set(PipelineOptions.GENERIC_TYPES, false);
        environment.configure(configuration);
    }

    private static String withJobId(String output, StreamExecutionEnvironment environment) {
        if (!output.contains(JOB_ID_PLACEHOLDER)) {
            return output;
        }
        String id = environment
                .getConfiguration()
                .getOptional(PipelineOptionsInternal.PIPELINE_FIXED_JOB_ID)
                .orElseGet(() -> fixJobId(environment));
        return output.replace(JOB_ID_PLACEHOLDER, id);
    }

    /** Flink would choose the id later than the job needs it, where the submission didn't. */
    private static String fixJobId(StreamExecutionEnvironment environment) {
        String id = JobID.generate().toHexString();
        environment.configure(new Configuration().set(PipelineOptionsInternal.PIPELINE_FIXED_JOB_ID, id));
        return id;
    }

    private static void requireFile(Path file) throws IOException {
        if (!file.getFileSystem().exists(file)) {
            throw new ArgumentException(
                    ArgumentException.Code.INPUT_NOT_FOUND, "--input lacks a file: there is no " + file + ".");
        }
    }
}
