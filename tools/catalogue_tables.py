"""Tables for `tools/catalogue.py`, of names that do not follow from a model."""

from __future__ import annotations

from typing import Final

# botocore service -> the prefixes of its actions, where those are neither the signing name nor the endpoint prefix.
PREFIXES: Final[dict[str, tuple[str, ...]]] = {
    "amp": ("aps",),
    "apigatewaymanagementapi": ("execute-api",),
    "apigatewayv2": ("apigateway",),
    "application-insights": ("applicationinsights",),
    "applicationcostprofiler": ("application-cost-profiler",),
    "cloudcontrol": ("cloudformation",),
    "cloudhsmv2": ("cloudhsm",),
    "cloudwatch": ("cloudwatch",),
    "connectparticipant": ("execute-api",),
    "docdb": ("rds",),
    "dynamodbstreams": ("dynamodb",),
    "efs": ("elasticfilesystem",),
    "elb": ("elasticloadbalancing",),
    "elbv2": ("elasticloadbalancing",),
    "emr": ("elasticmapreduce",),
    "iot-data": ("iot",),
    "iot-jobs-data": ("iotjobsdata", "iot"),
    "iotsecuretunneling": ("iot",),
    "keyspaces": ("cassandra",),
    "keyspacesstreams": ("cassandra",),
    "lex-models": ("lex",),
    "lex-runtime": ("lex",),
    "lexv2-models": ("lex",),
    "lexv2-runtime": ("lex",),
    "mturk": ("mechanicalturk",),
    "neptune": ("rds",),
    "partnercentral-account": ("partnercentral",),
    "partnercentral-benefits": ("partnercentral",),
    "partnercentral-channel": ("partnercentral",),
    "partnercentral-selling": ("partnercentral",),
    "pinpoint-email": ("ses",),
    "resourcegroupstaggingapi": ("tag",),
    "s3control": ("s3", "s3-outposts", "s3-object-lambda", "s3express"),
    "ses": ("ses",),
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
    ("bedrock-runtime", "Converse"): "bedrock:InvokeModel",
    ("bedrock-runtime", "ConverseStream"): "bedrock:InvokeModelWithResponseStream",
    ("bedrock-runtime", "InvokeModelWithBidirectionalStream"): "bedrock:InvokeModelWithResponseStream",
    ("bedrock-runtime", "StartAsyncInvoke"): "bedrock:InvokeModel",
    ("cloudfront", "CreateDistributionWithTags"): "cloudfront:CreateDistribution",
    ("cloudsearchdomain", "UploadDocuments"): "cloudsearch:document",
    ("sagemaker-featurestore-runtime", "UpdateRecord"): "sagemaker:PutRecord",
    ("timestream-query", "Query"): "timestream:Select",
    **{
        ("apigatewaymanagementapi", name): "execute-api:ManageConnections"
        for name in ("DeleteConnection", "GetConnection", "PostToConnection")
    },
    **{
        ("neptunedata", name): f"neptune-db:{action}"
        for action, names in {
            "CancelQuery": "CancelGremlinQuery CancelOpenCypherQuery",
            "DeleteStatistics": "DeletePropertygraphStatistics DeleteSparqlStatistics",
            "GetGraphSummary": "GetPropertygraphSummary GetRDFGraphSummary",
            "GetQueryStatus": "GetGremlinQueryStatus GetOpenCypherQueryStatus ListGremlinQueries ListOpenCypherQueries",
            "GetStatisticsStatus": "GetPropertygraphStatistics GetSparqlStatistics",
            "GetStreamRecords": "GetPropertygraphStream GetSparqlStream",
            "ManageStatistics": "ManagePropertygraphStatistics ManageSparqlStatistics",
            "ReadDataViaQuery": "ExecuteGremlinExplainQuery ExecuteGremlinProfileQuery ExecuteGremlinQuery "
            "ExecuteOpenCypherExplainQuery ExecuteOpenCypherQuery",
            "ResetDatabase": "ExecuteFastReset",
            "GetMLDataProcessingJobStatus": "GetMLDataProcessingJob",
            "GetMLEndpointStatus": "GetMLEndpoint",
            "GetMLModelTrainingJobStatus": "GetMLModelTrainingJob",
            "GetMLModelTransformJobStatus": "GetMLModelTransformJob",
        }.items()
        for name in names.split()
    },
}

# botocore service -> the condition key of its tagging action that has the operation which sets tags on what it creates.
CREATE_ACTIONS: Final[dict[str, str]] = {"ecs": "ecs:CreateAction", "elbv2": "elasticloadbalancing:CreateAction"}

# action -> the resource type that gets the tags of the call, where the action itself is decided on others.
TAGGED: Final[dict[str, str]] = {
    "cloudformation:CreateStackSet": "stackset",
    "ecs:RegisterContainerInstance": "container-instance",
    "eks:AssociateIdentityProviderConfig": "identityproviderconfig",
    "eks:CreateAddon": "addon",
    "eks:CreateCapability": "capability",
    "eks:CreateEksAnywhereSubscription": "eks-anywhere-subscription",
    "eks:CreateFargateProfile": "fargateprofile",
    "eks:CreateNodegroup": "nodegroup",
    "eks:CreatePodIdentityAssociation": "podidentityassociation",
    "eks:RegisterCluster": "cluster",
    "lambda:CreateCodeSigningConfig": "code signing config",
    "lambda:CreateEventSourceMapping": "eventSourceMapping",
    "rds:CreateDBProxy": "proxy",
    "s3:CreateJob": "job",
    "s3:CreateStorageLensGroup": "storagelensgroup",
    "s3:PutStorageLensConfiguration": "storagelensconfiguration",
}

# Endings and beginnings of operations that take the action of the rest of their name.
FORMS: Final = (r"\d{4}_\d\d_\d\d$", r"v\d$", r"^batch", r"batch$", r"withresponsestream$", r"stream$", r"async$")

# Operations for which no policy is evaluated: they are called with a token of the service, or `*`: all of a service.
PERMISSIONLESS: Final = frozenset(
    {
        ("account-access-runtime", "*"),
        ("codecatalyst", "*"),
        ("connectparticipant", "*"),
    }
)

# The services whose actions are HTTP methods, with the path as the resource.
VERBS: Final = frozenset({"apigateway", "apigatewayv2"})

# (prefix, resource type) -> ARN variable -> the members that have its value, the likeliest first.
SYNONYMS: Final[dict[tuple[str, str], dict[str, tuple[str, ...]]]] = {
    ("access-analyzer", "Analyzer"): {"AnalyzerName": ("analyzerName", "analyzerArn")},
    ("athena", "datacatalog"): {"DataCatalogName": ("CatalogName", "Name")},
    ("athena", "workgroup"): {"WorkGroupName": ("WorkGroup",)},
    ("autoscaling", "autoScalingGroup"): {
        "GroupId": (),
        "GroupFriendlyName": ("AutoScalingGroupName", "AutoScalingGroupNames", "ResourceId"),
    },
    ("autoscaling", "launchConfiguration"): {
        "Id": (),
        "LaunchConfigurationName": ("LaunchConfigurationName",),
    },
    ("backup", "restoreTestingPlan"): {
        "RestoreTestingPlanName": ("RestoreTestingPlanName", "RestoreTestingPlan.RestoreTestingPlanName"),
        "RestoreTestingPlanId": (),
    },
    ("batch", "job"): {"JobId": ("jobId",)},
    ("cloudformation", "changeset"): {"ChangeSetName": ("ChangeSetName",), "Id": ()},
    ("cloudformation", "stack"): {"StackName": ("StackName", "StackId"), "Id": ()},
    ("cloudformation", "stackset"): {"StackSetName": ("StackSetName",), "Id": ()},
    ("cloudtrail", "eventdatastore"): {
        "EventDataStoreId": ("EventDataStore", "EventDataStores", "Destinations[].Location"),
    },
    ("cloudtrail", "trail"): {"TrailName": ("Name", "TrailName", "trailNameList")},
    ("cloudtrail", "channel"): {"ChannelId": ("Channel",)},
    ("codepipeline", "pipeline"): {
        "PipelineName": ("webhook.targetPipeline", "pipelineName", "name", "pipeline.name"),
    },
    ("codepipeline", "webhook"): {"WebhookName": ("webhookName", "name", "webhook.name")},
    ("ec2", "dedicated-host"): {"DedicatedHostId": ("HostId", "HostIds", "HostIdSet")},
    ("ec2", "ipv4pool-ec2"): {"Ipv4PoolEc2Id": ("PoolId", "PoolIds", "PublicIpv4Pool")},
    ("ec2", "ipv6pool-ec2"): {"Ipv6PoolEc2Id": ("PoolId", "PoolIds", "Ipv6Pool")},
    ("ec2", "reserved-instances"): {"ReservationId": ("ReservedInstancesIds", "ReservedInstanceIds")},
    ("ec2", "fpga-image"): {"FpgaImageId": ("FpgaImageId", "FpgaImageIds")},
    ("ec2", "image"): {"ImageId": ("ImageId", "ImageIds")},
    ("ec2", "instance-event-window"): {"InstanceEventWindowId": ("InstanceEventWindowId", "InstanceEventWindowIds")},
    ("ec2", "prefix-list"): {
        "PrefixListId": (
            "PrefixListId",
            "PrefixListIds",
            "DestinationPrefixListId",
            "SecurityGroupRules[].SecurityGroupRule.PrefixListId",
        ),
    },
    ("ec2", "elastic-ip"): {"AllocationId": ("AllocationId", "AllocationIds")},
    ("ec2", "key-pair"): {"KeyPairName": ("KeyName", "KeyNames")},
    ("ec2", "launch-template"): {"LaunchTemplateId": ("LaunchTemplateId", "LaunchTemplateIds")},
    ("ec2", "natgateway"): {"NatGatewayId": ("NatGatewayId", "NatGatewayIds")},
    ("ec2", "placement-group"): {"PlacementGroupName": ("GroupName",)},
    ("ec2", "security-group"): {
        "SecurityGroupId": ("GroupId", "GroupIds", "SecurityGroupId", "SecurityGroupIds", "Groups"),
    },
    ("ec2", "vpc-flow-log"): {"VpcFlowLogId": ("FlowLogId", "FlowLogIds")},
    ("ecs", "daemon-task-definition"): {
        "DaemonTaskDefinitionFamilyName": ("daemonTaskDefinition", "daemonTaskDefinitionArn", "family"),
        "DaemonTaskDefinitionRevisionNumber": (),
    },
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
    ("eks", "capability"): {
        "ClusterName": ("clusterName",),
        "CapabilityType": ("type",),
        "CapabilityName": ("capabilityName",),
        "UUID": (),
    },
    ("eks", "eks-anywhere-subscription"): {"UUID": ("id",)},
    ("eks", "cluster"): {"ClusterName": ("clusterName", "name")},
    ("elasticbeanstalk", "environment"): {
        "ApplicationName": ("ApplicationName",),
        "EnvironmentName": ("EnvironmentName", "EnvironmentNames"),
    },
    ("eks", "podidentityassociation"): {"ClusterName": ("clusterName",), "UUID": ("associationId",)},
    ("events", "event-bus"): {"EventBusName": ("EventBusName", "Name", "Entries[].EventBusName")},
    ("events", "rule-on-custom-event-bus"): {"EventBusName": ("EventBusName",), "RuleName": ("Name", "Rule")},
    ("events", "rule-on-default-event-bus"): {"RuleName": ("Name", "Rule")},
    ("firehose", "deliverystream"): {"DeliveryStreamName": ("DeliveryStreamName",)},
    ("glue", "connection"): {
        "ConnectionName": ("ConnectionName", "Name", "ConnectionNameList", "ConnectionInput.Name")
    },
    ("glue", "integration"): {"IntegrationId": ("IntegrationIdentifier", "IntegrationArn")},
    ("glue", "database"): {"DatabaseName": ("DatabaseName", "Name", "DatabaseInput.Name")},
    ("glue", "table"): {
        "DatabaseName": ("DatabaseName",),
        "TableName": ("TableName", "Name", "TableInput.Name", "TablesToDelete"),
    },
    ("kms", "key"): {"KeyId": ("KeyId", "TargetKeyId")},
    ("logs", "log-group"): {"LogGroupName": ("logGroupName", "logGroupIdentifier", "logGroupIdentifiers")},
    ("logs", "scheduled-query"): {"ScheduledQueryId": ("identifier",)},
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
    ("rds", "cluster"): {
        "DbClusterInstanceName": (
            "DBClusterIdentifier",
            "DbClusterIdentifier",
            "TargetDbClusterIdentifier",
            "SourceDBClusterIdentifier",
        )
    },
    ("rds", "cluster-pg"): {
        "ClusterParameterGroupName": ("DBClusterParameterGroupName", "SourceDBClusterParameterGroupIdentifier")
    },
    ("rds", "cluster-snapshot"): {"ClusterSnapshotName": ("DBClusterSnapshotIdentifier", "SnapshotIdentifier")},
    ("rds", "db"): {"DbInstanceName": ("DBInstanceIdentifier", "SourceDBInstanceIdentifier")},
    ("rds", "db-capacity-reservation"): {"DBCapacityReservationIdentifier": ("DBCapacityReservationIdentifier",)},
    ("rds", "deployment"): {"BlueGreenDeploymentIdentifier": ("BlueGreenDeploymentIdentifier",)},
    ("rds", "integration"): {"IntegrationIdentifier": ("IntegrationIdentifier",)},
    ("rds", "og"): {"OptionGroupName": ("OptionGroupName", "SourceOptionGroupIdentifier")},
    ("rds", "pg"): {
        "ParameterGroupName": ("DBParameterGroupName", "SourceDBParameterGroupIdentifier", "SourceDBParameterGroupName")
    },
    ("rds", "snapshot"): {"SnapshotName": ("DBSnapshotIdentifier", "SourceDBSnapshotIdentifier")},
    ("rds", "proxy"): {"DbProxyId": ()},
    ("rds", "subgrp"): {"SubnetGroupName": ("DBSubnetGroupName",)},
    **{
        ("wafv2", kind): {"Scope": ()}
        for kind in ("apigateway", "ipset", "managedruleset", "regexpatternset", "rulegroup", "webacl")
    },
    **{
        ("mobiletargeting", kind): {"AppId": ("ApplicationId",)}
        for kind in (
            "app",
            "attribute",
            "campaign",
            "channel",
            "channels",
            "daterange-kpi",
            "event-stream",
            "events",
            "journey",
            "messages",
            "otp",
            "phone-number-validate",
            "segment",
            "user",
            "verify-otp",
            "exportjob",
            "importjob",
        )
    },
    ("ses", "configuration-set"): {"ConfigurationSetName": ("ConfigurationSetName", "ConfigurationSet.Name")},
    ("ses", "identity"): {"IdentityName": ("EmailIdentity", "Identity", "Identities", "FromEmailAddress", "Source")},
    ("route53", "hostedzone"): {"Id": ("HostedZoneId", "Id")},
    ("s3vectors", "Index"): {"BucketName": ("vectorBucketName",), "IndexName": ("indexName", "indexArn")},
    ("s3", "storagelensgroup"): {"Name": ("Name", "StorageLensGroup.Name")},
    ("secretsmanager", "Secret"): {"SecretId": ("SecretId", "Name")},
    ("ssm", "association"): {"AssociationId": ("AssociationId", "AssociationIds")},
    ("ssm", "document"): {"DocumentName": ("Name", "DocumentName")},
    ("ssm", "parameter"): {"ParameterNameWithoutLeadingSlash": ("Name", "Names", "Path")},
    ("states", "activity"): {"ActivityName": ("activityArn", "name")},
    ("states", "express"): {"StateMachineName": (), "ExecutionId": (), "ExpressId": ("executionArn",)},
    ("states", "statemachine"): {"StateMachineName": ("stateMachineArn", "name", "resourceArn")},
}

# prefix -> the resource types whose ARNs have the resource's name, though the variable of the ARN is called an id.
NAMES_AS_IDS: Final[dict[str, frozenset[str]]] = {
    "bcm-data-exports": frozenset({"table"}),
    "gamelift": frozenset({"location"}),
    "glue": frozenset({"usageProfile"}),
    "iotfleetwise": frozenset({"vehicle"}),
    "proton": frozenset({"component"}),
    "rekognition": frozenset({"streamprocessor"}),
}

# (prefix, resource type) -> the members, by a pattern of their path, that each name one more resource of the type in
# the operations that are decided on it: the subnets of several network interfaces, the pools of IPv4 and of IPv6.
FURTHER: Final[dict[tuple[str, str], str]] = {
    ("ec2", "capacity-reservation"): r"CapacityReservationIds?",
    ("ec2", "elastic-ip"): r"(Secondary)?AllocationIds?",
    ("ec2", "image"): r"ImageId",
    ("ec2", "ipam-pool"): r"(Ipv4|Ipv6|Source)?IpamPoolId",
    ("ec2", "ipam-scope"): r"(Current|Destination)?IpamScopeId",
    ("ec2", "key-pair"): r"KeyName",
    ("ec2", "launch-template"): r"LaunchTemplateId",
    ("ec2", "network-interface"): r"NetworkInterfaceId",
    ("ec2", "placement-group"): r"Placement\.GroupName",
    ("ec2", "prefix-list"): r"PrefixListId",
    ("ec2", "route-table"): r"(Add|Remove)RouteTableIds",
    ("ec2", "security-group"): r"(Add|Remove)?SecurityGroupIds?|SecurityGroups\[\]\.GroupId|Groups|GroupIds",
    ("ec2", "snapshot"): r"SnapshotId",
    ("ec2", "subnet"): r"(Add|Remove|Associated|TargetVpc)?SubnetIds?",
    ("ec2", "transit-gateway-attachment"): r"TransportTransitGatewayAttachmentId|(Add|Remove)?MiddleboxAttachmentIds",
    ("ec2", "transit-gateway-route-table"): r"(Association|Propagation)DefaultRouteTableId|TargetRouteTableId",
    ("ec2", "vpc-endpoint"): r"GatewayLoadBalancerEndpointId",
    ("ec2", "vpc-endpoint-service"): r"ServiceId",
}

# (prefix, resource type) -> function in authz.services, where values in requests differ from those in the ARN.
VIA: Final[dict[tuple[str, str], str]] = {
    ("ecs", "daemon-task-definition"): "ecs_daemon_task_definition",
    ("ecs", "task-definition"): "ecs_task_definition",
    ("ses", "identity"): "ses_identity",
    ("ssm", "parameter"): "ssm_parameter",
}

# (prefix, resource type) of which operations on what it is in (a cluster, a keyspace) name none by naming that.
INNER: Final = frozenset({("cassandra", "table"), ("eks", "podidentityassociation")})

# (botocore service, operation) -> the resource types that it does not make, though its name ends like theirs.
NOT_MADE: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("config", "StartConfigurationRecorder"): ("ConfigurationRecorder",),
    ("fsx", "RestoreVolumeFromSnapshot"): ("volume",),
    ("rds", "CreateDBCluster"): ("global-cluster",),
    ("servicecatalog", "ProvisionProduct"): ("Product",),
}

# (botocore service, operation) -> the resource types that it makes, where the operation's name does not say so.
MADE: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("ec2", "AllocateAddress"): ("elastic-ip",),
    ("ec2", "AllocateHosts"): ("dedicated-host",),
    ("ec2", "AssociateIpamResourceDiscovery"): ("ipam-resource-discovery-association",),
    ("ec2", "CopyImage"): ("snapshot",),
    ("ec2", "CreateFleet"): ("instance", "volume", "network-interface"),
    ("ec2", "CreateFlowLogs"): ("vpc-flow-log",),
    ("ec2", "CreatePublicIpv4Pool"): ("ipv4pool-ec2",),
    ("ec2", "CreateSnapshots"): ("snapshot",),
    ("ec2", "CreateRestoreImageTask"): ("image",),
    ("ec2", "CreateVpcEndpointServiceConfiguration"): ("vpc-endpoint-service",),
    ("ec2", "ExportImage"): ("export-image-task",),
    ("ec2", "ImportImage"): ("import-image-task",),
    ("ec2", "ImportInstance"): ("instance", "volume"),
    ("ec2", "ImportSnapshot"): ("import-snapshot-task",),
    ("ec2", "PurchaseCapacityBlock"): ("capacity-reservation",),
    ("ec2", "RequestSpotFleet"): ("spot-fleet-request",),
    ("ec2", "RequestSpotInstances"): ("spot-instances-request",),
    ("ecs", "RegisterContainerInstance"): ("container-instance",),
    ("eks", "RegisterCluster"): ("cluster",),
    ("glue", "CreateIntegration"): ("integration",),
    ("rds", "CreateDBProxy"): ("proxy",),
    ("s3control", "CreateJob"): ("job",),
}

USED: Final = (
    "s3 s3control dynamodb sqs sns lambda kms secretsmanager ssm logs cloudwatch events scheduler stepfunctions kinesis "
    "firehose ec2 autoscaling elbv2 ecs ecr eks rds route53 cloudformation apigateway athena glue iam sts organizations "
    "cloudtrail"
).split()
"""The thirty-two services that people use most."""
