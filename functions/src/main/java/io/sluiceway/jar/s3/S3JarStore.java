package io.sluiceway.jar.s3;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarStore;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/** Jars in Amazon S3, streamed to disk. */
public final class S3JarStore implements JarStore {
    private static final int FORBIDDEN = 403;
    private static final int NOT_FOUND = 404;
    private static final int METHOD_NOT_ALLOWED = 405;
    private static final int SERVER_ERRORS_FROM = 500;
    private static final int TOO_MANY_REQUESTS = 429;

    private final Supplier<S3Client> client;

    /**
     * A store over a client.
     *
     * @param client gives the one client, made when the first jar is fetched, since most calls need none
     */
    public S3JarStore(Supplier<S3Client> client) {
        this.client = client;
    }

    @Override
    public Optional<String> fetch(JarReference jar, Path target, Deadline deadline) {
        S3Client s3 = client.get();
        if (deadline.remaining().isZero()) {
            throw new RefusedException(
                    ErrorCode.JAR_STORE_UNAVAILABLE,
                    "The time of this call was up before %s could be fetched.".formatted(jar.uri()));
        }
        GetObjectRequest request = GetObjectRequest.builder()
                .bucket(jar.uri().bucket())
                .key(jar.uri().key())
                .versionId(jar.versionId())
                .overrideConfiguration(c -> c.apiCallTimeout(deadline.remaining()))
                .build();
        try {
            return Optional.ofNullable(
                    s3.getObject(request, (response, content) -> copy(jar, response, content, target)));
        } catch (AwsServiceException e) {
            throw refusal(jar, e);
        } catch (SdkException e) {
            // What the copying refuses comes wrapped.
            for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
                if (cause instanceof RefusedException refused) {
                    throw refused;
                }
            }
            throw new RefusedException(
                    ErrorCode.JAR_STORE_UNAVAILABLE, "S3 gave no whole answer for %s.".formatted(jar.uri()), e);
        }
    }

    private static @Nullable String copy(JarReference jar, GetObjectResponse response, InputStream content, Path target)
            throws IOException {
        long room = Files.getFileStore(target.toAbsolutePath().getParent()).getUsableSpace();
        if (response.contentLength() > room) {
            throw new RefusedException(
                    ErrorCode.JAR_TOO_LARGE,
                    "%s has %d bytes, and the function has room for %d."
                            .formatted(jar.uri(), response.contentLength(), room));
        }
        // An earlier try of the SDK can have left a part.
        Files.copy(content, target, StandardCopyOption.REPLACE_EXISTING);
        return response.versionId();
    }

    private static RefusedException refusal(JarReference jar, AwsServiceException e) {
        String version = jar.versionId() == null ? "" : " in version " + Quoted.of(jar.versionId());
        int status = e.statusCode();
        if (status == NOT_FOUND || status == METHOD_NOT_ALLOWED) {
            // 405 is S3's answer when the named version is a delete marker.
            return new RefusedException(
                    ErrorCode.JAR_NOT_FOUND, "There is no object %s%s.".formatted(jar.uri(), version), e);
        }
        if (status == FORBIDDEN) {
            return new RefusedException(
                    ErrorCode.JAR_NOT_READABLE,
                    "S3 doesn't let the function read %s%s; without s3:ListBucket a missing object looks like this too."
                            .formatted(jar.uri(), version),
                    e);
        }
        if (status == TOO_MANY_REQUESTS || status >= SERVER_ERRORS_FROM) {
            return new RefusedException(
                    ErrorCode.JAR_STORE_UNAVAILABLE, "S3 answered %d for %s.".formatted(status, jar.uri()), e);
        }
        AwsErrorDetails details = e.awsErrorDetails();
        return new RefusedException(
                ErrorCode.JAR_NOT_READABLE,
                "S3 answered %d (%s) for %s%s."
                        .formatted(
                                status,
                                Quoted.plain(details == null ? "no error code" : details.errorCode(), 60),
                                jar.uri(),
                                version),
                e);
    }
}
