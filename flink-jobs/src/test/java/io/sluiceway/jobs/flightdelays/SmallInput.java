package io.sluiceway.jobs.flightdelays;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An input directory of a few rows, in the columns of the real one. */
final class SmallInput {

    private static final String FLIGHT_COLUMNS = "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,"
            + "sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour";
    private static final String WEATHER_COLUMNS =
            "origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour";

    private SmallInput() {}

    /** A row of flights.csv for a flight scheduled on 2013-01-05 at {@code hour}:{@code minute}, New York time. */
    static String flight(String origin, int number, int hour, int minute, @Nullable Integer delay) {
        return "2013,1,5,NA,%d,%s,NA,1000,NA,UA,%d,N1,%s,IAH,NA,1400,%d,%d,2013-01-05T%02d:00:00Z"
                .formatted(hour * 100 + minute, delay == null ? "NA" : delay, number, origin, hour, minute, hour + 5);
    }

    /** The moment when a flight of {@link #flight} was to depart. */
    static Instant scheduled(int hour, int minute) {
        return Instant.parse("2013-01-05T%02d:%02d:00Z".formatted(hour + 5, minute));
    }

    static InputDirectory write(Path directory, List<String> flights, List<String> weather) throws IOException {
        Files.createDirectories(directory);
        Files.writeString(
                directory.resolve(InputDirectory.FLIGHTS), FLIGHT_COLUMNS + "\n" + String.join("\n", flights) + "\n");
        Files.writeString(
                directory.resolve(InputDirectory.WEATHER), WEATHER_COLUMNS + "\n" + String.join("\n", weather) + "\n");
        return new InputDirectory(directory.toUri().toString());
    }
}
