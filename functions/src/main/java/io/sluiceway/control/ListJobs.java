package io.sluiceway.control;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.control.Answer.JobsListed;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.time.Deadline;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Lists the jobs that a cluster knows, the newest first, page by page. */
public final class ListJobs {
    private final Clusters clusters;

    public ListJobs(Clusters clusters) {
        this.clusters = clusters;
    }

    /**
     * Lists one page.
     *
     * @param pageSize how many jobs at the most, from 1
     * @param after the page token of the page before; absent: the first page
     * @throws RefusedException when the cluster is unknown or doesn't answer
     */
    public JobsListed list(ClusterName clusterName, int pageSize, @Nullable PageToken after, Deadline deadline) {
        List<JobOverview> rest = clusters.named(clusterName).listJobs(deadline).stream()
                .sorted(Comparator.comparing(PageToken::of))
                .filter(job -> after == null || PageToken.of(job).compareTo(after) > 0)
                .toList();
        List<JobOverview> page = rest.stream().limit(pageSize).toList();
        return new JobsListed(clusterName, page, rest.size() > page.size() ? PageToken.of(page.getLast()) : null);
    }
}
