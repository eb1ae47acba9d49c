package io.sluiceway.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.sluiceway.testing.ManagedFlinkAccount.Settings;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ManagedFlinkAccountTest {
    @Test
    void read_nothingIsSaid_isNone() {
        assertThat(Settings.read(Map.of("AWS_REGION", "eu-central-1", "SLUICEWAY_TEST_AWS_REGION", " ")))
                .isEmpty();
    }

    @Test
    void read_aPartIsSaid_namesTheRest() {
        assertThatIllegalStateException()
                .isThrownBy(() -> Settings.read(Map.of("SLUICEWAY_TEST_AWS_BUCKET", "jars")))
                .withMessage("An account needs SLUICEWAY_TEST_AWS_REGION and SLUICEWAY_TEST_AWS_ROLE_ARN, too.");
    }

    @Test
    void read_allIsSaid_isTheAccount() {
        Map<String, String> environment = Map.of(
                "SLUICEWAY_TEST_AWS_REGION", "eu-central-1",
                "SLUICEWAY_TEST_AWS_BUCKET", "jars",
                "SLUICEWAY_TEST_AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/flink");

        assertThat(Settings.read(environment))
                .contains(new Settings(
                        "eu-central-1", "jars", "arn:aws:iam::111122223333:role/flink", "sluiceway-contract"));
    }
}
