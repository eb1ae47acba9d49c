package io.sluiceway.savepoint.storage;

import io.sluiceway.error.Quoted;
import io.sluiceway.savepoint.SavepointStore;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.EncodingType;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;

/**
 * Savepoints and checkpoints in Amazon S3. It lists and reads nothing, so {@code s3:ListBucket} is the one right that
 * it needs: on the bucket, for the keys below the directory.
 *
 * <p>S3 lists what was written before it was asked; the times of its objects are whole seconds.
 */
final class S3SavepointStore implements SavepointStore {
    /**
     * A bucket's name, as <a href="https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html">S3
     * takes it</a>.
     */
    private static final Pattern LOCATION =
            Pattern.compile("s3[ap]?://(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?<key>(/.*)?)");

    private static final Pattern SLASHES = Pattern.compile("/+");

    /** As many as S3 puts on a page at the most. */
    private static final int PAGE_SIZE = 1000;

    private final Supplier<S3Client> client;
    private final int pageSize;
    private final int most;

    /**
     * A store over a client.
     *
     * @param client gives the one client, made when S3 is first looked into
     */
    S3SavepointStore(Supplier<S3Client> client) {
        this(client, PAGE_SIZE, Children.MOST);
    }

    /**
     * A store with bounds of its own, for tests.
     *
     * @param pageSize how many entries a page of a listing has
     * @param most how many directories are looked into
     */
    S3SavepointStore(Supplier<S3Client> client, int pageSize, int most) {
        this.client = client;
        this.pageSize = pageSize;
        this.most = most;
    }

    @Override
    public Listing list(StoragePath directory, Deadline deadline) {
        Matcher location = LOCATION.matcher(directory.value());
        if (!location.matches()) {
            return new Listing.NotReadable("%s names no bucket of S3.".formatted(directory), true);
        }
        // Flink takes several slashes for one.
        String prefix =
                SLASHES.matcher(location.group("key") + "/").replaceAll("/").substring(1);
        Look look = new Look(directory, location.group("bucket"), prefix, deadline);
        try {
            return look.list();
        } catch (AwsServiceException e) {
            return new Listing.NotReadable(look.reason(e), false);
        } catch (SdkException e) {
            return deadline.remaining().isZero()
                    ? Children.timeIsUp(directory)
                    : new Listing.NotReadable("S3 gave no whole answer about %s.".formatted(directory), false);
        }
    }

    /** One look into a directory, which is the prefix of its keys. */
    private final class Look {
        private final StoragePath directory;
        private final String bucket;
        private final String prefix;
        private final Deadline deadline;

        Look(StoragePath directory, String bucket, String prefix, Deadline deadline) {
            this.directory = directory;
            this.bucket = bucket;
            this.prefix = prefix;
            this.deadline = deadline;
        }

        Listing list() {
            S3Client s3 = client.get();
            List<String> children = new ArrayList<>();
            String token = null;
            do {
                Duration left = deadline.remaining();
                if (left.isZero()) {
                    return Children.timeIsUp(directory);
                }
                ListObjectsV2Response page = s3.listObjectsV2(
                        request(prefix, pageSize, token, left).delimiter("/").build());
                page.commonPrefixes().forEach(child -> children.add(child.prefix()));
                if (children.size() > most) {
                    return Children.tooMany(directory, most);
                }
                token = page.nextContinuationToken();
            } while (token != null);

            List<StoredState> states = new ArrayList<>();
            for (String child : children) {
                Optional<StoragePath> path =
                        Children.named(child.substring(prefix.length(), child.length() - 1), directory);
                if (path.isEmpty()) {
                    continue;
                }
                Duration left = deadline.remaining();
                if (left.isZero()) {
                    return Children.timeIsUp(directory);
                }
                // Of the keys that begin like it, the key itself comes first.
                String metadata = child + Children.METADATA;
                s3.listObjectsV2(request(metadata, 1, null, left).build()).contents().stream()
                        .filter(object -> object.key().equals(metadata))
                        .forEach(object -> states.add(new StoredState(path.get(), object.lastModified())));
            }
            return new Listing.Found(states);
        }

        private ListObjectsV2Request.Builder request(
                String keyPrefix, int maxKeys, @Nullable String token, Duration timeout) {
            return ListObjectsV2Request.builder()
                    .bucket(bucket)
                    .prefix(keyPrefix)
                    .maxKeys(maxKeys)
                    .continuationToken(token)
                    // A key may hold characters that the answer's XML can't; the SDK decodes them.
                    .encodingType(EncodingType.URL)
                    .overrideConfiguration(c -> c.apiCallTimeout(timeout));
        }

        String reason(AwsServiceException e) {
            AwsErrorDetails details = e.awsErrorDetails();
            String code = details == null || details.errorCode() == null ? "no error code" : details.errorCode();
            return switch (code) {
                case "AccessDenied" ->
                    "S3 doesn't let the function list %s: it lacks s3:ListBucket on the bucket %s for the prefix %s."
                            .formatted(directory, bucket, Quoted.of(prefix));
                case "NoSuchBucket" -> "There is no bucket %s.".formatted(bucket);
                default -> "S3 answered %d (%s) about %s.".formatted(e.statusCode(), Quoted.plain(code, 60), directory);
            };
        }
    }
}
