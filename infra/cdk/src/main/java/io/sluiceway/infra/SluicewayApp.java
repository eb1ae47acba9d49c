package io.sluiceway.infra;

import io.sluiceway.infra.sample.ManagedApplicationStack;
import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.SettingsException;
import io.sluiceway.infra.settings.SettingsReader;
import io.sluiceway.infra.settings.Stage;
import java.nio.file.Path;
import software.amazon.awscdk.App;
import software.amazon.awscdk.AppProps;

/**
 * The app that the CDK's command line runs, in the directory of {@code cdk.json}. It reads two values from the context:
 *
 * <ul>
 *   <li>{@code stage}: which deployment; its settings are in {@code settings/<stage>.json}
 *   <li>{@code artifacts}: the directory that the build of the functions writes to, {@code ../../functions/target}
 *       unless given
 * </ul>
 */
public final class SluicewayApp {
    private SluicewayApp() {}

    /**
     * Synthesizes the stacks of one stage, or says on standard error why it can't and exits with 1.
     *
     * @param args none
     */
    public static void main(String[] args) {
        App app = new App(AppProps.builder().analyticsReporting(false).build());
        try {
            SettingsReader reader = new SettingsReader(Path.of("settings"), System.getenv());
            if (!(app.getNode().tryGetContext("stage") instanceof String stage)) {
                throw new SettingsException("Say which stage, for example --context stage=local. " + reader.known());
            }
            Path artifacts = Path.of(
                    app.getNode().tryGetContext("artifacts") instanceof String given
                            ? given
                            : "../../functions/target");
            Settings settings = reader.read(new Stage(stage));
            SluicewayStack stack = new SluicewayStack(app, new SluicewayStack.Input(settings, artifacts));
            if (settings.sampleApplication() != null) {
                new ManagedApplicationStack(
                        app, new ManagedApplicationStack.Input(settings, settings.sampleApplication(), stack.jobs()));
            }
        } catch (SettingsException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
        app.synth();
    }
}
