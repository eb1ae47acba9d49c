package io.sluiceway.function;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluiceway.control.Answer;
import io.sluiceway.control.Answer.JobObserved.DataReady;
import io.sluiceway.control.ClusterMonitored;
import io.sluiceway.control.Plan;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.JobEvent;
import io.sluiceway.health.Health;
import io.sluiceway.health.Reason;
import io.sluiceway.jar.JarReference;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.job.JobStatus.Failure;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Observation.NothingYet;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.Rescale;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.ready.Readiness.Sighting;
import io.sluiceway.ready.SinkView.Watermark;
import io.sluiceway.savepoint.StoragePath;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Writes answers as the schemas {@code schemas/*.answer.json} describe them. */
final class AnswerWriter {
    /** Of one cluster: an answer of Lambda's holds 6 MB. */
    private static final int MOST_ERRORS = 100;

    private AnswerWriter() {}

    static ObjectNode write(Answer answer) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        switch (answer) {
            case Answer.Submitted submitted -> {
                json.put("outcome", submitted.outcome().name());
                write(json.putObject("job"), submitted);
                writeOperation(json.putObject("operation"), submitted.operation());
            }
            case Answer.Planned planned -> {
                json.put("outcome", "PLANNED");
                write(json.putObject("plan"), planned.plan());
                if (planned.job() != null) {
                    write(json.putObject("job"), planned.job());
                }
                if (planned.operation() != null) {
                    writeOperation(json.putObject("operation"), planned.operation());
                }
            }
            case Answer.RequestCancelled cancelled ->
                json.put("outcome", cancelled.outcome().name()).put("requestCancelled", true);
            case Answer.Triggered triggered -> {
                json.put("outcome", triggered.outcome().name());
                writeOperation(json.putObject("operation"), triggered.operation());
            }
            case Answer.JobObserved observed -> {
                json.put("outcome", "OBSERVED");
                writeJob(json.putObject("job"), observed);
            }
            case Answer.OperationObserved observed -> {
                json.put("outcome", "OBSERVED");
                writeOperation(json.putObject("operation"), observed.operation());
                writeJob(json.putObject("job"), observed.job());
            }
            case Answer.JobsListed listed -> {
                json.put("outcome", "OBSERVED");
                ArrayNode jobs = json.putArray("jobs");
                listed.jobs()
                        .forEach(job -> writeListed(
                                jobs.addObject(),
                                listed.cluster(),
                                job,
                                listed.attempts().get(job.id())));
                if (listed.nextPage() != null) {
                    json.put("nextPageToken", listed.nextPage().toString());
                }
            }
            case Answer.EventsListed listed -> {
                json.put("outcome", "OBSERVED");
                ArrayNode events = json.putArray("events");
                for (JobEvent event : listed.events()) {
                    ObjectNode written = events.addObject().put("detailType", event.type());
                    write(written.putObject("detail"), event.detail());
                }
                json.put("lastSequence", listed.lastSequence()).put("more", listed.more());
            }
            case Answer.JobsMonitored monitored -> writeMonitored(json, monitored);
        }
        return json;
    }

    static ObjectNode write(RefusedException refusal) {
        ErrorCode code = refusal.code();
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("outcome", "REFUSED");
        json.putObject("error")
                .put("code", code.name())
                .put("message", refusal.sentence())
                .put("action", code.action())
                .put("retryable", code.retryable());
        return json;
    }

    private static void write(ObjectNode json, Map<?, ?> fields) {
        fields.forEach((name, value) -> {
            String field = name.toString();
            switch (value) {
                case Map<?, ?> inner -> write(json.putObject(field), inner);
                case List<?> list -> {
                    ArrayNode array = json.putArray(field);
                    list.forEach(each -> write(array.addObject(), (Map<?, ?>) each));
                }
                case Boolean truth -> json.put(field, truth);
                case Long number -> json.put(field, number);
                case null, default -> json.put(field, String.valueOf(value));
            }
        });
    }

    private static void write(ObjectNode json, Answer.Submitted submitted) {
        writeAttempt(json, submitted.attempt());
        writeState(json, submitted.attempt(), submitted.job());
        writeLinks(json, submitted.jobPage());
    }

    private static void write(ObjectNode json, Plan plan) {
        json.put("action", plan.action().name()).put("because", plan.because());
        if (plan.job() != null) {
            json.put("flinkJobId", plan.job().value());
        }
        if (plan.start() != null) {
            Plan.Start start = plan.start();
            json.put("attempt", start.attempt());
            putPath(json, "restoresFrom", start.restoresFrom());
            json.put("jarSha256", start.jar().value()).put("bringsJar", start.bringsJar());
            if (start.parallelism() != null) {
                json.put("parallelism", start.parallelism());
            }
        }
        putPath(json, "savepointDirectory", plan.savepointDirectory());
        if (plan.takeover() != null) {
            Plan.Takeover takeover = plan.takeover();
            json.put("mode", takeover.mode().name())
                    .put("replaces", takeover.replaces().value());
            putPath(json, "rollBackTo", takeover.rollBackTo());
        }
        if (plan.rescaledTo() != null) {
            json.put("parallelism", plan.rescaledTo());
        }
    }

    private static void writeAttempt(ObjectNode json, Attempt attempt) {
        JobSpec spec = attempt.spec();
        json.put("cluster", spec.cluster().value())
                .put("name", spec.name().value())
                .put("kind", spec.kind().name())
                .put("attempt", attempt.number())
                .put("attemptState", attempt.state().name())
                .put("flinkJobId", attempt.id().value());
        json.putObject("owner")
                .put("requestId", attempt.owner().id().value())
                .put("try", attempt.owner().tryNumber());
        writeVersion(json.putObject("version"), attempt);
        if (attempt.restoredFrom() != null) {
            json.put("restoredFrom", attempt.restoredFrom().value());
        }
        if (attempt.failure() != null) {
            json.putObject("failure")
                    .put("code", attempt.failure().code().name())
                    .put("message", attempt.failure().message());
        }
    }

    /** What runs, of what the program's owner tells apart: its jar, as far as that is known yet, and how wide. */
    private static void writeVersion(ObjectNode json, Attempt attempt) {
        JarReference jar = attempt.specThatRan().jar();
        json.put("jar", jar.uri().toString());
        if (jar.versionId() != null) {
            json.put("jarVersionId", jar.versionId());
        }
        if (jar.expectedDigest() != null) {
            json.put("jarSha256", jar.expectedDigest().value());
        }
        if (attempt.parallelism() != null) {
            json.put("parallelism", attempt.parallelism());
        }
    }

    private static void writeListed(ObjectNode json, ClusterName cluster, JobOverview job, @Nullable Attempt attempt) {
        writeOverview(json, cluster, job);
        if (attempt != null) {
            json.put("attempt", attempt.number());
            writeVersion(json.putObject("version"), attempt);
        }
    }

    /** Flink's word for a job's state: the cluster's own, or what was recorded of one that it has forgotten. */
    private static void writeState(ObjectNode json, Attempt attempt, @Nullable JobOverview job) {
        if (job != null) {
            json.put("state", job.state().name()).put("terminal", job.state().terminal());
            return;
        }
        switch (attempt.state()) {
            case FINISHED, FAILED, CANCELED ->
                json.put("state", attempt.state().name()).put("terminal", true);
            case REFUSED, UNKNOWN -> json.put("terminal", true);
            case PREPARING, POSTING, SUBMITTED -> json.put("terminal", false);
        }
        putInstant(json, "startedAt", attempt.submittedAt());
        putInstant(json, "endedAt", attempt.endedAt());
    }

    private static void writeJob(ObjectNode json, Answer.JobObserved observed) {
        Attempt attempt = observed.attempt();
        JobStatus status = observed.status();
        if (attempt != null) {
            writeAttempt(json, attempt);
        }
        if (status != null) {
            writeStatus(json, observed.cluster(), status);
            observed.health().ifPresent(health -> write(json.putObject("health"), health));
        } else if (attempt != null) {
            writeState(json, attempt, null);
        }
        if (attempt != null) {
            // What the cluster shows can be a name of the program's own.
            json.put("name", attempt.spec().name().value());
        }
        if (observed.dataReady() != null) {
            write(json, "dataReady", observed.dataReady(), ready -> write(json.putObject("dataReady"), ready));
        }
        writeLinks(json, observed.jobPage());
        if (observed.dashboard() != null) {
            write(
                    json,
                    "links.flinkDashboard",
                    observed.dashboard(),
                    link -> json.withObjectProperty("links")
                            .put("flinkDashboard", link.url().toString()));
        }
    }

    private static void write(ObjectNode json, DataReady ready) {
        json.put("sink", ready.policy().sink());
        putInstant(json, "until", ready.known().announced());
        Sighting sighting = ready.known().sighting();
        putInstant(json, "passed", sighting == null ? null : sighting.boundary());
        switch (ready.watermark()) {
            case Watermark.Lowest(Instant lowest, int subtask) ->
                json.put("watermark", lowest.toString()).put("subtask", subtask);
            case Watermark.Ended() -> json.put("watermarkEnded", true);
            case Watermark.Unknown(Watermark.Why why) -> json.put("watermarkMissing", why.name());
            case null -> {}
        }
    }

    private static void writeStatus(ObjectNode json, ClusterName cluster, JobStatus status) {
        writeOverview(json, cluster, status.overview());
        write(json, "restarts", status.restarts(), restarts -> json.put("restarts", restarts));
        Checkpoints checkpoints = status.checkpoints();
        write(
                json,
                "checkpoints.completed",
                checkpoints.completed(),
                count -> json.withObjectProperty("checkpoints").put("completed", count));
        write(
                json,
                "checkpoints.failed",
                checkpoints.failed(),
                count -> json.withObjectProperty("checkpoints").put("failed", count));
        write(json, "lastCheckpoint", checkpoints.last(), last -> writeCheckpoint(json, "lastCheckpoint", last));
        write(json, "lastSavepoint", status.lastSavepoint(), last -> writeCheckpoint(json, "lastSavepoint", last));
        Failure failure = status.firstFailure();
        if (failure != null) {
            ObjectNode first = json.putObject("firstFailure")
                    .put("message", failure.message())
                    .put("rootCause", failure.rootCause());
            putInstant(first, "at", failure.at());
        }
    }

    private static void write(ObjectNode json, Health health) {
        json.put("state", health.state().name());
        putInstant(json, "runningSince", health.runningSince());
        ArrayNode reasons = json.putArray("reasons");
        for (Reason reason : health.reasons()) {
            reasons.addObject().put("code", reason.code().name()).put("message", reason.message());
        }
    }

    /** Writes what was told of something, or that it can't be. */
    private static <T> void write(ObjectNode json, String name, Observation<T> observation, Consumer<T> field) {
        switch (observation) {
            case Known<T>(T value, Instant asOf) -> {
                field.accept(value);
                if (asOf != null) {
                    json.withObjectProperty("asOf").put(name, asOf.toString());
                }
            }
            case NothingYet<T>() -> {}
            case NotObservable<T>(String why) ->
                json.withObjectProperty("notObservable").put(name, why);
        }
    }

    private static void writeOverview(ObjectNode json, ClusterName cluster, JobOverview job) {
        json.put("cluster", cluster.value())
                .put("name", job.name())
                .put("flinkJobId", job.id().value())
                .put("state", job.state().name())
                .put("terminal", job.state().terminal());
        putInstant(json, "startedAt", job.startedAt());
        putInstant(json, "endedAt", job.endedAt());
        if (job.endedAt() != null) {
            json.put(
                    "duration", Duration.between(job.startedAt(), job.endedAt()).toString());
        }
        ObjectNode tasks = json.putObject("tasks");
        job.tasks().forEach(tasks::put);
    }

    private static void writeMonitored(ObjectNode json, Answer.JobsMonitored monitored) {
        json.put("outcome", "MONITORED");
        if (monitored.request() != null) {
            json.put("requestId", monitored.request().value());
        }
        ArrayNode clusters = json.putArray("clusters");
        monitored.clusters().forEach(cluster -> writeMonitored(clusters.addObject(), cluster));
        json.put(
                "left",
                monitored.clusters().stream().mapToInt(ClusterMonitored::left).sum());
        json.putObject("events")
                .put("published", monitored.events().published())
                .put("pending", monitored.events().pending());
        if (!monitored.clustersLeft().isEmpty()) {
            ArrayNode left = json.putArray("clustersLeft");
            monitored.clustersLeft().forEach(cluster -> left.add(cluster.value()));
        }
    }

    private static void writeMonitored(ObjectNode json, ClusterMonitored cluster) {
        json.put("cluster", cluster.cluster().value()).put("reachable", cluster.reachable());
        ObjectNode jobs = json.putObject("jobs");
        cluster.states().forEach((state, count) -> jobs.put(state.name(), count));
        if (cluster.unknown() > 0) {
            jobs.put("UNKNOWN", cluster.unknown());
        }
        ObjectNode health = json.putObject("health");
        cluster.health().forEach((state, count) -> health.put(state.name(), count));
        json.put("unmanaged", cluster.unmanaged())
                .put("looked", cluster.looked())
                .put("left", cluster.left());
        json.putObject("operations")
                .put("open", cluster.operations().open())
                .put("advanced", cluster.operations().advanced())
                .put("completed", cluster.operations().completed())
                .put("failed", cluster.operations().failed())
                .put("abandoned", cluster.operations().abandoned());
        json.put("failed", cluster.problems().size());
        ArrayNode errors = json.putArray("errors");
        cluster.problems().stream().limit(MOST_ERRORS).forEach(problem -> writeProblem(errors.addObject(), problem));
    }

    private static void writeProblem(ObjectNode json, ClusterMonitored.Problem problem) {
        if (problem.job() != null) {
            json.put("jobName", problem.job().value());
        }
        if (problem.attempt() != null) {
            json.put("flinkJobId", problem.attempt().value());
        }
        if (problem.operation() != null) {
            json.put("operationId", problem.operation().value());
        }
        json.put("code", problem.refusal().code().name())
                .put("message", problem.refusal().sentence());
    }

    private static void writeOperation(ObjectNode json, Operation operation) {
        json.put("operationId", operation.id().value())
                .put("type", operation.type().name())
                .put("state", operation.state().name())
                .put("terminal", operation.state().terminal())
                .put("cluster", operation.cluster().value())
                .put("jobName", operation.job().value())
                .put("flinkJobId", operation.attempt().value());
        putInstant(json, "createdAt", operation.createdAt());
        putInstant(json, "endedAt", operation.endedAt());
        if (operation.savepoint() != null) {
            json.put("savepointPath", operation.savepoint().value());
        }
        if (operation.failure() != null) {
            json.put("failure", operation.failure());
        }
        Upgrade upgrade = operation.upgrade();
        Rescale rescale = operation.rescale();
        if (upgrade == null) {
            return;
        }
        if (rescale == null) {
            writeSteps(json.putObject("upgrade").put("mode", upgrade.mode().name()), upgrade, upgrade.back());
            return;
        }
        ObjectNode written = json.putObject("rescale")
                .put("from", rescale.from())
                .put("to", rescale.to())
                .put("inPlace", rescale.inPlace());
        // One that runs in place with what it had is the execution that it was.
        writeSteps(written, upgrade, operation.attempt().equals(upgrade.back()) ? null : upgrade.back());
    }

    private static void writeSteps(ObjectNode json, Upgrade upgrade, @Nullable FlinkJobId returned) {
        json.put("rollbackAfterCommit", upgrade.afterCommit().name())
                .put("step", upgrade.step().name());
        putInstant(json, "givenUpAt", upgrade.until());
        if (upgrade.next() != null) {
            json.put("newFlinkJobId", upgrade.next().value());
        }
        if (returned != null) {
            json.put("returnedFlinkJobId", returned.value());
        }
        if (upgrade.why() != null) {
            json.put("reason", upgrade.why());
        }
        if (upgrade.repeated() != null) {
            ObjectNode repeated = json.putObject("emittedAgain");
            putInstant(repeated, "from", upgrade.repeated().from());
            putInstant(repeated, "until", upgrade.repeated().until());
        }
        if (upgrade.ending() != null) {
            json.put("ending", upgrade.ending().name());
        }
    }

    private static void writeCheckpoint(ObjectNode json, String field, CompletedCheckpoint checkpoint) {
        ObjectNode written = json.putObject(field).put("id", checkpoint.id());
        putInstant(written, "completedAt", checkpoint.completedAt());
        if (checkpoint.path() != null) {
            written.put("path", checkpoint.path().value());
        }
    }

    private static void writeLinks(ObjectNode json, URI jobPage) {
        json.putObject("links").put("flinkUi", jobPage.toString());
    }

    private static void putPath(ObjectNode json, String field, @Nullable StoragePath path) {
        if (path != null) {
            json.put(field, path.value());
        }
    }

    private static void putInstant(ObjectNode json, String field, @Nullable Instant instant) {
        if (instant != null) {
            json.put(field, instant.toString());
        }
    }
}
