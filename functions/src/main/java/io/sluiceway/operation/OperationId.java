package io.sluiceway.operation;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;

/**
 * Names an operation by all that is needed to observe it, so that functions keep nothing between calls.
 *
 * @param type what it does
 * @param cluster where
 * @param job to which execution
 * @param trigger by which trigger; derived from the request
 */
public record OperationId(OperationType type, ClusterName cluster, FlinkJobId job, TriggerId trigger) {
    private static final int PARTS = 4;

    /**
     * Reads {@code type.cluster.flinkJobId.triggerId}.
     *
     * @throws RefusedException FIELD_INVALID when the text has another form
     */
    public static OperationId parse(String text) {
        String[] parts = text.split("\\.", -1);
        if (parts.length == PARTS) {
            for (OperationType type : OperationType.values()) {
                if (type.word().equals(parts[0])) {
                    return new OperationId(
                            type, new ClusterName(parts[1]), new FlinkJobId(parts[2]), new TriggerId(parts[3]));
                }
            }
        }
        throw new RefusedException(
                ErrorCode.FIELD_INVALID, "operationId %s is none that Sluiceway gave.".formatted(Quoted.of(text)));
    }

    @Override
    public String toString() {
        return String.join(".", type.word(), cluster.value(), job.value(), trigger.value());
    }
}
