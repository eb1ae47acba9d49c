package io.sluiceway.control;

import io.sluiceway.control.Answer.JobsListed;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.time.Deadline;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Lists the jobs that a cluster knows, the newest first, page by page, and which version of each that is. */
public final class ListJobs {
    private final Ports ports;

    public ListJobs(Ports ports) {
        this.ports = ports;
    }

    /**
     * Lists one page.
     *
     * @param pageSize how many jobs at the most, from 1
     * @param after the page token of the page before; absent: the first page
     * @throws RefusedException when the cluster is unknown, or it or the ledger doesn't answer
     */
    public JobsListed list(ClusterName clusterName, int pageSize, @Nullable PageToken after, Deadline deadline) {
        List<JobOverview> rest = ports.clusters().named(clusterName).listJobs(deadline).stream()
                .sorted(Comparator.comparing(PageToken::of))
                .filter(job -> after == null || PageToken.of(job).compareTo(after) > 0)
                .toList();
        List<JobOverview> page = rest.stream().limit(pageSize).toList();
        Set<FlinkJobId> ids = page.stream().map(JobOverview::id).collect(Collectors.toSet());
        Map<FlinkJobId, Attempt> attempts = ports.ledger().findAttempts(clusterName, ids, deadline).stream()
                .map(Versioned::value)
                .collect(Collectors.toMap(Attempt::id, Function.identity()));
        return new JobsListed(
                clusterName, page, attempts, rest.size() > page.size() ? PageToken.of(page.getLast()) : null);
    }
}
