package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.control.Answer.JobsMonitored;
import io.sluiceway.control.ClusterMonitored;
import io.sluiceway.control.ClusterMonitored.Problem;
import io.sluiceway.control.Jars;
import io.sluiceway.control.MonitorJobs;
import io.sluiceway.control.Ports;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.function.Invocation.Call;
import io.sluiceway.metrics.MetricsSink;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** The function {@code monitor-jobs}: observes what lives on the clusters, and takes what is open forward. */
@Singleton
public class MonitorJobsFunction {
    private final Invocation invocation;
    /** One for all calls: it remembers how jobs were. */
    private final Supplier<MonitorJobs> monitorJobs;

    @Inject
    MonitorJobsFunction(
            Invocation invocation, Supplier<Ports> ports, Supplier<MetricsSink> metrics, Supplier<Jars> jars) {
        this.invocation = invocation;
        this.monitorJobs = new Lazy<>(() -> new MonitorJobs(ports.get(), metrics.get(), jars.get()));
    }

    /** Takes a {@code monitor-jobs.request.json}, answers a {@code monitor-jobs.answer.json}. */
    @Funq("monitor-jobs")
    public JsonNode monitorJobs(Event event) {
        return invocation.answerLogging(event, MonitorJobsRequest.class, this::monitor);
    }

    private JobsMonitored monitor(MonitorJobsRequest request, Call call) {
        JobsMonitored answer =
                monitorJobs.get().monitor(request.requestOrNull(), request.clusterNames(), call.deadline());
        answer.clusters().forEach(cluster -> log(cluster, call));
        Invocation.warnOf(answer.events(), call);
        return answer;
    }

    /** Nobody may be reading the answer of a schedule's call. */
    private static void log(ClusterMonitored cluster, Call call) {
        for (Problem problem : cluster.problems()) {
            ObjectNode about = JsonNodeFactory.instance
                    .objectNode()
                    .put("cluster", cluster.cluster().value());
            if (problem.job() != null) {
                about.put("jobName", problem.job().value());
            }
            if (problem.attempt() != null) {
                about.put("flinkJobId", problem.attempt().value());
            }
            if (problem.operation() != null) {
                about.put("operationId", problem.operation().value());
            }
            RefusedException refusal = problem.refusal();
            String defect = refusal.code() == ErrorCode.INTERNAL_ERROR
                    ? " The sweep failed in a way that nobody foresaw: " + Traces.of(refusal)
                    : "";
            call.log()
                    .warnOf(
                            about,
                            refusal.code().name(),
                            "%s: %s%s".formatted(refusal.code(), refusal.sentence(), defect),
                            call.deadline().clock().instant());
        }
    }
}
