package io.sluiceway.nativeimage;

import com.oracle.svm.core.annotate.Substitute;
import com.oracle.svm.core.annotate.TargetClass;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.regions.GeneratedServiceMetadataProvider;
import software.amazon.awssdk.regions.ServiceMetadata;
import software.amazon.awssdk.regions.ServiceMetadataProvider;

/**
 * Natively, stands in for the SDK's table of the endpoints of all services, which links 300 classes and fills a map
 * with them when the first client is made. The clients compute their endpoints by rules of their own; what asks here is
 * the endpoint that those replace.
 */
@Substitute
@TargetClass(GeneratedServiceMetadataProvider.class)
final class WithoutServiceMetadata implements ServiceMetadataProvider {
    @Substitute
    WithoutServiceMetadata() {}

    /** Knows no service, as the table doesn't those that are newer than it: the SDK has a pattern for them. */
    @Substitute
    @Override
    public @Nullable ServiceMetadata serviceMetadata(String serviceEndpointPrefix) {
        return null;
    }
}
