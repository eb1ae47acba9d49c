package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.control.Answer.JobsListed;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.ledger.Attempt;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ListJobsTest extends VerbFixture {
    private final ListJobs listJobs = new ListJobs(ports);

    @Test
    void list_pageByPage_showsEachJobOnce() {
        for (int i = 0; i < 7; i++) {
            submit("day-" + i, 1, spec("bounded"));
        }

        List<FlinkJobId> seen = new ArrayList<>();
        JobsListed page = listJobs.list(CLUSTER, 3, null, soon());
        seen.addAll(ids(page));
        while (page.nextPage() != null) {
            page = listJobs.list(CLUSTER, 3, PageToken.parse(page.nextPage().toString()), soon());
            seen.addAll(ids(page));
        }

        assertThat(seen).hasSize(7).doesNotHaveDuplicates();
    }

    @Test
    void list_jobOfSluiceways_saysWhichVersionRuns() {
        FlinkJobId ours = submit("day", 1, spec("bounded")).attempt().id();
        Attempt attempt = attempt(ours);

        JobsListed page = listJobs.list(CLUSTER, 3, null, soon());

        assertThat(page.attempts()).containsExactly(Map.entry(ours, attempt));
        assertThat(attempt.jar()).isNotNull();
    }

    @Test
    void list_emptyCluster_isOneEmptyPage() {
        JobsListed page = listJobs.list(CLUSTER, 3, null, soon());

        assertThat(page.jobs()).isEmpty();
        assertThat(page.nextPage()).isNull();
    }

    @Test
    void list_unknownCluster_isRefused() {
        assertRefused(ErrorCode.CLUSTER_UNKNOWN, () -> listJobs.list(new ClusterName("elsewhere"), 3, null, soon()));
    }

    private static List<FlinkJobId> ids(JobsListed page) {
        return page.jobs().stream().map(JobOverview::id).toList();
    }
}
