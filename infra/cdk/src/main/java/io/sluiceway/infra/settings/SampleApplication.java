package io.sluiceway.infra.settings;

import java.util.List;
import java.util.regex.Pattern;

/**
 * The sample application on Amazon Managed Service for Apache Flink: the example job {@code flight-delays}, as a stream
 * that replays the flights of 2013.
 *
 * @param jarKey the jar's key in the jobs bucket, such as {@code jars/flight-delays.jar}
 * @param jarVersion the version of that object which runs
 * @param input the directory of {@code flights.csv} and {@code weather.csv}, such as {@code s3a://bucket/flights}
 * @param output the directory that the results are written to, such as {@code s3a://bucket/delays}
 * @param replay how many seconds of the flights' year pass in one second; 3600 by default
 * @param parallelism the job's parallelism, 1 to 256; 1 by default
 * @param parallelismPerKpu how many subtasks share a Kinesis Processing Unit (1 processor, 4 GiB), 1 to 8; 1 by default
 */
public record SampleApplication(
        String jarKey,
        String jarVersion,
        String input,
        String output,
        Integer replay,
        Integer parallelism,
        Integer parallelismPerKpu) {
    /** Neither {@code *} nor <code>${</code>: both mean something in an IAM resource. */
    private static final Pattern JAR_KEY = Pattern.compile("jars/[A-Za-z0-9!_.'()/=-]{1,1000}[.]jar");

    /** An object that was put before its bucket kept versions has the version {@code null}, which may change. */
    private static final Pattern VERSION = Pattern.compile("(?!null$)[A-Za-z0-9._-]{1,1024}");

    private static final Pattern DIRECTORY = Pattern.compile(
            "(?!.*/\\.{1,2}(/|$))s3a?://" + JarSource.BUCKET.pattern() + "(/[A-Za-z0-9!_.'()=-]{1,200}){1,10}/?");

    private static final String DIRECTORY_RULE =
            "a directory below a bucket, such as s3a://bucket/flights," + " of letters, digits and !_.'()=-";

    /**
     * What an application may have at most: a KPU takes up to 8 subtasks, and an account has 64 KPUs unless it asks.
     */
    private static final int MOST_SUBTASKS = 256;

    private static final int MOST_SUBTASKS_PER_KPU = 8;

    /** A day in a second: the year passes in six minutes. */
    private static final int FASTEST_REPLAY = 86_400;

    /**
     * Checks each, and puts the defaults in.
     *
     * @throws SettingsException if one is missing or breaks its rule
     */
    public SampleApplication {
        Check.matching(jarKey, "jarKey", JAR_KEY, "the key of a jar below jars/, such as jars/flight-delays.jar");
        Check.matching(
                jarVersion, "jarVersion", VERSION, "what S3 calls a version of an object, such as 3sL4kqtJlcpXroDTDm");
        Check.matching(input, "input", DIRECTORY, DIRECTORY_RULE);
        Check.matching(output, "output", DIRECTORY, DIRECTORY_RULE);
        replay = replay == null ? 3600 : Check.within(replay, "replay", FASTEST_REPLAY);
        parallelism = parallelism == null ? 1 : Check.within(parallelism, "parallelism", MOST_SUBTASKS);
        parallelismPerKpu = parallelismPerKpu == null
                ? 1
                : Check.within(parallelismPerKpu, "parallelismPerKpu", MOST_SUBTASKS_PER_KPU);
    }

    /** {@return the same as {@link #input()}, as IAM is told} */
    public S3Directory inputDirectory() {
        return S3Directory.among(List.of(input)).getFirst();
    }

    /** {@return the same as {@link #output()}, as IAM is told} */
    public S3Directory outputDirectory() {
        return S3Directory.among(List.of(output)).getFirst();
    }
}
