package io.sluiceway.function;

import org.jspecify.annotations.Nullable;

/** What every request says. */
interface FunctionRequest {
    /** How the caller wants to hear of a refusal; absent: {@link OnRefusal#THROW}. */
    @Nullable
    OnRefusal onRefusal();
}
