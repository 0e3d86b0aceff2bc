"""The resource types of Terraform's AWS providers: the CloudFormation type that each is, or the actions that it takes.

A type is found by its name: `aws_sqs_queue` is AWS::SQS::Queue, as is `awscc_sqs_queue`. _SERVICES has the services
that Terraform calls otherwise, _TYPES the types. _ACTIONS are for what is a part of something else in CloudFormation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from locum.services.cloudformation.schemas import published_types

PROVIDERS: Final = ("aws", "awscc")

_SERVICES: Final = """
=EC2 ebs=EC2 ec2=EC2 vpc=EC2 launch=AutoScaling alb=ElasticLoadBalancingV2 lb=ElasticLoadBalancingV2
elb=ElasticLoadBalancing db=RDS cloudwatch_event=Events cloudwatch_log=Logs cloudwatch_metric=CloudWatch
sfn=StepFunctions opensearch=OpenSearchService mskconnect=KafkaConnect mq=AmazonMQ ssoadmin=SSO prometheus=APS
timestreamwrite=Timestream timestreamquery=Timestream glue_catalog=Glue bedrockagent=Bedrock lexv2models=Lex
s3control=S3 schemas=EventSchemas appautoscaling=ApplicationAutoScaling keyspaces=Cassandra sesv2=SES
route53recoverycontrolconfig=Route53RecoveryControl inspector2=InspectorV2 macie2=Macie pinpointsmsvoicev2=SMSVOICE
"""

_TYPES: Final = """
acm_certificate=CertificateManager::Certificate alb=ElasticLoadBalancingV2::LoadBalancer
lb=ElasticLoadBalancingV2::LoadBalancer elb=ElasticLoadBalancing::LoadBalancer
appautoscaling_policy=ApplicationAutoScaling::ScalingPolicy appautoscaling_target=ApplicationAutoScaling::ScalableTarget
autoscaling_policy=AutoScaling::ScalingPolicy autoscaling_schedule=AutoScaling::ScheduledAction
cloudtrail=CloudTrail::Trail cloudwatch_event_bus=Events::EventBus cloudwatch_event_bus_policy=Events::EventBusPolicy
cloudwatch_event_permission=Events::EventBusPolicy cloudwatch_log_group=Logs::LogGroup
cloudwatch_log_stream=Logs::LogStream cloudwatch_query_definition=Logs::QueryDefinition
codedeploy_app=CodeDeploy::Application codepipeline=CodePipeline::Pipeline
cognito_identity_pool_roles_attachment=Cognito::IdentityPoolRoleAttachment
cognito_identity_provider=Cognito::UserPoolIdentityProvider cognito_resource_server=Cognito::UserPoolResourceServer
cognito_user=Cognito::UserPoolUser cognito_user_group=Cognito::UserPoolGroup
cognito_user_in_group=Cognito::UserPoolUserToGroupAttachment docdb_cluster=DocDB::DBCluster
docdb_cluster_instance=DocDB::DBInstance docdb_cluster_parameter_group=DocDB::DBClusterParameterGroup
docdb_subnet_group=DocDB::DBSubnetGroup ec2_managed_prefix_list=EC2::PrefixList
ecrpublic_repository=ECR::PublicRepository elasticache_cluster=ElastiCache::CacheCluster
iam_openid_connect_provider=IAM::OIDCProvider iam_policy=IAM::ManagedPolicy
iam_user_group_membership=IAM::UserToGroupAddition internet_gateway_attachment=EC2::VPCGatewayAttachment
lambda_function_event_invoke_config=Lambda::EventInvokeConfig lambda_function_url=Lambda::Url
neptune_cluster=Neptune::DBCluster neptune_cluster_instance=Neptune::DBInstance
neptune_cluster_parameter_group=Neptune::DBClusterParameterGroup neptune_parameter_group=Neptune::DBParameterGroup
neptune_subnet_group=Neptune::DBSubnetGroup network_acl_rule=EC2::NetworkAclEntry rds_cluster=RDS::DBCluster
rds_cluster_instance=RDS::DBInstance rds_cluster_parameter_group=RDS::DBClusterParameterGroup
redshift_parameter_group=Redshift::ClusterParameterGroup redshift_subnet_group=Redshift::ClusterSubnetGroup
route53_record=Route53::RecordSet route53_zone=Route53::HostedZone
route53_resolver_endpoint=Route53Resolver::ResolverEndpoint route53_resolver_rule=Route53Resolver::ResolverRule
route53_resolver_rule_association=Route53Resolver::ResolverRuleAssociation
route_table_association=EC2::SubnetRouteTableAssociation s3_account_public_access_block=
s3_directory_bucket=S3Express::DirectoryBucket s3control_bucket=S3Outposts::Bucket
s3control_bucket_policy=S3Outposts::BucketPolicy sagemaker_endpoint_configuration=SageMaker::EndpointConfig
secretsmanager_secret_policy=SecretsManager::ResourcePolicy
secretsmanager_secret_rotation=SecretsManager::RotationSchedule sfn_alias=StepFunctions::StateMachineAlias
sns_topic_subscription=SNS::Subscription spot_fleet_request=EC2::SpotFleet
ssoadmin_account_assignment=SSO::Assignment verifiedaccess_instance=EC2::VerifiedAccessInstance
vpc_ipv4_cidr_block_association=EC2::VPCCidrBlock vpc_ipv6_cidr_block_association=EC2::VPCCidrBlock
vpc_security_group_egress_rule=EC2::SecurityGroupEgress vpc_security_group_ingress_rule=EC2::SecurityGroupIngress
vpn_gateway_attachment=EC2::VPCGatewayAttachment
"""
"""Without `AWS::`; empty where the name would be taken for that of another type."""

_PHASES: Final = {"c": "create", "r": "read", "u": "update", "d": "delete"}

_ROWS: Final = """
iam_role_policy_attachment     c iam:AttachRolePolicy r iam:ListAttachedRolePolicies d iam:DetachRolePolicy
iam_user_policy_attachment     c iam:AttachUserPolicy r iam:ListAttachedUserPolicies d iam:DetachUserPolicy
iam_group_policy_attachment    c iam:AttachGroupPolicy r iam:ListAttachedGroupPolicies d iam:DetachGroupPolicy
iam_group_membership           cu iam:AddUserToGroup r iam:GetGroup ud iam:RemoveUserFromGroup
iam_account_alias              c iam:CreateAccountAlias r iam:ListAccountAliases d iam:DeleteAccountAlias
iam_account_password_policy    cu iam:UpdateAccountPasswordPolicy r iam:GetAccountPasswordPolicy
iam_account_password_policy    d iam:DeleteAccountPasswordPolicy
iam_user_login_profile         c iam:CreateLoginProfile r iam:GetLoginProfile d iam:DeleteLoginProfile
s3_bucket_accelerate_configuration cud s3:PutAccelerateConfiguration r s3:GetAccelerateConfiguration
s3_bucket_acl                  cu s3:PutBucketAcl r s3:GetBucketAcl
s3_bucket_cors_configuration   cud s3:PutBucketCORS r s3:GetBucketCORS
s3_bucket_lifecycle_configuration cud s3:PutLifecycleConfiguration r s3:GetLifecycleConfiguration
s3_bucket_logging              cud s3:PutBucketLogging r s3:GetBucketLogging
s3_bucket_notification         cud s3:PutBucketNotification r s3:GetBucketNotification
s3_bucket_object_lock_configuration cu s3:PutBucketObjectLockConfiguration r s3:GetBucketObjectLockConfiguration
s3_bucket_ownership_controls   cud s3:PutBucketOwnershipControls r s3:GetBucketOwnershipControls
s3_bucket_public_access_block  cud s3:PutBucketPublicAccessBlock r s3:GetBucketPublicAccessBlock
s3_bucket_request_payment_configuration cud s3:PutBucketRequestPayment r s3:GetBucketRequestPayment
s3_bucket_server_side_encryption_configuration cud s3:PutEncryptionConfiguration r s3:GetEncryptionConfiguration
s3_bucket_versioning           cud s3:PutBucketVersioning r s3:GetBucketVersioning
s3_bucket_website_configuration cu s3:PutBucketWebsite r s3:GetBucketWebsite d s3:DeleteBucketWebsite
s3_object                      cu s3:PutObject cu s3:PutObjectTagging r s3:GetObject r s3:GetObjectTagging
s3_object                      d s3:DeleteObject d s3:DeleteObjectVersion d s3:ListBucketVersions
s3_account_public_access_block cu s3:PutAccountPublicAccessBlock r s3:GetAccountPublicAccessBlock
s3_account_public_access_block d s3:PutAccountPublicAccessBlock
kms_key_policy                 cud kms:PutKeyPolicy r kms:GetKeyPolicy r kms:DescribeKey
kms_grant                      c kms:CreateGrant r kms:ListGrants d kms:RevokeGrant d kms:RetireGrant
secretsmanager_secret_version  cu secretsmanager:PutSecretValue r secretsmanager:GetSecretValue
secretsmanager_secret_version  r secretsmanager:DescribeSecret ud secretsmanager:UpdateSecretVersionStage
cloudwatch_event_target        cu events:PutTargets r events:ListTargetsByRule d events:RemoveTargets
cloudwatch_event_target        cu iam:PassRole
security_group_rule            c ec2:AuthorizeSecurityGroupIngress c ec2:AuthorizeSecurityGroupEgress
security_group_rule            r ec2:DescribeSecurityGroups r ec2:DescribeSecurityGroupRules
security_group_rule            u ec2:UpdateSecurityGroupRuleDescriptionsIngress
security_group_rule            u ec2:UpdateSecurityGroupRuleDescriptionsEgress
security_group_rule            d ec2:RevokeSecurityGroupIngress d ec2:RevokeSecurityGroupEgress
ec2_tag                        cu ec2:CreateTags r ec2:DescribeTags d ec2:DeleteTags
main_route_table_association   cud ec2:ReplaceRouteTableAssociation r ec2:DescribeRouteTables
lb_target_group_attachment     c elasticloadbalancing:RegisterTargets r elasticloadbalancing:DescribeTargetHealth
lb_target_group_attachment     d elasticloadbalancing:DeregisterTargets
alb_target_group_attachment    c elasticloadbalancing:RegisterTargets r elasticloadbalancing:DescribeTargetHealth
alb_target_group_attachment    d elasticloadbalancing:DeregisterTargets
autoscaling_attachment         c autoscaling:AttachLoadBalancerTargetGroups r autoscaling:DescribeAutoScalingGroups
autoscaling_attachment         d autoscaling:DetachLoadBalancerTargetGroups
acm_certificate_validation     cr acm:DescribeCertificate
ecr_lifecycle_policy           c ecr:PutLifecyclePolicy r ecr:GetLifecyclePolicy d ecr:DeleteLifecyclePolicy
ecr_repository_policy          cu ecr:SetRepositoryPolicy r ecr:GetRepositoryPolicy d ecr:DeleteRepositoryPolicy
ecs_cluster_capacity_providers cud ecs:PutClusterCapacityProviders r ecs:DescribeClusters
dynamodb_table_item            c dynamodb:PutItem r dynamodb:GetItem u dynamodb:UpdateItem d dynamodb:DeleteItem
lambda_provisioned_concurrency_config cu lambda:PutProvisionedConcurrencyConfig
lambda_provisioned_concurrency_config r lambda:GetProvisionedConcurrencyConfig
lambda_provisioned_concurrency_config d lambda:DeleteProvisionedConcurrencyConfig
sqs_queue_redrive_policy       cud sqs:SetQueueAttributes r sqs:GetQueueAttributes
sqs_queue_redrive_allow_policy cud sqs:SetQueueAttributes r sqs:GetQueueAttributes
"""
"""By rows: a type, and of its phases (create, read, update, delete) the actions."""

_ALSO: Final = """
autoscaling_group     cu autoscaling:PutLifecycleHook r autoscaling:DescribeWarmPool r autoscaling:DescribePolicies
eip                   ud ec2:DisassociateAddress r ec2:DescribeAddressesAttribute
iam_instance_profile  cu iam:TagInstanceProfile u iam:UntagInstanceProfile
iam_policy            r iam:GetPolicyVersion ud iam:ListPolicyVersions ud iam:DeletePolicyVersion
iam_role              d iam:ListInstanceProfilesForRole r iam:ListRolePolicies r iam:ListAttachedRolePolicies
iam_user              r iam:GetUser d iam:ListGroupsForUser d iam:ListAccessKeys d iam:ListMFADevices
instance              u ec2:ModifyInstanceMetadataOptions r ec2:DescribeInstanceTypes r ec2:DescribeTags
instance              u ec2:StopInstances u ec2:StartInstances
lambda_function       cu lambda:PublishVersion r lambda:ListVersionsByFunction u lambda:GetFunctionConfiguration
launch_template       u ec2:CreateLaunchTemplateVersion u ec2:ModifyLaunchTemplate
launch_template       r ec2:DescribeLaunchTemplateVersions
kms_key               r kms:GetKeyRotationStatus r kms:ListResourceTags
s3_bucket             c s3:PutBucketAcl
s3_bucket             r s3:ListBucket r s3:GetBucketAcl r s3:GetBucketCORS r s3:GetBucketWebsite r s3:GetBucketLogging
s3_bucket             r s3:GetBucketPolicy r s3:GetBucketVersioning r s3:GetBucketRequestPayment r s3:GetBucketTagging
s3_bucket             r s3:GetAccelerateConfiguration r s3:GetLifecycleConfiguration r s3:GetReplicationConfiguration
s3_bucket             r s3:GetEncryptionConfiguration r s3:GetBucketObjectLockConfiguration
secretsmanager_secret r secretsmanager:GetResourcePolicy
"""
"""What Terraform's provider calls beside what the schemas have."""

_DATA: Final = """
ami r ec2:DescribeImages
ami_ids r ec2:DescribeImages
availability_zone r ec2:DescribeAvailabilityZones
availability_zones r ec2:DescribeAvailabilityZones
canonical_user_id r s3:ListAllMyBuckets
cloudformation_export r cloudformation:ListExports
ecr_authorization_token r ecr:GetAuthorizationToken
ecr_image r ecr:DescribeImages
ec2_instance_type r ec2:DescribeInstanceTypes
ec2_instance_type_offerings r ec2:DescribeInstanceTypeOfferings
eks_cluster_auth r sts:GetCallerIdentity
iam_account_alias r iam:ListAccountAliases
iam_policy r iam:GetPolicy r iam:GetPolicyVersion r iam:ListPolicies
iam_roles r iam:ListRoles
iam_session_context r iam:GetRole
instances r ec2:DescribeInstances
kms_secrets r kms:Decrypt
lambda_invocation r lambda:InvokeFunction
prefix_list r ec2:DescribePrefixLists
rds_engine_version r rds:DescribeDBEngineVersions
regions r ec2:DescribeRegions
route53_zone r route53:GetHostedZone r route53:ListHostedZones r route53:ListTagsForResource
route53_zone r route53:ListResourceRecordSets
s3_bucket r s3:GetBucketLocation r s3:ListBucket
secretsmanager_random_password r secretsmanager:GetRandomPassword
security_groups r ec2:DescribeSecurityGroups
ssm_parameter r ssm:GetParameter
ssm_parameters_by_path r ssm:GetParametersByPath
subnet_ids r ec2:DescribeSubnets
subnets r ec2:DescribeSubnets
vpcs r ec2:DescribeVpcs
"""
"""Data sources that read otherwise than the resource of their name does."""

_LOCAL: Final = frozenset(
    {
        *("arn", "billing_service_account", "caller_identity", "default_tags", "iam_policy_document", "partition"),
        *("region", "service", "service_principal", "elb_hosted_zone_id", "elb_service_account"),
    }
)
"""Data sources for which nothing is called, or nothing that takes a permission."""


@cache
def _pairs(rows: str) -> Mapping[str, str]:
    return dict(pair.split("=") for pair in rows.split())


@cache
def _actions(rows: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    found: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows.strip().splitlines():
        name, *words = row.split()
        for letters, action in zip(words[::2], words[1::2], strict=True):
            for letter in letters:
                found[name][_PHASES[letter]].append(action)
    return {name: {phase: tuple(actions) for phase, actions in phases.items()} for name, phases in found.items()}


def actions_of(kind: str) -> Mapping[str, tuple[str, ...]]:
    """The actions of a type of Terraform by phase, where it is part of something else; none where it is not."""
    return _actions(_ROWS).get(kind.partition("_")[2], {})


def further_actions(kind: str) -> Mapping[str, tuple[str, ...]]:
    """The actions of a type by phase, beside those of its schema."""
    return _actions(_ALSO).get(kind.partition("_")[2], {})


def data_actions(kind: str) -> Mapping[str, tuple[str, ...]]:
    """The actions of a data source, where it reads otherwise than a resource."""
    return _actions(_DATA).get(kind.partition("_")[2], {})


def is_local(kind: str) -> bool:
    """Whether a data source takes no permission."""
    return kind.partition("_")[2] in _LOCAL


@cache
def type_of(kind: str) -> str:
    """The CloudFormation type that `kind` (`aws_sqs_queue`) is; empty where none is known."""
    provider, _, name = kind.partition("_")
    given = _pairs(_TYPES) if provider == "aws" else {}
    if name in given:
        return f"AWS::{given[name]}" if given[name] else ""
    renamed = _pairs(_SERVICES) if provider == "aws" else {}
    words, whole = name.split("_"), _plain(name)
    for end in range(len(words) - 1, -1, -1):
        prefix, rest = "_".join(words[:end]), "_".join(words[end:])
        services = [_plain(prefix)]
        if prefix in renamed:
            services.insert(0, renamed[prefix].lower())
        for service in services:
            known = _published().get(service, {})
            for noun in (_plain(rest), whole, service + _plain(rest)):
                if noun in known:
                    return known[noun]
    return ""


@cache
def _published() -> Mapping[str, Mapping[str, str]]:
    """The published types by their services and names, in lower case."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for service, noun, kind in _split():
        found[service][noun] = kind
    return found


def _split() -> Iterator[tuple[str, str, str]]:
    for kind in published_types():
        parts = kind.split("::")
        if len(parts) == 3:
            yield parts[1].lower(), parts[2].lower(), kind


def _plain(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())
