package io.sluiceway.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluiceway.metrics.Measurement.Unit;
import io.sluiceway.metrics.Measurement.Value;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MeasurementTest {
    private static final Value RUNNING = new Value("JobsRunning", Unit.COUNT, 1);

    @Test
    void new_dimensions_keepTheirOrder() {
        SequencedMap<String, String> dimensions = new LinkedHashMap<>();
        dimensions.put("job", "a");
        dimensions.put("cluster", "b");

        assertThat(new Measurement(Instant.EPOCH, dimensions, List.of(RUNNING))
                        .dimensions()
                        .keySet())
                .containsExactly("job", "cluster");
    }

    @Test
    void new_nameTwiceOrNothingToTell_isRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> measurement("cluster", RUNNING, RUNNING));
        assertThatIllegalArgumentException().isThrownBy(() -> measurement("JobsRunning", RUNNING));
        assertThatIllegalArgumentException().isThrownBy(() -> measurement("cluster"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Measurement(Instant.EPOCH, new LinkedHashMap<>(), List.of(RUNNING)));
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void new_valueThatIsNoNumber_isRefused(double value) {
        assertThatIllegalArgumentException().isThrownBy(() -> new Value("Restarts", Unit.COUNT, value));
    }

    private static Measurement measurement(String dimension, Value... values) {
        SequencedMap<String, String> dimensions = new LinkedHashMap<>();
        dimensions.put(dimension, "a");
        return new Measurement(Instant.EPOCH, dimensions, List.of(values));
    }
}
