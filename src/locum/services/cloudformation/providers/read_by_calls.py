"""How resources are told whose providers are written by hand, or whose rows name no call that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum.services.cloudformation.providers.rows import Call, Listing, Shown

_API: Final = {"restApiId": "{p.RestApiId}"}
SHOWN: Final[Mapping[str, tuple[str, Shown]]] = {
    "AWS::ApiGateway::Deployment": (
        "apigateway",
        Shown(
            Call("GetDeployment", {**_API, "deploymentId": "{id}"}),
            "",
            hides="StageName StageDescription",
            told="Description",
        ),
    ),
    "AWS::ApiGateway::Method": (
        "apigateway",
        Shown(
            Call("GetMethod", {**_API, "resourceId": "{p.ResourceId}", "httpMethod": "{p.HttpMethod}"}),
            "",
            hides="Integration MethodResponses",
            id="{p.RestApiId}|{p.ResourceId}|{p.HttpMethod}",
        ),
    ),
    "AWS::ApiGateway::RestApi": (
        "apigateway",
        Shown(
            Call("GetRestApi", {"restApiId": "{id}"}),
            "",
            told="Description",
            lists=Listing(Call("GetRestApis"), "items", "{item.id}"),
        ),
    ),
    "AWS::ApiGateway::Stage": (
        "apigateway",
        Shown(Call("GetStage", {**_API, "stageName": "{id}"}), "", hides="MethodSettings"),
    ),
    "AWS::ApiGateway::UsagePlanKey": (
        "apigateway",
        Shown(
            Call("GetUsagePlanKey", {"usagePlanId": "{p.UsagePlanId}", "keyId": "{p.KeyId}"}),
            "",
            id="{p.KeyId}:{p.UsagePlanId}",
        ),
    ),
    "AWS::ApplicationAutoScaling::ScalableTarget": (
        "application-autoscaling",
        Shown(
            Call(
                "DescribeScalableTargets",
                {
                    "ServiceNamespace": "{p.ServiceNamespace}",
                    "ResourceIds": ["{p.ResourceId}"],
                    "ScalableDimension": "{p.ScalableDimension}",
                },
            ),
            "ScalableTargets.0",
            hides="RoleARN ScheduledActions",
            id="{p.ResourceId}|{p.ScalableDimension}|{p.ServiceNamespace}",
        ),
    ),
    "AWS::Batch::JobDefinition": (
        "batch",
        Shown(
            Call("DescribeJobDefinitions", {"jobDefinitions": ["{id}"]}),
            "jobDefinitions.0",
            ended={"status": "INACTIVE"},
        ),
    ),
    "AWS::CloudFormation::StackSet": (
        "cloudformation",
        Shown(
            Call("DescribeStackSet", {"StackSetName": "{id}"}),
            "StackSet",
            hides="Parameters",  # which may be secret
            told="Description",
            lists=Listing(Call("ListStackSets", {"Status": "ACTIVE"}), "Summaries", "{item.StackSetId}"),
        ),
    ),
    "AWS::Cognito::UserPoolDomain": (
        "cognito-idp",
        Shown(Call("DescribeUserPoolDomain", {"Domain": "{id}"}), "DomainDescription", where={"Domain": "{id}"}),
    ),
    "AWS::EC2::DHCPOptions": (
        "ec2",
        Shown(
            Call("DescribeDhcpOptions", {"DhcpOptionsIds": ["{id}"]}),
            "DhcpOptions.0",
            told="Tags",
            lists=Listing(Call("DescribeDhcpOptions"), "DhcpOptions", "{item.DhcpOptionsId}"),
        ),
    ),
    "AWS::EC2::FlowLog": (
        "ec2",
        Shown(
            Call("DescribeFlowLogs", {"FlowLogIds": ["{id}"]}),
            "FlowLogs.0",
            hides="ResourceType",
            lists=Listing(Call("DescribeFlowLogs"), "FlowLogs", "{item.FlowLogId}"),
        ),
    ),
    "AWS::EC2::KeyPair": (
        "ec2",
        Shown(
            Call("DescribeKeyPairs", {"KeyNames": ["{id}"]}),
            "KeyPairs.0",
            hides="PublicKeyMaterial",
            told="Tags",
            lists=Listing(Call("DescribeKeyPairs"), "KeyPairs", "{item.KeyName}"),
        ),
    ),
    "AWS::EC2::VPCDHCPOptionsAssociation": (
        "ec2",
        Shown(
            Call("DescribeVpcs", {"VpcIds": ["{p.VpcId}"]}),
            "Vpcs.0",
            where={"DhcpOptionsId": "{p.DhcpOptionsId}"},
            id="{p.DhcpOptionsId}|{p.VpcId}",
        ),
    ),
    "AWS::Glue::Table": (
        "glue",
        Shown(
            Call("GetTable", {"DatabaseName": "{p.DatabaseName}", "Name": "{id}"}),
            "Table",
            members={"TableInput": "{r.Table}"},
        ),
    ),
    "AWS::IAM::ServiceLinkedRole": (
        "iam",
        Shown(Call("GetRole", {"RoleName": "{id}"}), "Role", hides="AWSServiceName CustomSuffix", told="Description"),
    ),
    "AWS::IAM::VirtualMFADevice": (
        "iam",
        Shown(
            Call("ListVirtualMFADevices"),
            "VirtualMFADevices",
            where={"SerialNumber": "{id}"},
            lists=Listing(Call("ListVirtualMFADevices"), "VirtualMFADevices", "{item.SerialNumber}"),
        ),
    ),
    "AWS::Organizations::Account": (
        "organizations",
        Shown(
            Call("DescribeAccount", {"AccountId": "{id}"}),
            "Account",
            members={"AccountName": "{it.Name}"},
            ended={"Status": "SUSPENDED"},
            lists=Listing(Call("ListAccounts"), "Accounts", "{item.Id}"),
        ),
    ),
    "AWS::Organizations::ResourcePolicy": (
        "organizations",
        Shown(
            Call("DescribeResourcePolicy"),
            "ResourcePolicy.ResourcePolicySummary",
            members={"Content": "{r.ResourcePolicy.Content}"},
            where={"Id": "{id}"},
        ),
    ),
    "AWS::RDS::DBInstance": (
        "rds",
        Shown(
            Call("DescribeDBInstances", {"DBInstanceIdentifier": "{id}"}),
            "DBInstances.0",
            hides="DBParameterGroupName DBSecurityGroups Endpoint ProcessorFeatures VPCSecurityGroups",
            members={"Port": "{it.Endpoint.Port}"},
            lists=Listing(Call("DescribeDBInstances"), "DBInstances", "{item.DBInstanceIdentifier}"),
        ),
    ),
    "AWS::Route53::HealthCheck": (
        "route53",
        Shown(
            Call("GetHealthCheck", {"HealthCheckId": "{id}"}),
            "HealthCheck",
            lists=Listing(Call("ListHealthChecks"), "HealthChecks", "{item.Id}"),
        ),
    ),
    "AWS::Route53::HostedZone": (
        "route53",
        Shown(
            Call("GetHostedZone", {"Id": "{id}"}),
            "HostedZone",
            hides="Name VPCs",
            lists=Listing(Call("ListHostedZones"), "HostedZones", lambda zone: zone["Id"].rpartition("/")[2]),
        ),
    ),
}


def _listed(service: str, operation: str, path: str, member: str = "") -> tuple[str, Listing]:
    return service, Listing(Call(operation), path, f"{{item.{member}}}" if member else "{item}")


LISTED: Final[Mapping[str, tuple[str, Listing]]] = {
    "AWS::ApiGatewayV2::Api": _listed("apigatewayv2", "GetApis", "Items", "ApiId"),
    "AWS::Backup::BackupPlan": _listed("backup", "ListBackupPlans", "BackupPlansList", "BackupPlanId"),
    "AWS::Backup::BackupVault": _listed("backup", "ListBackupVaults", "BackupVaultList", "BackupVaultName"),
    "AWS::Batch::JobDefinition": _listed("batch", "DescribeJobDefinitions", "jobDefinitions", "jobDefinitionArn"),
    "AWS::Batch::JobQueue": _listed("batch", "DescribeJobQueues", "jobQueues", "jobQueueArn"),
    "AWS::Cognito::IdentityPool": (
        "cognito-identity",
        Listing(Call("ListIdentityPools", {"MaxResults": 60}), "IdentityPools", "{item.IdentityPoolId}"),
    ),
    "AWS::EC2::SecurityGroupEgress": (
        "ec2",
        Listing(
            Call("DescribeSecurityGroupRules"),
            "SecurityGroupRules",
            lambda rule: rule["SecurityGroupRuleId"] if rule.get("IsEgress") else "",
        ),
    ),
    "AWS::EC2::SecurityGroupIngress": (
        "ec2",
        Listing(
            Call("DescribeSecurityGroupRules"),
            "SecurityGroupRules",
            lambda rule: "" if rule.get("IsEgress") else rule["SecurityGroupRuleId"],
        ),
    ),
    "AWS::EFS::FileSystem": _listed("efs", "DescribeFileSystems", "FileSystems", "FileSystemId"),
    "AWS::EKS::Cluster": _listed("eks", "ListClusters", "clusters"),
    "AWS::ElastiCache::CacheCluster": _listed(
        "elasticache", "DescribeCacheClusters", "CacheClusters", "CacheClusterId"
    ),
    "AWS::ElastiCache::ReplicationGroup": _listed(
        "elasticache", "DescribeReplicationGroups", "ReplicationGroups", "ReplicationGroupId"
    ),
    "AWS::ElastiCache::SubnetGroup": _listed(
        "elasticache", "DescribeCacheSubnetGroups", "CacheSubnetGroups", "CacheSubnetGroupName"
    ),
    "AWS::IAM::SAMLProvider": _listed("iam", "ListSAMLProviders", "SAMLProviderList", "Arn"),
    "AWS::IAM::ServerCertificate": _listed(
        "iam", "ListServerCertificates", "ServerCertificateMetadataList", "ServerCertificateName"
    ),
    "AWS::KinesisFirehose::DeliveryStream": _listed("firehose", "ListDeliveryStreams", "DeliveryStreamNames"),
    "AWS::RDS::DBParameterGroup": _listed(
        "rds", "DescribeDBParameterGroups", "DBParameterGroups", "DBParameterGroupName"
    ),
    "AWS::RDS::DBSubnetGroup": _listed("rds", "DescribeDBSubnetGroups", "DBSubnetGroups", "DBSubnetGroupName"),
    "AWS::Scheduler::ScheduleGroup": _listed("scheduler", "ListScheduleGroups", "ScheduleGroups", "Name"),
}
"""How resources are listed of which the row does not say it."""
