package io.sluiceway.testing;

import java.util.List;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Hears every line that is logged while it is open; Sluiceway's own lines are heard by nobody else. */
public final class LogListener implements AutoCloseable {
    /** Where the functions write lines that are JSON; the deployment gives it a handler of its own. */
    private static final Logger LINES = Logger.getLogger("io.sluiceway.log");

    private static final Logger OURS = Logger.getLogger("io.sluiceway");
    private static final Logger ALL = Logger.getLogger("");

    private final Handler handler;
    private final List<Handler> before = List.of(LINES.getHandlers());
    private final boolean parentBefore = LINES.getUseParentHandlers();

    public LogListener(Consumer<LogRecord> lines) {
        handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                lines.accept(line);
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        handler.setLevel(Level.ALL);
        before.forEach(LINES::removeHandler);
        LINES.setUseParentHandlers(true);
        OURS.setUseParentHandlers(false);
        OURS.addHandler(handler);
        ALL.addHandler(handler);
    }

    @Override
    public void close() {
        ALL.removeHandler(handler);
        OURS.removeHandler(handler);
        OURS.setUseParentHandlers(true);
        LINES.setUseParentHandlers(parentBefore);
        before.forEach(LINES::addHandler);
    }
}
