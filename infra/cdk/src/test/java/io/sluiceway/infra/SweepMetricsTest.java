package io.sluiceway.infra;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluiceway.infra.settings.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Alarms and dashboard show what {@code monitor-jobs} publishes; a name that nobody publishes stays silent for ever.
 */
class SweepMetricsTest {
    /** Kept true by the functions' own MonitorJobsTest, which compares the page with what a sweep publishes. */
    private static final Path PUBLISHED = Path.of(System.getProperty("project.root"), "docs", "metrics.md");

    private static final Settings SETTINGS = Stacks.settings("sample");
    private static final JsonNode RESOURCES =
            new JsonMapper().valueToTree(Stacks.template(SETTINGS).toJSON());

    static Set<String> clusters() {
        return SETTINGS.clusters().keySet();
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void names_alarmsAndDashboardOfEachCluster_areThoseThatArePublished(String cluster) throws IOException {
        List<String> published = found("(?m)^\\| `([A-Z][A-Za-z]+)` \\|", Files.readString(PUBLISHED));
        String dashboard = String.join("", texts("AWS::CloudWatch::Dashboard", "/Properties/DashboardBody"));

        assertThat(published).contains("ClusterUnreachable", "LastCheckpointAge");
        assertThat(namesOfAlarms(cluster))
                .containsExactlyInAnyOrder(
                        "ClusterUnreachable",
                        "EventsPending",
                        "FailedOperations",
                        "JobsFailed",
                        "JobsRestarting",
                        "JobsUnhealthy",
                        "JobsUnknown")
                .isSubsetOf(published);
        assertThat(Stream.concat(
                        found("\"Sluiceway/sample\",\"([A-Za-z]+)\",\"cluster\",\"%s\"".formatted(cluster), dashboard)
                                .stream(),
                        found("MetricName=\\\\\"([A-Za-z]+)\\\\\" cluster=\\\\\"%s\\\\\"".formatted(cluster), dashboard)
                                .stream()))
                .containsExactlyInAnyOrderElementsOf(published);
    }

    private static List<String> namesOfAlarms(String cluster) {
        return resources("AWS::CloudWatch::Alarm")
                .filter(alarm -> alarm.at("/Properties/Namespace").asText().startsWith("Sluiceway/"))
                .filter(alarm -> alarm.at("/Properties/Dimensions")
                        .findValuesAsText("Value")
                        .contains(cluster))
                .map(alarm -> alarm.at("/Properties/MetricName").asText())
                .toList();
    }

    private static List<String> texts(String type, String pointer) {
        return resources(type)
                .flatMap(resource -> resource.at(pointer)
                                .findParents("Fn::Join")
                                .isEmpty()
                        ? Stream.of(resource.at(pointer).asText())
                        : resource.at(pointer).at("/Fn::Join/1").valueStream().map(JsonNode::asText))
                .toList();
    }

    private static Stream<JsonNode> resources(String type) {
        return RESOURCES.get("Resources").properties().stream()
                .map(Map.Entry::getValue)
                .filter(resource -> resource.get("Type").asText().equals(type));
    }

    private static List<String> found(String pattern, String text) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .map(result -> result.group(1))
                .toList();
    }
}
