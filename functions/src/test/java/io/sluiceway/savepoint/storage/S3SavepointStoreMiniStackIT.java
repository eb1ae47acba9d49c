package io.sluiceway.savepoint.storage;

import io.sluiceway.testing.MiniStackProcess;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.s3.S3Client;

class S3SavepointStoreMiniStackIT extends S3SavepointStoreContract {
    @TempDir
    static Path home;

    private static MiniStackProcess aws;
    private static S3Client s3;

    @BeforeAll
    static void start() {
        aws = new MiniStackProcess(home);
        s3 = aws.s3();
    }

    @AfterAll
    static void stop() {
        s3.close();
        aws.close();
    }

    @Override
    protected S3Client s3() {
        return s3;
    }
}
