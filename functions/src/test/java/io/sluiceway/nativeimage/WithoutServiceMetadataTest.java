package io.sluiceway.nativeimage;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.regions.DefaultServiceMetadata;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.ServiceMetadata;

class WithoutServiceMetadataTest {
    @ParameterizedTest
    @ValueSource(strings = {"dynamodb", "s3", "events", "kinesisanalytics", "monitoring"})
    void serviceMetadata_ofWhatTheFunctionsCall_isThePatternThatItLeavesInEveryRegion(String service) {
        // Regions of the SDK's making, by whose names FIPS was once asked for, aren't any that Lambda runs in. And in
        // us-east-1 the table has S3's older name, which the client's own rules choose or don't.
        assertThat(ServiceMetadata.of(service).regions())
                .filteredOn(region -> !region.id().contains("fips") && !region.isGlobalRegion())
                .filteredOn(region -> !(service.equals("s3") && region.equals(Region.US_EAST_1)))
                .hasSizeGreaterThan(20)
                .allSatisfy(region -> {
                    assertThat(new DefaultServiceMetadata(service).endpointFor(region))
                            .isEqualTo(ServiceMetadata.of(service).endpointFor(region));
                    assertThat(new DefaultServiceMetadata(service).signingRegion(region))
                            .isEqualTo(ServiceMetadata.of(service).signingRegion(region));
                });
    }
}
