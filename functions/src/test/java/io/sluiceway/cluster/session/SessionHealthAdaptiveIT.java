package io.sluiceway.cluster.session;

import io.sluiceway.testing.BesideOthers;
import io.sluiceway.testing.FlinkProcesses;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The scheduler that makes a new graph of the job's tasks at each restart. */
@BesideOthers
class SessionHealthAdaptiveIT extends SessionHealthContract {
    @TempDir
    static Path home;

    private static FlinkProcesses flink;

    @BeforeAll
    static void start() {
        flink = start(home, "Adaptive");
    }

    @AfterAll
    static void stop() {
        flink.close();
    }

    @Override
    FlinkProcesses flink() {
        return flink;
    }
}
