package io.sluiceway.jobs.flightdelays;

import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.jspecify.annotations.Nullable;

/**
 * Joins each hour with its airport's weather; an hour without an observation keeps none (a left join).
 *
 * <p>The year's weather is 26,115 small rows that don't change, so each subtask holds them all, and no state is kept.
 */
final class WeatherJoin extends RichMapFunction<HourlyDelays, HourlyDelays> {

    private static final long serialVersionUID = 1L;

    private final InputDirectory input;
    private transient @Nullable Map<InputDirectory.OriginHour, Weather> weather;

    WeatherJoin(InputDirectory input) {
        this.input = input;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        weather = input.readWeather();
    }

    @Override
    public HourlyDelays map(HourlyDelays hour) {
        if (weather == null) {
            throw new IllegalStateException("map was called before open");
        }
        return hour.withWeather(weather.get(new InputDirectory.OriginHour(hour.origin(), hour.hour())));
    }
}
