package io.sluiceway.infra;

import io.sluiceway.infra.settings.Settings;
import java.util.List;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.services.dynamodb.Attribute;
import software.amazon.awscdk.services.dynamodb.AttributeType;
import software.amazon.awscdk.services.dynamodb.BillingMode;
import software.amazon.awscdk.services.dynamodb.PointInTimeRecoverySpecification;
import software.amazon.awscdk.services.dynamodb.Table;
import software.constructs.Construct;

/**
 * The table that holds the ledger: jobs, attempts, operations, savepoints and their history. It is what keeps a
 * repeated request from starting a second job, so on AWS it is protected against deletion, outlives the stack, and can
 * be restored to any second of the last 35 days. A stage that is
 * {@linkplain io.sluiceway.infra.settings.Stage#isDisposable() disposable} takes it along.
 */
public final class LedgerTable extends Construct {
    /** The environment variable that names the table to a function. */
    static final String VARIABLE = "SLUICEWAY_LEDGER_TABLE";

    private final Table table;

    /**
     * Makes the table.
     *
     * @param scope the stack
     * @param settings the deployment
     */
    public LedgerTable(Construct scope, Settings settings) {
        super(scope, "ledger");
        boolean disposable = settings.stage().isDisposable();
        table = Table.Builder.create(this, "table")
                .tableName(settings.ledgerTableName())
                .partitionKey(key("pk"))
                .sortKey(key("sk"))
                .billingMode(BillingMode.PAY_PER_REQUEST)
                .timeToLiveAttribute("expiresAt")
                .pointInTimeRecoverySpecification(PointInTimeRecoverySpecification.builder()
                        .pointInTimeRecoveryEnabled(true)
                        .build())
                .deletionProtection(!disposable)
                .removalPolicy(disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN)
                .build();
    }

    private static Attribute key(String name) {
        return Attribute.builder().name(name).type(AttributeType.STRING).build();
    }

    /**
     * Lets a function read and write the ledger, and tells it where that is. A transaction asks for the rights of what
     * it is made of, here puts and deletions with conditions; it has <a
     * href="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html">none of its
     * own</a>.
     *
     * @param function a function that keeps the ledger
     */
    void grantTo(SluicewayFunction function) {
        function.allow(
                "KeepTheLedger",
                List.of("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
                List.of(table.getTableArn()));
        function.function().addEnvironment(VARIABLE, name());
    }

    /**
     * Lets a function that keeps the ledger also read many records at once.
     *
     * @param function the one that sweeps
     */
    void grantSweepTo(SluicewayFunction function) {
        function.allow("SweepTheLedger", List.of("dynamodb:BatchGetItem"), List.of(table.getTableArn()));
    }

    /**
     * Lets a function look up the attempts that it lists, and tells it where the ledger is.
     *
     * @param function the one that lists jobs
     */
    void grantLookUpTo(SluicewayFunction function) {
        function.allow("LookIntoTheLedger", List.of("dynamodb:BatchGetItem"), List.of(table.getTableArn()));
        function.function().addEnvironment(VARIABLE, name());
    }

    /**
     * Lets a function read the ledger, and tells it where that is.
     *
     * @param function a function that only answers
     */
    void grantReadTo(SluicewayFunction function) {
        function.allow("ReadTheLedger", List.of("dynamodb:GetItem", "dynamodb:Query"), List.of(table.getTableArn()));
        function.function().addEnvironment(VARIABLE, name());
    }

    /** {@return the table} */
    Table table() {
        return table;
    }

    /** {@return the table's name} */
    public String name() {
        return table.getTableName();
    }
}
