package io.sluiceway.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import java.time.Duration;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WiringTest {
    @ParameterizedTest
    @ValueSource(strings = {"PT1S", "PT5S", "PT1M"})
    void metricsPeriod_upToTheServicesOwn_isTaken(String period) {
        assertThat(Wiring.metricsPeriod(Duration.parse(period))).hasToString(period);
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0S", "PT0.5S", "-PT1M", "PT61S"})
    void metricsPeriod_thatCloudWatchCannotHave_isRefused(String period) {
        assertThatThrownBy(() -> Wiring.metricsPeriod(Duration.parse(period)))
                .asInstanceOf(InstanceOfAssertFactories.type(RefusedException.class))
                .extracting(RefusedException::code)
                .isEqualTo(ErrorCode.CONFIGURATION_INVALID);
    }
}
