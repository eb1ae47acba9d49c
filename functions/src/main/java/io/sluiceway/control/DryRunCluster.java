package io.sluiceway.control;

import io.sluiceway.cluster.CheckpointsAtEnd;
import io.sluiceway.cluster.DashboardLink;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.InPlaceChange;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.cluster.JobParallelism;
import io.sluiceway.cluster.RunAnswer;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
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
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A cluster of which a dry run asks nothing but questions.
 *
 * <p>What a cluster only takes note of, such as a trigger or a cancellation, is noted instead, and the verb goes on as
 * if it had been taken: it can be what somebody else asked for before, which a verb takes forward on its way. What is
 * answered with something that the verb goes by ends the dry run with an {@link EffectReachedException}.
 *
 * @param effects where they are noted, in order
 */
record DryRunCluster(FlinkCluster cluster, List<Effect> effects) implements FlinkCluster {
    @Override
    public void addJar(JarDigest digest, Path file, Deadline deadline) {
        effects.add(new Effect.AddJar(digest));
    }

    @Override
    public boolean hasJar(JarDigest digest, Deadline deadline) {
        return effects.contains(new Effect.AddJar(digest)) || cluster.hasJar(digest, deadline);
    }

    @Override
    public void triggerSavepoint(JobRef job, TriggerId trigger, StoragePath directory, Deadline deadline) {
        effects.add(new Effect.Save(job.id(), trigger, directory));
    }

    @Override
    public void triggerStop(JobRef job, TriggerId trigger, StoragePath directory, boolean drain, Deadline deadline) {
        effects.add(new Effect.Stop(job.id(), trigger, directory, drain));
    }

    @Override
    public void cancelJob(JobRef job, Deadline deadline) {
        effects.add(new Effect.Cancel(job.id()));
    }

    @Override
    public RunAnswer runJob(JobLaunch launch, Instant postUntil, Deadline deadline) {
        throw reached(new Effect.Run(launch));
    }

    @Override
    public InPlaceChange rescaleJob(JobRef job, int parallelism, Deadline deadline) {
        Optional<String> hindrance = cluster.findHindrance(job, parallelism, deadline);
        if (hindrance.isPresent()) {
            return new InPlaceChange.NotPossible(hindrance.get());
        }
        throw reached(new Effect.Rescale(name(), job.id(), parallelism));
    }

    @Override
    public InPlaceChange rollBackJob(JobRef job, Deadline deadline) {
        throw reached(new Effect.RollBack(name(), job.id()));
    }

    @Override
    public boolean disposeSavepoint(JobName job, StoragePath savepoint, Deadline deadline) {
        throw reached(new Effect.Dispose(job, savepoint));
    }

    private EffectReachedException reached(Effect effect) {
        effects.add(effect);
        return new EffectReachedException(effect);
    }

    @Override
    public Optional<SavepointProgress> findSavepoint(JobRef job, TriggerId trigger, Deadline deadline) {
        return isNoted(trigger)
                ? Optional.of(new SavepointProgress.InProgress())
                : cluster.findSavepoint(job, trigger, deadline);
    }

    @Override
    public Optional<SavepointProgress> findStop(JobRef job, TriggerId trigger, Instant intendedAt, Deadline deadline) {
        return isNoted(trigger)
                ? Optional.of(new SavepointProgress.InProgress())
                : cluster.findStop(job, trigger, intendedAt, deadline);
    }

    private boolean isNoted(TriggerId trigger) {
        return effects.stream().anyMatch(effect -> switch (effect) {
            case Effect.Save save -> save.trigger().equals(trigger);
            case Effect.Stop stop -> stop.trigger().equals(trigger);
            case Effect.AddJar _,
                    Effect.Run _,
                    Effect.Cancel _,
                    Effect.Rescale _,
                    Effect.RollBack _,
                    Effect.Dispose _ -> false;
        });
    }

    @Override
    public ClusterName name() {
        return cluster.name();
    }

    @Override
    public StoragePath savepointDirectory(JobName job, OperationId operation) {
        return cluster.savepointDirectory(job, operation);
    }

    @Override
    public Optional<StoragePath> checkpointDirectory(FlinkJobId job) {
        return cluster.checkpointDirectory(job);
    }

    @Override
    public String incarnation(Deadline deadline) {
        return cluster.incarnation(deadline);
    }

    @Override
    public boolean mayRestoreFrom(StoragePath path) {
        return cluster.mayRestoreFrom(path);
    }

    @Override
    public int atOnce() {
        return cluster.atOnce();
    }

    @Override
    public Optional<JobOverview> findJob(JobRef job, Deadline deadline) {
        return cluster.findJob(job, deadline);
    }

    @Override
    public Optional<JobStatus> observeJob(JobRef job, Deadline deadline) {
        return cluster.observeJob(job, deadline);
    }

    @Override
    public CheckpointsAtEnd countAtEnd(JobRef job, Deadline deadline) {
        return cluster.countAtEnd(job, deadline);
    }

    @Override
    public JobStatus measure(JobRef job, JobStatus status, Deadline deadline) {
        return cluster.measure(job, status, deadline);
    }

    @Override
    public Optional<SinkView> observeSink(JobRef job, String sink, Deadline deadline) {
        return cluster.observeSink(job, sink, deadline);
    }

    @Override
    public JobStatus observeFlow(JobRef job, JobStatus status, Deadline deadline) {
        return cluster.observeFlow(job, status, deadline);
    }

    @Override
    public List<JobOverview> listJobs(Deadline deadline) {
        return cluster.listJobs(deadline);
    }

    @Override
    public void check(JobSpec spec) {
        cluster.check(spec);
    }

    @Override
    public void checkUpgrade(JobSpec spec, Upgrade.Mode mode) {
        cluster.checkUpgrade(spec, mode);
    }

    @Override
    public Duration healthDelay() {
        return cluster.healthDelay();
    }

    @Override
    public OptionalInt fixedSlots(Deadline deadline) {
        return cluster.fixedSlots(deadline);
    }

    @Override
    public Optional<StoragePath> findSavepointAtEnd(JobRef job, Deadline deadline) {
        return cluster.findSavepointAtEnd(job, deadline);
    }

    @Override
    public Optional<StoragePath> findLastSavepoint(JobRef job, Deadline deadline) {
        return cluster.findLastSavepoint(job, deadline);
    }

    @Override
    public Optional<JobParallelism> findParallelism(JobRef job, Deadline deadline) {
        return cluster.findParallelism(job, deadline);
    }

    @Override
    public Optional<String> findHindrance(JobRef job, int parallelism, Deadline deadline) {
        return cluster.findHindrance(job, parallelism, deadline);
    }

    @Override
    public Optional<InPlaceChange> findRescale(JobRef job, int parallelism, Instant intendedAt, Deadline deadline) {
        return cluster.findRescale(job, parallelism, intendedAt, deadline);
    }

    @Override
    public Optional<InPlaceChange> findRollBack(JobRef job, Instant intendedAt, Deadline deadline) {
        return cluster.findRollBack(job, intendedAt, deadline);
    }

    @Override
    public URI jobPage(JobRef job) {
        return cluster.jobPage(job);
    }

    @Override
    public Observation<DashboardLink> openDashboard(JobRef job, JobStatus status, Deadline deadline) {
        return cluster.openDashboard(job, status, deadline);
    }

    @Override
    public RefusedException unknownJob(FlinkJobId job) {
        return cluster.unknownJob(job);
    }
}
