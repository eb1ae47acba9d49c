package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.testing.Processes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The two helpers that are processes' own: the wrong clock, and the guardian that leaves nobody behind. */
class ClockAgentTest {
    @TempDir
    Path home;

    /** Prints how far the clocks that the functions use are from the system's. */
    static final class Clocks {
        private Clocks() {}

        /** Runs in a process of its own. */
        public static void main(String[] args) {
            Instant system = Instant.ofEpochMilli(System.currentTimeMillis());
            for (Instant told : List.of(Instant.now(), Clock.systemUTC().instant())) {
                System.out.println(Math.round(Duration.between(system, told).toSeconds() / 60.0));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {5, -5})
    void agent_inAnotherProcess_setsItsClockWrong(int minutes) throws Exception {
        Path agent = ClockAgent.write(home.resolve("clock.jar"));
        Process process = Processes.start(
                home.resolve("out"),
                Map.of(),
                Processes.java(
                        "-javaagent:" + agent + "=" + Duration.ofMinutes(minutes),
                        "-cp",
                        Path.of(Clocks.class
                                        .getProtectionDomain()
                                        .getCodeSource()
                                        .getLocation()
                                        .toURI())
                                .toString(),
                        Clocks.class.getName()));

        assertThat(process.waitFor()).isZero();
        assertThat(Files.readString(home.resolve("out"))).isEqualToIgnoringNewLines(minutes + "\n" + minutes + "\n");
    }

    @Test
    void guardian_thatIsGone_hasEndedItsWards() throws Exception {
        Process ward = Processes.start(home.resolve("out"), Map.of(), List.of("sleep", "600"));
        Process ended = Processes.start(home.resolve("out"), Map.of(), List.of("true"));
        try (Guardian guardian = new Guardian()) {
            guardian.guard(ward);
            guardian.guard(ended);
            assertThat(ended.waitFor()).isZero();
        }

        assertThat(ward.waitFor()).isEqualTo(128 + 9);
    }
}
