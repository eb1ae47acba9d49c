package io.sluiceway.cluster.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.StubHttpClient;
import io.sluiceway.testing.StubHttpClient.Reply;
import io.sluiceway.time.Deadline;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;

/** Whatever a cluster, or what is taken for one, answers, it is read or refused. The first byte says the status. */
class SessionClusterFuzzTest {
    private static final int[] STATUSES = {200, 202, 302, 400, 404, 409, 500};
    private static final FlinkJobId JOB = new FlinkJobId("7d1f8c3b2a4e5f60718293a4b5c6d7e8");
    private static final TriggerId TRIGGER = new TriggerId("0".repeat(32));
    private static final JarDigest JAR = new JarDigest("a".repeat(64));
    private static final StoragePath DIRECTORY = new StoragePath("s3://state/savepoints/a");
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2013-01-05T10:00:00Z"), ZoneOffset.UTC);

    /** Too short to try again. */
    private static final Deadline SOON = Deadline.in(Duration.ofMillis(300), CLOCK);

    private static final JobLaunch LAUNCH = new JobLaunch(
            JOB,
            new JobSpec(
                    new JobName("a"),
                    JobKind.STREAM,
                    new ClusterName("stub"),
                    new JarReference(JarUri.parse("s3://jars/a.jar"), null, null),
                    null,
                    List.of("--password=hunter2", "hunter2"),
                    1,
                    new RestorePoint.None(),
                    OnUnknown.REFUSE),
            JAR,
            null,
            DIRECTORY);

    private interface Call {
        Object make();
    }

    @FuzzTest
    void answers(byte[] bytes) {
        Reply reply = new Reply(
                bytes.length == 0 ? 200 : STATUSES[Byte.toUnsignedInt(bytes[0]) % STATUSES.length],
                bytes.length == 0 ? bytes : Arrays.copyOfRange(bytes, 1, bytes.length));
        Reply jars = new Reply(
                200,
                "{\"files\":[{\"name\":\"%1$s.jar\",\"id\":\"00000000-0000-0000-0000-000000000000_%1$s.jar\"}]}"
                        .formatted(JAR)
                        .getBytes(java.nio.charset.StandardCharsets.UTF_8));
        SessionCluster cluster = cluster(reply, reply);
        read(() -> cluster.findJob(JobRef.unnamed(JOB), SOON));
        read(() -> cluster.observeJob(JobRef.unnamed(JOB), SOON));
        read(() -> cluster.observeSink(JobRef.unnamed(JOB), "results", SOON));
        read(() -> cluster.listJobs(SOON));
        read(() -> cluster.fixedSlots(SOON));
        read(() -> cluster.incarnation(SOON));
        read(() -> cluster.hasJar(JAR, SOON));
        read(() -> cluster.findSavepoint(JobRef.unnamed(JOB), TRIGGER, SOON));
        read(() -> cluster.findLastSavepoint(JobRef.unnamed(JOB), SOON));
        read(() -> {
            cluster.triggerSavepoint(JobRef.unnamed(JOB), TRIGGER, DIRECTORY, SOON);
            cluster.triggerStop(JobRef.unnamed(JOB), TRIGGER, DIRECTORY, true, SOON);
            cluster.cancelJob(JobRef.unnamed(JOB), SOON);
            return "";
        });
        String said =
                read(() -> cluster(jars, reply).runJob(LAUNCH, CLOCK.instant().plusSeconds(1), SOON));
        assertThat(said).doesNotContain("hunter2");
    }

    private static SessionCluster cluster(Reply jars, Reply others) {
        return new SessionCluster(
                new ClusterName("stub"),
                new ClusterSettings.Session(
                        URI.create("http://flink.example:8081"), null, DIRECTORY, DIRECTORY, List.of(), Slots.FIXED),
                new StubHttpClient(request -> request.uri().getPath().equals("/v1/jars") ? jars : others));
    }

    private static String read(Call call) {
        try {
            return String.valueOf(call.make());
        } catch (RefusedException e) {
            assertThat(e.code()).isNotEqualTo(ErrorCode.INTERNAL_ERROR);
            assertThat(e.sentence()).hasSizeLessThan(1000).doesNotContainPattern("[\\p{Cc}\\p{Cf}\\p{Cs}]");
            return e.sentence();
        }
    }
}
