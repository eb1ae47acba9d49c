package io.sluiceway.control;

import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.savepoint.SavepointProgress;
import io.sluiceway.savepoint.StoragePath;
import org.jspecify.annotations.Nullable;

/** Reads the progress of a savepoint as the state of the operation that triggered it. */
final class OperationProgress {
    private OperationProgress() {}

    static Operation of(OperationId id, SavepointProgress progress) {
        return switch (progress) {
            case SavepointProgress.InProgress() -> Operation.inProgress(id);
            case SavepointProgress.Completed(StoragePath path) -> Operation.completed(id, path);
            case SavepointProgress.Failed(String reason, @Nullable StoragePath path) ->
                Operation.failed(id, path, reason);
        };
    }
}
