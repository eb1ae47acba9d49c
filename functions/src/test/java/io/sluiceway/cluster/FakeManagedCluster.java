package io.sluiceway.cluster;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Observation.NothingYet;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.FakeSavepointStore;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What verbs see of Managed Flink, in memory: it tells of no checkpoints but of those that a job whose start failed
 * can't have, measures late, keeps checkpoints to itself, and reads each jar by its object's version.
 */
public final class FakeManagedCluster extends FakeFlinkCluster {
    /** As late as what is measured may be: CloudWatch's values, after the first minutes of a job. */
    private static final Duration HEALTH_DELAY = Duration.ofMinutes(10);

    private final Clock clock;
    private final Duration late;
    private final Set<FlinkJobId> startsThatFailed = new HashSet<>();
    private final Map<TriggerId, Instant> stopsBegun = new HashMap<>();

    public FakeManagedCluster(ClusterName name, Clock clock, FakeSavepointStore store, Duration late) {
        super(name, 3, clock, store);
        this.clock = clock;
        this.late = late;
    }

    @Override
    public synchronized String incarnation(Deadline deadline) {
        return "managed";
    }

    @Override
    public synchronized Optional<StoragePath> checkpointDirectory(FlinkJobId job) {
        return Optional.empty();
    }

    @Override
    public Duration healthDelay() {
        return HEALTH_DELAY;
    }

    @Override
    public synchronized boolean hasJar(JarDigest digest, Deadline deadline) {
        return false;
    }

    @Override
    public synchronized RunAnswer runJob(JobLaunch launch, Instant postUntil, Deadline deadline) {
        if (launch.jarVersion() == null) {
            throw new RefusedException(ErrorCode.JOB_UNSUPPORTED, "The bucket keeps no versions.");
        }
        RunAnswer answer = super.runJob(launch, postUntil, deadline);
        if (findJob(JobRef.unnamed(launch.id()), deadline)
                .filter(job -> job.state().terminal())
                .isPresent()) {
            startsThatFailed.add(launch.id());
        }
        return answer;
    }

    /** A stop with a snapshot arrives that was sent long ago. */
    public synchronized void arriveLate(FlinkJobId job) {
        super.triggerStop(JobRef.unnamed(job), new TriggerId("1a7e".repeat(8)), SAVEPOINTS.child("late"), false, null);
        endSavepoints(SavepointEnd.COMPLETE);
    }

    @Override
    public synchronized void triggerStop(
            JobRef job, TriggerId trigger, StoragePath directory, boolean drain, Deadline deadline) {
        stopsBegun.put(trigger, clock.instant());
        super.triggerStop(job, trigger, directory, drain, deadline);
    }

    /** No stop has a trigger: whichever ended the job is the one. */
    @Override
    public synchronized Optional<SavepointProgress> findStop(
            JobRef job, TriggerId trigger, Instant intendedAt, Deadline deadline) {
        Optional<StoragePath> left = findSavepointAtEnd(job, deadline);
        return left.isPresent()
                ? left.map(SavepointProgress.Completed::new)
                : super.findStop(job, trigger, intendedAt, deadline)
                        .map(progress -> progress instanceof SavepointProgress.Failed(String reason, StoragePath path)
                                        && path == null
                                ? new SavepointProgress.StopFailed(reason, stopsBegun.get(trigger))
                                : progress);
    }

    @Override
    public synchronized Optional<StoragePath> findSavepointAtEnd(JobRef job, Deadline deadline) {
        return Optional.ofNullable(stopped().get(job.id()));
    }

    @Override
    public synchronized CheckpointsAtEnd countAtEnd(JobRef ref, Deadline deadline) {
        if (startsThatFailed.contains(ref.id())) {
            return new CheckpointsAtEnd.Counted(0);
        }
        return findJob(ref, deadline).filter(job -> !job.state().terminal()).isPresent()
                ? new CheckpointsAtEnd.NotToldYet()
                : new CheckpointsAtEnd.NotTold();
    }

    @Override
    public synchronized Optional<JobStatus> observeJob(JobRef ref, Deadline deadline) {
        return super.observeJob(ref, deadline)
                .map(status -> new JobStatus(
                        status.overview(),
                        new NothingYet<>(),
                        startsThatFailed.contains(ref.id())
                                ? Checkpoints.counted(0, 0, null)
                                : new Checkpoints(
                                        new NotObservable<>("Nobody tells."),
                                        new NothingYet<>(),
                                        new NotObservable<>("Nobody tells.")),
                        new NotObservable<>("Nobody tells."),
                        status.firstFailure()));
    }

    @Override
    public synchronized JobStatus measure(JobRef ref, JobStatus status, Deadline deadline) {
        Observation<Vitals> now = super.observeJob(ref, deadline).orElseThrow().vitals();
        return status.with(now instanceof Known<Vitals>(Vitals vitals, Instant _) ? asOf(vitals) : new NothingYet<>());
    }

    private Observation<Vitals> asOf(Vitals vitals) {
        Instant at = clock.instant().minus(late);
        Optional<Instant> since = vitals.runningSince().told();
        List<Instant> failures = vitals.failures().told().orElse(List.of()).stream()
                .filter(failure -> !failure.isAfter(at))
                .toList();
        return since.isEmpty() || (since.get().isAfter(at) && failures.isEmpty())
                ? new NothingYet<>()
                : new Known<>(
                        new Vitals(
                                at,
                                vitals.runningSince(),
                                Observation.now(failures),
                                new Checkpointing.Counted(List.of(), since.get()),
                                vitals.flow()),
                        at);
    }
}
