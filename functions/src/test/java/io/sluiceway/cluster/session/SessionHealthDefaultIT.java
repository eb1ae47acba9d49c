package io.sluiceway.cluster.session;

import io.sluiceway.testing.BesideOthers;
import io.sluiceway.testing.FlinkProcesses;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The scheduler that streams have unless the cluster says otherwise. */
@BesideOthers
class SessionHealthDefaultIT extends SessionHealthContract {
    @TempDir
    static Path home;

    private static FlinkProcesses flink;

    @BeforeAll
    static void start() {
        flink = start(home, "Default");
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
