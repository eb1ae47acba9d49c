package io.sluiceway.cluster.managed;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.FlinkClusterContract;
import io.sluiceway.jar.JarReference;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobState;
import io.sluiceway.testing.ManagedFlinkAccount;
import io.sluiceway.testing.ManagedFlinkAccount.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** The contract on Managed Service for Apache Flink itself, where the environment names an account. */
@EnabledIf(value = "isNamed", disabledReason = "no AWS account is named to run it on, by " + Settings.NEEDED)
class ManagedClusterOnAwsIT extends FlinkClusterContract {
    @TempDir
    static Path home;

    private static ManagedFlinkAccount account;
    private static FlinkCluster cluster;

    static boolean isNamed() {
        return Settings.read(System.getenv()).isPresent();
    }

    @BeforeAll
    static void open() {
        account = ManagedFlinkAccount.open(Settings.read(System.getenv()).orElseThrow(), home);
        cluster = account.cluster(new ClusterName("managed"));
    }

    @AfterAll
    static void close() {
        if (account != null) {
            account.close();
        }
    }

    @Override
    protected FlinkCluster cluster() {
        return cluster;
    }

    @Override
    protected List<String> arguments(String... words) {
        return List.of("--behaviour", words[0]);
    }

    @Override
    protected JarReference jarReference() {
        return account.jar();
    }

    @Override
    protected String shownName() {
        return account.applications().of(NAME);
    }

    /** The service starts an application within some minutes. */
    @Override
    protected Duration patience() {
        return Duration.ofMinutes(15);
    }

    /** The service's word for a job that can be saved is RUNNING. */
    @Override
    protected void awaitUpAndRunning(FlinkJobId id) {
        awaitState(id, JobState.RUNNING);
    }
}
