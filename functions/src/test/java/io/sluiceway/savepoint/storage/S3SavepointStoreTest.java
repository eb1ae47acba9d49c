package io.sluiceway.savepoint.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.savepoint.SavepointStore.Listing;
import io.sluiceway.savepoint.SavepointStore.Listing.NotReadable;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.StubServer;
import io.sluiceway.time.Deadline;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** An S3 that doesn't answer as it should. */
class S3SavepointStoreTest {
    private static final StoragePath DIRECTORY = new StoragePath("s3://state/savepoints/job");

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
                    403 | AccessDenied | S3 doesn't let the function list s3://state/savepoints/job: \
                    it lacks s3:ListBucket on the bucket state for the prefix 'savepoints/job/'.
                    404 | NoSuchBucket | There is no bucket state.
                    301 | PermanentRedirect | S3 answered 301 (PermanentRedirect) about s3://state/savepoints/job.
                    503 | SlowDown | S3 answered 503 (SlowDown) about s3://state/savepoints/job.
                    """)
    void list_refusal_isSaidInASentence(int status, String code, String reason) {
        String body = "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>no</Message></Error>".formatted(code);
        try (StubServer s3 = new StubServer(exchange -> StubServer.answer(exchange, status, body.getBytes(UTF_8)))) {
            assertThat(list(s3, Duration.ofSeconds(20))).isEqualTo(new NotReadable(reason, false));
        }
    }

    @Test
    void list_answerThatBreaksOff_isNotReadable() {
        try (StubServer s3 = new StubServer(exchange -> {
            exchange.sendResponseHeaders(200, 1000);
            exchange.getResponseBody().write("<?xml version=\"1.0\"?><ListBucketResult>".getBytes(UTF_8));
            throw new IllegalStateException("broken off");
        })) {
            assertThat(list(s3, Duration.ofSeconds(20)))
                    .isEqualTo(new NotReadable("S3 gave no whole answer about s3://state/savepoints/job.", false));
        }
    }

    @Test
    void list_noAnswer_endsWithTheTime() throws InterruptedException {
        CountDownLatch end = new CountDownLatch(1);
        try (StubServer s3 = new StubServer(exchange -> end.await())) {
            assertThat(list(s3, Duration.ofSeconds(1)))
                    .isEqualTo(new NotReadable(
                            "The time of this call was up before s3://state/savepoints/job was listed.", false));
            end.countDown();
        }
    }

    private static Listing list(StubServer s3, Duration time) {
        try (S3Client client = S3Client.builder()
                .endpointOverride(s3.url())
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .forcePathStyle(true)
                .httpClientBuilder(UrlConnectionHttpClient.builder().socketTimeout(Duration.ofMillis(600)))
                .build()) {
            return new S3SavepointStore(() -> client).list(DIRECTORY, Deadline.in(time, Clock.systemUTC()));
        }
    }
}
