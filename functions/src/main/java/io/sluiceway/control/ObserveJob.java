package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.JobObserved;
import io.sluiceway.control.Answer.OperationObserved;
import io.sluiceway.control.Attempts.Seen;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.time.Deadline;
import java.util.Optional;

/** Observes one job or one operation, and takes the operation forward. */
public final class ObserveJob {
    private final Ports ports;

    public ObserveJob(Ports ports) {
        this.ports = ports;
    }

    /**
     * Observes a job; one that Sluiceway didn't start is shown as its cluster shows it.
     *
     * @throws RefusedException JOB_NOT_FOUND when neither the ledger nor the cluster knows it
     */
    public JobObserved observe(Target target, Deadline deadline) {
        return observe(target, true, deadline);
    }

    /** As observed, with what leads a person into the job's dashboard. */
    public JobObserved withDashboard(JobObserved seen, Deadline deadline) {
        JobStatus status = seen.status();
        return new JobObserved(
                seen.cluster(),
                seen.attempt(),
                status,
                seen.jobPage(),
                status == null
                        ? new NotObservable<>("The cluster doesn't have the job.")
                        : ports.clusters().named(seen.cluster()).openDashboard(ref(seen, status), status, deadline),
                seen.dataReady());
    }

    private static JobRef ref(JobObserved seen, JobStatus status) {
        return seen.attempt() == null
                ? JobRef.unnamed(status.overview().id())
                : seen.attempt().ref();
    }

    /** As {@link #observe(Target, Deadline)}, without what the cluster itself can't tell. */
    JobObserved observeUnmeasured(Target target, Deadline deadline) {
        return observe(target, false, deadline);
    }

    /** Likewise, of an attempt as it was read some moments ago. */
    JobObserved observeUnmeasured(Versioned<Attempt> known, FlinkCluster cluster, Deadline deadline) {
        try {
            return observe(known, cluster, false, deadline);
        } catch (LedgerConflictException _) {
            return observeUnmeasured(
                    new Target(cluster.name(), null, known.value().id()), deadline);
        }
    }

    /**
     * Observes a job.
     *
     * @param measured whether to ask for what is measured late, too: it is for people and for what they are told. No
     *     restore goes by it, and a sweep asks for it of the versions of upgrades alone
     */
    private JobObserved observe(Target target, boolean measured, Deadline deadline) {
        FlinkCluster cluster = ports.clusters().named(target.cluster());
        FlinkJobId id = target.attempt();
        if (id != null
                && ports.ledger().findAttempt(cluster.name(), id, deadline).isEmpty()) {
            JobRef job = JobRef.unnamed(id);
            JobStatus status = cluster.observeJob(job, deadline).orElseThrow(() -> cluster.unknownJob(id));
            return new JobObserved(cluster.name(), null, status, cluster.jobPage(job));
        }
        return Conflicts.retry(
                deadline,
                () -> observe(target.resolve(cluster, ports.ledger(), deadline), cluster, measured, deadline));
    }

    /**
     * Observes an operation and the job that it acts on.
     *
     * @param jars what an upgrade starts versions with
     * @throws RefusedException OPERATION_NOT_FOUND when the ledger doesn't know it
     */
    public OperationObserved observe(OperationId id, Jars jars, Deadline deadline) {
        return Conflicts.retry(deadline, () -> {
            Versioned<Operation> known = ports.ledger()
                    .findOperation(id, deadline)
                    .orElseThrow(() -> new RefusedException(
                            ErrorCode.OPERATION_NOT_FOUND, "The ledger knows no operation %s.".formatted(id)));
            FlinkCluster cluster = ports.clusters().named(known.value().cluster());
            Operation operation = known.value().type().goesInSteps()
                    ? new UpgradeJob(ports, jars).advance(known, cluster, deadline)
                    : new Operations(ports, cluster, deadline).advance(known);
            Attempts attempts = new Attempts(ports, cluster, deadline);
            return new OperationObserved(
                    operation, observe(attempts.require(actsOn(operation)), cluster, true, deadline));
        });
    }

    /** The attempt that an operation acts on now: of an upgrade, the version that was started last. */
    private static FlinkJobId actsOn(Operation operation) {
        Upgrade upgrade = operation.upgrade();
        if (upgrade == null) {
            return operation.attempt();
        }
        FlinkJobId newer = upgrade.back() == null ? upgrade.next() : upgrade.back();
        return newer == null ? operation.attempt() : newer;
    }

    private JobObserved observe(Versioned<Attempt> known, FlinkCluster cluster, boolean measured, Deadline deadline)
            throws LedgerConflictException {
        Attempts attempts = new Attempts(ports, cluster, deadline);
        Seen seen = attempts.look(known);
        if (seen.job() != null && seen.attempt().stop() != null) {
            // Whoever sees the job finishes a stop that came before it.
            Operations operations = new Operations(ports, cluster, deadline);
            Optional<Versioned<Operation>> stop = operations.find(seen.attempt().stop());
            if (stop.isPresent() && stop.get().value().state() == OperationState.PENDING) {
                operations.advance(stop.get());
                seen = attempts.look(attempts.require(known.value().id()));
            }
        }
        Optional<JobStatus> status = seen.job() == null
                ? Optional.empty()
                : Attempts.masking(known.value().spec(), () -> status(known.value(), cluster, deadline));
        Versioned<Attempt> record = seen.record();
        Long restarts = status.flatMap(shown -> shown.restarts().told()).orElse(null);
        if (restarts != null) {
            record = attempts.restarts(record, restarts);
        }
        JobStatus told = status.map(
                        seenNow -> measured ? cluster.measure(known.value().ref(), seenNow, deadline) : seenNow)
                .map(shown -> shown.without(known.value().spec().arguments()))
                .orElse(null);
        if (told != null) {
            record = new HealthEvents(ports, deadline).tell(record, told);
        }
        return new JobObserved(
                cluster.name(),
                record.value(),
                told,
                cluster.jobPage(known.value().ref()),
                null,
                measured && told != null ? new DataReadiness(ports, cluster, deadline).show(record.value()) : null);
    }

    private static Optional<JobStatus> status(Attempt attempt, FlinkCluster cluster, Deadline deadline) {
        Optional<JobStatus> status = cluster.observeJob(attempt.ref(), deadline);
        return attempt.spec().policies().healthOrDefault().asksForFlow()
                ? status.map(seen -> cluster.observeFlow(attempt.ref(), seen, deadline))
                : status;
    }
}
