package io.sluiceway.ledger.dynamodb;

import io.sluiceway.testing.DynamoDbTable;
import io.sluiceway.testing.MiniStackProcess;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

class DynamoDbJobLedgerMiniStackIT extends DynamoDbJobLedgerContract {
    @TempDir
    static Path home;

    private static MiniStackProcess aws;
    private static DynamoDbTable table;

    @BeforeAll
    static void start() {
        aws = new MiniStackProcess(home);
        table = new DynamoDbTable(aws.url());
    }

    @AfterAll
    static void stop() {
        if (table != null) {
            table.close();
        }
        if (aws != null) {
            aws.close();
        }
    }

    @Override
    protected DynamoDbTable table() {
        return table;
    }
}
