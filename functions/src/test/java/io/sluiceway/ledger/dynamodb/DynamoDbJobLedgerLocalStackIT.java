package io.sluiceway.ledger.dynamodb;

import io.sluiceway.testing.DynamoDbTable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;
import org.testcontainers.localstack.LocalStackContainer;

/** A third opinion on DynamoDB; skipped where there is no Docker. LocalStack needs an account from 4.15 on. */
@Testcontainers(disabledWithoutDocker = true)
class DynamoDbJobLedgerLocalStackIT extends DynamoDbJobLedgerContract {
    @Container
    private static final LocalStackContainer LOCALSTACK =
            new LocalStackContainer("localstack/localstack:4.14.0").withServices("dynamodb");

    private static DynamoDbTable table;

    @BeforeAll
    static void connect() {
        table = new DynamoDbTable(LOCALSTACK.getEndpoint());
    }

    @AfterAll
    static void disconnect() {
        table.close();
    }

    @Override
    protected DynamoDbTable table() {
        return table;
    }
}
