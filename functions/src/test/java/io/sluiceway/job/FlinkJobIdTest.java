package io.sluiceway.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class FlinkJobIdTest {
    private static final ClusterName CLUSTER = new ClusterName("local");
    private static final JobName JOB = new JobName("flight-delays");

    @Test
    void derive_isTheFirst128BitsOfSha256OverLengthPrefixedParts() throws Exception {
        byte[] bytes =
                "\0\0\0\5local\0\0\0\15flight-delays\0\0\0\7request\0\0\0\0011".getBytes(StandardCharsets.ISO_8859_1);
        String expected = HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes))
                .substring(0, 32);

        assertThat(FlinkJobId.derive(CLUSTER, JOB, new RequestId("request"), 1).value())
                .isEqualTo(expected);
    }

    @Test
    void derive_partsThatJoinToTheSameText_areDifferentIds() {
        assertThat(FlinkJobId.derive(new ClusterName("a"), new JobName("bc"), new RequestId("r"), 1))
                .isNotEqualTo(FlinkJobId.derive(new ClusterName("ab"), new JobName("c"), new RequestId("r"), 1));
    }

    @Test
    void derive_anotherAttempt_isAnotherId() {
        assertThat(FlinkJobId.derive(CLUSTER, JOB, new RequestId("request"), 1))
                .isNotEqualTo(FlinkJobId.derive(CLUSTER, JOB, new RequestId("request"), 2));
    }
}
