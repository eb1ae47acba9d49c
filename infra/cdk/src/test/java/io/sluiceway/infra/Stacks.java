package io.sluiceway.infra;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.infra.sample.ManagedApplicationStack;
import io.sluiceway.infra.settings.Architecture;
import io.sluiceway.infra.settings.Packaging;
import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.SettingsReader;
import io.sluiceway.infra.settings.Stage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import software.amazon.awscdk.App;
import software.amazon.awscdk.AppProps;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.assertions.Template;

/** Stacks as the command line would synthesize them, but on any machine and without a build of the functions. */
final class Stacks {
    /** Where the committed settings are; tests run in the module's directory. */
    static final Path SETTINGS = Path.of("settings");

    /** What the environment of the command line holds on a laptop. */
    static final Map<String, String> LAPTOP =
            Map.of("AWS_ENDPOINT_URL", "http://127.0.0.1:4566", "JAVA_HOME", "/opt/jdk-25");

    private Stacks() {}

    static Settings settings(String stage) {
        return new SettingsReader(SETTINGS, LAPTOP).read(new Stage(stage));
    }

    /** A committed stage's settings, changed, as those of a stage of any name. */
    static Settings changed(String from, String stage, Consumer<ObjectNode> change) {
        try {
            ObjectNode settings = (ObjectNode)
                    new JsonMapper().readTree(SETTINGS.resolve(from + ".json").toFile());
            change.accept(settings);
            Path directory = Files.createTempDirectory(Path.of("target"), "settings");
            Files.writeString(directory.resolve(stage + ".json"), settings.toString());
            return new SettingsReader(directory, LAPTOP).read(new Stage(stage));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The laptop's settings without its managed cluster, changed. */
    static Settings onSessionsOnly(Consumer<ObjectNode> change) {
        return changed("local", "local", settings -> {
            settings.withObject("/clusters").remove("managed");
            change.accept(settings);
        });
    }

    static SluicewayStack stack(Settings settings) {
        return new SluicewayStack(app(), new SluicewayStack.Input(settings, artifacts(settings.architecture())));
    }

    /** All stacks of a stage. */
    static List<Stack> all(Settings settings) {
        SluicewayStack stack = stack(settings);
        if (settings.sampleApplication() == null) {
            return List.of(stack);
        }
        return List.of(
                stack,
                new ManagedApplicationStack(
                        (App) stack.getNode().getRoot(),
                        new ManagedApplicationStack.Input(settings, settings.sampleApplication(), stack.jobs())));
    }

    static Template template(Settings settings) {
        return Template.fromStack(stack(settings));
    }

    /** An app with the feature flags of {@code cdk.json}, which only the command line reads by itself. */
    static App app() {
        try {
            var context =
                    new JsonMapper().readTree(Path.of("cdk.json").toFile()).get("context");
            return new App(AppProps.builder()
                    .analyticsReporting(false)
                    .context(new JsonMapper().convertValue(context, new TypeReference<Map<String, Object>>() {}))
                    .build());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A directory with a tiny file in place of each artifact: what there is of a binary is its head. Its bytes are
     * always the same, and so is its hash.
     */
    static Path artifacts(Architecture architecture) {
        try {
            Path directory = Files.createDirectories(Path.of("target", "test-artifacts", architecture.name()));
            for (Packaging packaging : Packaging.values()) {
                Path artifact = directory.resolve(packaging.artifact());
                Files.createDirectories(artifact.getParent());
                switch (packaging) {
                    case NATIVE -> writeBinary(artifact, "bootstrap", architecture);
                    case JVM_AOT -> writeBinary(artifact, "runtime/bin/java", architecture);
                    case JVM_MANAGED, JVM_LOCAL -> Files.writeString(artifact, "in place of " + packaging.artifact());
                }
            }
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void writeBinary(Path artifact, String name, Architecture architecture) throws IOException {
        byte machine = (byte) (architecture == Architecture.ARM_64 ? 183 : 62);
        byte[] head = {0x7F, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, machine, 0};
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(artifact))) {
            ZipEntry entry = new ZipEntry(name);
            entry.setTimeLocal(LocalDateTime.of(2025, 1, 1, 0, 0));
            zip.putNextEntry(entry);
            zip.write(head);
        }
    }
}
