package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ManagedLabClusterTest {
    @ParameterizedTest
    @CsvSource({
        "file:/lab/snapshots/job/STOP-job-1/savepoint-1a2b3c-0d, snapshot://job/STOP-job-1",
        // Which of them it would be, or whose, isn't said.
        "file:/lab/snapshots/job/savepoint-1a2b3c-0d, file:/lab/snapshots/job/savepoint-1a2b3c-0d",
        "file:/lab/savepoints/job/1/savepoint-1a2b3c-0d, file:/lab/savepoints/job/1/savepoint-1a2b3c-0d",
        "'', ''",
    })
    void snapshotAt_placeInFlinksLog_isTheSnapshotWhoseSavepointLiesThere(String place, String path) {
        assertThat(ManagedLabCluster.snapshotAt(Path.of("/lab/snapshots"), place))
                .isEqualTo(path);
    }
}
