package io.sluiceway.control;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.FakeJarStore;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A cluster, a jar store and requests for the tests of the verbs. */
abstract class VerbFixture {
    static final ClusterName CLUSTER = new ClusterName("fake");
    static final String JAR_URI = "s3://jars/job.jar";

    final Clock clock = Clock.fixed(Instant.parse("2013-01-05T10:00:00Z"), ZoneOffset.UTC);
    final FakeFlinkCluster cluster = new FakeFlinkCluster(CLUSTER, 3, clock);
    final Clusters clusters = new Clusters(List.of(cluster));
    final FakeJarStore jars = new FakeJarStore();
    SubmitJob submitJob;

    @TempDir
    Path directory;

    Path jarFile;
    Path workDirectory;

    @BeforeEach
    void putTheJar() throws IOException {
        jarFile = TestJobJar.write(directory.resolve("job.jar"), 0);
        jars.put(JAR_URI, jarFile);
        workDirectory = Files.createDirectory(directory.resolve("work"));
        submitJob = new SubmitJob(clusters, jars, Set.of("jars"), workDirectory);
    }

    static Request request(String id, int tryNumber) {
        return new Request(new RequestId(id), tryNumber);
    }

    JobSpec spec(String behaviour) {
        return spec(behaviour, JAR_URI, null, 1, new RestorePoint.None());
    }

    JobSpec spec(String behaviour, String jarUri, JarDigest digest, Integer parallelism, RestorePoint restore) {
        return new JobSpec(
                new JobName("flight-delays"),
                JobKind.STREAM,
                CLUSTER,
                new JarReference(JarUri.parse(jarUri), null, digest),
                null,
                List.of(behaviour),
                parallelism,
                restore);
    }

    FlinkJobId submitEndless() {
        return submitJob
                .submit(request("start", 1), spec("endless"), soon())
                .submission()
                .flinkJobId();
    }

    Deadline soon() {
        return Deadline.in(Duration.ofSeconds(20), clock);
    }

    static void assertRefused(ErrorCode code, ThrowingCallable call) {
        Assertions.assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(call)
                .satisfies(e -> Assertions.assertThat(e.code()).isEqualTo(code));
    }
}
