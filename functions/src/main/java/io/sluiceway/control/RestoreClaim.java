package io.sluiceway.control;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Keeps a savepoint that a submission names by its path from being removed by the retention of the job that it is of.
 *
 * <p>That of the submitted STREAM itself is in use by what the job's record and its attempts say. One of another job is
 * pinned, in the transaction that makes the attempt: whose retention comes first, that submission is refused; whose
 * submission comes first, that savepoint stays.
 */
record RestoreClaim(JobLedger ledger, Deadline deadline) {
    private static final Pattern OPERATION = Pattern.compile("[0-9a-f]{32}");

    /**
     * What has to be written with an attempt of this specification.
     *
     * @return empty when its restore point is none that can be removed
     * @throws RefusedException RESTORE_POINT_NOT_FOUND when it is being removed
     */
    Optional<LedgerChange> of(JobSpec spec) {
        if (!(spec.restore() instanceof RestorePoint.Savepoint(StoragePath path, boolean _))) {
            return Optional.empty();
        }
        Optional<Savepoint> own = ledger.savepoints(spec.cluster(), spec.name(), deadline).stream()
                .filter(savepoint -> savepoint.isAt(path))
                .findFirst();
        if (own.isPresent()) {
            checkKept(own.get(), path);
            return Optional.empty();
        }
        Optional<Versioned<Savepoint>> others = ofAnotherJob(spec, path);
        others.ifPresent(savepoint -> checkKept(savepoint.value(), path));
        return others.filter(savepoint -> !savepoint.value().pinned())
                .map(savepoint ->
                        new LedgerChange.PutSavepoint(savepoint.value().pin(), savepoint.version()));
    }

    private static void checkKept(Savepoint savepoint, StoragePath path) {
        if (savepoint.disposal() != null) {
            throw new RefusedException(
                    ErrorCode.RESTORE_POINT_NOT_FOUND,
                    "Savepoint '%s' is being removed by the retention of job '%s' since %s."
                            .formatted(
                                    path, savepoint.job(), savepoint.disposal().decidedAt()));
        }
    }

    /** A savepoint lies in a directory of its operation, below one of its job. */
    private Optional<Versioned<Savepoint>> ofAnotherJob(JobSpec spec, StoragePath path) {
        List<String> segments = List.of(path.value().split("/", -1));
        for (int i = segments.size() - 1; i > 0; i--) {
            if (OPERATION.matcher(segments.get(i)).matches()) {
                OperationId id = new OperationId(segments.get(i));
                Optional<Operation> operation =
                        ledger.findOperation(id, deadline).map(Versioned::value);
                // The ledger keeps savepoints longer than operations.
                Optional<Versioned<Savepoint>> savepoint = operation.isPresent()
                        ? ledger.findSavepoint(
                                operation.get().cluster(), operation.get().job(), id, deadline)
                        : named(segments.get(i - 1))
                                .flatMap(job -> ledger.findSavepoint(spec.cluster(), job, id, deadline));
                if (savepoint.isPresent()) {
                    return savepoint;
                }
            }
        }
        return Optional.empty();
    }

    private static Optional<JobName> named(String segment) {
        try {
            return Optional.of(new JobName(segment));
        } catch (RefusedException e) {
            return Optional.empty();
        }
    }
}
