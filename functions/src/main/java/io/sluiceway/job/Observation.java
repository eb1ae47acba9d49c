package io.sluiceway.job;

import java.time.Instant;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a cluster says of one thing about a job. That it can't tell is another thing than that there is nothing to tell.
 *
 * @param <T> what is observed
 */
public sealed interface Observation<T> {
    /**
     * It told.
     *
     * @param value what it told
     * @param asOf from when on it was so, where it was measured before it was asked for; absent: it is so now
     */
    record Known<T>(T value, @Nullable Instant asOf) implements Observation<T> {}

    /** There is none, or none yet. */
    record NothingYet<T>() implements Observation<T> {}

    /**
     * It can't tell.
     *
     * @param why a sentence for whoever wanted to know
     */
    record NotObservable<T>(String why) implements Observation<T> {}

    /** What is so now; null: there is nothing yet. */
    static <T> Observation<T> now(@Nullable T value) {
        return value == null ? new NothingYet<>() : new Known<>(value, null);
    }

    /** The same of something else. */
    default <U> Observation<U> map(Function<? super T, ? extends U> other) {
        return switch (this) {
            case Known<T>(T value, Instant asOf) -> new Known<>(other.apply(value), asOf);
            case NothingYet<T>() -> new NothingYet<>();
            case NotObservable<T>(String why) -> new NotObservable<>(why);
        };
    }

    /** What was told, if anything. */
    default Optional<T> told() {
        return switch (this) {
            case Known<T>(T value, Instant _) -> Optional.of(value);
            case NothingYet<T>(), NotObservable<T>(String _) -> Optional.empty();
        };
    }
}
