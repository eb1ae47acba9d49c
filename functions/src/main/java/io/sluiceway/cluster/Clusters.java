package io.sluiceway.cluster;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The configured clusters by name. */
public final class Clusters {
    private final Map<ClusterName, FlinkCluster> byName;

    public Clusters(Collection<FlinkCluster> clusters) {
        this.byName = clusters.stream().collect(Collectors.toUnmodifiableMap(FlinkCluster::name, Function.identity()));
    }

    /** The names of all, in their order. */
    public List<ClusterName> names() {
        return byName.keySet().stream()
                .sorted(Comparator.comparing(ClusterName::value))
                .toList();
    }

    /**
     * The cluster with this name.
     *
     * @throws RefusedException CLUSTER_UNKNOWN when none has this name
     */
    public FlinkCluster named(ClusterName name) {
        FlinkCluster cluster = byName.get(name);
        if (cluster == null) {
            throw new RefusedException(
                    ErrorCode.CLUSTER_UNKNOWN,
                    "There is no cluster named '%s'; configured are: %s."
                            .formatted(
                                    name,
                                    names().stream().map(ClusterName::value).collect(Collectors.joining(", "))));
        }
        return cluster;
    }
}
