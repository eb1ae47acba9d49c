package io.sluiceway.ledger.dynamodb;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.event.EventId;
import io.sluiceway.event.JobEvent;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.Cron;
import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.EntryClass;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.Policies;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestartPolicy;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.job.RetentionPolicy;
import io.sluiceway.job.SavepointsPolicy;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.Attempt.Refusal;
import io.sluiceway.ledger.Attempt.RunJar;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobReadiness;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.RequestRecord;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.Rescale;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.operation.Upgrade.Repeated;
import io.sluiceway.ready.Readiness;
import io.sluiceway.ready.Readiness.Execution;
import io.sluiceway.ready.Readiness.Proven;
import io.sluiceway.ready.Readiness.Sighting;
import io.sluiceway.savepoint.Disposal;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Records as items and back, attribute by attribute, so that a person can read the table. */
final class Items {
    private Items() {}

    static Attributes ofJob(Job job) {
        return new Attributes()
                .text("cluster", job.cluster())
                .text("job", job.name())
                .text("kind", job.kind().name())
                .text("active", job.active())
                .text("last", job.last())
                .text("upgrade", job.upgrade())
                .number("lastEvent", job.lastEvent());
    }

    static Job job(Fields item) {
        return new Job(
                cluster(item),
                jobName(item),
                item.read("kind", JobKind::valueOf),
                item.readIfPresent("active", FlinkJobId::new),
                item.readIfPresent("last", FlinkJobId::new),
                item.readIfPresent("upgrade", OperationId::new),
                // Tables hold jobs that were written before there were events.
                item.numberOrZero("lastEvent"));
    }

    static Attributes ofRequest(RequestRecord request) {
        RequestKey key = request.key();
        return new Attributes()
                .text("cluster", key.cluster())
                .text("job", key.job())
                .text("verb", key.verb())
                .text("requestId", key.id())
                .number("try", request.tryNumber())
                .text("payloadHash", request.payloadHash())
                .number("attempts", request.attempts())
                .text("attempt", request.attempt())
                .text("operation", request.operation())
                .map("refusal", ofRefusal(request.refusal()))
                .text("createdAt", request.createdAt());
    }

    static RequestRecord request(Fields item) {
        return new RequestRecord(
                new RequestKey(cluster(item), jobName(item), item.text("verb"), item.read("requestId", RequestId::new)),
                item.count("try"),
                item.text("payloadHash"),
                item.count("attempts"),
                item.readIfPresent("attempt", FlinkJobId::new),
                item.readIfPresent("operation", OperationId::new),
                item.mapIfPresent("refusal", Items::refusal),
                item.read("createdAt", Instant::parse));
    }

    static Attributes ofAttempt(Attempt attempt) {
        return new Attributes()
                .text("flinkJobId", attempt.id())
                .text("requestId", attempt.request())
                .number("number", attempt.number())
                .map("spec", ofSpec(attempt.spec()))
                .text("specHash", attempt.specHash())
                .map("jar", ofRunJar(attempt.jar()))
                .map("owner", ofCaller(attempt.owner()))
                .text("state", attempt.state().name())
                .text("createdAt", attempt.createdAt())
                .text("until", attempt.until())
                .text("incarnation", attempt.incarnation())
                .text("restoredFrom", attempt.restoredFrom())
                .text("submission", attempt.submission())
                .text("stop", attempt.stop())
                .text("submittedAt", attempt.submittedAt())
                .text("endedAt", attempt.endedAt())
                .map("failure", ofRefusal(attempt.failure()))
                .number("restarts", attempt.restarts())
                .text("runningAt", attempt.runningAt())
                .text("unhealthySince", attempt.unhealthySince())
                .number("rescaledTo", attempt.rescaledTo());
    }

    static Attempt attempt(Fields item) {
        return new Attempt(
                item.read("flinkJobId", FlinkJobId::new),
                item.read("requestId", RequestId::new),
                item.count("number"),
                item.map("spec", Items::spec),
                item.readIfPresent("specHash", hash -> hash),
                item.mapIfPresent("jar", Items::runJar),
                item.map("owner", Items::caller),
                item.read("state", AttemptState::valueOf),
                item.read("createdAt", Instant::parse),
                item.read("until", Instant::parse),
                item.readIfPresent("incarnation", incarnation -> incarnation),
                item.readIfPresent("restoredFrom", StoragePath::new),
                item.read("submission", OperationId::new),
                item.readIfPresent("stop", OperationId::new),
                item.readIfPresent("submittedAt", Instant::parse),
                item.readIfPresent("endedAt", Instant::parse),
                item.mapIfPresent("failure", Items::refusal),
                item.number("restarts"),
                item.readIfPresent("runningAt", Instant::parse),
                item.readIfPresent("unhealthySince", Instant::parse),
                item.countIfPresent("rescaledTo"));
    }

    private static @Nullable Attributes ofRunJar(@Nullable RunJar jar) {
        return jar == null
                ? null
                : new Attributes().text("sha256", jar.digest()).text("versionId", jar.versionId());
    }

    private static RunJar runJar(Fields map) {
        return new RunJar(map.read("sha256", JarDigest::new), map.readIfPresent("versionId", version -> version));
    }

    static Attributes ofOperation(Operation operation) {
        return new Attributes()
                .text("operationId", operation.id())
                .text("operationType", operation.type().name())
                .text("cluster", operation.cluster())
                .text("job", operation.job())
                .text("attempt", operation.attempt())
                .map("request", ofCaller(operation.request()))
                .text("state", operation.state().name())
                .text("trigger", operation.trigger())
                .text("directory", operation.directory())
                .text("origin", operation.origin())
                .flag("pinned", operation.pinned())
                .text("savepoint", operation.savepoint())
                .text("failure", operation.failure())
                .text("createdAt", operation.createdAt())
                .text("endedAt", operation.endedAt())
                .map("upgrade", ofUpgrade(operation.upgrade()))
                .map("rescale", ofRescale(operation.rescale()));
    }

    private static @Nullable Attributes ofRescale(@Nullable Rescale rescale) {
        return rescale == null
                ? null
                : new Attributes()
                        .number("from", rescale.from())
                        .number("to", rescale.to())
                        .flag("inPlace", rescale.inPlace())
                        .text("since", rescale.since());
    }

    private static Rescale rescale(Fields map) {
        return new Rescale(map.count("from"), map.count("to"), map.flag("inPlace"), map.read("since", Instant::parse));
    }

    private static @Nullable Attributes ofUpgrade(@Nullable Upgrade upgrade) {
        return upgrade == null
                ? null
                : new Attributes()
                        .map("spec", ofSpec(upgrade.spec()))
                        .text("specHash", upgrade.specHash())
                        .text("mode", upgrade.mode().name())
                        .text("afterCommit", upgrade.afterCommit().name())
                        .text("judgeWithin", upgrade.judgeWithin())
                        .text("step", upgrade.step().name())
                        .text("until", upgrade.until())
                        .text("stop", upgrade.stop())
                        .text("next", upgrade.next())
                        .text("withdrawal", upgrade.withdrawal())
                        .text("back", upgrade.back())
                        .text("why", upgrade.why())
                        .map("repeated", ofRepeated(upgrade.repeated()))
                        .text("ending", upgrade.ending());
    }

    private static Upgrade upgrade(Fields map) {
        return new Upgrade(
                map.map("spec", Items::spec),
                map.text("specHash"),
                map.read("mode", Upgrade.Mode::valueOf),
                map.read("afterCommit", Upgrade.AfterCommit::valueOf),
                map.read("judgeWithin", Duration::parse),
                map.read("step", Upgrade.Step::valueOf),
                map.readIfPresent("until", Instant::parse),
                map.read("stop", OperationId::new),
                map.readIfPresent("next", FlinkJobId::new),
                map.readIfPresent("withdrawal", OperationId::new),
                map.readIfPresent("back", FlinkJobId::new),
                map.readIfPresent("why", why -> why),
                map.mapIfPresent("repeated", Items::repeated),
                map.readIfPresent("ending", Upgrade.Ending::valueOf));
    }

    private static @Nullable Attributes ofRepeated(@Nullable Repeated repeated) {
        return repeated == null
                ? null
                : new Attributes().text("from", repeated.from()).text("until", repeated.until());
    }

    private static Repeated repeated(Fields map) {
        return new Repeated(map.read("from", Instant::parse), map.read("until", Instant::parse));
    }

    static Operation operation(Fields item) {
        return new Operation(
                item.read("operationId", OperationId::new),
                item.read("operationType", OperationType::valueOf),
                cluster(item),
                jobName(item),
                item.read("attempt", FlinkJobId::new),
                item.map("request", Items::caller),
                item.read("state", OperationState::valueOf),
                item.readIfPresent("trigger", TriggerId::new),
                item.readIfPresent("directory", StoragePath::new),
                origin(item),
                item.flagOrFalse("pinned"),
                item.readIfPresent("savepoint", StoragePath::new),
                item.readIfPresent("failure", why -> why),
                item.read("createdAt", Instant::parse),
                item.readIfPresent("endedAt", Instant::parse),
                item.mapIfPresent("upgrade", Items::upgrade),
                item.mapIfPresent("rescale", Items::rescale));
    }

    static Attributes ofReadiness(JobReadiness of) {
        Readiness readiness = of.readiness();
        return new Attributes()
                .text("cluster", of.cluster())
                .text("job", of.job())
                .text("requestId", of.run())
                .map("execution", ofExecution(readiness.execution()))
                .map("sighting", ofSighting(readiness.sighting()))
                .map("proven", ofProven(readiness.proven()))
                .text("announced", readiness.announced());
    }

    static JobReadiness readiness(Fields item) {
        return new JobReadiness(
                cluster(item),
                jobName(item),
                item.readIfPresent("requestId", RequestId::new),
                new Readiness(
                        item.mapIfPresent("execution", Items::execution),
                        item.mapIfPresent("sighting", Items::sighting),
                        item.mapIfPresent("proven", Items::proven),
                        item.readIfPresent("announced", Instant::parse)));
    }

    private static @Nullable Attributes ofExecution(@Nullable Execution execution) {
        return execution == null
                ? null
                : new Attributes()
                        .text("attempt", execution.attempt())
                        .text("name", execution.name())
                        .text("since", execution.since())
                        .flag("settled", execution.settled());
    }

    private static Execution execution(Fields map) {
        return new Execution(
                map.read("attempt", FlinkJobId::new),
                map.text("name"),
                map.read("since", Instant::parse),
                map.flag("settled"));
    }

    private static @Nullable Attributes ofSighting(@Nullable Sighting sighting) {
        return sighting == null
                ? null
                : new Attributes()
                        .text("boundary", sighting.boundary())
                        .number("triggered", sighting.triggered())
                        .text("at", sighting.at());
    }

    private static Sighting sighting(Fields map) {
        return new Sighting(
                map.read("boundary", Instant::parse), map.number("triggered"), map.read("at", Instant::parse));
    }

    private static @Nullable Attributes ofProven(@Nullable Proven proven) {
        return proven == null
                ? null
                : new Attributes().text("boundary", proven.boundary()).number("checkpoint", proven.checkpoint());
    }

    private static Proven proven(Fields map) {
        return new Proven(map.read("boundary", Instant::parse), map.number("checkpoint"));
    }

    /** Tables hold operations that were written before each had its own. */
    private static @Nullable SavepointOrigin origin(Fields operation) {
        SavepointOrigin origin = operation.readIfPresent("origin", SavepointOrigin::valueOf);
        return origin == null
                ? operation.read("operationType", OperationType::valueOf).savepointOrigin()
                : origin;
    }

    static Attributes ofSavepoint(Savepoint savepoint) {
        return new Attributes()
                .text("cluster", savepoint.cluster())
                .text("job", savepoint.job())
                .text("attempt", savepoint.attempt())
                .text("operation", savepoint.operation())
                .text("origin", savepoint.origin().name())
                .text("path", savepoint.path())
                .text("completedAt", savepoint.completedAt())
                .flag("verified", savepoint.verified())
                .number("restarts", savepoint.restarts())
                .flag("pinned", savepoint.pinned())
                .map("disposal", ofDisposal(savepoint.disposal()));
    }

    static Savepoint savepoint(Fields item) {
        return new Savepoint(
                cluster(item),
                jobName(item),
                item.read("attempt", FlinkJobId::new),
                item.read("operation", OperationId::new),
                item.read("origin", SavepointOrigin::valueOf),
                item.read("path", StoragePath::new),
                item.read("completedAt", Instant::parse),
                item.flag("verified"),
                item.number("restarts"),
                // Tables hold savepoints that were written before any was pinned.
                item.flagOrFalse("pinned"),
                item.mapIfPresent("disposal", Items::disposal));
    }

    private static @Nullable Attributes ofDisposal(@Nullable Disposal disposal) {
        return disposal == null
                ? null
                : new Attributes()
                        .text("decidedAt", disposal.decidedAt())
                        .number("failures", disposal.failures())
                        .text("tryFrom", disposal.tryFrom());
    }

    private static Disposal disposal(Fields map) {
        return new Disposal(
                map.read("decidedAt", Instant::parse), map.count("failures"), map.read("tryFrom", Instant::parse));
    }

    static Attributes ofLine(HistoryEntry entry) {
        Request by = entry.by();
        return new Attributes()
                .text("cluster", entry.cluster())
                .text("job", entry.job())
                .text("at", entry.at())
                .text("event", entry.event().name())
                .map("by", by == null ? null : ofCaller(by))
                .text("attempt", entry.attempt())
                .text("operation", entry.operation())
                .text("detail", entry.detail());
    }

    static HistoryEntry line(Fields item) {
        return new HistoryEntry(
                cluster(item),
                jobName(item),
                item.read("at", Instant::parse),
                item.read("event", HistoryEntry.Event::valueOf),
                item.mapIfPresent("by", Items::caller),
                item.readIfPresent("attempt", FlinkJobId::new),
                item.readIfPresent("operation", OperationId::new),
                item.readIfPresent("detail", detail -> detail));
    }

    static Attributes ofEvent(JobEvent event) {
        return new Attributes()
                .text("eventId", event.id())
                .text("detailType", event.type())
                .number("detailVersion", event.version())
                .text("cluster", event.cluster())
                .text("job", event.job())
                .number("sequence", event.sequence())
                .text("flinkJobId", event.execution())
                .text("requestId", event.request())
                .text("occurredAt", event.occurredAt())
                .plain("data", event.data());
    }

    static JobEvent event(Fields item) {
        return item.made(
                "detailType",
                () -> new JobEvent(
                        item.read("eventId", EventId::new),
                        item.text("detailType"),
                        item.count("detailVersion"),
                        cluster(item),
                        jobName(item),
                        item.number("sequence"),
                        item.read("flinkJobId", FlinkJobId::new),
                        item.readIfPresent("requestId", RequestId::new),
                        item.read("occurredAt", Instant::parse),
                        item.plain("data")));
    }

    private static Attributes ofSpec(JobSpec spec) {
        return new Attributes()
                .text("job", spec.name())
                .text("kind", spec.kind().name())
                .text("cluster", spec.cluster())
                .map("jar", ofJar(spec.jar()))
                .text("entryClass", spec.entryClass())
                .texts("args", spec.arguments())
                .number("parallelism", spec.parallelism())
                .map("restore", ofRestorePoint(spec.restore()))
                .text("onUnknown", spec.onUnknown().name())
                .map("policies", ofPolicies(spec.policies()));
    }

    private static JobSpec spec(Fields map) {
        return new JobSpec(
                jobName(map),
                map.read("kind", JobKind::valueOf),
                cluster(map),
                map.map("jar", Items::jar),
                map.readIfPresent("entryClass", EntryClass::new),
                map.texts("args"),
                map.countIfPresent("parallelism"),
                map.map("restore", Items::restorePoint),
                map.read("onUnknown", OnUnknown::valueOf),
                Objects.requireNonNullElse(map.mapIfPresent("policies", Items::policies), Policies.NONE));
    }

    /** A specification without policies has no attribute for them. */
    private static @Nullable Attributes ofPolicies(Policies policies) {
        return policies.equals(Policies.NONE)
                ? null
                : new Attributes()
                        .map("dataReady", ofDataReady(policies.dataReady()))
                        .map("health", ofHealth(policies.health()))
                        .map("savepoints", ofSavepoints(policies.savepoints()))
                        .map("retention", ofRetention(policies.retention()))
                        .map("restart", ofRestart(policies.restart()));
    }

    private static Policies policies(Fields map) {
        return new Policies(
                map.mapIfPresent("dataReady", Items::dataReady),
                map.mapIfPresent("health", Items::health),
                map.mapIfPresent("savepoints", Items::savepoints),
                map.mapIfPresent("retention", Items::retention),
                map.mapIfPresent("restart", Items::restart));
    }

    private static @Nullable Attributes ofSavepoints(@Nullable SavepointsPolicy policy) {
        return switch (policy) {
            case null -> null;
            case SavepointsPolicy.Every(Duration every) -> new Attributes().text("every", every);
            case Cron cron -> new Attributes().text("cron", cron.expression()).text("timeZone", cron.timeZoneText());
        };
    }

    private static SavepointsPolicy savepoints(Fields map) {
        Duration every = map.readIfPresent("every", Duration::parse);
        return every == null ? Cron.read(map.text("cron"), map.text("timeZone")) : new SavepointsPolicy.Every(every);
    }

    private static @Nullable Attributes ofRetention(@Nullable RetentionPolicy policy) {
        return policy == null
                ? null
                : new Attributes().number("count", policy.count()).text("age", policy.age());
    }

    private static RetentionPolicy retention(Fields map) {
        return new RetentionPolicy(map.count("count"), map.read("age", Duration::parse));
    }

    private static @Nullable Attributes ofRestart(@Nullable RestartPolicy policy) {
        return policy == null
                ? null
                : new Attributes()
                        .number("limit", policy.limit())
                        .text("backoff", policy.backoff())
                        .text("maxBackoff", policy.maxBackoff())
                        .text("resetAfter", policy.resetAfter());
    }

    private static RestartPolicy restart(Fields map) {
        return new RestartPolicy(
                map.count("limit"),
                map.read("backoff", Duration::parse),
                map.read("maxBackoff", Duration::parse),
                map.read("resetAfter", Duration::parse));
    }

    private static @Nullable Attributes ofHealth(@Nullable HealthPolicy policy) {
        return policy == null
                ? null
                : new Attributes()
                        .text("settlingTime", policy.settlingTime())
                        .number("restarts", policy.restarts())
                        .text("restartWindow", policy.restartWindow())
                        .number("failedCheckpoints", policy.failedCheckpoints())
                        .text("checkpointAge", policy.checkpointAge())
                        .number("backpressurePercent", policy.backpressurePercent())
                        .text("watermarkLag", policy.watermarkLag());
    }

    private static HealthPolicy health(Fields map) {
        return new HealthPolicy(
                map.read("settlingTime", Duration::parse),
                map.count("restarts"),
                map.read("restartWindow", Duration::parse),
                map.count("failedCheckpoints"),
                map.readIfPresent("checkpointAge", Duration::parse),
                map.countIfPresent("backpressurePercent"),
                map.readIfPresent("watermarkLag", Duration::parse));
    }

    private static @Nullable Attributes ofDataReady(@Nullable DataReadyPolicy policy) {
        return policy == null
                ? null
                : new Attributes()
                        .text("sink", policy.sink())
                        .text("every", policy.every().name())
                        .text("timeZone", policy.timeZoneText())
                        .text("start", policy.start())
                        .text("end", policy.end());
    }

    private static DataReadyPolicy dataReady(Fields map) {
        return DataReadyPolicy.of(
                map.text("sink"),
                map.read("every", DataReadyPolicy.Every::valueOf),
                map.text("timeZone"),
                map.readIfPresent("start", start -> start),
                map.readIfPresent("end", end -> end));
    }

    private static Attributes ofJar(JarReference jar) {
        return new Attributes()
                .text("uri", jar.uri())
                .text("versionId", jar.versionId())
                .text("sha256", jar.expectedDigest());
    }

    private static JarReference jar(Fields map) {
        return new JarReference(
                map.read("uri", JarUri::parse),
                map.readIfPresent("versionId", id -> id),
                map.readIfPresent("sha256", JarDigest::new));
    }

    private static Attributes ofRestorePoint(RestorePoint point) {
        Attributes map = new Attributes();
        return switch (point) {
            case RestorePoint.None() -> map.text("mode", "NONE");
            case RestorePoint.Latest(boolean allow) ->
                map.text("mode", "LATEST").flag("allowNonRestoredState", allow);
            case RestorePoint.Savepoint(StoragePath path, boolean allow) ->
                map.text("mode", "SAVEPOINT").text("path", path).flag("allowNonRestoredState", allow);
        };
    }

    private static RestorePoint restorePoint(Fields map) {
        return map.read("mode", mode -> switch (mode) {
            case "NONE" -> new RestorePoint.None();
            case "LATEST" -> new RestorePoint.Latest(map.flag("allowNonRestoredState"));
            case "SAVEPOINT" ->
                new RestorePoint.Savepoint(map.read("path", StoragePath::new), map.flag("allowNonRestoredState"));
            default -> throw new IllegalArgumentException("There is no such mode.");
        });
    }

    private static Attributes ofCaller(Request caller) {
        return new Attributes().text("requestId", caller.id()).number("try", caller.tryNumber());
    }

    private static Request caller(Fields map) {
        return new Request(map.read("requestId", RequestId::new), map.count("try"));
    }

    private static @Nullable Attributes ofRefusal(@Nullable Refusal refusal) {
        return refusal == null
                ? null
                : new Attributes().text("code", refusal.code().name()).text("message", refusal.message());
    }

    private static Refusal refusal(Fields map) {
        return new Refusal(map.read("code", ErrorCode::valueOf), map.text("message"));
    }

    private static ClusterName cluster(Fields item) {
        return item.read("cluster", ClusterName::new);
    }

    private static JobName jobName(Fields item) {
        return item.read("job", JobName::new);
    }
}
