package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.control.Answer.JobsMonitored;
import io.sluiceway.control.ClusterMonitored;
import io.sluiceway.control.ClusterMonitored.Problem;
import io.sluiceway.control.MonitorJobs;
import io.sluiceway.control.Ports;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.metrics.MetricsSink;
import io.sluiceway.time.Deadline;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/** The function {@code monitor-jobs}: observes what lives on the clusters, and takes what is open forward. */
@Singleton
public class MonitorJobsFunction {
    private static final Logger LOG = Logger.getLogger(MonitorJobsFunction.class);

    private final Invocation invocation;
    /** One for all calls: it remembers how jobs were. */
    private final Supplier<MonitorJobs> monitorJobs;

    @Inject
    MonitorJobsFunction(Invocation invocation, Supplier<Ports> ports, Supplier<MetricsSink> metrics) {
        this.invocation = invocation;
        this.monitorJobs = new Lazy<>(() -> new MonitorJobs(ports.get(), metrics.get()));
    }

    /** Takes a {@code monitor-jobs.request.json}, answers a {@code monitor-jobs.answer.json}. */
    @Funq("monitor-jobs")
    public JsonNode monitorJobs(Event event) {
        return invocation.answer(event, MonitorJobsRequest.class, this::monitor);
    }

    private JobsMonitored monitor(MonitorJobsRequest request, Deadline deadline) {
        JobsMonitored answer = monitorJobs.get().monitor(request.requestOrNull(), request.clusterNames(), deadline);
        answer.clusters().forEach(MonitorJobsFunction::log);
        if (answer.events().trouble() != null) {
            LOG.warnf(
                    "%,d events are pending: %s",
                    answer.events().pending(), answer.events().trouble());
        }
        return answer;
    }

    /** Nobody may be reading the answer of a schedule's call. */
    private static void log(ClusterMonitored cluster) {
        for (Problem problem : cluster.problems()) {
            LOG.warnf(
                    "%s: cluster %s, job %s: %s",
                    problem.refusal().code(),
                    cluster.cluster(),
                    problem.job() == null ? "-" : problem.job(),
                    problem.refusal().sentence());
            if (problem.refusal().code() == ErrorCode.INTERNAL_ERROR) {
                LOG.error("The sweep failed in a way that nobody foresaw: " + Traces.of(problem.refusal()));
            }
        }
    }
}
