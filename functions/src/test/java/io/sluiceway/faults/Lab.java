package io.sluiceway.faults;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluiceway.faults.LambdaWorkers.Variant;
import io.sluiceway.testing.DynamoDbLocalProcess;
import io.sluiceway.testing.FlinkProcesses;
import io.sluiceway.testing.MiniStackProcess;
import io.sluiceway.testing.TestJobJar;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;

/** All that trials run on: a Flink cluster, an AWS, the packaged functions, and the proxy in between. */
final class Lab implements AutoCloseable {
    static final String CLUSTER = "lab";
    static final String TABLE = "sluiceway-ledger";
    static final int SLOTS = 40;

    /** The job that only serves to get processes started faster. */
    static final String SHARING = "sharing";

    /** How many processes of a function serve a crowd of copies at the same time. */
    static final int CROWD = 100;

    /** What a function has of its timeout besides its own budget, for the process' start. */
    private static final Duration PROCESS_START = Duration.ofSeconds(4);

    /**
     * How many more names the cluster has. A sweep is over all that the ledger has under one of them; a trial that
     * sweeps takes one that hasn't been taken for a while.
     */
    private static final int LANES = 64;

    private static final String BUCKET = "lab-jars";
    private static final Duration TIME_BUDGET = Duration.ofSeconds(8);

    /** A sweep has more time than a caller's function on AWS, too. */
    private static final Duration SWEEP_BUDGET = Duration.ofSeconds(20);

    /** How long a poster may take to ask, in the lab. */
    static final Duration POST_WITHIN = Duration.ofSeconds(2);

    /** How long after that somebody else may ask, in the lab. */
    static final Duration SETTLE_AFTER = Duration.ofSeconds(2);

    final FlinkProcesses flink;
    final FaultProxy proxy;
    final LambdaWorkers workers;
    final FlinkView flinkView;
    final LedgerView ledgerView;
    final LabCluster cluster;
    private final Guardian guardian = new Guardian();
    private final AtomicInteger lanes = new AtomicInteger();
    private final Path numbers;
    private final MiniStackProcess aws;
    private final @Nullable DynamoDbLocalProcess dynamoDbLocal;

    /**
     * What a lab is like.
     *
     * @param kind which kind of cluster it has
     * @param dynamoDbLocal whether the ledger's table is in AWS's own DynamoDBLocal rather than in MiniStack
     */
    record Options(Kind kind, boolean dynamoDbLocal) {}

    /** The kinds of clusters. */
    enum Kind {
        /** A Flink session cluster. */
        SESSION,
        /** A Flink session cluster that survives its JobManager. */
        HIGHLY_AVAILABLE,
        /** The double of Managed Flink, over a session cluster. */
        MANAGED
    }

    /**
     * @param zip the package of the functions
     * @param directory for logs, savepoints and all
     */
    Lab(Path zip, Path directory, Options options) {
        boolean highlyAvailable = options.kind() == Kind.HIGHLY_AVAILABLE;
        Path properties = directory.resolve("application_properties.json");
        try {
            this.flink = new FlinkProcesses(
                    directory.resolve("flink"),
                    new FlinkProcesses.Options(
                            SLOTS,
                            highlyAvailable,
                            flinkSettings(options.kind()),
                            Map.of("TEST_JOB_PROPERTIES_FILE", properties.toString()),
                            guardian::guard));
            this.aws = new MiniStackProcess(Files.createDirectories(directory.resolve("aws")));
            this.flinkView = new FlinkView(flink.url(), flink.jobManagerLog(), highlyAvailable);
            this.cluster = options.kind() == Kind.MANAGED
                    ? new ManagedLabCluster(flink, aws.url(), directory, properties)
                    : SessionLabCluster.of(flink, flinkView, directory);
            this.dynamoDbLocal =
                    options.dynamoDbLocal() ? new DynamoDbLocalProcess(directory.resolve("dynamodb")) : null;
            this.ledgerView = new LedgerView(dynamoDb(), TABLE);
            this.numbers = Files.createDirectories(directory.resolve("numbers"));
            putJar(directory);
            createTable();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Map<Service, URI> services = new EnumMap<>(cluster.services());
        services.put(Service.DYNAMODB, dynamoDb());
        services.put(Service.S3, aws.url());
        this.proxy = new FaultProxy(services);
        this.workers = new LambdaWorkers(zip, directory, proxy, this::environment);
    }

    private URI dynamoDb() {
        return dynamoDbLocal == null ? aws.url() : dynamoDbLocal.url();
    }

    private static Map<String, String> flinkSettings(Kind kind) {
        Map<String, String> settings = new HashMap<>(Map.of(
                // Who is killed is missed after two heartbeats without answer, who is only slow isn't.
                "heartbeat.interval", "500ms",
                "heartbeat.timeout", "15s",
                // The views into the past come from the log; what is kept here is listed again and again.
                "jobstore.max-capacity", "200"));
        if (kind == Kind.MANAGED) {
            // The double hands on what Flink measures.
            settings.put("metrics.fetcher.update-interval", "500");
        }
        return settings;
    }

    private void putJar(Path directory) {
        try (S3Client s3 = aws.s3()) {
            s3.createBucket(b -> b.bucket(BUCKET));
            s3.putBucketVersioning(
                    b -> b.bucket(BUCKET).versioningConfiguration(v -> v.status(BucketVersioningStatus.ENABLED)));
            s3.putObject(
                    p -> p.bucket(BUCKET).key("job.jar"),
                    RequestBody.fromFile(TestJobJar.write(directory.resolve("job.jar"), 0)));
        }
    }

    private void createTable() throws IOException {
        ledgerView.call("CreateTable", new ObjectMapper().readTree("""
                {"TableName": "%s", "BillingMode": "PAY_PER_REQUEST",
                 "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"},
                                          {"AttributeName": "sk", "AttributeType": "S"}],
                 "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]}
                """.formatted(TABLE)));
    }

    private Map<String, String> environment(FaultProxy.Caller caller, String function) {
        Map<String, String> variables = new HashMap<>(cluster.environment(caller));
        String settings = cluster.settings(caller);
        variables.put(
                "SLUICEWAY_CLUSTERS",
                names().map(name -> "\"%s\": %s".formatted(name, settings))
                        .collect(Collectors.joining(", ", "{", "}")));
        variables.put("SLUICEWAY_JAR_BUCKETS", BUCKET);
        variables.put("SLUICEWAY_LEDGER_TABLE", TABLE);
        variables.put("SLUICEWAY_SHARES_FILE_SYSTEM", "true");
        variables.put("SLUICEWAY_TIME_BUDGET", budgetOf(function).toString());
        variables.put("SLUICEWAY_SUBMISSION_PREPARE_WITHIN", "PT2S");
        variables.put("SLUICEWAY_SUBMISSION_POST_WITHIN", POST_WITHIN.toString());
        variables.put("SLUICEWAY_SUBMISSION_SETTLE_AFTER", SETTLE_AFTER.toString());
        variables.put("SLUICEWAY_SUBMISSION_GIVE_UP_AFTER", "PT40S");
        variables.put("AWS_ENDPOINT_URL_S3", caller.url(Service.S3).toString());
        variables.put("AWS_ENDPOINT_URL_DYNAMODB", caller.url(Service.DYNAMODB).toString());
        variables.put("AWS_REGION", "us-east-1");
        variables.put("AWS_ACCESS_KEY_ID", "test");
        variables.put("AWS_SECRET_ACCESS_KEY", "test");
        return variables;
    }

    /** After how long a call of a function is ended. */
    static Duration timeoutOf(String function) {
        return budgetOf(function).plus(PROCESS_START);
    }

    private static Duration budgetOf(String function) {
        return function.equals("monitor-jobs") ? SWEEP_BUDGET : TIME_BUDGET;
    }

    private static Stream<String> names() {
        return Stream.concat(Stream.of(CLUSTER), IntStream.range(0, LANES).mapToObj(Lab::lane));
    }

    private static String lane(int number) {
        return "lane-" + number;
    }

    /** A name of the cluster that hardly anybody else uses at this moment. */
    String nextLane() {
        return lane(Math.floorMod(lanes.getAndIncrement(), LANES));
    }

    /** Where a job that counts writes. */
    Path numbersOf(String job) {
        return numbers.resolve(job + ".txt");
    }

    String jarUri() {
        return "s3://" + BUCKET + "/job.jar";
    }

    /** Keeps processes of each function ready, which start twice as fast as the first. */
    void warm(int spares) {
        String kind = cluster.runsBoundedJobs() ? "RUN" : "STREAM";
        workers.shareClasses(Variant.of("submit-job"), new Trial(this, SHARING, 0).submission(SHARING, 1, kind, ""));
        cluster.end(SHARING);
        for (String function : List.of("submit-job", "job-status", "take-savepoint", "stop-job")) {
            workers.warm(Variant.of(function), spares);
        }
    }

    /** Keeps processes ready of those functions, too, that only upgrades need. */
    void warmForUpgrades(int spares) {
        workers.warm(Variant.of("upgrade-job"), spares);
        workers.warm(Variant.of("monitor-jobs"), 1);
    }

    @Override
    public void close() {
        workers.close();
        proxy.close();
        cluster.close();
        if (dynamoDbLocal != null) {
            dynamoDbLocal.close();
        }
        aws.close();
        flink.close();
        guardian.close();
    }
}
