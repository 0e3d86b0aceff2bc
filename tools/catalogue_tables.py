"""Tables for `tools/catalogue.py`, of names that do not follow from a model."""

from __future__ import annotations

from typing import Final

# botocore service -> the prefixes of its actions, where those are neither the signing name nor the endpoint prefix.
PREFIXES: Final[dict[str, tuple[str, ...]]] = {
    "amp": ("aps",),
    "apigatewaymanagementapi": ("execute-api",),
    "apigatewayv2": ("apigateway",),
    "application-insights": ("applicationinsights",),
    "cloudhsmv2": ("cloudhsm",),
    "docdb": ("rds",),
    "dynamodbstreams": ("dynamodb",),
    "efs": ("elasticfilesystem",),
    "elb": ("elasticloadbalancing",),
    "elbv2": ("elasticloadbalancing",),
    "emr": ("elasticmapreduce",),
    "iot-data": ("iot",),
    "iot-jobs-data": ("iotjobsdata", "iot"),
    "keyspaces": ("cassandra",),
    "keyspacesstreams": ("cassandra",),
    "lex-models": ("lex",),
    "lex-runtime": ("lex",),
    "lexv2-models": ("lex",),
    "lexv2-runtime": ("lex",),
    "neptune": ("rds",),
    "pinpoint-email": ("ses",),
    "s3control": ("s3", "s3-outposts", "s3-object-lambda"),
    "sesv2": ("ses",),
    "sso-admin": ("sso",),
    "stepfunctions": ("states",),
}

_BUDGET_WRITES = "CreateBudget CreateNotification CreateSubscriber DeleteBudget DeleteNotification DeleteSubscriber "
_BUDGET_WRITES += "UpdateBudget UpdateNotification UpdateSubscriber"
_BUDGET_READS = "DescribeBudget DescribeBudgets DescribeBudgetPerformanceHistory DescribeNotificationsForBudget "
_BUDGET_READS += "DescribeBudgetNotificationsForAccount DescribeSubscribersForNotification"

# (botocore service, operation) -> action, where their names differ.
ACTIONS: Final[dict[tuple[str, str], str]] = {
    **{("budgets", name): "budgets:ModifyBudget" for name in _BUDGET_WRITES.split()},
    **{("budgets", name): "budgets:ViewBudget" for name in _BUDGET_READS.split()},
    **{
        ("keyspaces", name): action
        for action, names in {
            "cassandra:Create": "CreateKeyspace CreateTable CreateType",
            "cassandra:Drop": "DeleteKeyspace DeleteTable DeleteType",
            "cassandra:Select": "GetKeyspace GetTable GetType ListKeyspaces ListTables ListTypes ListTagsForResource",
            "cassandra:Alter": "UpdateKeyspace UpdateTable",
            "cassandra:Restore": "RestoreTable",
        }.items()
        for name in names.split()
    },
    ("s3control", "GetBucket"): "s3-outposts:GetBucket",
    ("s3control", "CreateBucket"): "s3-outposts:CreateBucket",
    ("s3control", "DeleteBucket"): "s3-outposts:DeleteBucket",
    ("s3control", "ListRegionalBuckets"): "s3-outposts:ListRegionalBuckets",
    ("s3control", "GetPublicAccessBlock"): "s3:GetAccountPublicAccessBlock",
    ("s3control", "PutPublicAccessBlock"): "s3:PutAccountPublicAccessBlock",
    ("s3control", "DeletePublicAccessBlock"): "s3:PutAccountPublicAccessBlock",
}

# Operations for which no policy is evaluated.
PERMISSIONLESS: Final = frozenset(
    {("timestream-query", "DescribeEndpoints"), ("timestream-write", "DescribeEndpoints")}
)

# The services whose actions are HTTP methods, with the path as the resource.
VERBS: Final = frozenset({"apigateway", "apigatewayv2"})

# (prefix, resource type) -> ARN variable -> the members that have its value, the likeliest first.
SYNONYMS: Final[dict[tuple[str, str], dict[str, tuple[str, ...]]]] = {
    ("access-analyzer", "Analyzer"): {"AnalyzerName": ("analyzerName", "analyzerArn")},
    ("athena", "datacatalog"): {"DataCatalogName": ("CatalogName", "Name")},
    ("athena", "workgroup"): {"WorkGroupName": ("WorkGroup", "Name")},
    ("autoscaling", "autoScalingGroup"): {
        "GroupId": (),
        "GroupFriendlyName": ("AutoScalingGroupName", "AutoScalingGroupNames", "ResourceId"),
    },
    ("autoscaling", "launchConfiguration"): {
        "Id": (),
        "LaunchConfigurationName": ("LaunchConfigurationName",),
    },
    ("cloudformation", "changeset"): {"ChangeSetName": ("ChangeSetName",), "Id": ()},
    ("cloudformation", "stack"): {"StackName": ("StackName", "StackId"), "Id": ()},
    ("cloudformation", "stackset"): {"StackSetName": ("StackSetName",), "Id": ()},
    ("cloudtrail", "eventdatastore"): {"EventDataStoreId": ("EventDataStore",)},
    ("cloudtrail", "trail"): {"TrailName": ("Name", "TrailName", "trailNameList")},
    ("ec2", "elastic-ip"): {"AllocationId": ("AllocationId", "AllocationIds")},
    ("ec2", "launch-template"): {"LaunchTemplateId": ("LaunchTemplateId", "LaunchTemplateIds")},
    ("ec2", "natgateway"): {"NatGatewayId": ("NatGatewayId", "NatGatewayIds")},
    ("ec2", "placement-group"): {"PlacementGroupName": ("GroupName",)},
    ("ec2", "security-group"): {
        "SecurityGroupId": ("GroupId", "GroupIds", "SecurityGroupId", "SecurityGroupIds", "Groups"),
    },
    ("ec2", "vpc-flow-log"): {"VpcFlowLogId": ("FlowLogIds",)},
    ("ecs", "cluster"): {"ClusterName": ("cluster", "clusterName", "clusters")},
    ("ecs", "container-instance"): {
        "ClusterName": ("cluster",),
        "ContainerInstanceId": ("containerInstance", "containerInstances"),
    },
    ("ecs", "service"): {"ClusterName": ("cluster",), "ServiceName": ("service", "serviceName", "services")},
    ("ecs", "task"): {"ClusterName": ("cluster",), "TaskId": ("task", "tasks")},
    ("ecs", "task-definition"): {
        "TaskDefinitionFamilyName": ("taskDefinition", "family"),
        "TaskDefinitionRevisionNumber": (),
    },
    ("eks", "cluster"): {"ClusterName": ("clusterName", "name")},
    ("events", "event-bus"): {"EventBusName": ("EventBusName", "Name", "Entries[].EventBusName")},
    ("events", "rule-on-custom-event-bus"): {"EventBusName": ("EventBusName",), "RuleName": ("Name", "Rule")},
    ("events", "rule-on-default-event-bus"): {"RuleName": ("Name", "Rule")},
    ("firehose", "deliverystream"): {"DeliveryStreamName": ("DeliveryStreamName",)},
    ("glue", "database"): {"DatabaseName": ("DatabaseName", "Name", "DatabaseInput.Name")},
    ("glue", "table"): {"DatabaseName": ("DatabaseName",), "TableName": ("TableName", "Name", "TableInput.Name")},
    ("kms", "key"): {"KeyId": ("KeyId", "TargetKeyId")},
    ("logs", "log-group"): {"LogGroupName": ("logGroupName", "logGroupIdentifier", "logGroupIdentifiers")},
    ("logs", "log-stream"): {
        "LogGroupName": ("logGroupName", "logGroupIdentifier"),
        "LogStreamName": ("logStreamName",),
    },
    ("organizations", "account"): {"OrganizationId": (), "AccountId": ("AccountId",)},
    ("organizations", "organizationalunit"): {
        "OrganizationId": (),
        "OrganizationalUnitId": ("OrganizationalUnitId",),
    },
    ("organizations", "policy"): {"OrganizationId": (), "PolicyType": (), "PolicyId": ("PolicyId",)},
    ("rds", "cluster"): {"DbClusterInstanceName": ("DBClusterIdentifier", "SourceDBClusterIdentifier")},
    ("rds", "cluster-pg"): {"ClusterParameterGroupName": ("DBClusterParameterGroupName",)},
    ("rds", "cluster-snapshot"): {"ClusterSnapshotName": ("DBClusterSnapshotIdentifier", "SnapshotIdentifier")},
    ("rds", "db"): {"DbInstanceName": ("DBInstanceIdentifier", "SourceDBInstanceIdentifier")},
    ("rds", "og"): {"OptionGroupName": ("OptionGroupName",)},
    ("rds", "pg"): {"ParameterGroupName": ("DBParameterGroupName",)},
    ("rds", "snapshot"): {"SnapshotName": ("DBSnapshotIdentifier", "SourceDBSnapshotIdentifier")},
    ("rds", "subgrp"): {"SubnetGroupName": ("DBSubnetGroupName",)},
    ("route53", "hostedzone"): {"Id": ("HostedZoneId", "Id")},
    ("secretsmanager", "Secret"): {"SecretId": ("SecretId", "Name")},
    ("ssm", "document"): {"DocumentName": ("Name", "DocumentName")},
    ("ssm", "parameter"): {"ParameterNameWithoutLeadingSlash": ("Name", "Names", "Path")},
    ("states", "activity"): {"ActivityName": ("activityArn", "name")},
    ("states", "statemachine"): {"StateMachineName": ("stateMachineArn", "name", "resourceArn")},
}

# (prefix, resource type) -> function in authz.services, where values in requests differ from those in the ARN.
VIA: Final[dict[tuple[str, str], str]] = {
    ("ecs", "task-definition"): "ecs_task_definition",
    ("ssm", "parameter"): "ssm_parameter",
}

# botocore service, service.Operation or service.Member -> iam:PassedToService, where it is not
# <endpoint prefix>.amazonaws.com.
PASSED_TO: Final[dict[str, str]] = {
    "ec2.CreateFlowLogs": "vpc-flow-logs.amazonaws.com",
    "ec2.RequestSpotFleet": "spotfleet.amazonaws.com",
    "rds.MonitoringRoleArn": "monitoring.rds.amazonaws.com",
    "s3control": "batchoperations.s3.amazonaws.com",
    "ecs": "ecs-tasks.amazonaws.com",
    "iot": "iot.amazonaws.com",
    "opensearch": "opensearchservice.amazonaws.com",
    "es": "opensearchservice.amazonaws.com",
    "bedrock-agent": "bedrock.amazonaws.com",
    "bedrock-agentcore-control": "bedrock-agentcore.amazonaws.com",
    "lexv2-models": "lexv2.amazonaws.com",
    "quicksight": "quicksight.amazonaws.com",
    "sagemaker": "sagemaker.amazonaws.com",
    "docdb": "rds.amazonaws.com",
    "neptune": "rds.amazonaws.com",
    "apigatewayv2": "apigateway.amazonaws.com",
}
