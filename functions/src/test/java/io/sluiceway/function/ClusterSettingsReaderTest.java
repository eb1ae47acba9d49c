package io.sluiceway.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.cluster.ApplicationNames;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Managed;
import io.sluiceway.cluster.ClusterSettings.Ownership;
import io.sluiceway.cluster.ClusterSettings.Session;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClusterSettingsReaderTest {
    @Test
    void read_fullSetting_isTheClusters() {
        Map<ClusterName, ClusterSettings> clusters = ClusterSettingsReader.read("""
                {"eks-1": {"type": "SESSION", "url": "https://flink.internal:8081", "uiUrl": "https://flink.example",
                  "savepointRoot": "s3://state/savepoints", "checkpointRoot": "s3://state/checkpoints",
                  "restoreRoots": ["s3://old/savepoints"], "slots": "ELASTIC"},
                 "emr": {"type": "SESSION", "url": "http://10.0.0.1:8081", "savepointRoot": "hdfs:///savepoints"},
                 "managed": {"type": "MANAGED", "applications": "sluiceway-prod-{job}", "runtime": "FLINK-2_3",
                  "serviceRoleArn": "arn:aws:iam::111122223333:role/flink",
                  "logStreamArn": "arn:aws:logs:eu-central-1:111122223333:log-group:/flink:log-stream:jobs",
                  "checkpointInterval": "PT10S", "parallelismPerKpu": 2},
                 "theirs": {"type": "MANAGED", "applications": "{job}-prod", "ownership": "EXTERNAL"}}
                """);

        assertThat(clusters)
                .containsOnlyKeys(
                        new ClusterName("eks-1"),
                        new ClusterName("emr"),
                        new ClusterName("managed"),
                        new ClusterName("theirs"))
                .hasEntrySatisfying(
                        new ClusterName("emr"),
                        emr -> assertThat(emr)
                                .isInstanceOfSatisfying(
                                        Session.class,
                                        session -> assertThat(session.slots()).isEqualTo(Slots.FIXED)))
                .hasEntrySatisfying(
                        new ClusterName("eks-1"),
                        eks -> assertThat(eks)
                                .isInstanceOfSatisfying(
                                        Session.class,
                                        session -> assertThat(session.slots()).isEqualTo(Slots.ELASTIC)))
                .containsEntry(
                        new ClusterName("managed"),
                        new Managed(
                                new ApplicationNames("sluiceway-prod-{job}"),
                                Ownership.SLUICEWAY,
                                "FLINK-2_3",
                                "arn:aws:iam::111122223333:role/flink",
                                "arn:aws:logs:eu-central-1:111122223333:log-group:/flink:log-stream:jobs",
                                Duration.ofSeconds(10),
                                2))
                .containsEntry(
                        new ClusterName("theirs"),
                        new Managed(
                                new ApplicationNames("{job}-prod"),
                                Ownership.EXTERNAL,
                                null,
                                null,
                                null,
                                Duration.ofMinutes(1),
                                1));
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
                "{\"a\":{\"type\":\"MANAGED\",\"applications\":\"sluiceway-{job}\"}}",
                "{\"a\":{\"type\":\"MANAGED\",\"applications\":\"sluiceway\",\"ownership\":\"EXTERNAL\"}}",
                "{\"a\":{\"type\":\"MANAGED\",\"applications\":\"{job}\",\"ownership\":\"EXTERNAL\",\"url\":\"http://h\"}}",
                "{\"a\":{\"type\":\"MANAGED\",\"applications\":\"{job}\",\"ownership\":\"EXTERNAL\",\"checkpointInterval\":\"PT25H\"}}",
                "{\"a\":{\"type\":\"MANAGED\",\"applications\":\"{job}\",\"ownership\":\"EXTERNAL\",\"parallelismPerKpu\":9}}",
                "{\"a\":{\"type\":\"MANAGED\",\"applications\":\"{job}\",\"serviceRoleArn\":\"role\",\"runtime\":\"FLINK-2_3\"}}",
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
