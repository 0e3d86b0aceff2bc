"""The rows of the table for services that have one error for every flaw, with the message of the policy parser.

Their statements may do without a Resource element. Codes and sizes are those of the service models; where a model has
no size, it is that of most resource policies.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Row(NamedTuple):
    """One policy in the parameters of an operation: the member that has it, the error code, and the most octets."""

    service: str
    operation: str
    member: str
    code: str
    size: int = 20_480


ROWS: Final = (
    Row("acm-pca", "PutPolicy", "Policy", "InvalidPolicyException", 81_920),
    Row("aiops", "PutInvestigationGroupPolicy", "policy", "ValidationException", 32_768),
    Row("amp", "PutResourcePolicy", "policyDocument", "ValidationException"),
    Row("apigatewayv2", "PutPortalProductSharingPolicy", "PolicyDocument", "BadRequestException", 307_200),
    Row("backup", "CreateBackupAccessPoint", "AccessPointPolicy", "InvalidParameterValueException", 200_000),
    Row("backup", "PutBackupVaultAccessPolicy", "Policy", "InvalidParameterValueException"),
    Row("bedrock", "PutResourcePolicy", "resourcePolicy", "ValidationException"),
    Row("bedrock-agent", "PutResourcePolicy", "policy", "ValidationException"),
    Row("bedrock-agentcore-control", "PutResourcePolicy", "policy", "ValidationException"),
    Row("cleanroomsml", "PutConfiguredAudienceModelPolicy", "configuredAudienceModelPolicy", "ValidationException"),
    Row("cloudfront", "PutResourcePolicy", "PolicyDocument", "InvalidArgument"),
    Row("cloudhsmv2", "PutResourcePolicy", "Policy", "CloudHsmInvalidRequestException", 20_000),
    Row("cloudsearch", "UpdateServiceAccessPolicies", "AccessPolicies", "ValidationException"),
    Row("cloudtrail", "PutResourcePolicy", "ResourcePolicy", "ResourcePolicyNotValidException", 8_192),
    Row("codeartifact", "PutDomainPermissionsPolicy", "policyDocument", "ValidationException", 7_168),
    Row("codeartifact", "PutRepositoryPermissionsPolicy", "policyDocument", "ValidationException", 7_168),
    Row("codebuild", "PutResourcePolicy", "policy", "InvalidInputException"),
    Row("comprehend", "CreateDocumentClassifier", "ModelPolicy", "InvalidRequestException", 20_000),
    Row("comprehend", "CreateEntityRecognizer", "ModelPolicy", "InvalidRequestException", 20_000),
    Row("comprehend", "PutResourcePolicy", "ResourcePolicy", "InvalidRequestException", 20_000),
    Row("continuum", "PutResourcePolicy", "policy", "ValidationException", 131_072),
    Row("dsql", "CreateCluster", "policy", "ValidationException"),
    Row("dsql", "PutClusterPolicy", "policy", "ValidationException"),
    Row("ec2", "CreateVpcEndpoint", "PolicyDocument", "InvalidPolicyDocument"),
    Row("ec2", "ModifyVpcEndpoint", "PolicyDocument", "InvalidPolicyDocument"),
    Row("efs", "PutFileSystemPolicy", "Policy", "InvalidPolicyException", 20_000),
    Row("elementalinference", "PutFeedPolicy", "policy", "ValidationException", 2_048),
    Row("entityresolution", "PutPolicy", "policy", "ValidationException", 40_960),
    Row("eventbridgev2", "PutResourcePolicy", "PolicyDocument", "InvalidInputException", 389_120),
    Row("glue", "PutResourcePolicy", "PolicyInJson", "InvalidInputException", 10_240),
    Row("imagebuilder", "PutComponentPolicy", "policy", "InvalidParameterValueException", 30_000),
    Row("imagebuilder", "PutContainerRecipePolicy", "policy", "InvalidParameterValueException", 30_000),
    Row("imagebuilder", "PutImagePolicy", "policy", "InvalidParameterValueException", 30_000),
    Row("imagebuilder", "PutImageRecipePolicy", "policy", "InvalidParameterValueException", 30_000),
    Row("kafka", "PutClusterPolicy", "Policy", "BadRequestException"),
    Row("kinesis", "PutResourcePolicy", "Policy", "InvalidArgumentException"),
    Row("lambda-web", "PutResourcePolicy", "policy", "ValidationException"),
    Row("lexv2-models", "CreateResourcePolicy", "policy", "ValidationException"),
    Row("lexv2-models", "UpdateResourcePolicy", "policy", "ValidationException"),
    Row("lookoutequipment", "PutResourcePolicy", "ResourcePolicy", "ValidationException", 20_000),
    Row("marketplace-catalog", "PutResourcePolicy", "Policy", "ValidationException", 10_240),
    Row("mediapackagev2", "PutChannelPolicy", "Policy", "ValidationException", 6_144),
    Row("mediapackagev2", "PutOriginEndpointPolicy", "Policy", "ValidationException", 6_144),
    Row("mediastore", "PutContainerPolicy", "Policy", "ValidationException", 8_192),
    Row("mediatailor", "PutChannelPolicy", "Policy", "BadRequestException"),
    Row("migration-hub-refactor-spaces", "PutResourcePolicy", "Policy", "InvalidResourcePolicyException", 300_000),
    Row("network-firewall", "PutResourcePolicy", "Policy", "InvalidResourcePolicyException", 395_000),
    Row("networkmanager", "PutResourcePolicy", "PolicyDocument", "ValidationException"),
    Row("oam", "PutSinkPolicy", "Policy", "InvalidParameterException"),
    Row("odb", "CreateOdbNetwork", "kmsPolicyDocument", "ValidationException"),
    Row("odb", "CreateOdbNetwork", "s3PolicyDocument", "ValidationException"),
    Row("odb", "CreateOdbNetwork", "stsPolicyDocument", "ValidationException"),
    Row("odb", "UpdateOdbNetwork", "kmsPolicyDocument", "ValidationException"),
    Row("odb", "UpdateOdbNetwork", "s3PolicyDocument", "ValidationException"),
    Row("odb", "UpdateOdbNetwork", "stsPolicyDocument", "ValidationException"),
    Row("omics", "PutS3AccessPolicy", "s3AccessPolicy", "ValidationException", 100_000),
    Row("opensearch", "AddDirectQueryDataSource", "DataSourceAccessPolicy", "ValidationException", 102_400),
    Row("opensearch", "UpdateDirectQueryDataSource", "DataSourceAccessPolicy", "ValidationException", 102_400),
    Row("osis", "PutResourcePolicy", "Policy", "ValidationException", 204_800),
    Row("payment-cryptography", "PutResourcePolicy", "Policy", "ValidationException"),
    Row("pinpoint-sms-voice-v2", "PutResourcePolicy", "Policy", "ValidationException", 10_000),
    Row("redshift", "PutResourcePolicy", "Policy", "InvalidPolicyFault"),
    Row("redshift-serverless", "PutResourcePolicy", "policy", "ValidationException"),
    Row("rekognition", "PutProjectPolicy", "PolicyDocument", "MalformedPolicyDocumentException", 2_000),
    Row("route53resolver", "PutFirewallRuleGroupPolicy", "FirewallRuleGroupPolicy", "ValidationException", 30_000),
    Row(
        "route53resolver",
        "PutResolverQueryLogConfigPolicy",
        "ResolverQueryLogConfigPolicy",
        "InvalidPolicyDocument",
        30_000,
    ),
    Row("route53resolver", "PutResolverRulePolicy", "ResolverRulePolicy", "InvalidPolicyDocument", 30_000),
    Row("rum", "PutResourcePolicy", "PolicyDocument", "MalformedPolicyDocumentException"),
    Row("s3files", "PutFileSystemPolicy", "policy", "ValidationException"),
    Row("s3tables", "PutTableBucketPolicy", "resourcePolicy", "BadRequestException"),
    Row("s3tables", "PutTablePolicy", "resourcePolicy", "BadRequestException"),
    Row("s3vectors", "PutVectorBucketPolicy", "policy", "ValidationException"),
    Row("sagemaker", "PutEndpointPolicy", "ResourcePolicy", "ValidationException"),
    Row("sagemaker", "PutModelPackageGroupPolicy", "ResourcePolicy", "ValidationException"),
    Row("schemas", "PutResourcePolicy", "Policy", "BadRequestException"),
    Row("ses", "PutIdentityPolicy", "Policy", "InvalidPolicyException"),
    Row("sesv2", "CreateEmailIdentityPolicy", "Policy", "BadRequestException"),
    Row("sesv2", "UpdateEmailIdentityPolicy", "Policy", "BadRequestException"),
    Row("ssm", "PutResourcePolicy", "Policy", "MalformedResourcePolicyDocumentException"),
    Row("ssm-contacts", "PutContactPolicy", "Policy", "ValidationException", 395_000),
    Row("ssm-incidents", "PutResourcePolicy", "policy", "ValidationException", 4_000),
    Row("vpc-lattice", "PutAuthPolicy", "policy", "ValidationException", 102_400),
    Row("vpc-lattice", "PutResourcePolicy", "policy", "ValidationException", 10_000),
    Row("waf", "PutPermissionPolicy", "Policy", "WAFInvalidPermissionPolicyException", 395_000),
    Row("waf-regional", "PutPermissionPolicy", "Policy", "WAFInvalidPermissionPolicyException", 395_000),
    Row("wafv2", "PutPermissionPolicy", "Policy", "WAFInvalidPermissionPolicyException", 395_000),
    Row("wellarchitected", "PutAgentProfilePolicy", "policy", "ValidationException", 51_200),
    Row("wellarchitected", "PutAgentRecommendationPolicy", "policy", "ValidationException", 51_200),
    Row("xray", "PutResourcePolicy", "PolicyDocument", "MalformedPolicyDocumentException", 5_120),
)
