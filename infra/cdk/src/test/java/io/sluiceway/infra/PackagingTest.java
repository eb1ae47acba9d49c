package io.sluiceway.infra;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.infra.settings.Architecture;
import io.sluiceway.infra.settings.Packaging;
import io.sluiceway.infra.settings.Settings;
import org.junit.jupiter.api.Test;

/** What each packaging makes of a function. */
class PackagingTest {
    private static final String JVM_HANDLER = "io.quarkus.funqy.lambda.FunqyStreamHandler::handleRequest";

    @Test
    void function_native_runsItsBootstrapInLittleMemory() {
        check(Packaging.NATIVE, Architecture.ARM_64, "provided.al2023", "bootstrap", "arm64", 512, 256);
    }

    @Test
    void function_jvmManaged_runsOnLambdasJava() {
        check(Packaging.JVM_MANAGED, Architecture.ARM_64, "java25", JVM_HANDLER, "arm64", 512, 512);
    }

    @Test
    void function_jvmAot_runsItsBootstrapWithTheJvmsHandler() {
        check(Packaging.JVM_AOT, Architecture.ARM_64, "provided.al2023", JVM_HANDLER, "arm64", 512, 512);
    }

    @Test
    void function_jvmLocal_runsItsBootstrapWithTheJvmsHandler() {
        check(Packaging.JVM_LOCAL, Architecture.X86_64, "provided.al2023", JVM_HANDLER, "x86_64", 512, 512);
    }

    private static void check(
            Packaging packaging,
            Architecture architecture,
            String runtime,
            String handler,
            String lambdaArchitecture,
            int submitMemory,
            int statusMemory) {
        Settings settings = Stacks.changed(
                "local",
                "local",
                changed -> changed.put("packaging", packaging.name()).put("architecture", architecture.name()));
        var functions = DeployedFunction.of(Stacks.template(settings));

        assertThat(functions.values()).allSatisfy(function -> {
            assertThat(function.properties().path("Runtime").asText()).isEqualTo(runtime);
            assertThat(function.properties().path("Handler").asText()).isEqualTo(handler);
            assertThat(function.properties().at("/Architectures/0").asText()).isEqualTo(lambdaArchitecture);
            assertThat(function.properties().at("/SnapStart/ApplyOn").asText())
                    .isEqualTo(packaging == Packaging.JVM_MANAGED ? "PublishedVersions" : "");
            assertThat(function.properties()
                            .at("/Environment/Variables/DISABLE_SIGNAL_HANDLERS")
                            .asText())
                    .isEqualTo(packaging == Packaging.NATIVE ? "true" : "");
        });
        var submit = functions.get("sluiceway-local-submit-job").properties();
        assertThat(submit.path("MemorySize").asInt()).isEqualTo(submitMemory);
        assertThat(submit.path("Timeout").asInt()).isEqualTo(120);
        var status = functions.get("sluiceway-local-job-status").properties();
        assertThat(status.path("MemorySize").asInt()).isEqualTo(statusMemory);
        assertThat(status.path("Timeout").asInt()).isEqualTo(30);
    }
}
