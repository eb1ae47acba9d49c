package io.sluiceway.savepoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.error.RefusedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StoragePathTest {
    private static final StoragePath ROOT = new StoragePath("s3://state/savepoints/");

    @Test
    void isWithin_childAndItself_isTrue() {
        assertThat(ROOT.isWithin(ROOT)).isTrue();
        assertThat(ROOT.child("a").child("b").isWithin(ROOT)).isTrue();
    }

    @Test
    void isWithin_sibling_isFalse() {
        assertThat(new StoragePath("s3://state/savepoints-2").isWithin(ROOT)).isFalse();
        assertThat(new StoragePath("s3://state").isWithin(ROOT)).isFalse();
    }

    @Test
    void isWithin_otherSpellingOfNoAuthority_isTrue() {
        assertThat(new StoragePath("file:/mnt/sp/1").isWithin(new StoragePath("file:///mnt/sp")))
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/data",
                "data",
                "s3://",
                "s3:///",
                "s3://state/../x",
                "s3://state/./x",
                "s3://state/a%2e",
                "s3://state/a?b",
                "s3://user:password@state/a",
                "s3://state/a#b",
                "s3://state/a\nb",
                "S3://state/a",
                "<checkpoint-not-externally-addressable>"
            })
    void new_noDirectory_isRefused(String text) {
        assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> new StoragePath(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "file:///data/a",
                "file://///data/a//",
                "i:/a///i:///b",
                "abfss://files@store.dfs.core.windows.net/a"
            })
    void new_itsOwnText_isTheSame(String text) {
        StoragePath path = new StoragePath(text);

        assertThat(new StoragePath(path.value())).isEqualTo(path);
    }
}
