package io.sluiceway.cluster.managed;

import io.sluiceway.job.FlinkJobId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationConfigurationDescription;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationDetail;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.EnvironmentPropertyDescriptions;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.PropertyGroup;

/**
 * Whose start it was: the attempt's id among the application's runtime properties, written before the start and under a
 * condition, since a start itself carries nothing that it could be known by.
 */
final class AttemptMark {
    /** The property group. */
    static final String GROUP = "sluiceway";

    /** The property in it. */
    static final String KEY = "attemptId";

    private AttemptMark() {}

    /** The attempt that an application, or a version of it, is marked with. */
    static Optional<String> of(ApplicationDetail application) {
        return groups(application).stream()
                .filter(group -> GROUP.equals(group.propertyGroupId()))
                .flatMap(group -> Optional.ofNullable(group.propertyMap().get(KEY)).stream())
                .findFirst();
    }

    static boolean isOn(ApplicationDetail application, FlinkJobId attempt) {
        return of(application).filter(attempt.value()::equals).isPresent();
    }

    /** Property groups with the mark put among them. An update replaces all groups, so it names each. */
    static List<PropertyGroup> among(List<PropertyGroup> groups, FlinkJobId attempt) {
        List<PropertyGroup> all = new ArrayList<>(groups);
        all.removeIf(group -> GROUP.equals(group.propertyGroupId()));
        all.add(PropertyGroup.builder()
                .propertyGroupId(GROUP)
                .propertyMap(Map.of(KEY, attempt.value()))
                .build());
        return all;
    }

    static List<PropertyGroup> groups(ApplicationDetail application) {
        return Optional.ofNullable(application.applicationConfigurationDescription())
                .map(ApplicationConfigurationDescription::environmentPropertyDescriptions)
                .map(EnvironmentPropertyDescriptions::propertyGroupDescriptions)
                .orElseGet(List::of);
    }
}
