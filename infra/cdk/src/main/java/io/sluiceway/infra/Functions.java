package io.sluiceway.infra;

import io.sluiceway.infra.settings.FunctionName;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** The deployed functions: one for each name. */
public final class Functions {
    private final Map<FunctionName, SluicewayFunction> functions = new EnumMap<>(FunctionName.class);

    /**
     * Makes each function.
     *
     * @param make how one is made
     */
    Functions(Function<FunctionName, SluicewayFunction> make) {
        for (FunctionName name : FunctionName.values()) {
            functions.put(name, make.apply(name));
        }
    }

    /**
     * Picks one.
     *
     * @param name which
     * @return the function of that name
     */
    public SluicewayFunction get(FunctionName name) {
        return Objects.requireNonNull(functions.get(name));
    }

    /** {@return all of them, in the order of their names' enum} */
    public List<SluicewayFunction> all() {
        return Arrays.stream(FunctionName.values()).map(this::get).toList();
    }
}
