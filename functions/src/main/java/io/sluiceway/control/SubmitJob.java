package io.sluiceway.control;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.cluster.RunAnswer;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarStore;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Starts a job, once per request and try.
 *
 * <p>The Flink job id is derived from the request, so a repeated call asks the cluster for the job before it does
 * anything, and a call that lost the cluster's answer settles it by asking for the id.
 */
public final class SubmitJob {
    private final Clusters clusters;
    private final JarStore jars;
    private final Set<String> allowedBuckets;
    private final Path workDirectory;

    /**
     * The verb over its ports.
     *
     * @param allowedBuckets the buckets that jars may come from
     * @param workDirectory where a jar lies while it is checked and handed on; it must have room for the largest
     */
    public SubmitJob(Clusters clusters, JarStore jars, Set<String> allowedBuckets, Path workDirectory) {
        this.workDirectory = workDirectory;
        this.clusters = clusters;
        this.jars = jars;
        this.allowedBuckets = Set.copyOf(allowedBuckets);
    }

    /**
     * Starts the job, or finds the one that an earlier call of this request and try started.
     *
     * @throws RefusedException when the request can't be carried out; then nothing was started, except where the code
     *     says that this is unknown (SUBMISSION_UNSETTLED): a repeated call settles it. A job that Flink took and that
     *     failed at its start is there as FAILED
     */
    public Submitted submit(Request request, JobSpec spec, Deadline deadline) {
        FlinkCluster cluster = clusters.named(spec.cluster());
        checkBucket(spec.jar());
        checkRestore(spec, cluster);
        FlinkJobId id = FlinkJobId.derive(spec.cluster(), spec.name(), request.id(), request.tryNumber());
        Submission submission = new Submission(spec, request.tryNumber(), id, cluster.jobPage(id));

        Optional<JobOverview> earlier = cluster.findJob(id, deadline);
        if (earlier.isPresent()) {
            return new Submitted(Outcome.REPLAYED, submission, earlier.get());
        }
        checkSlots(spec, cluster, deadline);
        JarDigest jar = bringJar(spec, cluster, deadline);
        return run(new JobLaunch(id, spec, jar), submission, cluster, deadline);
    }

    private void checkBucket(JarReference jar) {
        String bucket = jar.uri().bucket();
        if (!allowedBuckets.contains(bucket)) {
            throw new RefusedException(
                    ErrorCode.JAR_BUCKET_NOT_ALLOWED, "Jars may not come from the bucket '%s'.".formatted(bucket));
        }
    }

    private static void checkRestore(JobSpec spec, FlinkCluster cluster) {
        if (spec.restore() instanceof RestorePoint.Savepoint savepoint && !cluster.mayRestoreFrom(savepoint.path())) {
            throw new RefusedException(
                    ErrorCode.RESTORE_PATH_NOT_ALLOWED,
                    "Jobs of cluster '%s' may not be restored from '%s'.".formatted(spec.cluster(), savepoint.path()));
        }
    }

    private static void checkSlots(JobSpec spec, FlinkCluster cluster, Deadline deadline) {
        Integer parallelism = spec.parallelism();
        if (parallelism == null) {
            return;
        }
        OptionalInt slots = cluster.fixedSlots(deadline);
        if (slots.isPresent() && parallelism > slots.getAsInt()) {
            throw new RefusedException(
                    ErrorCode.PARALLELISM_EXCEEDS_SLOTS,
                    "Job '%s' wants a parallelism of %d; cluster '%s' has %d task slots."
                            .formatted(spec.name(), parallelism, spec.cluster(), slots.getAsInt()));
        }
    }

    /** Sees to it that the cluster has the jar, and fetches it only when the cluster may lack it. */
    private JarDigest bringJar(JobSpec spec, FlinkCluster cluster, Deadline deadline) {
        JarDigest expected = spec.jar().expectedDigest();
        if (expected != null && cluster.hasJar(expected, deadline)) {
            return expected;
        }
        Path directory = createDirectory();
        Path file = directory.resolve("job.jar");
        try {
            jars.fetch(spec.jar(), file, deadline);
            JarDigest digest = JarInspector.inspect(file, spec.jar(), spec.entryClass());
            if (expected != null || !cluster.hasJar(digest, deadline)) {
                cluster.addJar(digest, file, deadline);
            }
            return digest;
        } finally {
            delete(file);
            delete(directory);
        }
    }

    private static Submitted run(JobLaunch launch, Submission submission, FlinkCluster cluster, Deadline deadline) {
        RunAnswer answer;
        try {
            answer = cluster.runJob(launch, deadline.leaving(LostAnswers.SETTLING_RESERVE));
        } catch (RefusedException refusal) {
            return settleRefusal(refusal, launch, submission, cluster, deadline);
        }
        return switch (answer) {
            case RunAnswer.Started() ->
                new Submitted(
                        Outcome.STARTED,
                        submission,
                        ask(launch, cluster, deadline).orElse(null));
            case RunAnswer.DuplicateId() ->
                new Submitted(
                        Outcome.REPLAYED,
                        submission,
                        cluster.findJob(launch.id(), deadline)
                                .orElseThrow(() -> new RefusedException(
                                        ErrorCode.JOB_OUTCOME_UNKNOWN,
                                        "Cluster '%s' ran job %s before and has forgotten how it ended."
                                                .formatted(cluster.name(), launch.id()))));
            case RunAnswer.AnswerLost(String reason) ->
                new Submitted(
                        Outcome.STARTED,
                        submission,
                        ask(launch, cluster, deadline)
                                .orElseThrow(() -> new RefusedException(
                                        ErrorCode.SUBMISSION_UNSETTLED,
                                        "Job %s was handed to the cluster and isn't there yet: %s"
                                                .formatted(launch.id(), reason))));
        };
    }

    /**
     * A program can submit its job and fail behind that, and Flink refuses what it gave up waiting for: a job that
     * lives has been started, whatever the cluster said.
     */
    private static Submitted settleRefusal(
            RefusedException refusal,
            JobLaunch launch,
            Submission submission,
            FlinkCluster cluster,
            Deadline deadline) {
        if (refusal.code() == ErrorCode.CLUSTER_UNREACHABLE) {
            throw refusal;
        }
        Optional<JobOverview> job;
        try {
            job = cluster.findJob(launch.id(), deadline);
        } catch (RefusedException unknown) {
            throw new RefusedException(
                    ErrorCode.SUBMISSION_UNSETTLED,
                    "Whether job %s was started is unknown: %s".formatted(launch.id(), refusal.sentence()),
                    refusal);
        }
        if (job.isPresent() && !job.get().state().terminal()) {
            return new Submitted(Outcome.STARTED, submission, job.get());
        }
        throw refusal;
    }

    private static Optional<JobOverview> ask(JobLaunch launch, FlinkCluster cluster, Deadline deadline) {
        return LostAnswers.ask(() -> cluster.findJob(launch.id(), deadline));
    }

    private Path createDirectory() {
        try {
            return Files.createTempDirectory(workDirectory, "sluiceway");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
