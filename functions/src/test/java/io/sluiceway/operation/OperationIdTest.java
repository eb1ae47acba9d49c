package io.sluiceway.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OperationIdTest {
    @ParameterizedTest
    @EnumSource
    void parse_whatToStringWrote_isTheSame(OperationType type) {
        OperationId id = new OperationId(
                type, new ClusterName("session-1"), new FlinkJobId("a".repeat(32)), new TriggerId("b".repeat(32)));

        assertThat(OperationId.parse(id.toString())).isEqualTo(id);
    }
}
