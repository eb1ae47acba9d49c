package io.sluiceway.time;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for a call no longer than its deadline allows. */
public final class Bounded {
    private Bounded() {}

    /**
     * Makes one call, on a virtual thread of its own: only there the time limits of the AWS SDK hold. They interrupt,
     * which ends a virtual thread's blocked read but not a platform thread's; that one would wait for a body that has
     * begun as long as bytes keep coming, however slowly.
     *
     * @param name the thread's name
     * @throws TimeoutException when the time is up; the call is interrupted, and may yet have its effect
     * @throws InterruptedException when the caller is interrupted; likewise
     * @throws ExecutionException what the call threw
     */
    public static <T> T call(String name, Deadline deadline, Callable<T> call)
            throws TimeoutException, InterruptedException, ExecutionException {
        return call(name, deadline.remaining(), call);
    }

    /** Likewise, for a call that may take so long. */
    public static <T> T call(String name, Duration bound, Callable<T> call)
            throws TimeoutException, InterruptedException, ExecutionException {
        FutureTask<T> task = new FutureTask<>(call);
        Thread.ofVirtual().name(name).start(task);
        try {
            return task.get(bound.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException | InterruptedException e) {
            task.cancel(true);
            throw e;
        }
    }
}
