package io.sluiceway.jar.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.time.Deadline;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;

/** What the store promises of any S3. */
abstract class S3JarStoreContract {
    private static final String BUCKET = "sluiceway-jars";
    private static final String KEY = "jars/job.jar";

    @TempDir
    Path directory;

    private String firstVersion;

    /** A client of the S3 under test. */
    protected abstract S3Client s3();

    @BeforeEach
    void putTwoVersions() {
        if (s3().listBuckets().buckets().stream().noneMatch(b -> b.name().equals(BUCKET))) {
            s3().createBucket(b -> b.bucket(BUCKET));
            s3().putBucketVersioning(b ->
                    b.bucket(BUCKET).versioningConfiguration(v -> v.status(BucketVersioningStatus.ENABLED)));
        }
        firstVersion = s3().putObject(p -> p.bucket(BUCKET).key(KEY), RequestBody.fromString("first"))
                .versionId();
        s3().putObject(p -> p.bucket(BUCKET).key(KEY), RequestBody.fromString("second"));
    }

    @Test
    void fetch_withoutVersion_isTheNewest() {
        assertThat(fetch(BUCKET, KEY, null)).hasContent("second");
    }

    @Test
    void fetch_version_isThatOne() {
        assertThat(fetch(BUCKET, KEY, firstVersion)).hasContent("first");
    }

    @Test
    void fetch_keyThatIsMissing_isRefused() {
        assertNotFound(BUCKET, "jars/missing.jar", null);
    }

    @Test
    void fetch_bucketThatIsMissing_isRefused() {
        assertNotFound("sluiceway-nowhere", KEY, null);
    }

    @Test
    void fetch_versionThatIsMissing_isRefused() {
        assertNotFound(BUCKET, KEY, "00000000-0000-0000-0000-000000000000");
    }

    private void assertNotFound(String bucket, String key, String versionId) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> fetch(bucket, key, versionId))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.JAR_NOT_FOUND));
        assertThat(Files.exists(directory.resolve("job.jar"))).isFalse();
    }

    private Path fetch(String bucket, String key, String versionId) {
        Path target = directory.resolve("job.jar");
        new S3JarStore(this::s3)
                .fetch(
                        new JarReference(new JarUri(bucket, key), versionId, null),
                        target,
                        Deadline.in(Duration.ofSeconds(20), Clock.systemUTC()));
        return target;
    }
}
