package io.sluiceway.cluster;

import io.sluiceway.error.ErrorCode;
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
import io.sluiceway.job.Vitals;
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
 * The port to one Flink cluster.
 *
 * <p>Every call answers before its deadline. Where nothing else is said, a call throws {@link RefusedException}:
 * CLUSTER_UNREACHABLE when the cluster can't be reached or can't work at the moment (nothing was done), CLUSTER_TIMEOUT
 * when no answer came (what was asked may have been done), CLUSTER_ANSWER_INVALID when the answer makes no sense
 * (likewise), CLUSTER_REFUSED with the cluster's own words.
 */
public interface FlinkCluster {
    /** The name it is configured under. */
    ClusterName name();

    /** The directory that one operation's savepoint is written to, used by no other operation. */
    StoragePath savepointDirectory(JobName job, OperationId operation);

    /**
     * The directory that holds a job's retained checkpoints as {@code chk-*}, or empty when the deployment names no
     * root for them.
     */
    Optional<StoragePath> checkpointDirectory(FlinkJobId job);

    /**
     * Names the JobManager process that answers: it remembers every id that it was asked to run, its successor may not.
     */
    String incarnation(Deadline deadline);

    /** Whether the deployment lets jobs of this cluster be restored from this path. */
    boolean mayRestoreFrom(StoragePath path);

    /**
     * How many jobs may be asked about at once by what comes on a schedule: a few more than one, since most of a
     * question's time is waiting, and no more than the cluster answers without turning any away.
     */
    default int atOnce() {
        return 8;
    }

    /** A job's state, or empty when the cluster doesn't know the job (any more). */
    Optional<JobOverview> findJob(JobRef job, Deadline deadline);

    /** All that the cluster says of a job, or empty when it doesn't know the job (any more). */
    Optional<JobStatus> observeJob(JobRef job, Deadline deadline);

    /** How many checkpoints a job had completed when it ended: a number that changes no more. */
    CheckpointsAtEnd countAtEnd(JobRef job, Deadline deadline);

    /**
     * Adds to a job's status what has to be asked of another service than the cluster: measured late, and only for
     * somebody who reads it. It never fails; what couldn't be asked isn't observable.
     */
    default JobStatus measure(JobRef job, JobStatus status, Deadline deadline) {
        return status;
    }

    /**
     * What is seen of the sink of a job that runs, or empty when the cluster doesn't know the job (any more). Not what
     * was seen before: what it takes from metrics is asked for by this call and may come for the next.
     *
     * @param sink the name that the program gives the sink
     * @throws RefusedException also JOB_UNSUPPORTED where a cluster of this kind shows no watermarks
     */
    Optional<SinkView> observeSink(JobRef job, String sink, Deadline deadline);

    /**
     * Adds to a job's vitals how its records flow: it may take a request for each of its vertices, so it is for whoever
     * judges by it. It never fails; what couldn't be asked isn't observable.
     */
    default JobStatus observeFlow(JobRef job, JobStatus status, Deadline deadline) {
        return status.with(status.vitals()
                .map(vitals -> vitals.with(Vitals.Flow.notObservable(
                        "Backpressure and watermark aren't read from a cluster of this kind."))));
    }

    /** All jobs that the cluster knows, ended ones included until it forgets them. */
    List<JobOverview> listJobs(Deadline deadline);

    /**
     * Refuses what a cluster of this kind can't run as it is specified.
     *
     * @throws RefusedException JOB_UNSUPPORTED
     */
    void check(JobSpec spec);

    /**
     * Refuses to have another version of a job take over where that isn't done on a cluster of this kind.
     *
     * @param mode where the new version is to take its state from
     * @throws RefusedException JOB_UNSUPPORTED
     */
    default void checkUpgrade(JobSpec spec, Upgrade.Mode mode) {}

    /**
     * How much longer than its settling time it takes until a job that is started, and is well, is seen to be: what is
     * measured of it may come late.
     */
    default Duration healthDelay() {
        return Duration.ZERO;
    }

    /** How many task slots the cluster has in all, or empty when it gets more as jobs need them. */
    OptionalInt fixedSlots(Deadline deadline);

    /** Whether the cluster has the jar with this digest. */
    boolean hasJar(JarDigest digest, Deadline deadline);

    /** Gives the cluster a jar, streamed from a local file. Giving it twice is harmless. */
    void addJar(JarDigest digest, Path file, Deadline deadline);

    /**
     * Runs a jar that the cluster has, as the job with the given id.
     *
     * @param postUntil the cluster is asked before this or not at all: afterwards somebody else may have gone on
     * @return how the cluster took it
     * @throws RefusedException when the cluster couldn't be asked to run it, with a code that is retryable; or it
     *     refused: also ENTRY_CLASS_NOT_FOUND, PROGRAM_FAILED and RESTORE_FAILED: the cluster refused. A program can
     *     fail behind the submission of its job, so whether the job is there is known only by asking for it.
     */
    RunAnswer runJob(JobLaunch launch, Instant postUntil, Deadline deadline);

    /** How far a savepoint has come, or empty when the cluster doesn't know the trigger (any more). */
    Optional<SavepointProgress> findSavepoint(JobRef job, TriggerId trigger, Deadline deadline);

    /**
     * How far a stop has come, its savepoint included, or empty when the cluster doesn't know of it (any more).
     *
     * @param intendedAt when the stop was asked for; what the cluster did before is another's
     */
    Optional<SavepointProgress> findStop(JobRef job, TriggerId trigger, Instant intendedAt, Deadline deadline);

    /**
     * The savepoint that a job has ended with which is FINISHED, whoever stopped it. Empty where a stop is known by its
     * trigger: there {@link #findStop} tells.
     */
    default Optional<StoragePath> findSavepointAtEnd(JobRef job, Deadline deadline) {
        return Optional.empty();
    }

    /** Where the newest savepoint lies that the job's current JobMaster completed, or empty when there is none. */
    Optional<StoragePath> findLastSavepoint(JobRef job, Deadline deadline);

    /** Triggers a savepoint into a directory. Triggering the same id again joins the first. */
    void triggerSavepoint(JobRef job, TriggerId trigger, StoragePath directory, Deadline deadline);

    /**
     * Removes a savepoint of a job for good. One that isn't there (any more) counts as removed, so asking again is
     * harmless.
     *
     * @return whether it is gone; if it isn't, the cluster is at it, and says so when it is asked again
     */
    boolean disposeSavepoint(JobName job, StoragePath savepoint, Deadline deadline);

    /**
     * Triggers a stop with a savepoint into a directory. Triggering the same id again joins the first.
     *
     * @param drain whether to emit {@code MAX_WATERMARK} first, which ends the job's event time for good
     */
    void triggerStop(JobRef job, TriggerId trigger, StoragePath directory, boolean drain, Deadline deadline);

    /** With which parallelism a job runs, or empty when the cluster doesn't know the job (any more). */
    Optional<JobParallelism> findParallelism(JobRef job, Deadline deadline);

    /**
     * Why a job that runs can't go on with another parallelism in place, as far as that can be told without trying it:
     * what {@link #rescaleJob} answers with NotPossible for. Empty: nothing stands against it.
     */
    Optional<String> findHindrance(JobRef job, int parallelism, Deadline deadline);

    /**
     * Asks a job to go on with another parallelism and its state. Asking again for the same joins the first.
     *
     * @param parallelism 1 to 32,768
     * @return {@code InProgress}, {@code Completed} when the job runs with it already, or {@code NotPossible}
     * @throws RefusedException also JOB_NOT_FOUND, JOB_NOT_RUNNING when the job has ended, PARALLELISM_EXCEEDS_SLOTS
     *     when the cluster says that it has too little for it
     */
    InPlaceChange rescaleJob(JobRef job, int parallelism, Deadline deadline);

    /**
     * How far a job has come on its way to another parallelism, or empty when the cluster doesn't know the job (any
     * more) or wasn't asked for it.
     *
     * @param intendedAt when it was asked for; what failed before is another's
     */
    Optional<InPlaceChange> findRescale(JobRef job, int parallelism, Instant intendedAt, Deadline deadline);

    /**
     * Takes back the last change of a job that failed, doesn't come to its end or did harm: the job goes on as it was
     * configured before, from what was saved last. What it did since, it does again. Asking again joins the first.
     *
     * @return {@code InProgress}, {@code Completed} when the last change is taken back already, or {@code NotPossible}
     * @throws RefusedException also JOB_NOT_FOUND
     */
    InPlaceChange rollBackJob(JobRef job, Deadline deadline);

    /**
     * How far taking back has come, or empty when the cluster doesn't know the job (any more) or wasn't asked for it.
     *
     * @param intendedAt when it was asked for; what was taken back before is another's
     */
    Optional<InPlaceChange> findRollBack(JobRef job, Instant intendedAt, Deadline deadline);

    /** Cancels a job. Cancelling it again, or one that has ended, is harmless. */
    void cancelJob(JobRef job, Deadline deadline);

    /** Where a person sees the job. */
    URI jobPage(JobRef job);

    /**
     * What leads a person into the job's Flink dashboard, made for the one who asks. It never fails; where there is no
     * such link, it isn't observable.
     *
     * @param status the job's, as it was observed just before
     */
    default Observation<DashboardLink> openDashboard(JobRef job, JobStatus status, Deadline deadline) {
        return Observation.now(new DashboardLink(jobPage(job)));
    }

    /** What is said of a job that this cluster doesn't know. */
    default RefusedException unknownJob(FlinkJobId job) {
        return new RefusedException(ErrorCode.JOB_NOT_FOUND, "Cluster '%s' knows no job %s.".formatted(name(), job));
    }
}
