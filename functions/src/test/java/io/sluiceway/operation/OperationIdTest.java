package io.sluiceway.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import org.junit.jupiter.api.Test;

class OperationIdTest {
    private static final ClusterName CLUSTER = new ClusterName("session-1");
    private static final JobName JOB = new JobName("flight-delays");
    private static final RequestId REQUEST = new RequestId("day-5");

    @Test
    void derive_sameParts_isTheSameId() {
        assertThat(OperationId.derive(CLUSTER, JOB, "stop-job", REQUEST, 1))
                .isEqualTo(OperationId.derive(CLUSTER, JOB, "stop-job", REQUEST, 1));
    }

    @Test
    void derive_anotherVerbOrNumber_isAnotherId() {
        assertThat(OperationId.derive(CLUSTER, JOB, "stop-job", REQUEST, 1))
                .isNotEqualTo(OperationId.derive(CLUSTER, JOB, "take-savepoint", REQUEST, 1))
                .isNotEqualTo(OperationId.derive(CLUSTER, JOB, "stop-job", REQUEST, 2));
    }
}
