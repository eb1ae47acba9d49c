package io.sluiceway.operation;

import io.sluiceway.savepoint.StoragePath;
import org.jspecify.annotations.Nullable;

/**
 * An asynchronous action as it was last observed.
 *
 * @param id which one
 * @param state how far it has come
 * @param savepoint the savepoint that it left, also when ending the job failed afterwards; absent while there is none
 * @param failure why it failed, in a sentence; absent unless it did
 */
public record Operation(
        OperationId id,
        OperationState state,
        @Nullable StoragePath savepoint,
        @Nullable String failure) {
    /** An operation that the cluster works on. */
    public static Operation inProgress(OperationId id) {
        return new Operation(id, OperationState.IN_PROGRESS, null, null);
    }

    /** An operation that did what it was for. */
    public static Operation completed(OperationId id, @Nullable StoragePath savepoint) {
        return new Operation(id, OperationState.COMPLETED, savepoint, null);
    }

    /** An operation that failed, with the savepoint that it left all the same. */
    public static Operation failed(OperationId id, @Nullable StoragePath savepoint, String failure) {
        return new Operation(id, OperationState.FAILED, savepoint, failure);
    }
}
