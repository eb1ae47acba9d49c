package io.sluiceway.testing;

import io.sluiceway.ledger.dynamodb.DynamoDbJobLedger;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClientBuilder;
import software.amazon.awssdk.services.dynamodb.model.AttributeDefinition;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.KeySchemaElement;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.dynamodb.waiters.DynamoDbWaiter;

/** A table for the ledger as the CDK app makes it, in a DynamoDB that a test has started. */
public final class DynamoDbTable implements AutoCloseable {
    public static final Duration RETENTION = Duration.ofDays(400);
    public static final Duration EVENT_RETENTION = Duration.ofDays(30);

    /** For the first request to a process that has just started on a busy machine. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final URI dynamoDb;
    private final DynamoDbClient client;
    private final String name = "ledger-" + UUID.randomUUID();

    public DynamoDbTable(URI dynamoDb) {
        this.dynamoDb = dynamoDb;
        client = client(dynamoDb);
        try (DynamoDbClient patient = at(dynamoDb, DynamoDbClient.builder())
                .httpClientBuilder(UrlConnectionHttpClient.builder().socketTimeout(PATIENCE))
                .build()) {
            patient.createTable(table -> table.tableName(name)
                    .billingMode(BillingMode.PAY_PER_REQUEST)
                    .attributeDefinitions(definition("pk"), definition("sk"))
                    .keySchema(key("pk", KeyType.HASH), key("sk", KeyType.RANGE)));
            try (DynamoDbWaiter waiter = patient.waiter()) {
                waiter.waitUntilTableExists(table -> table.tableName(name));
            }
            patient.updateTimeToLive(table -> table.tableName(name)
                    .timeToLiveSpecification(
                            ttl -> ttl.attributeName("expiresAt").enabled(true)));
        }
    }

    /** A client as the functions use one, of an emulator that takes any credentials. */
    public static DynamoDbClient client(URI dynamoDb) {
        return at(dynamoDb, DynamoDbJobLedger.newClientBuilder()).build();
    }

    private static DynamoDbClientBuilder at(URI dynamoDb, DynamoDbClientBuilder builder) {
        return builder.endpointOverride(dynamoDb)
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")));
    }

    public URI url() {
        return dynamoDb;
    }

    public String name() {
        return name;
    }

    public DynamoDbClient client() {
        return client;
    }

    public DynamoDbJobLedger ledger() {
        return new DynamoDbJobLedger(() -> client, name, RETENTION, EVENT_RETENTION);
    }

    /** All items, as they are stored. */
    public List<Map<String, AttributeValue>> items() {
        return client.scanPaginator(scan -> scan.tableName(name).consistentRead(true)).items().stream()
                .toList();
    }

    private static AttributeDefinition definition(String name) {
        return AttributeDefinition.builder()
                .attributeName(name)
                .attributeType(ScalarAttributeType.S)
                .build();
    }

    private static KeySchemaElement key(String name, KeyType type) {
        return KeySchemaElement.builder().attributeName(name).keyType(type).build();
    }

    @Override
    public void close() {
        client.close();
    }
}
