package io.sluiceway.error;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class QuotedTest {
    @Test
    void plain_whatCannotBeSeen_isReplaced() {
        assertThat(Quoted.plain("a\0b\nc\u200bd\u202ee\u2028f\ud800g\ud83d\udeeb", 100))
                .isEqualTo("a?b?c?d?e?f?g\ud83d\udeeb");
    }

    @Test
    void plain_cutWithinACharacter_keepsNoHalf() {
        assertThat(Quoted.plain("ab\ud83d\udeebc", 3)).isEqualTo("ab?…");
    }

    @Test
    void shape_text_tellsLengthAndWhatTheEyeMisses() {
        assertThat(Quoted.shape("hunter2")).isEqualTo("(7 characters)");
        assertThat(Quoted.shape("fl\u0456ght")).isEqualTo("(6 characters, U+0456 at 3)");
        assertThat(Quoted.shape("a".repeat(2000) + "\n")).isEqualTo("(2,001 characters, U+000A at 2,001)");
    }
}
