package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.FakeFlinkCluster.Fault;
import io.sluiceway.control.Answer.Outcome;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.EntryClass;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobState;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.TestJobJar;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;

class SubmitJobTest extends VerbFixture {
    @Test
    void submit_first_uploadsTheJarAndRunsTheJob() {
        Submitted answer = submit("day-5", 1, spec("endless"));

        assertThat(answer.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(answer.job().state()).isEqualTo(JobState.RUNNING);
        assertThat(cluster.effects()).containsExactly("addJar", "runJob");
    }

    @Test
    void submit_again_findsTheFirstJobAndTouchesNothing() {
        Submitted first = submit("day-5", 1, spec("endless"));

        Submitted second = submit("day-5", 1, spec("endless"));

        assertThat(second.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(second.attempt().id()).isEqualTo(first.attempt().id());
        assertThat(cluster.effects()).containsExactly("addJar", "runJob");
        assertThat(jars.fetches()).isEqualTo(1);
    }

    @Test
    void submit_higherTry_runsAnotherJobWithoutUploadingTheJarAgain() {
        Submitted first = submit("day-5", 1, spec("failing"));

        Submitted second = submit("day-5", 2, spec("failing"));

        assertThat(second.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(second.attempt().id()).isNotEqualTo(first.attempt().id());
        assertThat(cluster.effects()).containsExactly("addJar", "runJob", "runJob");
    }

    @Test
    void submit_checksumOfAJarThatTheClusterHas_fetchesNothing() {
        JarDigest digest = TestJobJar.digest(jarFile);
        submit("day-5", 1, spec("bounded"));

        submit("day-6", 1, spec("bounded", JAR_URI, digest, 1, new RestorePoint.None()));

        assertThat(jars.fetches()).isEqualTo(1);
    }

    @Test
    void submit_answerLost_findsTheJobThatRuns() {
        JarDigest digest = TestJobJar.digest(jarFile);
        cluster.addJar(digest, jarFile, soon());
        cluster.failNextEffect(Fault.ANSWER_LOST);

        Submitted answer = submit("day-5", 1, spec("endless", JAR_URI, digest, 1, new RestorePoint.None()));

        assertThat(answer.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(answer.job().state()).isEqualTo(JobState.RUNNING);
        assertThat(cluster.effects()).containsExactly("addJar", "runJob");
    }

    @Test
    void submit_callLost_saysSoAndARepeatedCallRunsTheJobOnce() {
        JarDigest digest = TestJobJar.digest(jarFile);
        JobSpec spec = spec("endless", JAR_URI, digest, 1, new RestorePoint.None());
        cluster.addJar(digest, jarFile, soon());
        cluster.failNextEffect(Fault.CALL_LOST);

        assertRefused(ErrorCode.SUBMISSION_UNSETTLED, () -> submit("day-5", 1, spec));

        assertThat(submit("day-5", 1, spec).outcome()).isEqualTo(Outcome.IN_PROGRESS);
        clock.move(LIMITS.postWithin().plus(LIMITS.settleAfter()));
        assertThat(submit("day-5", 1, spec).outcome()).isEqualTo(Outcome.STARTED);
        assertThat(cluster.effects()).containsExactly("addJar", "runJob");
    }

    @Test
    void submit_clusterForgotTheEndedJob_answersWhatWasRecorded() {
        submit("day-5", 1, spec("bounded"));
        cluster.forgetEndedJobs();

        Submitted again = submit("day-5", 1, spec("bounded"));

        assertThat(again.outcome()).isEqualTo(Outcome.REPLAYED);
        assertThat(again.attempt().state()).isEqualTo(AttemptState.FINISHED);
        assertThat(cluster.effects()).containsExactly("addJar", "runJob");
    }

    @Test
    void submit_clusterLostTheJar_uploadsItAgain() {
        submit("day-5", 1, spec("bounded"));
        cluster.forgetEverything();

        submit("day-6", 1, spec("bounded"));

        assertThat(cluster.effects()).containsExactly("addJar", "runJob", "addJar", "runJob");
    }

    @Test
    void submit_bucketThatIsNotAllowed_isRefusedBeforeAnythingIsRead() {
        assertRefusedWithoutEffect(
                ErrorCode.JAR_BUCKET_NOT_ALLOWED,
                spec("endless", "s3://elsewhere/job.jar", null, 1, new RestorePoint.None()));
        assertThat(jars.fetches()).isZero();
    }

    @Test
    void submit_restorePathOutsideTheRoots_isRefused() {
        assertRefusedWithoutEffect(
                ErrorCode.RESTORE_PATH_NOT_ALLOWED,
                spec(
                        "endless",
                        JAR_URI,
                        null,
                        1,
                        new RestorePoint.Savepoint(new StoragePath("s3://state/savepointsX/1"), false)));
    }

    @Test
    void submit_jarThatIsMissing_isRefused() {
        assertRefusedWithoutEffect(
                ErrorCode.JAR_NOT_FOUND, spec("endless", "s3://jars/missing.jar", null, 1, new RestorePoint.None()));
    }

    @Test
    void submit_jarWithAnotherChecksum_isRefusedAndNotUploaded() {
        assertRefusedWithoutEffect(
                ErrorCode.JAR_CHECKSUM_MISMATCH,
                spec("endless", JAR_URI, new JarDigest("0".repeat(64)), 1, new RestorePoint.None()));
    }

    @Test
    void submit_fileThatIsNoJar_isRefusedAndNotUploaded() throws IOException {
        jars.put("s3://jars/text.jar", Files.writeString(directory.resolve("text.jar"), "no jar"));

        assertRefusedWithoutEffect(
                ErrorCode.JAR_NOT_A_JAR, spec("endless", "s3://jars/text.jar", null, 1, new RestorePoint.None()));
    }

    @Test
    void submit_entryClassThatTheJarLacks_isRefusedAndNotUploaded() {
        JobSpec spec = new JobSpec(
                new JobName("flight-delays"),
                JobKind.RUN,
                CLUSTER,
                new JarReference(JarUri.parse(JAR_URI), null, null),
                new EntryClass("io.sluiceway.NoSuchJob"),
                List.of(),
                null,
                new RestorePoint.None(),
                JobSpec.OnUnknown.REFUSE);

        assertRefusedWithoutEffect(ErrorCode.ENTRY_CLASS_NOT_FOUND, spec);
    }

    @Test
    void submit_parallelismBeyondTheFixedSlots_isRefused() {
        assertRefusedWithoutEffect(
                ErrorCode.PARALLELISM_EXCEEDS_SLOTS, spec("endless", JAR_URI, null, 4, new RestorePoint.None()));
    }

    @Test
    void submit_startedOrRefused_leavesNoFileBehind() {
        submit("day-5", 1, spec("bounded"));
        assertRefused(
                ErrorCode.JAR_CHECKSUM_MISMATCH,
                () -> submit(
                        "day-6",
                        1,
                        spec("endless", JAR_URI, new JarDigest("0".repeat(64)), 1, new RestorePoint.None())));

        assertThat(workDirectory).isEmptyDirectory();
    }

    @Test
    void submit_programFailsBehindItsSubmission_isStartedBecauseTheJobLives() {
        Submitted answer = submit("day-5", 1, spec("stumbling"));

        assertThat(answer.outcome()).isEqualTo(Outcome.STARTED);
        assertThat(answer.job().state()).isEqualTo(JobState.RUNNING);
    }

    @Test
    void submit_programFailsAndTheClusterCantBeAsked_isUnsettled() {
        cluster.failLookupAfter(0);

        assertRefused(ErrorCode.SUBMISSION_UNSETTLED, () -> submit("day-5", 1, spec("stumbling")));
    }

    @Test
    void submit_answerLostAndTheClusterCantBeAsked_isUnsettledAndTheRepeatedCallFindsTheJob() {
        JarDigest digest = TestJobJar.digest(jarFile);
        JobSpec spec = spec("endless", JAR_URI, digest, 1, new RestorePoint.None());
        cluster.addJar(digest, jarFile, soon());
        cluster.failNextEffect(Fault.ANSWER_LOST);
        cluster.failLookupAfter(0);

        assertRefused(ErrorCode.SUBMISSION_UNSETTLED, () -> submit("day-5", 1, spec));

        assertThat(submit("day-5", 1, spec).outcome()).isEqualTo(Outcome.REPLAYED);
    }

    @Test
    void submit_run_leavesTimeToSettleALostAnswer() {
        submit("day-5", 1, spec("endless"));

        assertThat(cluster.leastTimeLeft()).isEqualTo(soon().remaining().minus(SubmitJob.SETTLING_RESERVE));
    }

    @Test
    void submit_manifestThatNamesNoClass_isRefused() throws IOException {
        Path file = directory.resolve("odd.jar");
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, "a/b/Main");
        new JarOutputStream(Files.newOutputStream(file), manifest).close();
        jars.put("s3://jars/odd.jar", file);

        assertRefusedWithoutEffect(
                ErrorCode.ENTRY_CLASS_NOT_FOUND,
                spec("endless", "s3://jars/odd.jar", null, 1, new RestorePoint.None()));
    }

    @Test
    void submit_manifestThatIsHuge_isRefused() throws IOException {
        Path file = directory.resolve("bomb.jar");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.putNextEntry(new ZipEntry("META-INF/MANIFEST.MF"));
            for (int i = 0; i < 64; i++) {
                zip.write(new byte[1 << 20]);
            }
        }
        jars.put("s3://jars/bomb.jar", file);

        assertRefusedWithoutEffect(
                ErrorCode.JAR_NOT_A_JAR, spec("endless", "s3://jars/bomb.jar", null, 1, new RestorePoint.None()));
    }

    private void assertRefusedWithoutEffect(ErrorCode code, JobSpec spec) {
        assertRefused(code, () -> submit("day-5", 1, spec));
        assertThat(cluster.effects()).isEmpty();
        // A repeated request hears the same.
        assertRefused(code, () -> submit("day-5", 1, spec));
    }
}
