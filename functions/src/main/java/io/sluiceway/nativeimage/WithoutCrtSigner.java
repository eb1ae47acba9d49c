package io.sluiceway.nativeimage;

import com.oracle.svm.core.annotate.Substitute;
import com.oracle.svm.core.annotate.TargetClass;
import software.amazon.awssdk.http.auth.aws.crt.internal.signer.DefaultAwsCrtV4aHttpSigner;
import software.amazon.awssdk.http.auth.aws.internal.signer.util.OptionalDependencyLoaderUtil;

/**
 * Natively, cuts off the signer for multi-Region access points: it needs the AWS Common Runtime, which isn't in the
 * artifact, and a native build, which links everything that it reaches, would fail for its sake.
 */
@TargetClass(OptionalDependencyLoaderUtil.class)
final class WithoutCrtSigner {
    private WithoutCrtSigner() {}

    /** As on a JVM without the Common Runtime on the class path. */
    @Substitute
    @SuppressWarnings({"DoNotCallSuggester", "UnusedMethod"}) // Called in the place of the class's own.
    static DefaultAwsCrtV4aHttpSigner getDefaultAwsCrtV4aHttpSigner() {
        throw new UnsupportedOperationException("Multi-Region access points can't be signed for here.");
    }
}
