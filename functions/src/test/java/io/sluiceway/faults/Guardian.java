package io.sluiceway.faults;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A small process that ends the processes given to it when this JVM is gone, however it went. */
final class Guardian implements AutoCloseable {
    /** Keeps a list of process ids, told as {@code + 17} and {@code - 17}, and kills what is on it at the end. */
    private static final String SCRIPT = """
            wards=' '
            while read -r what pid; do
              case $what in
                +) wards="$wards$pid " ;;
                -) case $wards in *" $pid "*) wards="${wards%% $pid *} ${wards#* $pid }" ;; esac ;;
              esac
            done
            for pid in $wards; do kill -9 "$pid" 2>/dev/null; done
            """;

    private final Process process;
    private final OutputStream orders;

    Guardian() {
        try {
            process = new ProcessBuilder(List.of("sh", "-c", SCRIPT))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        orders = process.getOutputStream();
    }

    /** Watches over a process until it has ended. */
    void guard(Process ward) {
        tell("+ " + ward.pid());
        CompletableFuture<Void> _ = ward.onExit().thenRun(() -> tell("- " + ward.pid()));
    }

    private synchronized void tell(String order) {
        try {
            orders.write((order + "\n").getBytes(StandardCharsets.US_ASCII));
            orders.flush();
        } catch (IOException e) {
            // It has been closed: everything has ended.
        }
    }

    /** Ends what hasn't ended. */
    @Override
    public void close() {
        try {
            orders.close();
            process.waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
