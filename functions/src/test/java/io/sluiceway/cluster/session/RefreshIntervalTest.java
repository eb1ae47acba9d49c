package io.sluiceway.cluster.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.WebOptions;
import org.apache.flink.util.TimeUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RefreshIntervalTest {
    @ParameterizedTest
    @ValueSource(strings = {"3000", "0", "250 ms", "3 s", "3s", "10 SEC", "1 min", "2 m", "1 h", "PT3S", "PT0.5S"})
    void of_whatFlinkTakes_isWhatFlinkTakesItFor(String text) {
        assertThat(RefreshInterval.of(text, Duration.ZERO)).hasValue(TimeUtils.parseDuration(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "soon", "3 fortnights", "-1", "PT-3S", "3.5 s"})
    void of_whatCannotBeRead_isUnknown(String text) {
        assertThat(RefreshInterval.of(text, Duration.ZERO)).isEmpty();
    }

    @Test
    void of_nothing_isFlinksDefault() {
        assertThat(RefreshInterval.of(null, RefreshInterval.DEFAULT))
                .hasValue(new Configuration().get(WebOptions.REFRESH_INTERVAL));
    }
}
