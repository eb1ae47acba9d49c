package io.sluiceway.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArgumentsTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --password=hunter2                       | Wrong password hunter2.       | Wrong password ….
            --password=hunter2                       | Unknown: --password=hunter2   | Unknown: --password=…
            -Dkey=hunter2                            | hunter2 and -Dkey             | … and -Dkey
            key=hunter2                              | hunter2                       | …
            jdbc:postgresql://root:hunter2@db/f      | hunter2 of root at db         | … of … at db
            https://h/a?X-Sig=hunter2&X-Date=20130105| X-Sig hunter2 of 20130105     | X-Sig … of …
            {"password": "hunter2"}                  | {password=hunter2}            | {…=…}
            hunter2                                  | It is hunter…                 | It is …
            s3://flights/2013                        | No such: s3://flights/2013    | No such: …
            s3://flights/2013                        | The bucket flights            | The bucket flights
            --from                                   | What is --from?               | What is --from?
            123                                      | 123 slots                     | 123 slots
            """)
    void mask_text_leavesOutWhatMayBeSecret(String argument, String text, String masked) {
        assertThat(Arguments.mask(text, List.of(argument))).isEqualTo(masked);
    }

    /** As many arguments as are allowed, all of small parts, and words as long as are kept. */
    @Test
    @Timeout(20)
    void mask_muchOfEverything_takesNoTime() {
        List<String> arguments = IntStream.range(0, 256)
                .mapToObj(i -> IntStream.range(0, 140)
                        .mapToObj(part -> "k=%03d%03d".formatted(i, part))
                        .collect(Collectors.joining("&")))
                .toList();

        assertThat(Arguments.mask("k=0000&".repeat(9_000), arguments)).isNotEmpty();
    }
}
