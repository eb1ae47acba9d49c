package io.sluiceway.cluster;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.job.JobStatus.Failure;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.time.Deadline;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/** A session cluster in memory that runs {@link io.sluiceway.testjob.TestJob}, for fast tests. */
public class FakeFlinkCluster implements FlinkCluster {
    /** What happens to the next call that has an effect. */
    public enum Fault {
        NONE,
        /** The effect happens; its answer doesn't arrive. */
        ANSWER_LOST,
        /** The call doesn't arrive; nor does an answer. */
        CALL_LOST
    }

    private static final class Job {
        private final JobLaunch launch;
        private final Instant startedAt;
        private JobState state;
        private CompletedCheckpoint savepoint;
        private String failure;
        private long checkpoints;

        private Job(JobLaunch launch, Instant startedAt, JobState state) {
            this.launch = launch;
            this.startedAt = startedAt;
            this.state = state;
        }
    }

    public static final StoragePath SAVEPOINTS = new StoragePath("s3://state/savepoints");

    private final ClusterName name;
    private final Clock clock;
    private final int slots;
    private final Map<FlinkJobId, Job> jobs = new LinkedHashMap<>();
    private final Map<TriggerId, SavepointProgress> savepoints = new HashMap<>();
    private final Set<StoragePath> storage = new HashSet<>();
    private final Set<JarDigest> jars = new HashSet<>();
    private final List<String> effects = new ArrayList<>();
    private Fault nextFault = Fault.NONE;
    private int lookupsFailAfter = -1;
    private Duration leastTimeLeft = Duration.ofDays(1);

    public FakeFlinkCluster(ClusterName name, int slots, Clock clock) {
        this.name = name;
        this.slots = slots;
        this.clock = clock;
    }

    /** What changed on the cluster, in order: {@code addJar}, {@code runJob}, {@code triggerSavepoint} and so on. */
    public List<String> effects() {
        return List.copyOf(effects);
    }

    /** Lets one look at a job fail, after {@code others} that don't. */
    public void failLookupAfter(int others) {
        lookupsFailAfter = others;
    }

    /** How much of the time that {@code deadline} leaves the calls with an effect were given at most. */
    public Duration leastTimeLeft() {
        return leastTimeLeft;
    }

    public void failNextEffect(Fault fault) {
        nextFault = fault;
    }

    /** As a new JobManager without high availability does. */
    public void forgetEverything() {
        jobs.clear();
        savepoints.clear();
        jars.clear();
    }

    /** As a JobManager does after {@code jobstore.expiration-time}: the id stays taken. */
    public void forgetEndedJobs() {
        jobs.replaceAll((id, job) -> job.state.terminal() ? null : job);
    }

    public void forgetTriggers() {
        savepoints.clear();
    }

    public void setState(FlinkJobId id, JobState state) {
        jobs.get(id).state = state;
    }

    public void setSavepoint(TriggerId trigger, SavepointProgress progress) {
        savepoints.put(trigger, progress);
    }

    @Override
    public ClusterName name() {
        return name;
    }

    @Override
    public StoragePath savepointDirectory(FlinkJobId job, TriggerId trigger) {
        return SAVEPOINTS.child(job.value()).child(trigger.value());
    }

    @Override
    public boolean mayRestoreFrom(StoragePath path) {
        return path.isWithin(SAVEPOINTS);
    }

    @Override
    public Optional<JobOverview> findJob(FlinkJobId id, Deadline deadline) {
        if (lookupsFailAfter-- == 0) {
            throw new RefusedException(ErrorCode.CLUSTER_UNREACHABLE, "No connection could be made.");
        }
        return Optional.ofNullable(jobs.get(id)).map(job -> overview(id, job));
    }

    @Override
    public Optional<JobStatus> observeJob(FlinkJobId id, Deadline deadline) {
        Job job = jobs.get(id);
        return findJob(id, deadline).map(overview -> {
            job.checkpoints++;
            return new JobStatus(
                    overview,
                    0L,
                    new Checkpoints(
                            job.checkpoints, 0, new CompletedCheckpoint(job.checkpoints, clock.instant(), null)),
                    job.savepoint,
                    job.failure == null ? null : new Failure("Job failed", job.failure, job.startedAt));
        });
    }

    @Override
    public Optional<StoragePath> findLastSavepoint(FlinkJobId id, Deadline deadline) {
        return Optional.ofNullable(jobs.get(id)).map(job -> job.savepoint).map(CompletedCheckpoint::path);
    }

    @Override
    public List<JobOverview> listJobs(Deadline deadline) {
        return jobs.entrySet().stream()
                .filter(job -> job.getValue() != null)
                .map(job -> overview(job.getKey(), job.getValue()))
                .toList();
    }

    private static JobOverview overview(FlinkJobId id, Job job) {
        return new JobOverview(
                id,
                job.launch.spec().name().value(),
                job.state,
                job.startedAt,
                job.state.terminal() ? job.startedAt.plusSeconds(1) : null,
                new TreeMap<>(Map.of(job.state.terminal() ? "FINISHED" : "RUNNING", 1)));
    }

    @Override
    public OptionalInt fixedSlots(Deadline deadline) {
        return OptionalInt.of(slots);
    }

    @Override
    public boolean hasJar(JarDigest digest, Deadline deadline) {
        return jars.contains(digest);
    }

    @Override
    public void addJar(JarDigest digest, Path file, Deadline deadline) {
        effect("addJar", () -> jars.add(digest));
    }

    @Override
    public RunAnswer runJob(JobLaunch launch, Deadline deadline) {
        if (!jars.contains(launch.jar())) {
            throw new RefusedException(ErrorCode.SUBMISSION_UNSETTLED, "The jar is lost.");
        }
        if (launch.spec().entryClass() != null
                && !launch.spec().entryClass().value().equals(TestJobJar.ENTRY_CLASS)) {
            throw new RefusedException(ErrorCode.ENTRY_CLASS_NOT_FOUND, "There is no such class.");
        }
        if (jobs.containsKey(launch.id())) {
            return new RunAnswer.DuplicateId();
        }
        String behaviour = launch.spec().arguments().isEmpty()
                ? "bounded"
                : launch.spec().arguments().getFirst();
        if (behaviour.equals("refusing")) {
            throw new RefusedException(
                    ErrorCode.PROGRAM_FAILED, "java.lang.IllegalArgumentException: There is no such day: ….");
        }
        try {
            effect("runJob", () -> jobs.put(launch.id(), started(launch, behaviour)));
        } catch (RefusedException lost) {
            return new RunAnswer.AnswerLost(lost.sentence());
        }
        leastTimeLeft = deadline.remaining();
        if (behaviour.equals("stumbling")) {
            throw new RefusedException(
                    ErrorCode.PROGRAM_FAILED, "java.lang.IllegalStateException: The runway ends here.");
        }
        return new RunAnswer.Started();
    }

    private Job started(JobLaunch launch, String behaviour) {
        Job job = new Job(launch, clock.instant(), JobState.RUNNING);
        if (launch.spec().restore() instanceof RestorePoint.Savepoint point && !storage.contains(point.path())) {
            job.state = JobState.FAILED;
            job.failure = "java.io.FileNotFoundException: Cannot find checkpoint or savepoint " + point.path();
        } else if (behaviour.equals("failing")) {
            job.state = JobState.FAILED;
            job.failure = "java.lang.ArithmeticException: No such runway.";
        } else if (behaviour.equals("bounded")) {
            job.state = JobState.FINISHED;
        }
        return job;
    }

    @Override
    public Optional<SavepointProgress> findSavepoint(FlinkJobId job, TriggerId trigger, Deadline deadline) {
        return Optional.ofNullable(savepoints.get(trigger));
    }

    @Override
    public void triggerSavepoint(FlinkJobId job, TriggerId trigger, StoragePath directory, Deadline deadline) {
        effect("triggerSavepoint", () -> complete(known(job), trigger, directory));
    }

    @Override
    public void triggerStop(
            FlinkJobId job, TriggerId trigger, StoragePath directory, boolean drain, Deadline deadline) {
        effect(drain ? "drain" : "stop", () -> {
            complete(known(job), trigger, directory);
            known(job).state = JobState.FINISHED;
        });
    }

    private void complete(Job job, TriggerId trigger, StoragePath directory) {
        StoragePath path = directory.child("savepoint-" + trigger.value().substring(0, 6));
        storage.add(path);
        job.savepoint = new CompletedCheckpoint(++job.checkpoints, clock.instant(), path);
        savepoints.putIfAbsent(trigger, new SavepointProgress.Completed(path));
    }

    @Override
    public void cancelJob(FlinkJobId job, Deadline deadline) {
        Job known = known(job);
        effect("cancel", () -> known.state = known.state.terminal() ? known.state : JobState.CANCELED);
    }

    private Job known(FlinkJobId id) {
        Job job = jobs.get(id);
        if (job == null) {
            throw new RefusedException(ErrorCode.JOB_NOT_FOUND, "There is no such job.");
        }
        return job;
    }

    private void effect(String what, Runnable change) {
        Fault fault = nextFault;
        nextFault = Fault.NONE;
        if (fault != Fault.CALL_LOST) {
            change.run();
            effects.add(what);
        }
        if (fault != Fault.NONE) {
            throw new RefusedException(ErrorCode.CLUSTER_TIMEOUT, "The cluster gave no answer.");
        }
    }

    @Override
    public URI jobPage(FlinkJobId job) {
        return URI.create("http://flink.example/#/job/overview/" + job + "/overview");
    }
}
