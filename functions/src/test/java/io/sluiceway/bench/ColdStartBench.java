package io.sluiceway.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.bench.RuntimeApi.Answered;
import io.sluiceway.testing.DynamoDbTable;
import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.LambdaRuntime;
import io.sluiceway.testing.ManagedFlinkProcess;
import io.sluiceway.testing.MiniStackProcess;
import io.sluiceway.testing.Processes;
import io.sluiceway.testing.TestJobJar;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationDetail;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationStatus;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;

/**
 * How long the functions take from the start of a process to its first answer, and what they hold then, beside what a
 * team would use instead. All contenders take turns in each round, so that what the machine does meanwhile meets all of
 * them. {@code make bench} runs it, and says what is missing for which contender.
 */
class ColdStartBench {
    private static final int ROUNDS = Integer.getInteger("bench.rounds", 50);
    private static final Path OUT = Processes.root().resolve(System.getProperty("bench.file", "local/run/bench.json"));
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String BUCKET = "jars";
    private static final String FLOOR = "floor";
    private static final String PYTHON = "python";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The calls of one life of a job, in their order. */
    private enum Verb {
        SUBMIT("submit-job"),
        STATUS("job-status"),
        SAVEPOINT("take-savepoint"),
        SWEEP("monitor-jobs");

        private final String function;

        Verb(String function) {
            this.function = function;
        }
    }

    /**
     * One cold start.
     *
     * @param cluster {@code session}, {@code managed} or {@code none}
     * @param evicted whether the artifact's files had to be read from the disk
     * @param megabytes what the process held behind its answer
     */
    private record Sample(
            String contender, String cluster, Verb verb, boolean evicted, double millis, double megabytes) {}

    private final PrintStream out = System.out;
    private final HttpClient http = HttpClient.newHttpClient();
    private final List<Sample> samples = new ArrayList<>();

    @TempDir
    private Path home;

    private FlinkProcesses flink;
    private MiniStackProcess aws;
    private ManagedFlinkProcess service;
    private KinesisAnalyticsV2Client applications;

    @BeforeEach
    void start() throws IOException {
        Path properties = home.resolve("application_properties.json");
        flink = new FlinkProcesses(
                home.resolve("flink"),
                new FlinkProcesses.Options(
                        4,
                        false,
                        Map.of("jobstore.max-capacity", "20"),
                        Map.of("TEST_JOB_PROPERTIES_FILE", properties.toString()),
                        process -> {}));
        aws = new MiniStackProcess(Files.createDirectories(home.resolve("aws")));
        service = new ManagedFlinkProcess(
                home.resolve("managed"), flink, aws.url(), properties, "--passing", "0.1", "--poll", "0.1");
        applications = service.client();
        putJar();
    }

    @AfterEach
    void stop() {
        applications.close();
        service.close();
        aws.close();
        flink.close();
    }

    @Test
    void coldStarts_ofAllThatCanBeStarted_areMeasuredByTurns() throws Exception {
        List<Contender> contenders = contenders();
        assertThat(contenders).isNotEmpty();
        for (int round = 0; round < ROUNDS; round++) {
            List<Contender> turns = new ArrayList<>(contenders);
            Collections.shuffle(turns, new Random(round));
            for (Contender contender : turns) {
                takeTurn(contender, round);
            }
            out.printf("Round %d of %d%n", round + 1, ROUNDS);
        }
        write(contenders);
        print(contenders);
    }

    private void takeTurn(Contender contender, int round) throws Exception {
        for (boolean evicted : List.of(false, true)) {
            String name = "%s-%d%s".formatted(contender.name().replaceAll("\\W+", "-"), round, evicted ? "-disk" : "");
            if (contender.name().equals(FLOOR)) {
                measure(contender, "none", Verb.SUBMIT, evicted, Map.of(), "{}");
                continue;
            }
            for (String cluster : contender.submitsAlone() ? List.of("session") : List.of("session", "managed")) {
                try (DynamoDbTable table = new DynamoDbTable(aws.url())) {
                    life(contender, cluster, evicted, name, environment(table));
                }
            }
        }
    }

    /** Submits a job, and, where the files needn't come from the disk, does to it what the other functions do. */
    private void life(
            Contender contender, String cluster, boolean evicted, String name, Map<String, String> environment)
            throws Exception {
        String behaviour = cluster.equals("session") ? "[\"endless\"]" : "[\"--behaviour\", \"endless\"]";
        measure(contender, cluster, Verb.SUBMIT, evicted, environment, """
                {"requestId": "%s", "try": 1, "job": {"name": "%s", "kind": "STREAM", "cluster": "%s",
                 "jar": {"uri": "s3://%s/job.jar"}, "args": %s, "parallelism": 1}}
                """.formatted(
                        name, name, cluster, BUCKET, behaviour));
        if (!contender.submitsAlone() && !evicted) {
            await("the job runs")
                    .atMost(PATIENCE)
                    .until(() -> !running(job -> true).isEmpty());
            measure(contender, cluster, Verb.STATUS, false, environment, """
                    {"cluster": "%s", "jobName": "%s"}
                    """.formatted(cluster, name));
            measure(contender, cluster, Verb.SAVEPOINT, false, environment, """
                    {"requestId": "%s/save", "try": 1, "cluster": "%s", "jobName": "%s"}
                    """.formatted(name, cluster, name));
            measure(contender, cluster, Verb.SWEEP, false, environment, """
                    {"clusters": ["%s"]}
                    """.formatted(cluster));
        }
        end(cluster, name);
    }

    private void measure(
            Contender contender,
            String cluster,
            Verb verb,
            boolean evicted,
            Map<String, String> environment,
            String event)
            throws Exception {
        if (evicted) {
            evict(contender.files());
        }
        try (RuntimeApi process =
                new RuntimeApi(contender, verb.function, environment, home.resolve(contender.name() + ".log"))) {
            Answered answered = process.call(event);
            assertThat(answered.error())
                    .as("%s of %s: %s", verb, contender.name(), answered.body())
                    .isFalse();
            samples.add(new Sample(
                    contender.name(), cluster, verb, evicted, answered.millis(), process.residentMegabytes()));
        }
    }

    /** Has the files of an artifact read from the disk when they are needed next. */
    private void evict(List<Path> files) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(python().toString(), "-c", """
                import os, sys
                for name in sys.stdin.read().splitlines():
                    file = os.open(name, os.O_RDONLY)
                    os.fsync(file)
                    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                    os.close(file)
                """));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(home.resolve("evict.log").toFile())
                .start();
        try (var names = process.outputWriter()) {
            for (Path file : files) {
                names.write(file + "\n");
            }
        }
        assertThat(process.waitFor()).isZero();
    }

    private static Path python() {
        return Processes.root().resolve(".venv/bin/python");
    }

    private void putJar() throws IOException {
        try (S3Client s3 = aws.s3()) {
            s3.createBucket(bucket -> bucket.bucket(BUCKET));
            s3.putBucketVersioning(bucket -> bucket.bucket(BUCKET)
                    .versioningConfiguration(versioning -> versioning.status(BucketVersioningStatus.ENABLED)));
            s3.putObject(
                    object -> object.bucket(BUCKET).key("job.jar"),
                    RequestBody.fromFile(TestJobJar.write(home.resolve("job.jar"), 0)));
        }
    }

    private Map<String, String> environment(DynamoDbTable table) {
        Map<String, String> variables = new HashMap<>(Map.of(
                "SLUICEWAY_CLUSTERS",
                """
                        {"session": {"type": "SESSION", "url": "%s", "savepointRoot": "%s", "checkpointRoot": "%s"},
                         "managed": {"type": "MANAGED", "applications": "bench-{job}", "runtime": "FLINK-2_3",
                                     "serviceRoleArn": "arn:aws:iam::000000000000:role/flink"}}
                        """.formatted(flink.url(), flink.savepointRoot(), flink.checkpointRoot()),
                "SLUICEWAY_JAR_BUCKETS",
                BUCKET,
                "SLUICEWAY_LEDGER_TABLE",
                table.name(),
                "SLUICEWAY_EVENT_BUS",
                "default",
                "SLUICEWAY_SHARES_FILE_SYSTEM",
                "true",
                "AWS_ENDPOINT_URL",
                aws.url().toString(),
                "AWS_ENDPOINT_URL_KINESIS_ANALYTICS_V2",
                service.url().toString(),
                "AWS_REGION",
                "us-east-1",
                "AWS_ACCESS_KEY_ID",
                "test",
                "AWS_SECRET_ACCESS_KEY",
                "test"));
        variables.put("AWS_DEFAULT_REGION", "us-east-1");
        variables.put("SLUICEWAY_TIME_BUDGET", "PT25S");
        variables.put("FLINK_URL", flink.url().toString());
        variables.put("TABLE", table.name());
        return Map.copyOf(variables);
    }

    /** Those that this machine can start; of each other it is said what makes it. */
    private List<Contender> contenders() throws Exception {
        List<Contender> contenders = new ArrayList<>();
        Path jvm = Processes.root().resolve("functions/target/function-local.zip");
        zipped("native", Processes.root().resolve("functions/target/native/function.zip"), "make native")
                .ifPresent(contenders::add);
        Optional<Contender> plain = zipped("jvm", jvm, "make build");
        plain.ifPresent(contenders::add);
        Optional<Contender> cached = zipped("jvm + aot", jvm, "make build");
        if (cached.isPresent()) {
            contenders.add(withCache(cached.get()));
        }
        Path packaged = Processes.root().resolve("bench/python/target/package");
        if (isThere(PYTHON, packaged, "make bench")) {
            contenders.add(new Contender(
                    PYTHON,
                    packaged,
                    Files.size(packaged.resolveSibling("function.zip")),
                    List.of(python().toString(), "-m", "awslambdaric", "submit_job.handler"),
                    Map.of("PYTHONPATH", packaged.toString()),
                    true));
        }
        Path floor = Processes.root().resolve("bench/floor/target/release/floor");
        if (isThere(FLOOR, floor, "cargo build --release in bench/floor")) {
            contenders.add(new Contender(FLOOR, floor, Files.size(floor), List.of(floor.toString()), Map.of(), false));
        }
        return contenders;
    }

    private Optional<Contender> zipped(String name, Path zip, String madeBy) throws IOException {
        if (!isThere(name, zip, madeBy)) {
            return Optional.empty();
        }
        Path task = LambdaRuntime.unpack(zip, home.resolve(name.replaceAll("\\W+", "-")));
        return Optional.of(new Contender(
                name,
                task,
                Files.size(zip),
                List.of(task.resolve("bootstrap").toString()),
                Map.of("DISABLE_SIGNAL_HANDLERS", "true"),
                false));
    }

    private boolean isThere(String name, Path artifact, String madeBy) {
        if (!Files.exists(artifact)) {
            out.printf("Left out: %s, whose artifact is made by '%s'%n", name, madeBy);
        }
        return Files.exists(artifact);
    }

    /** Has the JVM write a cache of what it loads and links for one submission. */
    private Contender withCache(Contender contender) throws Exception {
        Path cache = contender.artifact().resolve("functions.aot");
        Contender training = with(contender, "-XX:AOTCacheOutput=" + cache, contender.zipped());
        try (DynamoDbTable table = new DynamoDbTable(aws.url())) {
            Map<String, String> environment = environment(table);
            try (RuntimeApi process =
                    new RuntimeApi(training, Verb.SUBMIT.function, environment, home.resolve("training.log"))) {
                Answered answered = process.call("""
                        {"requestId": "training", "try": 1, "job": {"name": "training", "kind": "STREAM",
                         "cluster": "session", "jar": {"uri": "s3://%s/job.jar"}, "args": ["endless"],
                         "parallelism": 1}}
                        """.formatted(BUCKET));
                assertThat(answered.error()).as(answered.body().toString()).isFalse();
                process.end();
            }
        }
        end("session", "training");
        assertThat(cache).isRegularFile();
        return with(contender, "-XX:AOTCache=" + cache, contender.zipped() + Files.size(cache));
    }

    /** As the bootstrap starts it, which chooses another archive of classes. */
    private static Contender with(Contender contender, String option, long bytes) {
        Path task = contender.artifact();
        return new Contender(
                contender.name(),
                task,
                bytes,
                List.of(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        option,
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx256m",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-Dcom.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI="
                                + task.resolve("jni/libaws-lambda-jni.linux-%s.so"
                                        .formatted(System.getProperty("os.arch").replace("amd64", "x86_64"))),
                        "-cp",
                        task.resolve("lib") + "/*",
                        "com.amazonaws.services.lambda.runtime.api.client.AWSLambda",
                        "io.quarkus.funqy.lambda.FunqyStreamHandler::handleRequest"),
                contender.environment(),
                false);
    }

    private List<String> running(Predicate<JsonNode> which) throws IOException, InterruptedException {
        List<String> ids = new ArrayList<>();
        for (JsonNode job : get("/jobs/overview").path("jobs")) {
            JsonNode tasks = job.path("tasks");
            if (job.path("state").asText().equals("RUNNING")
                    && tasks.path("running").asInt() == tasks.path("total").asInt()
                    && which.test(job)) {
                ids.add(job.path("jid").asText());
            }
        }
        return ids;
    }

    private JsonNode get(String path) throws IOException, InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(flink.url() + path)).build();
        return JSON.readTree(http.send(request, BodyHandlers.ofString()).body());
    }

    /** Leaves nothing of a job but its jar on the cluster. */
    private void end(String cluster, String name) throws Exception {
        if (cluster.equals("managed")) {
            String application = "bench-" + name;
            ApplicationDetail detail = applications
                    .describeApplication(request -> request.applicationName(application))
                    .applicationDetail();
            applications.stopApplication(
                    request -> request.applicationName(application).force(true));
            await("the application stops")
                    .atMost(PATIENCE)
                    .until(() -> applications
                                    .describeApplication(request -> request.applicationName(application))
                                    .applicationDetail()
                                    .applicationStatus()
                            == ApplicationStatus.READY);
            applications.deleteApplication(
                    request -> request.applicationName(application).createTimestamp(detail.createTimestamp()));
        }
        for (JsonNode job : get("/jobs/overview").path("jobs")) {
            if (job.path("end-time").asLong() < 0) {
                HttpRequest cancel = HttpRequest.newBuilder(URI.create(
                                flink.url() + "/jobs/" + job.path("jid").asText()))
                        .method("PATCH", HttpRequest.BodyPublishers.noBody())
                        .build();
                http.send(cancel, BodyHandlers.discarding());
            }
        }
        await("nothing runs").atMost(PATIENCE).until(() -> {
            for (JsonNode job : get("/jobs/overview").path("jobs")) {
                if (job.path("end-time").asLong() < 0) {
                    return false;
                }
            }
            return true;
        });
    }

    private void write(List<Contender> contenders) throws IOException {
        ObjectNode json = JSON.createObjectNode();
        json.put("at", Instant.now().toString())
                .put("rounds", ROUNDS)
                .put("processors", Runtime.getRuntime().availableProcessors())
                .put("load", ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage())
                .put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"))
                .put("java", Runtime.version().toString());
        ObjectNode artifacts = json.putObject("artifacts");
        contenders.forEach(contender -> artifacts.put(contender.name(), contender.zipped()));
        var all = json.putArray("samples");
        samples.forEach(sample -> all.addObject()
                .put("contender", sample.contender())
                .put("cluster", sample.cluster())
                .put("verb", sample.verb().function)
                .put("evicted", sample.evicted())
                .put("millis", sample.millis())
                .put("megabytes", sample.megabytes()));
        Files.createDirectories(OUT.getParent());
        Files.writeString(OUT, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json));
        out.println("All samples are in " + Processes.root().relativize(OUT));
    }

    /** Ratios are of one run: to the Python function where there is one, and to the floor. */
    private void print(List<Contender> contenders) {
        out.printf(
                "%n%-15s %-8s %-8s %-10s %4s %9s %9s %9s %8s %8s %7s%n",
                "function",
                "cluster",
                "files",
                "contender",
                "n",
                "p50 ms",
                "p90 ms",
                "p99 ms",
                "/ python",
                "/ floor",
                "MB");
        Map<String, List<Sample>> groups = samples.stream()
                .collect(Collectors.groupingBy(
                        sample -> sample.verb() + " " + sample.cluster() + " " + sample.evicted(),
                        java.util.TreeMap::new,
                        Collectors.toList()));
        groups.forEach((group, of) -> {
            for (Contender contender : contenders) {
                List<Sample> own = of.stream()
                        .filter(sample -> sample.contender().equals(contender.name()))
                        .toList();
                if (own.isEmpty()) {
                    continue;
                }
                Sample first = own.getFirst();
                double p50 = quantile(own, 0.5);
                out.printf(
                        Locale.ROOT,
                        "%-15s %-8s %-8s %-10s %4d %9.1f %9.1f %9.1f %8s %8s %7.1f%n",
                        first.verb().function,
                        first.cluster(),
                        first.evicted() ? "on disk" : "cached",
                        contender.name(),
                        own.size(),
                        p50,
                        quantile(own, 0.9),
                        quantile(own, 0.99),
                        ratio(p50, PYTHON, first),
                        ratio(p50, FLOOR, first),
                        own.stream().mapToDouble(Sample::megabytes).average().orElseThrow());
            }
        });
    }

    private String ratio(double p50, String to, Sample like) {
        List<Sample> others = samples.stream()
                .filter(sample -> sample.contender().equals(to)
                        && sample.evicted() == like.evicted()
                        && (to.equals(FLOOR) || sample.cluster().equals(like.cluster())))
                .toList();
        return others.isEmpty() || like.verb() != Verb.SUBMIT ? "-" : "%.3f".formatted(p50 / quantile(others, 0.5));
    }

    private static double quantile(List<Sample> samples, double which) {
        double[] millis = samples.stream().mapToDouble(Sample::millis).toArray();
        Arrays.sort(millis);
        return millis[(int) Math.min(millis.length - 1, Math.round(which * (millis.length - 1)))];
    }
}
