package io.sluiceway.infra;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awscdk.CfnResource;
import software.constructs.IConstruct;

/**
 * Findings of <a href="https://github.com/cdklabs/cdk-nag">cdk-nag</a> that are accepted, each with its reason. They
 * stand in the template as the resource's metadata, in the form that cdk-nag's own {@code NagSuppressions} writes and
 * cdk-nag reads, so that whoever checks the template finds them and the app itself needs no cdk-nag.
 */
public final class Nag {
    /** The findings about ARNs whose only wildcard is at their end, below something that is named. */
    public static final String BELOW = "/^Resource::[^*]+\\*$/";

    private static final String METADATA = "cdk_nag";
    private static final String RULES = "rules_to_suppress";

    private Nag() {}

    /**
     * Accepts what a rule finds at a resource.
     *
     * @param construct the resource, or a construct around one, such as a bucket
     * @param ruleId the rule, such as {@code AwsSolutions-S1}
     * @param reason why it may be so, a sentence of 10 characters or more that a reviewer can judge
     * @param findings what exactly, for a rule that finds several things: as cdk-nag writes it, such as
     *     {@code Resource::*}, or a regular expression between slashes; all that the rule finds if none is given
     * @throws IllegalArgumentException if the construct has no resource
     */
    public static void accept(IConstruct construct, String ruleId, String reason, String... findings) {
        IConstruct child = construct.getNode().getDefaultChild();
        if (!((child == null ? construct : child) instanceof CfnResource resource)) {
            throw new IllegalArgumentException("%s is no resource: nothing can be accepted there"
                    .formatted(construct.getNode().getPath()));
        }
        Map<String, Object> rule = new LinkedHashMap<>(Map.of("id", ruleId, "reason", reason));
        if (findings.length > 0) {
            rule.put(
                    "applies_to",
                    Arrays.stream(findings)
                            .map(finding -> finding.startsWith("/") ? Map.of("regex", finding) : finding)
                            .toList());
        }
        List<Object> rules = new ArrayList<>();
        if (resource.getMetadata(METADATA) instanceof Map<?, ?> metadata
                && metadata.get(RULES) instanceof List<?> before) {
            rules.addAll(before);
        }
        rules.add(rule);
        resource.addMetadata(METADATA, Map.of(RULES, rules));
    }
}
