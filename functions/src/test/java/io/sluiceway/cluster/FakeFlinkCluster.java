package io.sluiceway.cluster;

import io.sluiceway.error.ErrorCode;
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
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.job.Vitals.Flow;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.ready.SinkView;
import io.sluiceway.ready.SinkView.Watermark;
import io.sluiceway.savepoint.FakeSavepointStore;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.testjob.TestJob;
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
import java.util.Objects;
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
        private final JobName name;
        private final Instant startedAt;
        private JobState state;
        private CompletedCheckpoint savepoint;
        private String failure;
        private boolean stalled;
        private boolean careless;
        private boolean tasksStart;
        private long checkpoints;
        private long restarts;
        private int parallelism = 1;
        private int wanted = 1;
        private String rescaleFailure;
        private StoragePath savedByRescale;
        private Instant rolledBackAt;
        private final List<Instant> failures = new ArrayList<>();
        private Instant runningSince;
        private Instant endedAt;

        private Job(JobName name, Instant startedAt, JobState state) {
            this.name = name;
            this.startedAt = startedAt;
            this.runningSince = startedAt;
            this.state = state;
        }
    }

    /** A savepoint that was begun and isn't complete. */
    private record Begun(FlinkJobId job, StoragePath directory, boolean stops) {}

    /** That the cluster began to run a job. */
    public record Run(JobLaunch launch, String incarnation, Instant at) {}

    /** That the cluster began a savepoint: repeated triggers that joined it don't count. */
    public record Trigger(FlinkJobId job, StoragePath directory, String incarnation) {}

    /** What becomes of a rescaling. */
    public enum RescaleEnd {
        /** It is done at once. */
        COMPLETE,
        /** It is never done. */
        HANG,
        /** The cluster gives it up, and the job is down. What it saved before is there. */
        FAIL,
        /** It is done, and the job fails for good behind it. */
        BREAK,
        /** The cluster can't do that to a job that lives. */
        NOT_POSSIBLE,
        /** The cluster has too little for it. */
        TOO_WIDE
    }

    /** How what was begun ends. */
    public enum SavepointEnd {
        COMPLETE,
        FAIL,
        /** A stop's savepoint is complete, and its job fails behind it. */
        FAIL_TO_STOP
    }

    public static final StoragePath SAVEPOINTS = new StoragePath("s3://state/savepoints");
    public static final StoragePath CHECKPOINTS = new StoragePath("s3://state/checkpoints");

    private final ClusterName name;
    private final Clock clock;
    private final int slots;
    private final Map<FlinkJobId, Job> jobs = new LinkedHashMap<>();
    private final Map<TriggerId, SavepointProgress> savepoints = new HashMap<>();
    private final Map<TriggerId, Begun> begun = new LinkedHashMap<>();
    private final List<Run> runs = new ArrayList<>();
    private final List<Trigger> triggers = new ArrayList<>();
    private final Map<FlinkJobId, StoragePath> stopped = new HashMap<>();
    private final Set<JarDigest> jars = new HashSet<>();
    private final List<String> effects = new ArrayList<>();
    private final FakeSavepointStore store;
    private final List<StoragePath> disposals = new ArrayList<>();
    private int incarnation = 1;
    private boolean refusesDisposals;
    private Runnable beforeRun = () -> {};
    private Runnable beforeTrigger = () -> {};
    private Runnable beforeLookup = () -> {};
    private Fault nextFault = Fault.NONE;
    private boolean slow;
    private RescaleEnd rescaleEnd = RescaleEnd.COMPLETE;
    private boolean answersFromMemory;
    private boolean rollsBack;
    private Runnable aroundEffects = () -> {};
    private Integer mostParallelism;
    private int refusedParallelism;
    private int lookupsFailAfter = -1;
    private Duration leastTimeLeft = Duration.ofDays(1);

    public FakeFlinkCluster(ClusterName name, int slots, Clock clock, FakeSavepointStore store) {
        this.store = store;
        this.name = name;
        this.slots = slots;
        this.clock = clock;
    }

    /** What changed on the cluster, in order: {@code addJar}, {@code runJob}, {@code triggerSavepoint} and so on. */
    public List<String> effects() {
        return List.copyOf(effects);
    }

    /** All that a call can change, to be compared with what is so later; checkpoints come by themselves. */
    public synchronized Object state() {
        List<String> states = new ArrayList<>();
        jobs.forEach((id, job) -> states.add(
                job == null
                        ? id + " forgotten"
                        : "%s %s %s %s %d".formatted(id, job.name, job.state, job.savepoint, job.parallelism)));
        return List.of(
                states,
                Map.copyOf(savepoints),
                Map.copyOf(begun),
                runs(),
                triggers(),
                stopped(),
                Set.copyOf(jars),
                effects(),
                disposals());
    }

    /** Every job that was run, in order. */
    public List<Run> runs() {
        return List.copyOf(runs);
    }

    /** Every savepoint that was begun, in order. */
    public List<Trigger> triggers() {
        return List.copyOf(triggers);
    }

    /** Every savepoint that was to be removed, as often as that was asked for. */
    public List<StoragePath> disposals() {
        return List.copyOf(disposals);
    }

    /** From now on no savepoint can be removed, or each can again. */
    public void refuseDisposals(boolean refused) {
        refusesDisposals = refused;
    }

    /** The jobs that were stopped with a savepoint, and where it lies. */
    public Map<FlinkJobId, StoragePath> stopped() {
        return Map.copyOf(stopped);
    }

    /** From now on a savepoint is complete when {@link #endSavepoints} says so, and goes when {@link #beFast} does. */
    public void beSlow() {
        slow = true;
    }

    /** Ends what {@link #beSlow} began. */
    public void beFast() {
        slow = false;
        disposals.forEach(store::remove);
    }

    /** What becomes of the next rescaling; what the cluster can't do it can't do from now on. */
    public void endRescales(RescaleEnd how) {
        rescaleEnd = how;
    }

    /** From now on it takes changes back as a whole, as Managed Flink does. */
    public void rollBack() {
        rollsBack = true;
    }

    /** What the state of each job can be divided among. */
    public void limitParallelism(int most) {
        mostParallelism = most;
    }

    /** Changes a job as somebody does who goes past Sluiceway. */
    public void setParallelism(FlinkJobId id, int parallelism) {
        jobs.get(id).parallelism = parallelism;
        jobs.get(id).wanted = parallelism;
    }

    /** With how many subtasks a job runs. */
    public int parallelism(FlinkJobId id) {
        return jobs.get(id).parallelism;
    }

    /** Ends all savepoints that were begun. */
    public void endSavepoints(SavepointEnd how) {
        Map<TriggerId, Begun> open = new LinkedHashMap<>(begun);
        begun.clear();
        open.forEach((trigger, savepoint) -> end(trigger, savepoint, how));
    }

    private void end(TriggerId trigger, Begun savepoint, SavepointEnd how) {
        Job job = jobs.get(savepoint.job());
        if (job == null || job.state.terminal() || how == SavepointEnd.FAIL) {
            savepoints.put(trigger, new SavepointProgress.Failed("The savepoint was not completed.", null));
            return;
        }
        StoragePath path =
                savepoint.directory().child("savepoint-" + trigger.value().substring(0, 6));
        store.put(path, clock.instant());
        job.savepoint = new CompletedCheckpoint(++job.checkpoints, clock.instant(), path);
        if (savepoint.stops() && how == SavepointEnd.FAIL_TO_STOP) {
            job.state = JobState.FAILED;
            savepoints.put(trigger, new SavepointProgress.Failed("The job could not be stopped.", path));
            return;
        }
        if (savepoint.stops()) {
            job.state = JobState.FINISHED;
            stopped.put(savepoint.job(), path);
        }
        savepoints.put(trigger, new SavepointProgress.Completed(path));
    }

    /** Lets one look at a job fail, after {@code others} that don't. */
    public void failLookupAfter(int others) {
        lookupsFailAfter = others;
    }

    /** Has something happen right before the next look at a job. */
    public void beforeNextLookup(Runnable what) {
        beforeLookup = what;
    }

    /** How much of the time that {@code deadline} leaves the calls with an effect were given at most. */
    public Duration leastTimeLeft() {
        return leastTimeLeft;
    }

    /** Lets the next run be refused before anything is done. */
    public void refuseNextRun(ErrorCode code) {
        beforeRun = () -> {
            throw new RefusedException(code, "It was made to be refused.");
        };
    }

    /** Lets each run with a parallelism be refused by its program. */
    public void refuseRunsWith(int parallelism) {
        refusedParallelism = parallelism;
    }

    /** Puts a job there as if somebody else had run it. */
    public void putJob(FlinkJobId id, JobState state) {
        jobs.put(id, new Job(new JobName("surprise"), clock.instant(), state));
    }

    public void setRestarts(FlinkJobId id, long restarts) {
        jobs.get(id).restarts = restarts;
    }

    /** Lets a job fail, and runs it again at once. */
    public void failAndRestart(FlinkJobId id) {
        Job job = jobs.get(id);
        job.restarts++;
        job.failures.add(clock.instant());
        job.runningSince = clock.instant();
    }

    /** From now on a job completes checkpoints, or completes none. */
    public void stall(FlinkJobId id, boolean stalled) {
        jobs.get(id).stalled = stalled;
    }

    /** From now on one of the tasks of a RUNNING job is still to be started, or all of them run. */
    public void startTasks(FlinkJobId id, boolean starting) {
        jobs.get(id).tasksStart = starting;
    }

    /** Lets a job fail for good, at this moment. */
    public void fail(FlinkJobId id) {
        Job job = jobs.get(id);
        job.state = JobState.FAILED;
        job.endedAt = clock.instant();
    }

    /** Lets something happen just before the next savepoint or stop is triggered. */
    public void beforeNextTrigger(Runnable action) {
        beforeTrigger = action;
    }

    /** Lets something happen just before the next job is run. */
    public void beforeNextRun(Runnable action) {
        beforeRun = action;
    }

    /** Lets something happen just before and just after each effect. */
    public void aroundEffects(Runnable action) {
        aroundEffects = action;
    }

    public void failNextEffect(Fault fault) {
        nextFault = fault;
    }

    /** As a new JobManager without high availability does. */
    public void forgetEverything() {
        incarnation++;
        jobs.clear();
        savepoints.clear();
        begun.clear();
        jars.clear();
    }

    /** As a new JobManager with high availability does: it goes on with the jobs that live, and knows no more. */
    public void forgetAllButLivingJobs() {
        incarnation++;
        jobs.values().removeIf(job -> job == null || job.state.terminal());
        jobs.values().forEach(job -> job.savepoint = null);
        savepoints.clear();
        begun.clear();
        jars.clear();
    }

    /** As a JobManager whose directory of uploads was cleaned does. */
    public void loseJars() {
        jars.clear();
    }

    /** As a JobManager does after {@code jobstore.expiration-time}: the id stays taken. */
    public void forgetEndedJobs() {
        jobs.replaceAll((id, job) -> job == null || job.state.terminal() ? null : job);
    }

    /** As a JobManager does some minutes after a savepoint came to its end. */
    public void forgetTriggers() {
        savepoints.keySet().retainAll(begun.keySet());
    }

    /** As a JobManager does for some seconds: what it tells of jobs that have ended may be from before their end. */
    public void answerFromMemory(boolean fromMemory) {
        answersFromMemory = fromMemory;
    }

    public void setState(FlinkJobId id, JobState state) {
        jobs.get(id).state = state;
    }

    public void setSavepoint(TriggerId trigger, SavepointProgress progress) {
        savepoints.put(trigger, progress);
    }

    @Override
    public synchronized ClusterName name() {
        return name;
    }

    @Override
    public synchronized StoragePath savepointDirectory(JobName job, OperationId operation) {
        return SAVEPOINTS.child(job.value()).child(operation.value());
    }

    @Override
    public synchronized Optional<StoragePath> checkpointDirectory(FlinkJobId job) {
        return Optional.of(CHECKPOINTS.child(job.value()));
    }

    @Override
    public synchronized String incarnation(Deadline deadline) {
        return "jobmanager-" + incarnation;
    }

    @Override
    public synchronized boolean mayRestoreFrom(StoragePath path) {
        return path.isWithin(SAVEPOINTS);
    }

    @Override
    public synchronized Optional<JobOverview> findJob(JobRef ref, Deadline deadline) {
        Runnable first = beforeLookup;
        beforeLookup = () -> {};
        first.run();
        if (lookupsFailAfter-- == 0) {
            throw new RefusedException(ErrorCode.CLUSTER_UNREACHABLE, "No connection could be made.");
        }
        return Optional.ofNullable(jobs.get(ref.id())).map(job -> overview(ref.id(), job));
    }

    @Override
    public synchronized CheckpointsAtEnd countAtEnd(JobRef ref, Deadline deadline) {
        Job job = jobs.get(ref.id());
        if (job == null) {
            return new CheckpointsAtEnd.NotTold();
        }
        if (!job.state.terminal() || answersFromMemory) {
            return new CheckpointsAtEnd.NotToldYet();
        }
        return job.careless ? new CheckpointsAtEnd.TakesNone() : new CheckpointsAtEnd.Counted(job.checkpoints);
    }

    @Override
    public synchronized Optional<JobStatus> observeJob(JobRef ref, Deadline deadline) {
        Job job = jobs.get(ref.id());
        return findJob(ref, deadline).map(overview -> {
            job.checkpoints += job.state.terminal() || job.stalled || job.careless ? 0 : 1;
            return new JobStatus(
                    overview,
                    Observation.now(job.restarts),
                    Checkpoints.counted(
                            job.checkpoints,
                            0,
                            job.checkpoints == 0
                                    ? null
                                    : new CompletedCheckpoint(job.checkpoints, clock.instant(), null)),
                    Observation.now(job.savepoint),
                    job.failure == null ? null : new Failure("Job failed", job.failure, job.startedAt),
                    job.state.terminal() ? new Observation.NothingYet<>() : Observation.now(vitals(job)));
        });
    }

    private Vitals vitals(Job job) {
        return new Vitals(
                clock.instant(),
                Observation.now(job.state == JobState.RUNNING ? job.runningSince : null),
                Observation.now(List.copyOf(job.failures.reversed())),
                job.careless ? new Checkpointing.Off() : new Checkpointing.Seen(Duration.ofMillis(500), 0, null, true),
                Flow.notObservable("Nobody asked."));
    }

    @Override
    public synchronized Optional<SinkView> observeSink(JobRef ref, String sink, Deadline deadline) {
        return Optional.ofNullable(jobs.get(ref.id())).map(job -> {
            job.checkpoints++;
            Instant now = clock.instant();
            return new SinkView(
                    sink.equals(TestJob.SINK)
                            ? new Watermark.Lowest(TestJob.START, 0)
                            : new Watermark.Unknown(Watermark.Why.NO_SUCH_SINK),
                    now,
                    new SinkView.Checkpoints(
                            Long.toString(job.restarts),
                            null,
                            job.checkpoints,
                            List.of(new SinkView.Completed(job.checkpoints, false, now))),
                    null);
        });
    }

    @Override
    public synchronized Optional<StoragePath> findLastSavepoint(JobRef ref, Deadline deadline) {
        return Optional.ofNullable(jobs.get(ref.id())).map(job -> job.savepoint).map(CompletedCheckpoint::path);
    }

    @Override
    public synchronized List<JobOverview> listJobs(Deadline deadline) {
        return jobs.entrySet().stream()
                .filter(job -> job.getValue() != null)
                .map(job -> overview(job.getKey(), job.getValue()))
                .toList();
    }

    private static JobOverview overview(FlinkJobId id, Job job) {
        return new JobOverview(
                id,
                job.name.value(),
                job.state,
                job.startedAt,
                job.state.terminal() ? job.endedAt == null ? job.startedAt.plusSeconds(1) : job.endedAt : null,
                new TreeMap<>(Map.of(
                        job.state.terminal() ? "FINISHED" : "RUNNING", 1, "INITIALIZING", job.tasksStart ? 1 : 0)),
                job.runningSince);
    }

    @Override
    public void check(JobSpec spec) {
        // A session cluster runs each of them.
    }

    @Override
    public synchronized OptionalInt fixedSlots(Deadline deadline) {
        return OptionalInt.of(slots);
    }

    @Override
    public synchronized boolean hasJar(JarDigest digest, Deadline deadline) {
        return jars.contains(digest);
    }

    @Override
    public synchronized void addJar(JarDigest digest, Path file, Deadline deadline) {
        effect("addJar", () -> jars.add(digest));
    }

    @Override
    public synchronized RunAnswer runJob(JobLaunch launch, Instant postUntil, Deadline deadline) {
        Runnable first = beforeRun;
        beforeRun = () -> {};
        first.run();
        if (!clock.instant().isBefore(postUntil)) {
            return new RunAnswer.TooLate();
        }
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
        if (behaviour.equals("refusing") || Objects.equals(launch.spec().parallelism(), refusedParallelism)) {
            throw new RefusedException(
                    ErrorCode.PROGRAM_FAILED, "java.lang.IllegalArgumentException: There is no such day: ….");
        }
        try {
            effect("runJob", () -> {
                runs.add(new Run(launch, "jobmanager-" + incarnation, clock.instant()));
                jobs.put(launch.id(), started(launch, behaviour));
            });
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
        Job job = new Job(launch.spec().name(), clock.instant(), JobState.RUNNING);
        job.parallelism =
                launch.spec().parallelism() == null ? 1 : launch.spec().parallelism();
        job.wanted = job.parallelism;
        if (launch.restoreFrom() != null && !store.contains(launch.restoreFrom())) {
            job.state = JobState.FAILED;
            job.failure = "java.io.FileNotFoundException: Cannot find checkpoint or savepoint " + launch.restoreFrom();
        } else if (behaviour.equals("failing")) {
            job.state = JobState.FAILED;
            job.failure = "java.lang.ArithmeticException: No such runway.";
        } else if (behaviour.equals("bounded")) {
            job.state = JobState.FINISHED;
        }
        job.stalled = behaviour.equals("stalled");
        job.careless = behaviour.equals("careless");
        return job;
    }

    @Override
    public Optional<SavepointProgress> findStop(JobRef job, TriggerId trigger, Instant intendedAt, Deadline deadline) {
        return findSavepoint(job, trigger, deadline);
    }

    @Override
    public synchronized Optional<SavepointProgress> findSavepoint(JobRef job, TriggerId trigger, Deadline deadline) {
        return Optional.ofNullable(savepoints.get(trigger));
    }

    @Override
    public synchronized void triggerSavepoint(JobRef job, TriggerId trigger, StoragePath directory, Deadline deadline) {
        aboutToTrigger();
        effect("triggerSavepoint", () -> begin(job.id(), trigger, directory, false));
    }

    @Override
    public synchronized boolean disposeSavepoint(JobName job, StoragePath savepoint, Deadline deadline) {
        if (refusesDisposals) {
            throw new RefusedException(ErrorCode.CLUSTER_REFUSED, "The savepoint can't be removed.");
        }
        effect("disposeSavepoint", () -> {
            disposals.add(savepoint);
            if (!slow) {
                store.remove(savepoint);
            }
        });
        return !store.contains(savepoint);
    }

    @Override
    public synchronized void triggerStop(
            JobRef job, TriggerId trigger, StoragePath directory, boolean drain, Deadline deadline) {
        aboutToTrigger();
        effect(drain ? "drain" : "stop", () -> begin(job.id(), trigger, directory, true));
    }

    private void aboutToTrigger() {
        Runnable first = beforeTrigger;
        beforeTrigger = () -> {};
        first.run();
    }

    private void begin(FlinkJobId job, TriggerId trigger, StoragePath directory, boolean stops) {
        known(job);
        if (savepoints.containsKey(trigger)) {
            return;
        }
        triggers.add(new Trigger(job, directory, "jobmanager-" + incarnation));
        begun.put(trigger, new Begun(job, directory, stops));
        savepoints.put(trigger, new SavepointProgress.InProgress());
        if (!slow) {
            endSavepoints(SavepointEnd.COMPLETE);
        }
    }

    @Override
    public synchronized Optional<JobParallelism> findParallelism(JobRef job, Deadline deadline) {
        return Optional.ofNullable(jobs.get(job.id())).map(known -> new JobParallelism(known.wanted, mostParallelism));
    }

    @Override
    public synchronized InPlaceChange rescaleJob(JobRef job, int parallelism, Deadline deadline) {
        Job known = known(job.id());
        if (known.state.terminal()) {
            throw new RefusedException(ErrorCode.JOB_NOT_RUNNING, "The job has ended.");
        }
        if (known.wanted == parallelism) {
            return known.parallelism == parallelism
                    ? new InPlaceChange.Completed(parallelism)
                    : new InPlaceChange.InProgress();
        }
        if (known.wanted != known.parallelism && rollsBack) {
            throw new RefusedException(ErrorCode.CLUSTER_UNREACHABLE, "The job is being changed.");
        }
        Optional<String> hindrance = hindrance(known, parallelism);
        if (hindrance.isPresent()) {
            return new InPlaceChange.NotPossible(hindrance.get());
        }
        if (rescaleEnd == RescaleEnd.TOO_WIDE) {
            throw new RefusedException(ErrorCode.PARALLELISM_EXCEEDS_SLOTS, "There are no KPUs left.");
        }
        effect("rescale", () -> rescale(job, known, parallelism));
        return new InPlaceChange.InProgress();
    }

    @Override
    public synchronized Optional<String> findHindrance(JobRef job, int parallelism, Deadline deadline) {
        return Optional.ofNullable(jobs.get(job.id())).flatMap(known -> hindrance(known, parallelism));
    }

    private Optional<String> hindrance(Job job, int parallelism) {
        return job.parallelism != parallelism && (job.parallelism == 1 || rescaleEnd == RescaleEnd.NOT_POSSIBLE)
                ? Optional.of("Which operators are to stay at 1 can't be told.")
                : Optional.empty();
    }

    private void rescale(JobRef ref, Job job, int parallelism) {
        RescaleEnd end = rescaleEnd;
        rescaleEnd = RescaleEnd.COMPLETE;
        job.wanted = parallelism;
        switch (end) {
            case COMPLETE -> job.parallelism = parallelism;
            case BREAK -> {
                job.parallelism = parallelism;
                fail(ref.id());
            }
            case FAIL -> {
                job.rescaleFailure = "The update failed.";
                job.savedByRescale =
                        SAVEPOINTS.child("update").child(ref.id().value().substring(0, 6));
                store.put(job.savedByRescale, clock.instant());
                fail(ref.id());
            }
            case HANG, NOT_POSSIBLE, TOO_WIDE -> {}
        }
    }

    @Override
    public synchronized Optional<InPlaceChange> findRescale(
            JobRef ref, int parallelism, Instant intendedAt, Deadline deadline) {
        Job job = jobs.get(ref.id());
        if (job == null) {
            return Optional.empty();
        }
        if (job.state.terminal()) {
            return Optional.of(new InPlaceChange.Failed(
                    job.rescaleFailure == null ? "The job has ended." : job.rescaleFailure, job.savedByRescale));
        }
        if (job.wanted != parallelism) {
            return Optional.empty();
        }
        return Optional.of(
                job.parallelism == parallelism
                        ? new InPlaceChange.Completed(parallelism)
                        : new InPlaceChange.InProgress());
    }

    @Override
    public synchronized InPlaceChange rollBackJob(JobRef job, Deadline deadline) {
        if (!rollsBack) {
            return new InPlaceChange.NotPossible("A session cluster has no earlier configurations.");
        }
        Job known = known(job.id());
        effect("rollBack", () -> {
            known.wanted = known.parallelism;
            known.rolledBackAt = clock.instant();
        });
        return new InPlaceChange.InProgress();
    }

    @Override
    public synchronized Optional<InPlaceChange> findRollBack(JobRef job, Instant intendedAt, Deadline deadline) {
        if (!rollsBack) {
            return Optional.of(rollBackJob(job, deadline));
        }
        return Optional.ofNullable(jobs.get(job.id()))
                .filter(known -> known.rolledBackAt != null && !known.rolledBackAt.isBefore(intendedAt))
                .map(known -> new InPlaceChange.Completed(known.parallelism));
    }

    @Override
    public synchronized void cancelJob(JobRef job, Deadline deadline) {
        Job known = known(job.id());
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
        aroundEffects.run();
        if (fault != Fault.CALL_LOST) {
            change.run();
            effects.add(what);
        }
        aroundEffects.run();
        if (fault != Fault.NONE) {
            throw new RefusedException(ErrorCode.CLUSTER_TIMEOUT, "The cluster gave no answer.");
        }
    }

    @Override
    public synchronized URI jobPage(JobRef job) {
        return URI.create("http://flink.example/#/job/overview/" + job + "/overview");
    }
}
