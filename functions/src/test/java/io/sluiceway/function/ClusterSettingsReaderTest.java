package io.sluiceway.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClusterSettingsReaderTest {
    @Test
    void read_fullSetting_isTheClusters() {
        Map<ClusterName, ClusterSettings.Session> clusters = ClusterSettingsReader.read("""
                {"eks-1": {"type": "SESSION", "url": "https://flink.internal:8081", "uiUrl": "https://flink.example",
                  "savepointRoot": "s3://state/savepoints", "checkpointRoot": "s3://state/checkpoints",
                  "restoreRoots": ["s3://old/savepoints"], "slots": "ELASTIC"},
                 "emr": {"type": "SESSION", "url": "http://10.0.0.1:8081", "savepointRoot": "hdfs:///savepoints"}}
                """);

        assertThat(clusters).containsOnlyKeys(new ClusterName("eks-1"), new ClusterName("emr"));
        assertThat(clusters.get(new ClusterName("emr")).slots()).isEqualTo(Slots.FIXED);
        assertThat(clusters.get(new ClusterName("eks-1")).slots()).isEqualTo(Slots.ELASTIC);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "{}",
                "{\"a\":{}}",
                "{\"a\":null}",
                "{\"a\":[]}",
                "{\"a\":{},\"a\":{}}",
                "{\"a\":{\"type\":\"SESSION\",\"url\":\"http://h\",\"savepointRoot\":\"s3://b/s\",\"restoreRoots\":[null]}}",
                "{\"a\":{\"type\":\"SESSION\",\"url\":\"http://h:65536\",\"savepointRoot\":\"s3://b/s\"}}",
                "{\"a\":{\"type\":\"SESSION\",\"url\":\"http://h\",\"savepointRoot\":\"s3://user:password@b/s\"}}",
                "{\"a\":{\"type\":\"SESSION\",\"url\":\"http://h\",\"savepointRoot\":\"s3://b/s\"}} {}",
                "{\"a\":{\"type\":\"YARN\",\"url\":\"http://h\",\"savepointRoot\":\"s3://b/s\"}}",
                "{\"A\":{\"type\":\"SESSION\",\"url\":\"http://h\",\"savepointRoot\":\"s3://b/s\"}}",
                "{\"a\":{\"type\":\"SESSION\",\"url\":\"ftp://h\",\"savepointRoot\":\"s3://b/s\"}}",
                "{\"a\":{\"type\":\"SESSION\",\"url\":\"http://user:password@h\",\"savepointRoot\":\"s3://b/s\"}}",
                "{\"a\":{\"type\":\"SESSION\",\"url\":\"http://h h\",\"savepointRoot\":\"s3://b/s\"}}",
                "{\"a\":{\"type\":\"SESSION\",\"url\":\"http://h\",\"savepointRoot\":\"savepoints\"}}",
                "{\"a\":{\"type\":\"SESSION\",\"url\":\"http://h\",\"savepointRoot\":\"s3://b/s\",\"slot\":1}}"
            })
    void read_unusable_isRefusedAndSaysWhy(String setting) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> ClusterSettingsReader.read(setting))
                .withMessageStartingWith("The setting SLUICEWAY_CLUSTERS ")
                .withMessageNotContaining("password")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CONFIGURATION_INVALID));
    }
}
