package io.sluiceway.infra.settings;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Where the functions are attached to a VPC, for clusters that can be reached from there only. Out of it they need a
 * way to DynamoDB, S3 and EventBridge and, with a cluster on Managed Flink, to that and CloudWatch: VPC endpoints, or a
 * NAT gateway.
 *
 * @param subnetIds the subnets, at least one; private ones, in as many availability zones as the cluster is
 * @param securityGroupIds the security groups, at least one; the cluster's lets them in
 */
public record Vpc(List<String> subnetIds, List<String> securityGroupIds) {
    private static final Pattern SUBNET = Pattern.compile("subnet-[0-9a-f]{8,17}");
    private static final Pattern SECURITY_GROUP = Pattern.compile("sg-[0-9a-f]{8,17}");

    /**
     * Checks both.
     *
     * @throws SettingsException if one is missing, empty, or breaks its rule
     */
    public Vpc {
        subnetIds = List.copyOf(Check.notEmpty(subnetIds, "subnetIds"));
        subnetIds.forEach(id -> Check.matching(id, "subnetId", SUBNET, "such as subnet-0123456789abcdef0"));
        securityGroupIds = List.copyOf(Check.notEmpty(securityGroupIds, "securityGroupIds"));
        securityGroupIds.forEach(
                id -> Check.matching(id, "securityGroupId", SECURITY_GROUP, "such as sg-0123456789abcdef0"));
    }
}
