package io.sluiceway.nativeimage;

import com.oracle.svm.core.annotate.Substitute;
import com.oracle.svm.core.annotate.TargetClass;

/**
 * Natively, leaves out that {@code HttpURLConnection} listens to a kept connection for a millisecond, to see whether it
 * was closed meanwhile, before each POST whose length is known, as those to DynamoDB, EventBridge and Managed Flink
 * are. By the clock the JDK keeps an idle connection for five seconds at most, so one that a frozen function holds
 * isn't used again. One that was closed sooner gives no answer, as does one that closes just behind such a look.
 */
@TargetClass(className = "sun.net.www.http.HttpClient")
final class WithoutConnectionProbe {
    private WithoutConnectionProbe() {}

    /** Whether a kept connection can be used: nobody is asked. */
    @Substitute
    @SuppressWarnings("UnusedMethod") // Called in the place of the class's own.
    boolean available() {
        return true;
    }
}
