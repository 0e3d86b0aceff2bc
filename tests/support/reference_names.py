"""The members of inputs that name resources, where their names do not say so, for `support.reference_calls`.

Written from AWS's documentation, and not from the rules of the catalogue.
"""

from __future__ import annotations

from typing import Any, Final

Members = dict[str, tuple[str, ...]]

_PROXY: Final[Members] = {"DbProxyId": ("ResourceName",)}  # the ids that ARNs have (prx-...) are not in other requests
_LOAD_BALANCER: Final[Members] = {
    "LoadBalancerName": ("Name", "Names"),
    "LoadBalancerId": ("LoadBalancerArn", "LoadBalancerArns", "ResourceArn", "ResourceArns"),
}
_LISTENER: Final[Members] = {
    "LoadBalancerName": (),
    "LoadBalancerId": (),
    "ListenerId": ("ListenerArn", "ListenerArns", "ResourceArns", "ResourceArn"),
}
_RULE: Final[Members] = {
    **_LISTENER,
    "ListenerId": (),
    "ListenerRuleId": ("RuleArn", "RuleArns", "RulePriorities[].RuleArn", "ResourceArns"),
}

MEMBERS: Final[dict[tuple[str, ...], Members]] = {
    ("autoscaling", "autoScalingGroup"): {
        "GroupId": (),
        "GroupFriendlyName": ("AutoScalingGroupName", "AutoScalingGroupNames"),
    },
    ("autoscaling", "launchConfiguration"): {
        "Id": (),
        "LaunchConfigurationName": ("LaunchConfigurationName", "LaunchConfigurationNames"),
    },
    ("cloudtrail", "channel"): {"ChannelId": ("Channel", "ResourceId", "ResourceIdList", "ResourceArn")},
    ("cloudtrail", "dashboard"): {"DashboardName": ("Name", "DashboardId", "ResourceId", "ResourceIdList")},
    ("dynamodb", "table"): {"TableName": ("TableName", "TargetTableName", "TableArn", "ResourceArn")},
    ("ec2", "ipam-scope"): {"IpamScopeId": ("IpamScopeId", "CurrentIpamScopeId", "DestinationIpamScopeId")},
    ("ec2", "key-pair"): {"KeyPairName": ("KeyName", "KeyNames")},
    ("ec2", "import-image-task"): {"ImportImageTaskId": ("ImportTaskId", "ImportTaskIds")},
    ("ec2", "import-snapshot-task"): {"ImportSnapshotTaskId": ("ImportTaskId", "ImportTaskIds")},
    ("ecs", "daemon"): {"ClusterName": (), "DaemonName": ("daemonArn", "daemonName")},
    ("ecs", "daemon-task-definition"): {
        "DaemonTaskDefinitionFamilyName": ("family", "daemonTaskDefinition"),
        "DaemonTaskDefinitionRevisionNumber": (),
    },
    ("ecs", "gateway"): {"GatewayName": ("name", "names"), "GatewayId": ("gatewayArn",)},
    ("ecs", "service"): {
        "ClusterName": ("cluster",),
        "ServiceName": ("service", "services", "serviceName", "serviceArn", "resourceArn"),
    },
    ("ecs", "task-definition"): {
        "TaskDefinitionFamilyName": ("taskDefinition", "taskDefinitions", "family", "familyPrefix"),
        "TaskDefinitionRevisionNumber": (),
    },
    ("elasticloadbalancing", "listener-rule/app"): _RULE,
    ("elasticloadbalancing", "listener-rule/net"): _RULE,
    ("elasticloadbalancing", "listener/app"): _LISTENER,
    ("elasticloadbalancing", "listener/gwy"): _LISTENER,
    ("elasticloadbalancing", "listener/net"): _LISTENER,
    ("elasticloadbalancing", "loadbalancer/app/"): _LOAD_BALANCER,
    ("elasticloadbalancing", "loadbalancer/gwy/"): _LOAD_BALANCER,
    ("elasticloadbalancing", "loadbalancer/net/"): _LOAD_BALANCER,
    ("elasticloadbalancing", "targetgroup"): {
        "TargetGroupName": ("Name", "Names"),
        "TargetGroupId": ("TargetGroupArn", "TargetGroupArns", "ResourceArns"),
    },
    ("elasticloadbalancing", "truststore"): {
        "TrustStoreName": ("Name", "Names"),
        "TrustStoreId": ("TrustStoreArn", "TrustStoreArns", "ResourceArns", "ResourceArn"),
    },
    ("events", "StartReplay", "archive"): {"ArchiveName": ("EventSourceArn",)},
    ("events", "StartReplay", "event-bus"): {"EventBusName": ("Destination.Arn",)},
    ("events", "CreateArchive", "event-bus"): {"EventBusName": ("EventSourceArn",)},
    ("events", "CreateArchive", "alias"): {"Alias": ()},
    ("events", "CreateArchive", "key"): {"KeyId": ("KmsKeyIdentifier",)},
    ("glue", "CreateIntegration", "integration"): {"IntegrationId": ()},
    ("glue", "UpdateDataQualityRuleset", "dataQualityRuleset"): {"RulesetName": ("Name",)},
    ("glue", "CreateIntegration", "connection"): {"ConnectionName": ("SourceArn",)},
    ("glue", "CreateIntegration", "database"): {"DatabaseName": ("TargetArn",)},
    ("glue", "CreateIntegration", "catalog"): {"CatalogName": ("TargetArn",)},
    ("kinesis", "stream"): {"StreamName": ("StreamName", "StreamARN", "ResourceARN")},
    ("kinesis", "consumer"): {
        "StreamType": (),
        "StreamName": (),
        "ConsumerName": (),
        "ConsumerCreationTimpstamp": ("ConsumerARN", "ResourceARN"),
    },
    ("kms", "key"): {"KeyId": ("KeyId", "TargetKeyId", "DestinationKeyId")},
    ("iam", "oidc-provider"): {"OidcProviderName": ("OpenIDConnectProviderArn",)},
    **{
        ("iam", "SimulatePrincipalPolicy", kind): {variable: ("PolicySourceArn",)}
        for kind, variable in {
            "group": "GroupNameWithPath",
            "role": "RoleNameWithPath",
            "user": "UserNameWithPath",
        }.items()
    },
    ("iam", "GetHumanReadableSummary", "delegation-request"): {"DelegationRequestId": ("EntityArn",)},
    ("iam", "GetRoleTemplateVersion", "role-template"): {},
    ("logs", "anomaly-detector"): {"DetectorId": ("anomalyDetectorArn", "resourceArn")},
    ("logs", "delivery"): {"DeliveryName": ("id", "resourceArn")},
    ("logs", "log-group"): {
        "LogGroupName": ("logGroupName", "logGroupIdentifier", "logGroupArn", "resourceArn", "resourceIdentifier"),
    },
    ("rds", "auto-backup"): {"DbInstanceAutomatedBackupId": ("DBInstanceAutomatedBackupsArn", "ResourceName")},
    ("rds", "cev"): {
        "Engine": ("Engine",),
        "EngineVersion": ("EngineVersion",),
        "CustomDbEngineVersionId": ("ResourceName",),
    },
    ("rds", "cluster"): {
        "DbClusterInstanceName": (
            *("DBClusterIdentifier", "DbClusterIdentifier", "TargetDBClusterIdentifier", "SourceDBClusterIdentifier"),
            *("ResourceName", "ResourceIdentifier", "ResourceArn", "SourceArn"),
        )
    },
    ("rds", "CreateIntegration", "integration"): {"IntegrationIdentifier": ()},
    ("rds", "cluster-snapshot"): {
        "ClusterSnapshotName": ("DBClusterSnapshotIdentifier", "SnapshotIdentifier", "SourceArn", "ResourceName")
    },
    ("rds", "db"): {
        "DbInstanceName": (
            *("DBInstanceIdentifier", "TargetDBInstanceIdentifier", "SourceDBInstanceIdentifier"),
            *("ResourceName", "ResourceIdentifier", "ResourceArn", "SourceDBInstanceArn", "SourceArn"),
        )
    },
    ("rds", "proxy"): _PROXY,
    ("rds", "proxy-endpoint"): {"DbProxyEndpointId": ("ResourceName",)},
    ("rds", "snapshot"): {"SnapshotName": ("DBSnapshotIdentifier", "SourceArn", "ResourceName")},
    ("rds", "target-group"): {"TargetGroupId": ("ResourceName",)},
    ("route53", "ListTagsForResources", "healthcheck"): {"Id": ("ResourceIds",)},
    ("route53", "ListTagsForResources", "hostedzone"): {"Id": ("ResourceIds",)},
    ("s3", "accessgrant"): {"Token": ("AccessGrantId", "ResourceArn")},
    ("s3", "accessgrantslocation"): {"Token": ("AccessGrantsLocationId", "ResourceArn")},
    ("s3", "multiregionaccesspointrequestarn"): {"Operation": (), "Token": ("RequestTokenARN",)},
    ("s3", "object"): {"BucketName": ("Bucket",), "ObjectName": ("Key", "Delete.Objects[].Key")},
    ("s3-outposts", "bucket"): {"OutpostId": (), "BucketName": ("Bucket",)},
    ("sqs", "queue"): {"QueueName": ("QueueName", "QueueUrl", "SourceArn")},
    ("ssm", "cloud-connector"): {"CloudConnectorId": ("CloudConnectorId", "ResourceId")},
    ("ssm", "iam-role"): {"RoleName": ()},
    ("ssm", "instance"): {"InstanceId": ("InstanceId", "InstanceIds", "Target", "ResourceId")},
    ("ssm", "maintenancewindow"): {"ResourceId": ("WindowId", "ResourceId")},
    ("ssm", "managed-instance"): {"InstanceId": ("InstanceId", "InstanceIds", "ResourceId")},
    ("ssm", "opsitem"): {"ResourceId": ("OpsItemId", "ResourceId", "OpsItemArn")},
    ("ssm", "opsmetadata"): {"ResourceId": ("OpsMetadataArn", "ResourceId")},
    ("ssm", "patchbaseline"): {"PatchBaselineIdResourceId": ("BaselineId", "ResourceId")},
    ("states", "statemachine"): {
        "StateMachineName": (
            *("stateMachineArn", "stateMachineAliasArn", "stateMachineVersionArn", "resourceArn"),
            *("routingConfiguration[].stateMachineVersionArn", "name"),
        )
    },
    ("sts", "AssumeRoot", "root-user"): {},
}  # fmt: skip
"""(prefix, resource type), or with an operation between them -> variable of the ARN -> the members that have it.

`A[].B` and `A.B` are members of members.
"""

TAKE_ARNS: Final = frozenset(
    {
        ("cloudtrail", "ResourceId"), ("cloudtrail", "ResourceIdList"), ("rds", "ResourceName"),
        ("rds", "ResourceIdentifier"), ("lambda", "Resource"),
    }
)  # fmt: skip
"""(prefix, member) of members whose names do not say that they have ARNs."""

_QUALIFIED: Final = "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}:${Qualifier}"
_LOG_GROUP: Final = "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}"

PATTERNS: Final[dict[tuple[str, ...], str]] = {
    ("glue", "CreateSchema", "schema"): (
        "arn:${Partition}:glue:${Region}:${Account}:schema/default-registry/${SchemaName}"
    ),
    ("kms", "alias"): "arn:${Partition}:kms:${Region}:${Account}:${Alias}",
    ("lambda", "GetFunctionScalingConfig", "function"): _QUALIFIED,
    ("lambda", "PutFunctionScalingConfig", "function"): _QUALIFIED,
    ("logs", "log-group"): f"{_LOG_GROUP}:*",
    ("logs", "ListTagsForResource", "log-group"): _LOG_GROUP,
    ("logs", "TagResource", "log-group"): _LOG_GROUP,
    ("logs", "UntagResource", "log-group"): _LOG_GROUP,
}
"""(prefix, resource type), or with an operation between them -> the ARN that policies have.

glue: AWS Glue Developer Guide, "Getting started with schema registry": `schema/REGISTRY/NAME`.
kms: names of aliases in requests begin with `alias/`. lambda: AWS Lambda Developer Guide, "Fine-tuning the Resources
and Conditions sections of policies": a qualified function is another resource. logs: CloudWatch Logs API Reference,
LogGroup: but for the permissions of those three actions, the ARN of a log group ends in `:*`.
"""

NEVER: Final = frozenset(
    {
        ("elbv2", "loadbalancer"),  # classic load balancers, which elb has
        ("CreateArchive", "alias"), ("CreateArchive", "key"),  # KMS decides on these
        ("DeregisterDBProxyTargets", "cluster"), ("DeregisterDBProxyTargets", "db"),  # only where they are named
        ("DescribeDBProxyTargets", "target-group"),  # only where it is named
        ("CreateAddon", "podidentityassociation"), ("DeleteAddon", "podidentityassociation"),
        ("UpdateAddon", "podidentityassociation"),  # only where there are any
        ("CreateDBCapacityReservation", "db-capacity-reservation"), ("CreateDBShardGroup", "shardgrp"),  # RDS's own ids
        ("AddTagsToResource", "cloud-connector"), ("AddTagsToResource", "instance"), ("AddTagsToResource", "task"),
        ("ListTagsForResource", "cloud-connector"),
        ("RemoveTagsFromResource", "cloud-connector"), ("RemoveTagsFromResource", "instance"),
        ("RemoveTagsFromResource", "task"),  # there is no such ResourceType
    }
)  # fmt: skip
"""(service or operation, resource type) of types that an action has and that calls of an operation do not name."""

FORMS: Final[dict[tuple[str, str, str], str]] = {
    ("ssm", "instance", "InstanceId"): "i-0123456789abcdef0",
    ("ssm", "managed-instance", "InstanceId"): "mi-0123456789abcdef0",
    ("kms", "alias", "Alias"): "alias/one",
    ("iam", "access-report", "EntityPath"): "o-0123456789/r-0123",
    ("ec2", "import-image-task", "ImportImageTaskId"): "import-ami-0123456789abcdef0",
    ("ec2", "import-snapshot-task", "ImportSnapshotTaskId"): "import-snap-0123456789abcdef0",
    ("organizations", "account", "AccountId"): "123456789012",
    ("organizations", "handshake", "HandshakeId"): "h-0123456789",
    ("organizations", "organizationalunit", "OrganizationalUnitId"): "ou-0123-01234567",
    ("organizations", "policy", "PolicyId"): "p-0123456789",
    ("organizations", "root", "RootId"): "r-0123",
    ("organizations", "resourcepolicy", "ResourcePolicyId"): "rp-0123456789",
    ("organizations", "responsibilitytransfer", "ResponsibilityTransferId"): "rt-0123456789",
}
"""(prefix, resource type, variable) -> a text of the form that the service asks for."""

TEXTS: Final[dict[tuple[str, str], str]] = {
    ("cloudformation", "StackInstanceAccount"): "{account}",
    ("cloudtrail", "ImportId"): "00000000-0000-4000-8000-000000000000",
    ("dynamodb", "Statement"): 'SELECT * FROM "given"',
    ("s3", "CopySource"): "source/given",
    ("iam", "VersionId"): "v1",
    ("iam", "AuthenticationCode1"): "123456",
    ("iam", "AuthenticationCode2"): "654321",
    ("iam", "RoleName"): "given",
    ("iam", "TemplateArn"): "arn:aws:iam::aws:role-template/given/one:1",
    ("organizations", "Email"): "one@example.com",
    ("organizations", "ParentId"): "r-0123",
    ("organizations", "ChildId"): "123456789012",
    ("organizations", "TargetId"): "123456789012",
    ("organizations", "SourceParentId"): "r-0123",
    ("organizations", "DestinationParentId"): "r-4567",
    ("organizations", "CreateAccountRequestId"): "car-0123456789abcdef0123456789abcdef",
    ("ssm", "InstanceId"): "i-0123456789abcdef0",
    ("sts", "RoleSessionName"): "given",
    ("sts", "TargetPrincipal"): "{account}",
    ("apigateway", "domainNameAccessAssociationArn"): "arn:aws:apigateway:us-east-1:{account}:"
    "/domainnameaccessassociations/domainname/given/vpcesource/vpce-0123456789abcdef0",
}
"""(service, member) -> a text of the form that the service asks for."""

_TARGET_GROUP: Final = "arn:aws:elasticloadbalancing:us-east-1:{account}:targetgroup/given/0123456789abcdef"

VALUES: Final[dict[tuple[str, ...], dict[str, Any]]] = {
    ("dynamodb", "TransactWriteItems"): {
        "TransactItems": [{"Delete": {"TableName": "given", "Key": {"k": {"S": "v"}}}}]
    },
    ("ec2", "AssociateIamInstanceProfile"): {"IamInstanceProfile": {"Name": "given"}},
    ("ec2", "ReplaceIamInstanceProfileAssociation"): {"IamInstanceProfile": {"Name": "given"}},
    ("ec2", "CreateFleet"): {
        "LaunchTemplateConfigs": [
            {"LaunchTemplateSpecification": {"LaunchTemplateId": "lt-0123456789abcdef0", "Version": "1"}}
        ]
    },
    ("ec2", "ModifyInstanceCapacityReservationAttributes"): {
        "CapacityReservationSpecification": {"CapacityReservationPreference": "none"}
    },
    ("ec2", "CreateTags"): {"Resources": ["vpc-0123456789abcdef0"]},
    ("ec2", "DeleteTags"): {"Resources": ["vpc-0123456789abcdef0"]},
    ("elbv2", "AddTags"): {"ResourceArns": [_TARGET_GROUP]},
    ("elbv2", "RemoveTags"): {"ResourceArns": [_TARGET_GROUP]},
    ("elbv2", "CreateLoadBalancer", "loadbalancer/net/"): {"Type": "network"},
    ("elbv2", "CreateLoadBalancer", "loadbalancer/gwy/"): {"Type": "gateway"},
    ("rds", "RestoreDBInstanceToPointInTime"): {"SourceDBInstanceIdentifier": "one-dbinstancename"},
    ("dynamodb", "RestoreTableToPointInTime"): {"SourceTableName": "one-tablename"},
    ("kms", "ReEncrypt"): {"SourceKeyId": "one-keyid"},
    ("iam", "CreateDelegationRequest"): {
        "Permissions": {"PolicyTemplateArn": "arn:aws:iam::aws:policy/given", "Parameters": []}
    },
    ("sts", "AssumeRoot"): {"TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}},
    **{
        ("route53", operation, kind): {"ResourceType": kind}
        for operation in ("ChangeTagsForResource", "ListTagsForResource", "ListTagsForResources")
        for kind in ("healthcheck", "hostedzone")
    },
    **{
        ("ssm", operation, kind): {"ResourceType": value}
        for operation in ("AddTagsToResource", "ListTagsForResource", "RemoveTagsFromResource", "PutComplianceItems")
        for kind, value in {
            "association": "Association",
            "automation-execution": "Automation",
            "document": "Document",
            "maintenancewindow": "MaintenanceWindow",
            "managed-instance": "ManagedInstance",
            "opsitem": "OpsItem",
            "opsmetadata": "OpsMetadata",
            "parameter": "Parameter",
            "patchbaseline": "PatchBaseline",
        }.items()
    },
}
"""(service, operation), or with a resource type -> members with which the call is one that names such a resource."""
