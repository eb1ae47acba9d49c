package io.sluiceway.cluster.session;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.cluster.CheckpointsAtEnd;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.InPlaceChange;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.cluster.JobParallelism;
import io.sluiceway.cluster.RunAnswer;
import io.sluiceway.cluster.session.FlinkRest.Answer;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.job.JobStatus.Failure;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Flow;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.ready.SinkView;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A Flink session cluster behind its REST API (version 1).
 *
 * <p>Answers are read as trees: nothing here depends on reflection, fields that a newer Flink adds are passed over, and
 * a serialized throwable is never deserialized. A test holds paths and field names against Flink's own message types.
 */
public final class SessionCluster implements FlinkCluster {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final int SERVER_ERRORS_FROM = 500;
    private static final int MAX_NAME_LENGTH = 200;
    private static final Pattern JAR_ID = Pattern.compile("[0-9a-f-]{36}_[0-9a-f]{64}\\.jar");

    private static final InPlaceChange.NotPossible NO_RESCALING = new InPlaceChange.NotPossible(
            "The job's scheduler can't change its parallelism; Flink's adaptive scheduler can (jobmanager.scheduler).");

    private static final InPlaceChange NO_ROLL_BACK = new InPlaceChange.NotPossible(
            "A session cluster keeps no earlier configuration of a job; it can be rescaled to its earlier parallelism.");

    private static final Pattern VERTEX_ID = Pattern.compile("[0-9a-f]{32}");

    /** Each costs a request. */
    private static final int MOST_VERTICES = 50;

    /** As Flink itself sees it: {@code restart-strategy.exponential-delay.reset-backoff-threshold}. */
    private static final Duration TROUBLE = Duration.ofHours(1);

    /** How long a removal is watched; mostly it takes less. */
    private static final Duration DISPOSAL_WATCH = Duration.ofSeconds(2);

    private static final Duration DISPOSAL_PAUSE = Duration.ofMillis(100);

    private static final Pattern TASK_STATE = Pattern.compile("[A-Za-z_]{1,40}");

    /** The end of the year 9999, behind which ISO 8601 writes years otherwise. */
    private static final long LATEST_MILLIS = 253_402_300_799_999L;

    private final ClusterName name;
    private final ClusterSettings.Session settings;
    private final FlinkRest rest;

    public SessionCluster(ClusterName name, ClusterSettings.Session settings, HttpClient client) {
        this.name = name;
        this.settings = settings;
        this.rest = new FlinkRest(name.value(), settings.url(), client);
    }

    /** An HTTP client that all session clusters of a function share. */
    public static HttpClient newHttpClient() {
        return FlinkRest.newClient();
    }

    @Override
    public ClusterName name() {
        return name;
    }

    @Override
    public StoragePath savepointDirectory(JobName job, OperationId operation) {
        return settings.savepointRoot().child(job.value()).child(operation.value());
    }

    @Override
    public Optional<StoragePath> checkpointDirectory(FlinkJobId job) {
        return Optional.ofNullable(settings.checkpointRoot()).map(root -> root.child(job.value()));
    }

    /** The JobManager's {@code web.tmpdir}, which has a name of its own at each start. */
    @Override
    public String incarnation(Deadline deadline) {
        String directory = configuration(deadline).get("web.tmpdir");
        if (directory == null) {
            throw nonsense("a configuration without web.tmpdir");
        }
        return Quoted.plain(directory, MAX_NAME_LENGTH);
    }

    @Override
    public boolean mayRestoreFrom(StoragePath path) {
        return settings.mayRestoreFrom(path);
    }

    @Override
    public URI jobPage(JobRef job) {
        URI ui = settings.uiUrl() == null ? settings.url() : settings.uiUrl();
        return URI.create(ui + "/#/job/overview/" + job + "/overview");
    }

    @Override
    public Optional<JobOverview> findJob(JobRef job, Deadline deadline) {
        return details(job, deadline).map(details -> overview(details, deadline));
    }

    @Override
    public Optional<JobStatus> observeJob(JobRef job, Deadline deadline) {
        return details(job, deadline).map(details -> statusOf(details, overview(details, deadline), deadline));
    }

    /**
     * A JobManager answers what it has looked up a moment ago from memory: a job's details for
     * {@code web.refresh-interval}, its checkpoints for {@code rest.cache.checkpoint-statistics.timeout}, by default as
     * long. Both the end and the time of the answer are by the JobManager's clock.
     */
    @Override
    public CheckpointsAtEnd countAtEnd(JobRef job, Deadline deadline) {
        Optional<JsonNode> details = details(job, deadline);
        if (details.isEmpty()) {
            return new CheckpointsAtEnd.NotTold();
        }
        long end = number(details.get(), "end-time");
        if (!state(details.get(), "state").terminal() || end < 0) {
            return new CheckpointsAtEnd.NotToldYet();
        }
        Map<String, String> configuration = configuration(deadline);
        Optional<Duration> refresh =
                RefreshInterval.of(configuration.get("web.refresh-interval"), RefreshInterval.DEFAULT);
        Optional<Duration> statistics = refresh.flatMap(interval ->
                RefreshInterval.of(configuration.get("rest.cache.checkpoint-statistics.timeout"), interval));
        if (statistics.isEmpty()) {
            return new CheckpointsAtEnd.NotTold();
        }
        Duration since = Duration.ofMillis(number(details.get(), "now") - end);
        if (since.compareTo(statistics.get()) <= 0) {
            return new CheckpointsAtEnd.NotToldYet();
        }
        long completed = checkpointStatistics(job.id(), deadline)
                .map(seen -> number(field(seen, "counts"), "completed"))
                .orElse(0L);
        // Of a job that has ended Flink counts 0 also where it took none.
        boolean takesNone = completed == 0
                && checkpointSettings(job.id(), deadline)
                        .filter(settings -> !VitalSigns.takesNone(settings))
                        .isEmpty();
        return takesNone ? new CheckpointsAtEnd.TakesNone() : new CheckpointsAtEnd.Counted(completed);
    }

    private Map<String, String> configuration(Deadline deadline) {
        Map<String, String> entries = new HashMap<>();
        for (JsonNode entry : require(rest.get("/jobmanager/config", deadline)).body()) {
            entries.put(text(entry, "key"), text(entry, "value"));
        }
        return entries;
    }

    private Optional<JsonNode> details(JobRef job, Deadline deadline) {
        Answer details = rest.get("/jobs/" + job, deadline);
        return details.status() == NOT_FOUND
                ? Optional.empty()
                : Optional.of(require(details).body());
    }

    @Override
    public JobStatus observeFlow(JobRef job, JobStatus status, Deadline deadline) {
        if (status.overview().state() != JobState.RUNNING) {
            return status;
        }
        return status.with(status.vitals().map(vitals -> vitals.with(flow(job, deadline))));
    }

    private Flow flow(JobRef job, Deadline deadline) {
        try {
            List<JsonNode> vertices = new ArrayList<>();
            for (JsonNode vertex : details(job, deadline)
                    .orElseThrow(() -> unknownJob(job.id()))
                    .path("vertices")) {
                if (vertices.size() == MOST_VERTICES) {
                    return Flow.notObservable("The job has more than %d vertices.".formatted(MOST_VERTICES));
                }
                vertices.add(require(rest.get(
                                "/jobs/%s/vertices/%s/subtasks/metrics?get=%s,%s&agg=min,max"
                                        .formatted(
                                                job, vertexId(vertex), VitalSigns.BACKPRESSURE, VitalSigns.WATERMARK),
                                deadline))
                        .body());
            }
            return VitalSigns.flow(vertices);
        } catch (RefusedException e) {
            return Flow.notObservable(e.sentence());
        }
    }

    @Override
    public Optional<SinkView> observeSink(JobRef job, String sink, Deadline deadline) {
        return details(job, deadline)
                .map(details -> new SinkReader(this, rest, job.id(), sink, deadline).read(details));
    }

    @Override
    public List<JobOverview> listJobs(Deadline deadline) {
        List<JobOverview> jobs = new ArrayList<>();
        for (JsonNode job : field(require(rest.get("/jobs/overview", deadline)).body(), "jobs")) {
            JobOverview listed = overview(job, "tasks");
            jobs.add(new JobOverview(
                    listed.id(),
                    listed.name(),
                    listed.state(),
                    listed.startedAt(),
                    listed.endedAt(),
                    listed.tasks(),
                    changedAt(job)));
        }
        return jobs;
    }

    /** Only to tell one look from another, so a list without it is a list. */
    private static @Nullable Instant changedAt(JsonNode job) {
        long millis = job.path("last-modification").asLong(-1);
        return millis < 0 || millis > LATEST_MILLIS ? null : Instant.ofEpochMilli(millis);
    }

    @Override
    public void check(JobSpec spec) {
        // A session cluster runs each of them.
    }

    @Override
    public OptionalInt fixedSlots(Deadline deadline) {
        return switch (settings.slots()) {
            case ELASTIC -> OptionalInt.empty();
            case FIXED -> {
                int slots =
                        count(number(require(rest.get("/overview", deadline)).body(), "slots-total"));
                if (slots == 0) {
                    throw new RefusedException(
                            ErrorCode.CLUSTER_UNREACHABLE,
                            "Cluster '%s' has no TaskManager at the moment.".formatted(name));
                }
                yield OptionalInt.of(slots);
            }
        };
    }

    @Override
    public boolean hasJar(JarDigest digest, Deadline deadline) {
        return findJar(digest, deadline).isPresent();
    }

    @Override
    public void addJar(JarDigest digest, Path file, Deadline deadline) {
        require(rest.upload("/jars/upload", digest.fileName(), file, deadline));
    }

    @Override
    public RunAnswer runJob(JobLaunch launch, Instant postUntil, Deadline deadline) {
        String jar = findJar(launch.jar(), deadline)
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.SUBMISSION_UNSETTLED,
                        "Cluster '%s' lost the jar before the job could be run.".formatted(name)));
        if (!deadline.clock().instant().isBefore(postUntil)) {
            return new RunAnswer.TooLate();
        }
        Answer answer;
        try {
            answer = rest.post("/jars/" + jar + "/run", runRequest(launch), deadline);
        } catch (RefusedException e) {
            if (e.code() == ErrorCode.CLUSTER_TIMEOUT || e.code() == ErrorCode.CLUSTER_ANSWER_INVALID) {
                return new RunAnswer.AnswerLost(e.sentence());
            }
            throw e;
        }
        return answer.ok() ? new RunAnswer.Started() : runRefusal(launch, answer);
    }

    private ObjectNode runRequest(JobLaunch launch) {
        ObjectNode request =
                NODES.objectNode().put("jobId", launch.id().value()).put("claimMode", "NO_CLAIM");
        request.putObject("flinkConfiguration")
                .put("pipeline.name", launch.spec().name().value());
        launch.spec().arguments().forEach(request.putArray("programArgsList")::add);
        if (launch.spec().entryClass() != null) {
            request.put("entryClass", launch.spec().entryClass().value());
        }
        if (launch.spec().parallelism() != null) {
            request.put("parallelism", launch.spec().parallelism());
        }
        if (launch.restoreFrom() != null) {
            request.put("savepointPath", launch.restoreFrom().value())
                    .put("allowNonRestoredState", launch.allowNonRestoredState());
        }
        return request;
    }

    private RunAnswer runRefusal(JobLaunch launch, Answer answer) {
        FlinkWords words = answer.errors();
        if (words.tellOfDuplicateId()) {
            return new RunAnswer.DuplicateId();
        }
        String cause = words.without(launch.spec().arguments()).rootCause();
        if (words.tellOfNoEntryClass()) {
            throw new RefusedException(
                    ErrorCode.ENTRY_CLASS_NOT_FOUND,
                    "Cluster '%s' can't use the entry class: %s".formatted(name, cause));
        }
        if (launch.restoreFrom() != null && words.tellOfRestoreFailure()) {
            throw new RefusedException(
                    ErrorCode.RESTORE_FAILED,
                    "Job '%s' can't be restored from '%s': %s"
                            .formatted(launch.spec().name(), launch.restoreFrom(), cause));
        }
        if (words.tellOfProgramFailure()) {
            throw new RefusedException(
                    ErrorCode.PROGRAM_FAILED,
                    "The program of job '%s' failed: %s".formatted(launch.spec().name(), cause));
        }
        if (answer.status() >= SERVER_ERRORS_FROM || words.tellOfTimeout()) {
            // Flink gave up waiting for itself; what it was asked for may still come.
            return new RunAnswer.AnswerLost("Cluster '%s' answered %d: %s".formatted(name, answer.status(), cause));
        }
        throw refused(answer.status(), cause);
    }

    @Override
    public Optional<SavepointProgress> findSavepoint(JobRef job, TriggerId trigger, Deadline deadline) {
        Answer answer = rest.get("/jobs/" + job + "/savepoints/" + trigger, deadline);
        if (answer.status() == NOT_FOUND) {
            return Optional.empty();
        }
        JsonNode body = require(answer).body();
        String status = text(field(body, "status"), "id");
        if (status.equals("IN_PROGRESS")) {
            return Optional.of(new SavepointProgress.InProgress());
        }
        JsonNode operation = field(body, "operation");
        JsonNode failure = operation.path("failure-cause");
        if (failure.isObject()) {
            FlinkWords words = new FlinkWords(failure.path("stack-trace").asText());
            return Optional.of(new SavepointProgress.Failed(
                    words.rootCause(),
                    words.savepointWithoutStop().map(this::storagePath).orElse(null)));
        }
        return Optional.of(new SavepointProgress.Completed(storagePath(text(operation, "location"))));
    }

    /** Flink keeps stops among the savepoints, by their triggers. */
    @Override
    public Optional<SavepointProgress> findStop(JobRef job, TriggerId trigger, Instant intendedAt, Deadline deadline) {
        return findSavepoint(job, trigger, deadline);
    }

    @Override
    public Optional<StoragePath> findLastSavepoint(JobRef job, Deadline deadline) {
        return checkpointStatistics(job.id(), deadline).map(this::lastSavepoint).map(CompletedCheckpoint::path);
    }

    @Override
    public void triggerSavepoint(JobRef job, TriggerId trigger, StoragePath directory, Deadline deadline) {
        ObjectNode request = NODES.objectNode()
                .put("target-directory", directory.value())
                .put("cancel-job", false)
                .put("triggerId", trigger.value());
        requireKnownJob(job, rest.post("/jobs/" + job + "/savepoints", request, deadline));
    }

    /** Flink removes the {@code _metadata} first, so a savepoint whose removal was interrupted can't be found again. */
    @Override
    public boolean disposeSavepoint(JobName job, StoragePath savepoint, Deadline deadline) {
        ObjectNode request = NODES.objectNode().put("savepoint-path", savepoint.value());
        String id = text(
                require(rest.post("/savepoint-disposal", request, deadline)).body(), "request-id");
        if (!TriggerId.isOne(id)) {
            throw nonsense("the request id " + Quoted.of(id));
        }
        Deadline watch = Deadline.in(deadline.remainingAtMost(DISPOSAL_WATCH), deadline.clock());
        do {
            Answer answer = rest.get("/savepoint-disposal/" + id, deadline);
            if (answer.status() == NOT_FOUND) {
                return false;
            }
            JsonNode body = require(answer).body();
            if (!text(field(body, "status"), "id").equals("IN_PROGRESS")) {
                return isDisposed(savepoint, body.path("operation").path("failure-cause"));
            }
            LockSupport.parkNanos(watch.remainingAtMost(DISPOSAL_PAUSE).toNanos());
        } while (!watch.remaining().isZero());
        return false;
    }

    private boolean isDisposed(StoragePath savepoint, JsonNode failure) {
        FlinkWords words = new FlinkWords(failure.path("stack-trace").asText());
        if (failure.isObject() && !words.tellOfNoSavepoint()) {
            throw new RefusedException(
                    ErrorCode.CLUSTER_REFUSED,
                    "Cluster '%s' can't remove savepoint '%s': %s".formatted(name, savepoint, words.rootCause()));
        }
        return true;
    }

    @Override
    public void triggerStop(JobRef job, TriggerId trigger, StoragePath directory, boolean drain, Deadline deadline) {
        ObjectNode request = NODES.objectNode()
                .put("targetDirectory", directory.value())
                .put("drain", drain)
                .put("triggerId", trigger.value());
        requireKnownJob(job, rest.post("/jobs/" + job + "/stop", request, deadline));
    }

    /**
     * The vertices with the highest parallelism are taken for those that follow the job's, as {@link Requirements}
     * does.
     */
    @Override
    public Optional<JobParallelism> findParallelism(JobRef job, Deadline deadline) {
        Optional<JsonNode> details = details(job, deadline);
        if (details.isEmpty()) {
            return Optional.empty();
        }
        JsonNode vertices = field(details.get(), "vertices");
        int highest = 0;
        for (JsonNode vertex : vertices) {
            highest = Math.max(highest, count(number(vertex, "parallelism")));
        }
        Integer most = null;
        for (JsonNode vertex : vertices) {
            JsonNode told = vertex.path("maxParallelism");
            if (number(vertex, "parallelism") == highest && told.canConvertToInt() && told.intValue() > 0) {
                most = most == null ? told.intValue() : Math.min(most, told.intValue());
            }
        }
        int runs = highest;
        int asked = Optional.of(state(details.get(), "state"))
                .filter(state -> !state.terminal())
                .flatMap(_ -> requirements(job, deadline))
                .map(Requirements::highest)
                .orElse(runs);
        if (asked == 0) {
            throw nonsense("a job without vertices");
        }
        return Optional.of(new JobParallelism(asked, most));
    }

    @Override
    public Optional<String> findHindrance(JobRef job, int parallelism, Deadline deadline) {
        return requirements(job, deadline)
                .map(before ->
                        before.highest() == parallelism ? Optional.<String>empty() : before.hindrance(parallelism))
                .orElseGet(() -> Optional.of(NO_RESCALING.reason()));
    }

    @Override
    public InPlaceChange rescaleJob(JobRef job, int parallelism, Deadline deadline) {
        JobOverview overview = findJob(job, deadline).orElseThrow(() -> unknownJob(job.id()));
        if (overview.state().terminal()) {
            throw new RefusedException(ErrorCode.JOB_NOT_RUNNING, "Job %s is %s.".formatted(job, overview.state()));
        }
        Optional<Requirements> requirements = requirements(job, deadline);
        if (requirements.isEmpty()) {
            return NO_RESCALING;
        }
        Requirements before = requirements.get();
        if (before.highest() == parallelism) {
            return progress(job, overview, before, deadline);
        }
        Optional<String> hindrance = before.hindrance(parallelism);
        if (hindrance.isPresent()) {
            return new InPlaceChange.NotPossible(hindrance.get());
        }
        Answer answer = rest.put(
                "/jobs/" + job + "/resource-requirements", requirements(before.scaledTo(parallelism)), deadline);
        if (!answer.ok() && answer.errors().tellOfNoRescaling()) {
            return NO_RESCALING;
        }
        if (answer.status() == CONFLICT) {
            throw new RefusedException(
                    ErrorCode.CLUSTER_UNREACHABLE,
                    "Cluster '%s' is changing the parallelism of job %s already.".formatted(name, job));
        }
        requireKnownJob(job, answer);
        return new InPlaceChange.InProgress();
    }

    @Override
    public Optional<InPlaceChange> findRescale(JobRef job, int parallelism, Instant intendedAt, Deadline deadline) {
        Optional<JobOverview> overview = findJob(job, deadline);
        if (overview.isEmpty()) {
            return Optional.empty();
        }
        if (overview.get().state().terminal()) {
            return Optional.of(new InPlaceChange.Failed(
                    "Job %s is %s.".formatted(job, overview.get().state()), null));
        }
        Optional<Requirements> requirements = requirements(job, deadline);
        if (requirements.isEmpty()) {
            return Optional.of(NO_RESCALING);
        }
        return requirements
                .filter(required -> required.highest() == parallelism)
                .map(required -> progress(job, overview.get(), required, deadline));
    }

    /** A job keeps no earlier configuration, and rescaling doesn't touch its state: it is rescaled again. */
    @Override
    public InPlaceChange rollBackJob(JobRef job, Deadline deadline) {
        return NO_ROLL_BACK;
    }

    @Override
    public Optional<InPlaceChange> findRollBack(JobRef job, Instant intendedAt, Deadline deadline) {
        return Optional.of(NO_ROLL_BACK);
    }

    private InPlaceChange progress(JobRef job, JobOverview overview, Requirements required, Deadline deadline) {
        if (overview.state() != JobState.RUNNING) {
            return new InPlaceChange.InProgress();
        }
        for (JsonNode vertex : field(require(rest.get("/jobs/" + job, deadline)).body(), "vertices")) {
            Requirements.Bounds bounds = required.vertices().get(text(vertex, "id"));
            if (bounds != null
                    && bounds.upper() == required.highest()
                    && number(vertex, "parallelism") != required.highest()) {
                return new InPlaceChange.InProgress();
            }
        }
        return new InPlaceChange.Completed(required.highest());
    }

    /** Empty where the job's scheduler keeps none. */
    private Optional<Requirements> requirements(JobRef job, Deadline deadline) {
        Answer answer = rest.get("/jobs/" + job + "/resource-requirements", deadline);
        if (!answer.ok() && answer.errors().tellOfNoRescaling()) {
            return Optional.empty();
        }
        Map<String, Requirements.Bounds> vertices = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> vertex : require(answer).body().properties()) {
            JsonNode bounds = field(vertex.getValue(), "parallelism");
            vertices.put(
                    vertex.getKey(),
                    new Requirements.Bounds(count(number(bounds, "lowerBound")), count(number(bounds, "upperBound"))));
        }
        if (vertices.isEmpty()) {
            throw nonsense("a job without vertices");
        }
        return Optional.of(new Requirements(vertices));
    }

    private static ObjectNode requirements(Requirements wanted) {
        ObjectNode request = NODES.objectNode();
        wanted.vertices()
                .forEach((vertex, bounds) -> request.putObject(vertex)
                        .putObject("parallelism")
                        .put("lowerBound", bounds.lower())
                        .put("upperBound", bounds.upper()));
        return request;
    }

    @Override
    public void cancelJob(JobRef job, Deadline deadline) {
        Answer answer = rest.patch("/jobs/" + job + "?mode=cancel", deadline);
        // 409: the job has ended otherwise.
        if (answer.status() != CONFLICT) {
            requireKnownJob(job, answer);
        }
    }

    private void requireKnownJob(JobRef job, Answer answer) {
        if (answer.status() == NOT_FOUND) {
            throw unknownJob(job.id());
        }
        require(answer);
    }

    private Optional<String> findJar(JarDigest digest, Deadline deadline) {
        for (JsonNode file : field(require(rest.get("/jars", deadline)).body(), "files")) {
            if (text(file, "name").equals(digest.fileName())) {
                String id = text(file, "id");
                if (!JAR_ID.matcher(id).matches()) {
                    throw nonsense("the jar id " + Quoted.of(id));
                }
                return Optional.of(id);
            }
        }
        return Optional.empty();
    }

    /**
     * {@code /jobs/:id} can be as old as {@code web.refresh-interval}, 3 s; {@code /jobs/:id/status} tells the state as
     * it is. But a job is no more than its details say while they know none of its tasks: whoever wants a savepoint of
     * one that is RUNNING asks about them.
     */
    private JobOverview overview(JsonNode details, Deadline deadline) {
        JobOverview overview = overview(details, "status-counts");
        if (overview.state().terminal()) {
            return overview;
        }
        Answer answer = rest.get("/jobs/" + overview.id() + "/status", deadline);
        if (!answer.ok()) {
            return overview;
        }
        JobState state = state(answer.body(), "status");
        return state == JobState.RUNNING && overview.tasks().isEmpty()
                ? overview
                : new JobOverview(
                        overview.id(),
                        overview.name(),
                        state,
                        overview.startedAt(),
                        overview.endedAt(),
                        overview.tasks());
    }

    private JobStatus statusOf(JsonNode details, JobOverview overview, Deadline deadline) {
        Optional<JsonNode> checkpoints = checkpointStatistics(overview.id(), deadline);
        Long restarts = restarts("/jobs/" + overview.id(), deadline);
        JsonNode exceptions = rest.get("/jobs/" + overview.id() + "/exceptions?maxExceptions=100", deadline)
                .body();
        return new JobStatus(
                overview,
                Observation.now(restarts),
                checkpoints.map(this::checkpoints).orElseGet(Checkpoints::none),
                Observation.now(checkpoints.map(this::lastSavepoint).orElse(null)),
                firstFailure("/jobs/" + overview.id(), overview, exceptions, deadline),
                overview.state().terminal()
                        ? new Observation.NothingYet<>()
                        : vitals(details, exceptions, checkpoints.orElse(null), overview.id(), deadline));
    }

    private Observation<Vitals> vitals(
            JsonNode details, JsonNode exceptions, @Nullable JsonNode checkpoints, FlinkJobId job, Deadline deadline) {
        JsonNode checkpointing =
                checkpoints == null ? null : checkpointSettings(job, deadline).orElse(null);
        return new VitalSigns(details, exceptions, checkpoints, checkpointing).read();
    }

    /** Empty for a job without checkpointing, of which Flink says 404. */
    Optional<JsonNode> checkpointStatistics(FlinkJobId job, Deadline deadline) {
        Answer answer = rest.get("/jobs/" + job + "/checkpoints", deadline);
        return answer.status() == NOT_FOUND
                ? Optional.empty()
                : Optional.of(require(answer).body());
    }

    /** Empty likewise. */
    private Optional<JsonNode> checkpointSettings(FlinkJobId job, Deadline deadline) {
        Answer answer = rest.get("/jobs/" + job + "/checkpoints/config", deadline);
        return answer.status() == NOT_FOUND ? Optional.empty() : Optional.of(answer.body());
    }

    private @Nullable CompletedCheckpoint lastSavepoint(JsonNode statistics) {
        return checkpoint(statistics.path("latest").path("savepoint"));
    }

    private @Nullable Long restarts(String jobPath, Deadline deadline) {
        Answer answer = rest.get(jobPath + "/metrics?get=numRestarts", deadline);
        for (JsonNode metric : answer.body()) {
            String value = metric.path("value").asText();
            if (metric.path("id").asText().equals("numRestarts") && value.matches("\\d{1,18}")) {
                return Long.valueOf(value);
            }
        }
        return null;
    }

    private Checkpoints checkpoints(JsonNode statistics) {
        JsonNode counts = field(statistics, "counts");
        return Checkpoints.counted(
                number(counts, "completed"),
                number(counts, "failed"),
                checkpoint(statistics.path("latest").path("completed")));
    }

    private @Nullable CompletedCheckpoint checkpoint(JsonNode checkpoint) {
        if (!checkpoint.isObject()) {
            return null;
        }
        return new CompletedCheckpoint(
                number(checkpoint, "id"),
                instant(checkpoint, "latest_ack_timestamp"),
                pathOrNull(checkpoint.path("external_path").asText()));
    }

    /** Flink writes {@code <checkpoint-not-externally-addressable>} for one in memory, which is no path. */
    private static @Nullable StoragePath pathOrNull(String text) {
        try {
            return new StoragePath(text);
        } catch (RefusedException e) {
            return null;
        }
    }

    private @Nullable Failure firstFailure(
            String jobPath, JobOverview overview, JsonNode exceptions, Deadline deadline) {
        JsonNode entries = exceptions.path("exceptionHistory").path("entries");
        if (!entries.isEmpty()) {
            JsonNode first = firstOfTheNewestTrouble(entries);
            return failure(first.path("stacktrace").asText(), instant(first, "timestamp"));
        }
        if (overview.state() != JobState.FAILED) {
            return null;
        }
        // A job that failed before its tasks were scheduled has no history, only a result.
        JsonNode cause = rest.get(jobPath + "/execution-result", deadline)
                .body()
                .path("job-execution-result")
                .path("failure-cause");
        return cause.isObject() ? failure(cause.path("stack-trace").asText(), overview.endedAt()) : null;
    }

    /** The entries come newest first. A trouble is over when the job hasn't failed for an hour. */
    private JsonNode firstOfTheNewestTrouble(JsonNode entries) {
        JsonNode first = entries.get(0);
        for (JsonNode earlier : entries) {
            if (instant(earlier, "timestamp").plus(TROUBLE).isBefore(instant(first, "timestamp"))) {
                return first;
            }
            first = earlier;
        }
        return first;
    }

    private static Failure failure(String trace, @Nullable Instant at) {
        FlinkWords words = new FlinkWords(trace);
        return new Failure(words.firstLine(), words.rootCause(), at);
    }

    private JobOverview overview(JsonNode job, String taskCounts) {
        long end = number(job, "end-time");
        return new JobOverview(
                readAs(FlinkJobId::new, text(job, "jid")),
                Quoted.plain(text(job, "name"), MAX_NAME_LENGTH),
                state(job, "state"),
                instant(job, "start-time"),
                end < 0 ? null : instant(end),
                taskCounts(field(job, taskCounts)));
    }

    private SortedMap<String, Integer> taskCounts(JsonNode counts) {
        SortedMap<String, Integer> tasks = new TreeMap<>();
        for (Map.Entry<String, JsonNode> count : counts.properties()) {
            // The overview counts the total as well.
            if (!count.getKey().equals("total")) {
                if (!TASK_STATE.matcher(count.getKey()).matches()) {
                    throw nonsense("the unknown task state " + Quoted.of(count.getKey()));
                }
                tasks.put(count.getKey().toUpperCase(Locale.ROOT), count(number(counts, count.getKey())));
            }
        }
        return tasks;
    }

    /** The id of one of a job's vertices: it becomes part of a path. */
    String vertexId(JsonNode vertex) {
        String id = text(vertex, "id");
        if (!VERTEX_ID.matcher(id).matches()) {
            throw nonsense("the vertex " + Quoted.of(id));
        }
        return id;
    }

    int count(long number) {
        if (number < 0 || number > Integer.MAX_VALUE) {
            throw nonsense("the number " + number);
        }
        return (int) number;
    }

    private JobState state(JsonNode node, String field) {
        String state = text(node, field);
        for (JobState known : JobState.values()) {
            if (known.name().equals(state)) {
                return known;
            }
        }
        throw nonsense("the unknown job state " + Quoted.of(state));
    }

    private StoragePath storagePath(String text) {
        return readAs(StoragePath::new, text);
    }

    /** What a caller would have got wrong is nonsense when the cluster says it. */
    private <T> T readAs(Function<String, T> type, String text) {
        try {
            return type.apply(text);
        } catch (RefusedException e) {
            throw nonsense(Quoted.of(text));
        }
    }

    Instant instant(JsonNode node, String field) {
        return instant(number(node, field));
    }

    /** Flink writes -1 for a time that it doesn't know. */
    private Instant instant(long millis) {
        if (millis > LATEST_MILLIS) {
            throw nonsense("the time " + millis);
        }
        return Instant.ofEpochMilli(Math.max(0, millis));
    }

    long number(JsonNode node, String field) {
        JsonNode value = field(node, field);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw nonsense("no number in the field '" + field + "'");
        }
        return value.asLong();
    }

    String text(JsonNode node, String field) {
        JsonNode value = field(node, field);
        if (!value.isTextual()) {
            throw nonsense("no text in the field '" + field + "'");
        }
        return value.asText();
    }

    JsonNode field(JsonNode node, String field) {
        JsonNode value = node.get(field);
        if (value == null) {
            throw nonsense("an answer without the field '" + field + "'");
        }
        return value;
    }

    Answer require(Answer answer) {
        if (!answer.ok()) {
            throw refused(answer.status(), answer.errors().rootCause());
        }
        return answer;
    }

    /** An error of its own says of a read that it can be asked again, and of a write that it may have been done. */
    private RefusedException refused(int status, String words) {
        return new RefusedException(
                status >= SERVER_ERRORS_FROM ? ErrorCode.CLUSTER_TIMEOUT : ErrorCode.CLUSTER_REFUSED,
                "Cluster '%s' answered %d: %s".formatted(name, status, words));
    }

    RefusedException nonsense(String what) {
        return new RefusedException(
                ErrorCode.CLUSTER_ANSWER_INVALID, "Cluster '%s' answered with %s.".formatted(name, what));
    }
}
