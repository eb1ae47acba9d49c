package io.sluiceway.cluster.managed;

import io.sluiceway.cluster.CheckpointsAtEnd;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.DashboardLink;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.InPlaceChange;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.cluster.JobParallelism;
import io.sluiceway.cluster.RunAnswer;
import io.sluiceway.cluster.managed.AttemptLife.End;
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
import io.sluiceway.job.JobStatus.Failure;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Observation.NothingYet;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.ready.SinkView;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClientBuilder;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2Client;
import software.amazon.awssdk.services.kinesisanalyticsv2.KinesisAnalyticsV2ClientBuilder;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationDetail;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationOperationInfo;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationRestoreConfiguration;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationRestoreType;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationStatus;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationSummary;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.DescribeApplicationResponse;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.DescribeApplicationSnapshotResponse;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ListApplicationsResponse;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.SnapshotDetails;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.SnapshotStatus;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.StartApplicationRequest;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.UrlType;

/**
 * Amazon Managed Service for Apache Flink as a cluster: each job is an application of its own, an attempt is one start
 * of it, a savepoint is a snapshot.
 *
 * <p>The service gives each job a Flink id of its own, and a start carries nothing that it could be known by. So the
 * attempt's id is written into the application's runtime properties before the start, on the condition that nobody
 * changed the application since it was looked at ({@link AttemptMark}). What became of an attempt is read from the
 * application's status and operations ({@link AttemptLife}).
 *
 * <p>A snapshot's path is {@code snapshot://application/name}: the service tells no other place.
 */
public final class ManagedCluster implements FlinkCluster {
    private static final int PAGE = 50;
    private static final int MOST_PAGES = 200;
    private static final String SNAPSHOTS = "snapshot://";
    private static final String NOT_TOLD = "Managed Service for Apache Flink doesn't tell.";

    /** Between two looks at an application that is being updated. */
    private static final Duration PAUSE = Duration.ofMillis(500);

    /** How long a dashboard stays open; the service takes half an hour to twelve. */
    private static final Duration DASHBOARD_SESSION = Duration.ofHours(1);

    private static final Duration DESCRIBED_EVERY = Duration.ofMinutes(5);

    /**
     * The service takes minutes to start a job; the first minute that is the job's own ends up to two minutes behind
     * that; and what CloudWatch has of a minute comes up to five minutes late.
     */
    private static final Duration HEALTH_DELAY = Duration.ofMinutes(10);

    /** The service publishes its metrics once a minute. */
    public static final Duration METRICS_PERIOD = Duration.ofMinutes(1);

    /**
     * How an application was when it was described for a list.
     *
     * @param at when
     * @param job the job that it was; absent when it was none of Sluiceway's
     */
    private record Described(
            ApplicationStatus status,
            long version,
            Instant at,
            @Nullable JobOverview job) {
        boolean isStill(ApplicationSummary summary, Instant now) {
            boolean rests = status == ApplicationStatus.RUNNING || status == ApplicationStatus.READY;
            return rests
                    && summary.applicationStatus() == status
                    && Objects.equals(summary.applicationVersionId(), version)
                    && round(summary.applicationName(), at) == round(summary.applicationName(), now);
        }

        /** Begins for each application at another moment, so that not all are described at once. */
        private static long round(String application, Instant at) {
            long seconds = DESCRIBED_EVERY.toSeconds();
            return Math.floorDiv(at.getEpochSecond() + Math.floorMod(application.hashCode(), seconds), seconds);
        }
    }

    private final Map<String, Described> described = new ConcurrentHashMap<>();
    private final ClusterName name;
    private final ClusterSettings.Managed settings;
    private final Configuration configuration;
    private final ControlApi api;
    private final ApplicationMetrics metrics;
    private final String region;

    /**
     * A managed cluster.
     *
     * @param client gives the client, made by {@link #newClientBuilder()} when the first call needs it
     * @param metricsClient likewise for CloudWatch, made by {@link #newMetricsClientBuilder()}
     * @param metricsPeriod how far apart CloudWatch's values are, at least a second; {@link #METRICS_PERIOD} on AWS
     * @param region where the applications are, such as {@code eu-central-1}
     */
    public ManagedCluster(
            ClusterName name,
            ClusterSettings.Managed settings,
            Supplier<KinesisAnalyticsV2Client> client,
            Supplier<CloudWatchClient> metricsClient,
            Duration metricsPeriod,
            String region) {
        this.name = name;
        this.settings = settings;
        this.configuration = new Configuration(settings);
        this.api = new ControlApi(name, client);
        this.metrics = new ApplicationMetrics(metricsClient, metricsPeriod);
        this.region = region;
    }

    /** Makes clients that send each call once. */
    public static KinesisAnalyticsV2ClientBuilder newClientBuilder() {
        return ControlApi.newClientBuilder();
    }

    /** Makes clients for the applications' metrics. */
    public static CloudWatchClientBuilder newMetricsClientBuilder() {
        return ApplicationMetrics.newClientBuilder();
    }

    @Override
    public ClusterName name() {
        return name;
    }

    @Override
    public StoragePath savepointDirectory(JobName job, OperationId operation) {
        return snapshot(settings.applications().of(job), operation.value());
    }

    static StoragePath snapshot(String application, String snapshot) {
        return new StoragePath(SNAPSHOTS + application + "/" + snapshot);
    }

    /** The service turns away what comes too fast, by limits for the whole account that it doesn't tell. */
    @Override
    public int atOnce() {
        return 2;
    }

    /** The service keeps checkpoints to itself. */
    @Override
    public Optional<StoragePath> checkpointDirectory(FlinkJobId job) {
        return Optional.empty();
    }

    /** The service remembers an application's versions and operations for as long as the application is there. */
    @Override
    public String incarnation(Deadline deadline) {
        return "managed";
    }

    @Override
    public boolean mayRestoreFrom(StoragePath path) {
        return snapshotIn(path).isPresent();
    }

    /**
     * A snapshot's place.
     *
     * @param application whose snapshot it is
     * @param name its name there
     */
    private record SnapshotPlace(String application, String name) {}

    private Optional<SnapshotPlace> snapshotIn(StoragePath path) {
        if (!path.value().startsWith(SNAPSHOTS)) {
            return Optional.empty();
        }
        String[] parts = path.value().substring(SNAPSHOTS.length()).split("/", -1);
        return parts.length == 2 && settings.applications().matches(parts[0])
                ? Optional.of(new SnapshotPlace(parts[0], parts[1]))
                : Optional.empty();
    }

    @Override
    public void check(JobSpec spec) {
        configuration.check(spec);
    }

    @Override
    public void checkUpgrade(JobSpec spec, Upgrade.Mode mode) {
        requireOwn(spec.name(), "upgraded");
        if (mode == Upgrade.Mode.LAST_STATE) {
            throw new RefusedException(
                    ErrorCode.JOB_UNSUPPORTED,
                    "Job '%s' can't be upgraded with mode LAST_STATE: Managed Service for Apache Flink keeps checkpoints to itself, so there is none to go on from."
                            .formatted(spec.name()));
        }
    }

    @Override
    public Duration healthDelay() {
        return HEALTH_DELAY;
    }

    @Override
    public URI jobPage(JobRef job) {
        String applications =
                "https://%s.console.aws.amazon.com/flink/home?region=%s#/applications".formatted(region, region);
        return URI.create(
                job.name() == null
                        ? applications
                        : applications + "/details/" + settings.applications().of(job.name()));
    }

    /** The service gives a presigned link, of an application that is RUNNING only. */
    @Override
    public Observation<DashboardLink> openDashboard(JobRef job, JobStatus status, Deadline deadline) {
        JobState state = status.overview().state();
        if (job.name() == null || state != JobState.RUNNING) {
            return new NotObservable<>(
                    "There is a dashboard only while the application is RUNNING; the job is %s.".formatted(state));
        }
        String application = settings.applications().of(job.name());
        try {
            return api.ask(
                            deadline,
                            client ->
                                    client.createApplicationPresignedUrl(request -> request.applicationName(application)
                                            .urlType(UrlType.FLINK_DASHBOARD_URL)
                                            .sessionExpirationDurationInSeconds(DASHBOARD_SESSION.toSeconds())))
                    .flatMap(answer -> link(answer.authorizedUrl()))
                    .<Observation<DashboardLink>>map(link -> new Known<>(link, null))
                    .orElseGet(() -> new NotObservable<>("The service gave no link to the dashboard."));
        } catch (RefusedException e) {
            return new NotObservable<>(e.sentence());
        }
    }

    private static Optional<DashboardLink> link(@Nullable String url) {
        try {
            return Optional.ofNullable(url)
                    .map(URI::create)
                    .filter(URI::isAbsolute)
                    .map(DashboardLink::new);
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    @Override
    public Optional<JobOverview> findJob(JobRef job, Deadline deadline) {
        return marked(job, deadline)
                .flatMap(application -> life(application, job.id(), deadline))
                .map(Life::overview);
    }

    @Override
    public Optional<JobStatus> observeJob(JobRef job, Deadline deadline) {
        return marked(job, deadline)
                .flatMap(application -> life(application, job.id(), deadline))
                .map(life -> new JobStatus(
                        life.overview(),
                        new NothingYet<>(),
                        checkpoints(life),
                        ranNever(life) ? new NothingYet<>() : new NotObservable<>(NOT_TOLD),
                        failure(life, job, deadline)));
    }

    @Override
    public CheckpointsAtEnd countAtEnd(JobRef job, Deadline deadline) {
        return marked(job, deadline)
                .flatMap(application -> life(application, job.id(), deadline))
                .map(ManagedCluster::checkpointsAtEnd)
                .orElseGet(CheckpointsAtEnd.NotTold::new);
    }

    private static CheckpointsAtEnd checkpointsAtEnd(Life life) {
        if (!life.overview().state().terminal()) {
            return new CheckpointsAtEnd.NotToldYet();
        }
        return ranNever(life) ? new CheckpointsAtEnd.Counted(0) : new CheckpointsAtEnd.NotTold();
    }

    /** The service tells of no checkpoints; what never ran has completed none. */
    private static Checkpoints checkpoints(Life life) {
        return ranNever(life)
                ? Checkpoints.counted(0, 0, null)
                : new Checkpoints(new NotObservable<>(NOT_TOLD), new NothingYet<>(), new NotObservable<>(NOT_TOLD));
    }

    private static boolean ranNever(Life life) {
        return life.end() instanceof End.StartFailed failed && failed.ranNever();
    }

    @Override
    public JobStatus measure(JobRef job, JobStatus status, Deadline deadline) {
        return job.name() == null
                ? status
                : metrics.measure(settings.applications().of(job.name()), status, deadline);
    }

    @Override
    public Optional<SinkView> observeSink(JobRef job, String sink, Deadline deadline) {
        throw new RefusedException(
                ErrorCode.JOB_UNSUPPORTED,
                "Watermarks and checkpoints of jobs on cluster '%s' can't be seen.".formatted(name()));
    }

    /**
     * The service lists applications with their status and version. One that was RUNNING or READY when it was described
     * and has the same status and version in the list is described again once in five minutes only: the mark of another
     * attempt is another version.
     */
    @Override
    public List<JobOverview> listJobs(Deadline deadline) {
        Instant now = deadline.clock().instant();
        List<JobOverview> jobs = new ArrayList<>();
        Set<String> applications = new HashSet<>();
        String token = null;
        for (int page = 0; page < MOST_PAGES; page++) {
            String next = token;
            ListApplicationsResponse answer = api.ask(
                            deadline,
                            client -> client.listApplications(
                                    request -> request.limit(PAGE).nextToken(next)))
                    .orElseThrow(() -> refused("ResourceNotFoundException", "no applications can be listed"));
            for (ApplicationSummary summary : answer.applicationSummaries()) {
                if (settings.applications().matches(summary.applicationName())) {
                    applications.add(summary.applicationName());
                    overview(summary, now, deadline).ifPresent(jobs::add);
                }
            }
            token = answer.nextToken();
            if (token == null) {
                described.keySet().retainAll(applications);
                return jobs;
            }
        }
        throw refused("too many applications", "more than %d pages".formatted(MOST_PAGES));
    }

    private Optional<JobOverview> overview(ApplicationSummary summary, Instant now, Deadline deadline) {
        String application = summary.applicationName();
        Described known = described.get(application);
        if (known != null && known.isStill(summary, now)) {
            return Optional.ofNullable(known.job());
        }
        Optional<ApplicationDetail> detail = describe(application, deadline);
        Optional<FlinkJobId> attempt =
                detail.flatMap(AttemptMark::of).filter(FlinkJobId::isOne).map(FlinkJobId::new);
        Optional<JobOverview> job =
                attempt.flatMap(id -> life(detail.orElseThrow(), id, deadline)).map(Life::overview);
        detail.ifPresent(seen -> described.put(
                application,
                new Described(seen.applicationStatus(), seen.applicationVersionId(), now, job.orElse(null))));
        return job;
    }

    /** The service gives an application the KPUs that it needs, up to the account's quota. */
    @Override
    public OptionalInt fixedSlots(Deadline deadline) {
        return OptionalInt.empty();
    }

    /** The service reads the jar from its bucket; that it is the one that was asked for is looked at each time. */
    @Override
    public boolean hasJar(JarDigest digest, Deadline deadline) {
        return false;
    }

    @Override
    public void addJar(JarDigest digest, Path file, Deadline deadline) {
        // It stays where it is; the application names it by its object's version.
    }

    @Override
    public RunAnswer runJob(JobLaunch launch, Instant postUntil, Deadline deadline) {
        configuration.check(launch.spec());
        if (launch.jarVersion() == null) {
            throw new RefusedException(
                    ErrorCode.JOB_UNSUPPORTED,
                    "The bucket of %s keeps no versions, so the application could be started with another jar."
                            .formatted(launch.spec().jar().uri()));
        }
        String restoreName = restoreName(launch);
        String application = settings.applications().of(launch.spec().name());
        Optional<ApplicationDetail> seen = describe(application, deadline);
        if (seen.isEmpty()) {
            return created(launch, postUntil, deadline)
                    .orElseGet(() -> start(launch, restoreName, postUntil, deadline));
        }
        if (AttemptMark.isOn(seen.get(), launch.id())) {
            if (life(seen.get(), launch.id(), deadline).isPresent()) {
                return new RunAnswer.DuplicateId();
            }
            if (Configuration.hasCode(seen.get(), launch)) {
                return start(launch, restoreName, postUntil, deadline);
            }
        }
        return updated(seen.get(), launch, postUntil, deadline)
                .orElseGet(() -> start(launch, restoreName, postUntil, deadline));
    }

    private @Nullable String restoreName(JobLaunch launch) {
        if (launch.restoreFrom() == null) {
            return null;
        }
        String application = settings.applications().of(launch.spec().name());
        return snapshotIn(launch.restoreFrom())
                .filter(place -> place.application().equals(application))
                .map(SnapshotPlace::name)
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.RESTORE_FAILED,
                        "'%s' is no snapshot of application '%s'; an application can be restored from its own only."
                                .formatted(launch.restoreFrom(), application)));
    }

    /** @return how it ended, if the start isn't to come */
    private Optional<RunAnswer> created(JobLaunch launch, Instant postUntil, Deadline deadline) {
        if (settings.ownership() == ClusterSettings.Ownership.EXTERNAL) {
            throw new RefusedException(
                    ErrorCode.JOB_NOT_FOUND,
                    "There is no application '%s'; with ownership EXTERNAL somebody else makes it."
                            .formatted(settings.applications().of(launch.spec().name())));
        }
        if (isLate(postUntil, deadline)) {
            return Optional.of(new RunAnswer.TooLate());
        }
        Change change = api.change(deadline, client -> client.createApplication(configuration.create(launch)));
        return prepared(change, launch, "CreateApplication");
    }

    private Optional<RunAnswer> updated(
            ApplicationDetail seen, JobLaunch launch, Instant postUntil, Deadline deadline) {
        if (seen.applicationStatus() != ApplicationStatus.READY) {
            throw new RefusedException(
                    ErrorCode.APPLICATION_IN_USE,
                    "Application '%s' is %s, and not by an attempt of this job that Sluiceway knows to live."
                            .formatted(seen.applicationName(), seen.applicationStatusAsString()));
        }
        switch (settings.ownership()) {
            case SLUICEWAY -> {
                if (AttemptMark.of(seen).isEmpty()) {
                    throw new RefusedException(
                            ErrorCode.APPLICATION_IN_USE,
                            "Application '%s' wasn't made by Sluiceway, which would overwrite it."
                                    .formatted(seen.applicationName()));
                }
            }
            case EXTERNAL -> {
                if (!Configuration.hasCode(seen, launch)) {
                    throw new RefusedException(
                            ErrorCode.JOB_UNSUPPORTED,
                            "The code of application '%s' is another than %s; with ownership EXTERNAL it is its own."
                                    .formatted(
                                            seen.applicationName(),
                                            launch.spec().jar().uri()));
                }
            }
        }
        if (isLate(postUntil, deadline)) {
            return Optional.of(new RunAnswer.TooLate());
        }
        Change change = api.change(deadline, client -> client.updateApplication(configuration.update(seen, launch)));
        return prepared(change, launch, "UpdateApplication")
                .or(() -> whenReady(seen.applicationName(), launch, postUntil, deadline));
    }

    private Optional<RunAnswer> prepared(Change change, JobLaunch launch, String call) {
        return switch (change) {
            case Change.Done() -> Optional.empty();
            case Change.Conflict(String reason) -> Optional.of(new RunAnswer.AnswerLost(reason));
            case Change.NotThere() ->
                Optional.of(new RunAnswer.AnswerLost("The application was deleted at the same time."));
            case Change.Refused(String error, String reason) -> throw refused(error, reason);
            case Change.Lost(String reason) ->
                Optional.of(new RunAnswer.AnswerLost(
                        call + " of job " + launch.spec().name() + ": " + reason));
        };
    }

    /** An update takes a moment, also where there is nothing to restart. */
    private Optional<RunAnswer> whenReady(String application, JobLaunch launch, Instant postUntil, Deadline deadline) {
        while (true) {
            Optional<ApplicationDetail> now = describe(application, deadline);
            if (now.isEmpty() || !AttemptMark.isOn(now.get(), launch.id())) {
                return Optional.of(new RunAnswer.AnswerLost("Somebody else changed the application."));
            }
            if (now.get().applicationStatus() != ApplicationStatus.UPDATING) {
                return Optional.empty();
            }
            if (isLate(postUntil, deadline)) {
                return Optional.of(new RunAnswer.TooLate());
            }
            LockSupport.parkNanos(deadline.remainingAtMost(PAUSE).toNanos());
        }
    }

    private RunAnswer start(JobLaunch launch, @Nullable String restoreName, Instant postUntil, Deadline deadline) {
        if (isLate(postUntil, deadline)) {
            return new RunAnswer.TooLate();
        }
        String application = settings.applications().of(launch.spec().name());
        StartApplicationRequest request = StartApplicationRequest.builder()
                .applicationName(application)
                .runConfiguration(run -> run.applicationRestoreConfiguration(restore(restoreName))
                        .flinkRunConfiguration(flink ->
                                flink.allowNonRestoredState(restoreName != null && launch.allowNonRestoredState())))
                .build();
        return switch (api.change(deadline, client -> client.startApplication(request))) {
            case Change.Done() -> new RunAnswer.Started();
            // It is being started or runs already: whose start that was, the mark tells.
            case Change.Conflict(String _) -> new RunAnswer.DuplicateId();
            case Change.NotThere() -> new RunAnswer.AnswerLost("The application was deleted at the same time.");
            case Change.Lost(String reason) -> new RunAnswer.AnswerLost(reason);
            case Change.Refused(String error, String reason) ->
                throw restoreName != null && error.equals("InvalidArgumentException")
                        ? new RefusedException(
                                ErrorCode.RESTORE_FAILED,
                                "Job '%s' can't be restored from snapshot '%s': %s"
                                        .formatted(launch.spec().name(), restoreName, reason))
                        : refused(error, reason);
        };
    }

    /** Always named: the service's default is the newest snapshot, whoever's it is. */
    private static ApplicationRestoreConfiguration restore(@Nullable String snapshot) {
        return snapshot == null
                ? ApplicationRestoreConfiguration.builder()
                        .applicationRestoreType(ApplicationRestoreType.SKIP_RESTORE_FROM_SNAPSHOT)
                        .build()
                : ApplicationRestoreConfiguration.builder()
                        .applicationRestoreType(ApplicationRestoreType.RESTORE_FROM_CUSTOM_SNAPSHOT)
                        .snapshotName(snapshot)
                        .build();
    }

    private static boolean isLate(Instant postUntil, Deadline deadline) {
        return !deadline.clock().instant().isBefore(postUntil);
    }

    @Override
    public Optional<SavepointProgress> findSavepoint(JobRef job, TriggerId trigger, Deadline deadline) {
        if (job.name() == null) {
            return Optional.empty();
        }
        String application = settings.applications().of(job.name());
        return snapshot(new SnapshotPlace(application, trigger.value()), deadline)
                .map(snapshot -> progress(application, snapshot));
    }

    private SnapshotDetails whole(DescribeApplicationSnapshotResponse answer) {
        SnapshotDetails details = answer.snapshotDetails();
        if (details == null || details.snapshotName() == null || details.snapshotStatus() == null) {
            throw new RefusedException(
                    ErrorCode.CLUSTER_ANSWER_INVALID,
                    "Cluster '%s' describes a snapshot without its name or status.".formatted(name));
        }
        return details;
    }

    private static SavepointProgress progress(String application, SnapshotDetails snapshot) {
        return switch (snapshot.snapshotStatus()) {
            case CREATING, UNKNOWN_TO_SDK_VERSION -> new SavepointProgress.InProgress();
            case READY -> new SavepointProgress.Completed(snapshot(application, snapshot.snapshotName()));
            case FAILED -> new SavepointProgress.Failed("The service says that the snapshot failed.", null);
            case DELETING -> new SavepointProgress.Failed("Somebody is deleting the snapshot.", null);
        };
    }

    @Override
    public Optional<SavepointProgress> findStop(JobRef job, TriggerId trigger, Instant intendedAt, Deadline deadline) {
        Optional<ApplicationDetail> application = marked(job, deadline);
        if (application.isEmpty()) {
            return Optional.empty();
        }
        AttemptLife life = new AttemptLife(api, application.get(), job.id(), deadline);
        Optional<ApplicationOperationInfo> stop = life.newestStop();
        if (stop.isEmpty()) {
            return application.get().applicationStatus() == ApplicationStatus.STOPPING
                    ? Optional.of(new SavepointProgress.InProgress())
                    : Optional.empty();
        }
        return switch (stop.get().operationStatus()) {
            case IN_PROGRESS, UNKNOWN_TO_SDK_VERSION -> Optional.of(new SavepointProgress.InProgress());
            // An attempt is stopped once, whoever did it.
            case SUCCESSFUL ->
                Optional.of(leftBy(stop.get(), life)
                        .<SavepointProgress>map(SavepointProgress.Completed::new)
                        .orElseGet(() ->
                                new SavepointProgress.Failed("The application was stopped without a snapshot.", null)));
            case FAILED, CANCELLED ->
                stop.get().startTime().isBefore(intendedAt)
                        ? Optional.empty()
                        : Optional.of(new SavepointProgress.StopFailed(
                                reason(application.get(), stop.get().operationId(), deadline)
                                        .orElse("The service says that the stop failed."),
                                stop.get().startTime()));
        };
    }

    private static Optional<StoragePath> leftBy(ApplicationOperationInfo stop, AttemptLife life) {
        return life.snapshotOf(stop)
                .map(snapshot -> snapshot(life.application().applicationName(), snapshot.snapshotName()));
    }

    @Override
    public Optional<StoragePath> findSavepointAtEnd(JobRef job, Deadline deadline) {
        return marked(job, deadline)
                .map(application -> new AttemptLife(api, application, job.id(), deadline))
                .flatMap(life -> life.end() instanceof End.Stopped(Instant _, ApplicationOperationInfo stop)
                        ? leftBy(stop, life)
                        : Optional.empty());
    }

    @Override
    public Optional<StoragePath> findLastSavepoint(JobRef job, Deadline deadline) {
        return Optional.empty();
    }

    @Override
    public void triggerSavepoint(JobRef job, TriggerId trigger, StoragePath directory, Deadline deadline) {
        ApplicationDetail application = require(job, deadline);
        Change change = api.change(
                deadline,
                client -> client.createApplicationSnapshot(request ->
                        request.applicationName(application.applicationName()).snapshotName(trigger.value())));
        switch (change) {
            case Change.Done() -> {}
            case Change.Conflict(String reason) -> {
                // A snapshot of this name joins the first; the service makes one at a time.
                if (findSavepoint(job, trigger, deadline).isEmpty()) {
                    throw new RefusedException(ErrorCode.CLUSTER_UNREACHABLE, reason);
                }
            }
            case Change.NotThere() -> throw unknownJob(job.id());
            case Change.Refused(String error, String reason) -> throw refused(error, reason);
            case Change.Lost(String reason) -> throw new RefusedException(ErrorCode.CLUSTER_TIMEOUT, reason);
        }
    }

    /** The service takes the time of a snapshot's creation with its name, and removes it behind the call. */
    @Override
    public boolean disposeSavepoint(JobName job, StoragePath savepoint, Deadline deadline) {
        String application = settings.applications().of(job);
        SnapshotPlace place = snapshotIn(savepoint)
                .filter(snapshot -> snapshot.application().equals(application))
                .orElseThrow(() -> refused(
                        "foreign snapshot",
                        "'%s' is no snapshot of application '%s'".formatted(savepoint, application)));
        Optional<SnapshotDetails> snapshot = snapshot(place, deadline);
        if (snapshot.isEmpty() || snapshot.get().snapshotStatus() == SnapshotStatus.DELETING) {
            return snapshot.isEmpty();
        }
        Instant createdAt = snapshot.get().snapshotCreationTimestamp();
        if (createdAt == null) {
            throw new RefusedException(
                    ErrorCode.CLUSTER_ANSWER_INVALID,
                    "Cluster '%s' describes a snapshot without its time.".formatted(name));
        }
        Change change = api.change(
                deadline,
                client -> client.deleteApplicationSnapshot(request -> request.applicationName(application)
                        .snapshotName(place.name())
                        .snapshotCreationTimestamp(createdAt)));
        return switch (change) {
            case Change.Done() -> snapshot(place, deadline).isEmpty();
            case Change.NotThere() -> true;
            case Change.Conflict(String reason) -> throw new RefusedException(ErrorCode.CLUSTER_UNREACHABLE, reason);
            case Change.Refused(String error, String reason) -> throw refused(error, reason);
            case Change.Lost(String reason) -> throw new RefusedException(ErrorCode.CLUSTER_TIMEOUT, reason);
        };
    }

    private Optional<SnapshotDetails> snapshot(SnapshotPlace place, Deadline deadline) {
        return api.ask(
                        deadline,
                        client -> client.describeApplicationSnapshot(request ->
                                request.applicationName(place.application()).snapshotName(place.name())))
                .map(this::whole);
    }

    @Override
    public void triggerStop(JobRef job, TriggerId trigger, StoragePath directory, boolean drain, Deadline deadline) {
        if (drain) {
            throw refused("drain", "the service stops with a snapshot, and drains nothing");
        }
        stop(job, false, deadline);
    }

    /** What the application is configured with: the service doesn't tell what its job's state can be divided among. */
    @Override
    public Optional<JobParallelism> findParallelism(JobRef job, Deadline deadline) {
        return marked(job, deadline)
                .flatMap(Configuration::parallelism)
                .map(told -> new JobParallelism(told.parallelism(), null));
    }

    @Override
    public Optional<String> findHindrance(JobRef job, int parallelism, Deadline deadline) {
        return marked(job, deadline).flatMap(ApplicationChange::hindrance);
    }

    @Override
    public InPlaceChange rescaleJob(JobRef job, int parallelism, Deadline deadline) {
        requireOwn(job.name(), "rescaled");
        return change(job, deadline).rescale(parallelism);
    }

    @Override
    public Optional<InPlaceChange> findRescale(JobRef job, int parallelism, Instant intendedAt, Deadline deadline) {
        return change(job, deadline).findRescale(parallelism, intendedAt);
    }

    @Override
    public InPlaceChange rollBackJob(JobRef job, Deadline deadline) {
        requireOwn(job.name(), "rolled back");
        return change(job, deadline).rollBack();
    }

    @Override
    public Optional<InPlaceChange> findRollBack(JobRef job, Instant intendedAt, Deadline deadline) {
        return change(job, deadline).findRollBack(intendedAt);
    }

    private ApplicationChange change(JobRef job, Deadline deadline) {
        return new ApplicationChange(this, api, job, deadline);
    }

    /** What Sluiceway may change or delete is what it has made. */
    private void requireOwn(@Nullable JobName job, String what) {
        if (settings.ownership() == ClusterSettings.Ownership.EXTERNAL) {
            throw new RefusedException(
                    ErrorCode.JOB_UNSUPPORTED,
                    "Job '%s' can't be %s: applications of ownership EXTERNAL are changed by whoever made them."
                            .formatted(job, what));
        }
    }

    @Override
    public void cancelJob(JobRef job, Deadline deadline) {
        stop(job, true, deadline);
    }

    private void stop(JobRef job, boolean force, Deadline deadline) {
        ApplicationDetail application = require(job, deadline);
        if (isOver(application.applicationStatus())) {
            return;
        }
        Change change = api.change(
                deadline,
                client -> client.stopApplication(request ->
                        request.applicationName(application.applicationName()).force(force)));
        switch (change) {
            case Change.Done() -> {}
            case Change.Conflict(String reason) -> {
                // It is being stopped, or has ended, or is in a passing state.
                ApplicationStatus now = require(job, deadline).applicationStatus();
                if (now != ApplicationStatus.STOPPING && now != ApplicationStatus.FORCE_STOPPING && !isOver(now)) {
                    throw new RefusedException(
                            ErrorCode.CLUSTER_UNREACHABLE,
                            "Cluster '%s' can't stop the application now: %s".formatted(name, reason));
                }
            }
            case Change.NotThere() -> throw unknownJob(job.id());
            case Change.Refused(String error, String reason) -> throw refused(error, reason);
            case Change.Lost(String reason) -> throw new RefusedException(ErrorCode.CLUSTER_TIMEOUT, reason);
        }
    }

    /**
     * Deletes a job's application, with all its snapshots and all that the service remembers of its attempts. No
     * function does that yet. Deleting it again is harmless.
     *
     * <p>Nobody takes that back, so the application has to be named by its job and the attempt that it is marked with,
     * the last; it has to be READY, and one that Sluiceway made. The time of its creation goes with the call, so that a
     * late call doesn't hit a successor of the same name. An attempt that is started between the look and the deletion
     * is ended by it: whoever deletes holds the job's slot in the ledger.
     *
     * @param last the job's last attempt, by name and id
     * @throws RefusedException also JOB_UNSUPPORTED for applications of ownership EXTERNAL, JOB_NOT_FOUND when the
     *     application has another attempt's mark, or none, APPLICATION_IN_USE when it isn't READY
     */
    public void deleteApplication(JobRef last, Deadline deadline) {
        requireOwn(last.name(), "deleted");
        if (last.name() == null) {
            throw unknownJob(last.id());
        }
        Optional<ApplicationDetail> there = describe(settings.applications().of(last.name()), deadline);
        if (there.isEmpty()) {
            return;
        }
        ApplicationDetail application =
                there.filter(found -> AttemptMark.isOn(found, last.id())).orElseThrow(() -> unknownJob(last.id()));
        if (application.applicationStatus() == ApplicationStatus.DELETING) {
            return;
        }
        if (application.applicationStatus() != ApplicationStatus.READY) {
            throw new RefusedException(
                    ErrorCode.APPLICATION_IN_USE,
                    "Application '%s' is %s; only one that is READY is deleted."
                            .formatted(application.applicationName(), application.applicationStatusAsString()));
        }
        Change change = api.change(
                deadline,
                client -> client.deleteApplication(request -> request.applicationName(application.applicationName())
                        .createTimestamp(application.createTimestamp())));
        switch (change) {
            case Change.Done(), Change.NotThere() -> {}
            case Change.Conflict(String reason) -> throw new RefusedException(ErrorCode.APPLICATION_IN_USE, reason);
            case Change.Refused(String error, String reason) -> throw refused(error, reason);
            case Change.Lost(String reason) -> throw new RefusedException(ErrorCode.CLUSTER_TIMEOUT, reason);
        }
    }

    static boolean isOver(ApplicationStatus status) {
        return status == ApplicationStatus.READY || status == ApplicationStatus.ROLLED_BACK;
    }

    private Optional<ApplicationDetail> describe(String application, Deadline deadline) {
        return api.ask(deadline, client -> client.describeApplication(request -> request.applicationName(application)))
                .map(this::whole);
    }

    private ApplicationDetail whole(DescribeApplicationResponse answer) {
        ApplicationDetail detail = answer.applicationDetail();
        if (detail == null
                || detail.applicationName() == null
                || detail.applicationStatus() == null
                || detail.applicationVersionId() == null
                || detail.createTimestamp() == null) {
            throw new RefusedException(
                    ErrorCode.CLUSTER_ANSWER_INVALID,
                    "Cluster '%s' describes an application without its name, status, version or time.".formatted(name));
        }
        return detail;
    }

    /** The job's application, if it is marked with the attempt. */
    Optional<ApplicationDetail> marked(JobRef job, Deadline deadline) {
        return job.name() == null
                ? Optional.empty()
                : describe(settings.applications().of(job.name()), deadline)
                        .filter(application -> AttemptMark.isOn(application, job.id()));
    }

    ApplicationDetail require(JobRef job, Deadline deadline) {
        return marked(job, deadline).orElseThrow(() -> unknownJob(job.id()));
    }

    /**
     * What is seen of an attempt.
     *
     * @param application its application
     * @param overview its state and times
     * @param end how it ended; absent while it lives
     */
    private record Life(
            ApplicationDetail application,
            JobOverview overview,
            @Nullable End end) {}

    /** What is seen of an attempt that an application is marked with, or empty when it was never started. */
    private Optional<Life> life(ApplicationDetail application, FlinkJobId id, Deadline deadline) {
        JobState state = switch (application.applicationStatus()) {
            case STARTING -> JobState.INITIALIZING;
            case RUNNING -> JobState.RUNNING;
            // They pass, and the application runs again.
            case UPDATING, AUTOSCALING, MAINTENANCE, ROLLING_BACK, UNKNOWN_TO_SDK_VERSION -> JobState.RECONCILING;
            case STOPPING, FORCE_STOPPING, DELETING -> JobState.CANCELLING;
            case READY, ROLLED_BACK -> null;
        };
        AttemptLife life = new AttemptLife(api, application, id, deadline);
        if (state != null) {
            return application.applicationStatus() == ApplicationStatus.UPDATING && neverRan(life)
                    ? Optional.empty()
                    : Optional.of(new Life(application, overview(application, id, state, life.markedAt(), null), null));
        }
        End end = life.end();
        return switch (end) {
            case End.NeverStarted() -> Optional.empty();
            case End.Starting(Instant at) ->
                Optional.of(new Life(application, overview(application, id, JobState.INITIALIZING, at, null), end));
            case End.StartFailed(Instant startedAt, Instant at, String _, boolean _) ->
                Optional.of(new Life(application, overview(application, id, JobState.FAILED, startedAt, at), end));
            case End.ChangeFailed(Instant startedAt, Instant at, String _) ->
                Optional.of(new Life(application, overview(application, id, JobState.FAILED, startedAt, at), end));
            case End.ByItself(Instant startedAt) ->
                Optional.of(new Life(application, overview(application, id, JobState.FAILED, startedAt, null), end));
            case End.Stopped(Instant startedAt, ApplicationOperationInfo stop) -> {
                JobState ended = life.snapshotOf(stop).isPresent() ? JobState.FINISHED : JobState.CANCELED;
                yield Optional.of(
                        new Life(application, overview(application, id, ended, startedAt, stop.endTime()), end));
            }
        };
    }

    /** An application that is READY is UPDATING for a moment, too, when it gets its mark. */
    private static boolean neverRan(AttemptLife life) {
        return life.end() instanceof End.NeverStarted;
    }

    private static JobOverview overview(
            ApplicationDetail application,
            FlinkJobId id,
            JobState state,
            Instant startedAt,
            @Nullable Instant endedAt) {
        return new JobOverview(id, application.applicationName(), state, startedAt, endedAt, new TreeMap<>());
    }

    private @Nullable Failure failure(Life life, JobRef job, Deadline deadline) {
        return switch (life.end()) {
            case End.StartFailed(Instant _, Instant at, String operation, boolean _) -> {
                String reason = reason(life.application(), operation, deadline)
                        .orElse("The service says that the start failed, and not why.");
                yield new Failure(reason, reason, at);
            }
            case End.ChangeFailed(Instant _, Instant at, String operation) -> {
                String reason = reason(life.application(), operation, deadline)
                        .orElse("The service says that a change of the application failed, and not why.");
                yield new Failure(reason, reason, at);
            }
            case End.ByItself(Instant _) -> {
                String reason =
                        "Job '%s' ended though nobody stopped it: it finished or failed, which the service doesn't tell."
                                .formatted(job.name());
                yield new Failure(reason, reason, null);
            }
            case End.NeverStarted(), End.Starting(Instant _), End.Stopped(Instant _, ApplicationOperationInfo _) ->
                null;
            case null -> null;
        };
    }

    /** Why an operation failed, in the service's words. */
    Optional<String> reason(ApplicationDetail application, String operation, Deadline deadline) {
        return api.ask(
                        deadline,
                        client -> client.describeApplicationOperation(
                                request -> request.applicationName(application.applicationName())
                                        .operationId(operation)))
                .map(answer -> answer.applicationOperationInfoDetails().operationFailureDetails())
                .map(details -> details.errorInfo())
                .map(info -> Quoted.plain(info.errorString(), LONGEST_REASON));
    }

    /** The service's own limit of an operation's reason. */
    private static final int LONGEST_REASON = 512;

    RefusedException refused(String error, String reason) {
        return new RefusedException(
                ErrorCode.CLUSTER_REFUSED, "Cluster '%s' refused (%s): %s".formatted(name, error, reason));
    }
}
