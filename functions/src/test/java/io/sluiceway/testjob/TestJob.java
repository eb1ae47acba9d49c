package io.sluiceway.testjob;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.datastream.DataStreamSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/** A program that behaves as its first argument says; the tests put it into a jar and give that to clusters. */
public final class TestJob extends RichMapFunction<Long, Long> implements CheckpointedFunction {
    private static final Set<String> BOUNDED = Set.of("bounded", "failing");
    private static final Set<String> RESTARTING = Set.of("ailing", "recovering", "lapsing", "crashing", "souring");

    private static final Set<String> COUNTING = Set.of("counting", "crashing", "souring");

    /** The name of its sink. */
    public static final String SINK = "nowhere: all of it";

    /** The time of its first record; the others follow a second after each other. */
    public static final Instant START = Instant.parse("2013-01-05T10:00:00Z");

    /** How many counters a job that counts has. */
    public static final int COUNTERS = 5;

    /** An ailing or mortal job runs for a while before it fails for the first time. */
    private static final int LAST_GOOD_CHECKPOINT = 4;

    /** A recovering job fails so often before it gets well. */
    private static final int RECOVERY = 4;

    /** A recovering or souring job runs for so many numbers, a second, before it fails. */
    private static final int NUMBERS_UNTIL_FAILURE = 200;

    /** The first checkpoint of a lapsing job that doesn't expire. */
    private static final int FIRST_GOOD_CHECKPOINT = 5;

    private static final Duration CHECKPOINT_TIMEOUT = Duration.ofSeconds(2);

    /** How long a counting job takes for each of its states to be kept. */
    private static final Duration SNAPSHOT = Duration.ofMillis(250);

    /** How long a refusing job takes where a service starts it, and whoever asked for that only looks. */
    private static final Duration REFUSAL = Duration.ofMillis(800);

    /** How far the clock of a late job is behind. */
    private static final Duration LATE = Duration.ofHours(1);

    private final String behaviour;
    private int mapped;
    private boolean restored;

    private TestJob(String behaviour) {
        this.behaviour = behaviour;
    }

    /**
     * What stands for the arguments where the service that runs the program hands on none: a file with its runtime
     * properties.
     */
    private static final String PROPERTIES_FILE = "TEST_JOB_PROPERTIES_FILE";

    /** Where Managed Service for Apache Flink has it. */
    private static final Path OF_THE_SERVICE = Path.of("/etc/flink/application_properties.json");

    private static final Pattern BEHAVIOUR = Pattern.compile("\"behaviour\"\\s*:\\s*\"([a-z]+)\"");
    private static final Pattern INTO = Pattern.compile("\"into\"\\s*:\\s*\"([^\"]+)\"");
    private static final Pattern ATTEMPT = Pattern.compile("\"attemptId\"\\s*:\\s*\"([0-9a-f]{32})\"");

    /**
     * Builds the job.
     *
     * @param args {@code endless}, {@code bounded}, {@code failing} (fails when it runs), {@code ailing} (endless, and
     *     its checkpoints fail and restart it), {@code recovering} (endless, and fails some times at first),
     *     {@code mortal} (endless, retains its checkpoints, and fails for good unless it was restored), {@code lapsing}
     *     (endless, and its first checkpoints expire), {@code careless} (endless, without checkpoints), {@code late}
     *     (endless, backpressured, its watermark an hour behind), {@code refusing} (main throws, quoting the second
     *     argument), {@code stumbling} (endless, and main throws behind its submission), {@code counting} (endless, and
     *     appends each number to the file that the second argument names, with how often its remainder by
     *     {@link #COUNTERS} was there), {@code crashing} (likewise, and fails again and again before its first
     *     checkpoint) or {@code souring} (likewise, and fails again and again behind its first checkpoint)
     */
    public static void main(String[] args) throws Exception {
        String behaviour = args.length == 0 ? inTheProperties(BEHAVIOUR).orElse("bounded") : args[0];
        if (behaviour.equals("refusing")) {
            if (args.length == 0) {
                Thread.sleep(REFUSAL.toMillis());
            }
            throw new IllegalArgumentException("There is no such day: " + (args.length > 1 ? args[1] : "none") + ".");
        }
        Configuration configuration = new Configuration();
        if (RESTARTING.contains(behaviour)) {
            configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
            configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, Integer.MAX_VALUE);
            configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofSeconds(1));
        } else {
            configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
        }
        if (behaviour.equals("mortal")) {
            configuration.set(
                    CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
                    ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        }
        if (behaviour.equals("lapsing")) {
            configuration.set(CheckpointingOptions.CHECKPOINTING_TIMEOUT, CHECKPOINT_TIMEOUT);
            configuration.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, Integer.MAX_VALUE);
        }
        if (!behaviour.equals("careless")) {
            configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(500));
        }
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        if (behaviour.equals("late")) {
            // Tasks of their own, one of which can wait for the next.
            environment.disableOperatorChaining();
        }
        DataStreamSource<Long> numbers =
                environment.fromSequence(0, BOUNDED.contains(behaviour) ? 20 : Long.MAX_VALUE - 1);
        if (COUNTING.contains(behaviour)) {
            count(
                    numbers,
                    behaviour,
                    args.length > 1 ? args[1] : inTheProperties(INTO).orElse(""));
        } else {
            numbers.uid("numbers")
                    .assignTimestampsAndWatermarks(WatermarkStrategy.<Long>forMonotonousTimestamps()
                            .withTimestampAssigner((number, at) -> behaviour.equals("late")
                                    ? System.currentTimeMillis() - LATE.toMillis()
                                    : START.toEpochMilli() + number * 1000))
                    .uid("times")
                    .map(new TestJob(behaviour))
                    .uid("behave")
                    .sinkTo(new DiscardingSink<>())
                    .name(SINK)
                    .uid("nowhere");
        }
        if (behaviour.equals("stumbling")) {
            environment.executeAsync();
            throw new IllegalStateException("The runway ends here.");
        }
        environment.execute(
                environment.getConfiguration().getOptional(PipelineOptions.NAME).orElse("test-job")
                        + inTheProperties(ATTEMPT).map(attempt -> "@" + attempt).orElse(""));
    }

    /** One reader, so that the numbers come in their order; the counters have the job's parallelism. */
    private static void count(DataStreamSource<Long> numbers, String behaviour, String into) {
        numbers.setParallelism(1)
                .uid("numbers")
                .map(new TestJob(behaviour))
                .setParallelism(1)
                .uid("behave")
                .keyBy(number -> number % COUNTERS)
                .process(new Counter(into))
                .uid("count")
                .sinkTo(new DiscardingSink<>())
                .uid("nowhere");
    }

    /** Counts each key, in state, and writes what it was given and has counted. */
    static final class Counter extends KeyedProcessFunction<Long, Long, Long> {
        private static final long serialVersionUID = 1L;

        private final String into;
        private transient ValueState<Long> count;

        Counter(String into) {
            this.into = into;
        }

        @Override
        public void open(OpenContext context) {
            count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
        }

        @Override
        public void processElement(Long number, Context context, Collector<Long> out) throws Exception {
            long counted = (count.value() == null ? 0 : count.value()) + 1;
            count.update(counted);
            Files.writeString(
                    Path.of(into), number + " " + counted + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            out.collect(counted);
        }
    }

    private static Optional<String> inTheProperties(Pattern pattern) throws IOException {
        String file = System.getenv(PROPERTIES_FILE);
        Path path = file == null ? OF_THE_SERVICE : Path.of(file);
        Matcher found = pattern.matcher(Files.exists(path) ? Files.readString(path) : "");
        return found.find() ? Optional.of(found.group(1)) : Optional.empty();
    }

    @Override
    public Long map(Long number) throws InterruptedException {
        if (behaviour.equals("failing")) {
            throw new IllegalStateException("The flight is cancelled.", new ArithmeticException("No such runway."));
        }
        if (behaviour.equals("recovering")
                && ++mapped == NUMBERS_UNTIL_FAILURE
                && getRuntimeContext().getTaskInfo().getAttemptNumber() < RECOVERY) {
            throw new IllegalStateException("The weather is bad.", new ArithmeticException("It rains."));
        }
        if (behaviour.equals("crashing")
                || (behaviour.equals("souring")
                        && (getRuntimeContext().getTaskInfo().getAttemptNumber() > 0
                                || ++mapped == NUMBERS_UNTIL_FAILURE))) {
            throw new IllegalStateException("The engine stops.", new ArithmeticException("It has no fuel."));
        }
        // Paces the source, so that an endless job doesn't burn a core.
        Thread.sleep(5);
        return number;
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws InterruptedException {
        if (behaviour.equals("lapsing") && context.getCheckpointId() < FIRST_GOOD_CHECKPOINT) {
            Thread.sleep(CHECKPOINT_TIMEOUT.plusMillis(500).toMillis());
        }
        if (behaviour.equals("counting")) {
            // A stop with a savepoint isn't over before whoever asks for it has looked again.
            Thread.sleep(SNAPSHOT.toMillis());
        }
        if (behaviour.equals("crashing")) {
            // A barrier may come before the first record.
            throw new IllegalStateException("The engine stops.", new ArithmeticException("It has no fuel."));
        }
        boolean ails = behaviour.equals("ailing") || (behaviour.equals("mortal") && !restored);
        if (ails && context.getCheckpointId() > LAST_GOOD_CHECKPOINT) {
            throw new IllegalStateException("The radio is silent.");
        }
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {
        // It has none of its own.
        restored = context.isRestored();
    }
}
