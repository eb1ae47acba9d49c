package io.sluiceway.ledger.dynamodb;

import io.sluiceway.testing.DynamoDbLocalProcess;
import io.sluiceway.testing.DynamoDbTable;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** AWS's own opinion on what conditions and transactions mean. */
class DynamoDbJobLedgerLocalIT extends DynamoDbJobLedgerContract {
    @TempDir
    static Path home;

    private static DynamoDbLocalProcess dynamoDb;
    private static DynamoDbTable table;

    @BeforeAll
    static void start() {
        Assumptions.assumeTrue(
                DynamoDbLocalProcess.isForThisPlatform(),
                "Maven Central has DynamoDBLocal's SQLite for other platforms");
        dynamoDb = new DynamoDbLocalProcess(home);
        table = new DynamoDbTable(dynamoDb.url());
    }

    @AfterAll
    static void stop() {
        if (table != null) {
            table.close();
        }
        if (dynamoDb != null) {
            dynamoDb.close();
        }
    }

    @Override
    protected DynamoDbTable table() {
        return table;
    }
}
