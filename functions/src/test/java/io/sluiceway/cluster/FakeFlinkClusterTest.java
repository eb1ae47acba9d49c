package io.sluiceway.cluster;

import io.sluiceway.job.ClusterName;
import io.sluiceway.savepoint.FakeSavepointStore;
import java.time.Clock;

class FakeFlinkClusterTest extends SessionClusterContract {
    private final FakeFlinkCluster cluster =
            new FakeFlinkCluster(new ClusterName("fake"), 3, Clock.systemUTC(), new FakeSavepointStore());

    @Override
    protected FlinkCluster cluster() {
        return cluster;
    }

    @Override
    protected int slots() {
        return 3;
    }
}
