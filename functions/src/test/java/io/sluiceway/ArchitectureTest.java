package io.sluiceway;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.GeneralCodingRules;
import java.time.Instant;
import java.util.Optional;

/** Keeps the map of docs/architecture.md true. */
@AnalyzeClasses(packages = "io.sluiceway", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String[] ADAPTERS = {
        "io.sluiceway.cluster.managed",
        "io.sluiceway.cluster.session",
        "io.sluiceway.event.eventbridge",
        "io.sluiceway.jar.s3",
        "io.sluiceway.ledger.dynamodb",
        "io.sluiceway.metrics.emf",
        "io.sluiceway.savepoint.storage"
    };

    /** Reads what crontab writes with a library, which is no thing to write oneself. */
    private static final String CRON = "io.sluiceway.job.Cron";

    @ArchTest
    static final ArchRule ARROWS_POINT_INWARD = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("function")
            .definedBy("io.sluiceway.function")
            .layer("control")
            .definedBy("io.sluiceway.control")
            .layer("adapters")
            .definedBy(ADAPTERS)
            .layer("ports")
            .definedBy("io.sluiceway.cluster", "io.sluiceway.jar", "io.sluiceway.ledger", "io.sluiceway.metrics")
            .layer("domain")
            .definedBy(
                    "io.sluiceway.event",
                    "io.sluiceway.health",
                    "io.sluiceway.job",
                    "io.sluiceway.operation",
                    "io.sluiceway.ready",
                    "io.sluiceway.savepoint")
            .whereLayer("function")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("control")
            .mayOnlyBeAccessedByLayers("function")
            .whereLayer("adapters")
            .mayOnlyBeAccessedByLayers("function");

    @ArchTest
    static final ArchRule ONLY_THE_WIRING_SEES_ADAPTERS = noClasses()
            .that()
            .resideOutsideOfPackages(ADAPTERS)
            .and()
            .doNotHaveFullyQualifiedName("io.sluiceway.function.Wiring")
            .and()
            // Its lambdas.
            .haveNameNotMatching("io\\.sluiceway\\.function\\.Wiring_.*")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(ADAPTERS);

    @ArchTest
    static final ArchRule THE_DOMAIN_IS_PLAIN_JAVA = classes()
            .that()
            .resideInAnyPackage(
                    "io.sluiceway.error",
                    "io.sluiceway.event",
                    "io.sluiceway.health",
                    "io.sluiceway.job",
                    "io.sluiceway.operation",
                    "io.sluiceway.ready",
                    "io.sluiceway.savepoint",
                    "io.sluiceway.time",
                    "io.sluiceway.cluster",
                    "io.sluiceway.jar",
                    "io.sluiceway.ledger",
                    "io.sluiceway.metrics",
                    "io.sluiceway.control")
            .and()
            .doNotHaveFullyQualifiedName(CRON)
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("io.sluiceway..", "java..", "org.jspecify..");

    @ArchTest
    static final ArchRule ONLY_CRON_IMPORTS_ITS_LIBRARY = noClasses()
            .that()
            .doNotHaveFullyQualifiedName(CRON)
            .should()
            .dependOnClassesThat()
            .resideInAPackage("com.cronutils..");

    @ArchTest
    static final ArchRule NOTHING_IMPORTS_FLINK =
            noClasses().should().dependOnClassesThat().resideInAPackage("org.apache.flink..");

    @ArchTest
    static final ArchRule ONLY_ADAPTERS_IMPORT_THE_AWS_SDK = noClasses()
            .that()
            .resideOutsideOfPackages(
                    "io.sluiceway.cluster.managed",
                    "io.sluiceway.event.eventbridge",
                    "io.sluiceway.jar.s3",
                    "io.sluiceway.ledger.dynamodb",
                    "io.sluiceway.nativeimage",
                    "io.sluiceway.savepoint.storage")
            .and()
            .haveNameNotMatching("io\\.sluiceway\\.function\\.Wiring.*")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon.awssdk..");

    @ArchTest
    static final ArchRule ONLY_THE_MANAGED_CLUSTER_IMPORTS_ITS_CLIENTS = noClasses()
            .that()
            .resideOutsideOfPackage("io.sluiceway.cluster.managed")
            .and()
            .haveNameNotMatching("io\\.sluiceway\\.function\\.Wiring.*")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "software.amazon.awssdk.services.kinesisanalyticsv2..",
                    "software.amazon.awssdk.services.cloudwatch..");

    @ArchTest
    static final ArchRule ONLY_THE_BUS_IMPORTS_EVENTBRIDGE = noClasses()
            .that()
            .resideOutsideOfPackage("io.sluiceway.event.eventbridge")
            .and()
            .haveNameNotMatching("io\\.sluiceway\\.function\\.Wiring.*")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon.awssdk.services.eventbridge..");

    @ArchTest
    static final ArchRule ONLY_THE_LEDGER_IMPORTS_DYNAMODB = noClasses()
            .that()
            .resideOutsideOfPackage("io.sluiceway.ledger.dynamodb")
            .and()
            .haveNameNotMatching("io\\.sluiceway\\.function\\.Wiring.*")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon.awssdk.services.dynamodb..");

    @ArchTest
    static final ArchRule ONLY_STORES_IMPORT_S3 = noClasses()
            .that()
            .resideOutsideOfPackages("io.sluiceway.jar.s3", "io.sluiceway.savepoint.storage")
            .and()
            .haveNameNotMatching("io\\.sluiceway\\.function\\.Wiring.*")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon.awssdk.services.s3..");

    @ArchTest
    static final ArchRule ONLY_FUNCTIONS_IMPORT_QUARKUS = noClasses()
            .that()
            .resideOutsideOfPackage("io.sluiceway.function")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.quarkus..", "jakarta..", "io.smallrye..");

    @ArchTest
    static final ArchRule NO_CYCLES =
            slices().matching("io.sluiceway.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule OPTIONAL_IS_A_RETURN_TYPE_ONLY = noFields().should().haveRawType(Optional.class);

    @ArchTest
    static final ArchRule NO_STANDARD_STREAMS = GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;

    @ArchTest
    static final ArchRule TIME_COMES_FROM_A_CLOCK = noClasses()
            .should()
            .callMethod(Instant.class, "now")
            .orShould()
            .callMethod(System.class, "currentTimeMillis");
}
