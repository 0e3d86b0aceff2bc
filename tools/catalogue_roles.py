"""The roles that operations hand over to a service, for `tools/catalogue.py`.

IAM User Guide, "Grant a user permissions to pass a role to an AWS service": "the user must have permissions to pass the
role to the service".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

# "service.Operation" -> members that are roles and that the list of members does not have.
ALSO_PASSED: Final[Mapping[str, tuple[str, ...]]] = {
    "accessanalyzer.StartPolicyGeneration": ("cloudTrailDetails.accessRole",),
    "batch.CreateComputeEnvironment": (
        "computeResources.managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn",
    ),
    "batch.UpdateComputeEnvironment": (
        "computeResources.managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn",
    ),
    "codebuild.StartBuild": ("serviceRoleOverride",),
    "codebuild.StartBuildBatch": ("serviceRoleOverride",),
    "config.PutRemediationConfigurations": (
        "RemediationConfigurations[].Parameters.AutomationAssumeRole.StaticValue.Values[]",
    ),
    "ecs.CreateCapacityProvider": ("managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn",),
    "ecs.CreateService": ("role",),
    "ecs.UpdateCapacityProvider": ("managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn",),
    "emr.CreateStudio": ("UserRole",),
    "glue.CreateColumnStatisticsTaskSettings": ("Role",),
    "glue.StartColumnStatisticsTaskRun": ("Role",),
    "glue.UpdateColumnStatisticsTaskSettings": ("Role",),
    "guardduty.CreateMalwareProtectionPlan": ("Role",),
    "guardduty.StartMalwareScan": ("ScanConfiguration.Role",),
    "guardduty.UpdateMalwareProtectionPlan": ("Role",),
    "iot.CreateMitigationAction": ("actionParams.enableIoTLoggingParams.roleArnForLogging",),
    "iot.UpdateMitigationAction": ("actionParams.enableIoTLoggingParams.roleArnForLogging",),
    "iotwireless.CreateFuotaTask": ("FirmwareUpdateRole",),
    "iotwireless.UpdateFuotaTask": ("FirmwareUpdateRole",),
    "kinesisanalytics.UpdateApplication": (
        "ApplicationUpdate.InputUpdates[].InputProcessingConfigurationUpdate.InputLambdaProcessorUpdate.RoleARNUpdate",
        "ApplicationUpdate.InputUpdates[].KinesisStreamsInputUpdate.RoleARNUpdate",
        "ApplicationUpdate.InputUpdates[].KinesisFirehoseInputUpdate.RoleARNUpdate",
        "ApplicationUpdate.OutputUpdates[].KinesisStreamsOutputUpdate.RoleARNUpdate",
        "ApplicationUpdate.OutputUpdates[].KinesisFirehoseOutputUpdate.RoleARNUpdate",
        "ApplicationUpdate.OutputUpdates[].LambdaOutputUpdate.RoleARNUpdate",
        "ApplicationUpdate.ReferenceDataSourceUpdates[].S3ReferenceDataSourceUpdate.ReferenceRoleARNUpdate",
    ),
    "kinesisanalyticsv2.UpdateApplication": ("ServiceExecutionRoleUpdate",),
    "machinelearning.CreateDataSourceFromRDS": ("RDSData.ResourceRole", "RDSData.ServiceRole"),
    "macie2.UpdateRevealConfiguration": ("retrievalConfiguration.roleName",),
    "mediaconvert.CreateJob": ("Role",),
    "partnercentral-selling.PutSellingSystemSettings": ("ResourceSnapshotJobRoleIdentifier",),
    "rds.RemoveRoleFromDBCluster": ("RoleArn",),
    "rds.RemoveRoleFromDBInstance": ("RoleArn",),
    "resiliencehub.CreateApp": ("permissionModel.invokerRoleName",),
    "resiliencehub.UpdateApp": ("permissionModel.invokerRoleName",),
    "resiliencehubv2.CreateService": ("permissionModel.invokerRoleName",),
    "resiliencehubv2.CreateTest": ("roleName",),
    "resiliencehubv2.UpdateService": ("permissionModel.invokerRoleName",),
    "resiliencehubv2.UpdateTest": ("roleName",),
    "rolesanywhere.CreateProfile": ("roleArns[]",),
    "rolesanywhere.UpdateProfile": ("roleArns[]",),
    "s3.PutBucketNotification": ("NotificationConfiguration.CloudFunctionConfiguration.InvocationRole",),
    "ssm.CreateAssociation": ("Parameters.AutomationAssumeRole[]",),
    "ssm.CreateAssociationBatch": ("Entries[].Parameters.AutomationAssumeRole[]",),
    "ssm.RegisterTaskWithMaintenanceWindow": (
        "TaskInvocationParameters.Automation.Parameters.AutomationAssumeRole[]",
    ),
    "ssm.StartAutomationExecution": ("Parameters.AutomationAssumeRole[]",),
    "ssm.StartChangeRequestExecution": ("Runbooks[].Parameters.AutomationAssumeRole[]",),
    "ssm.StartExecutionPreview": ("ExecutionInputs.Automation.Parameters.AutomationAssumeRole[]",),
    "ssm.UpdateAssociation": ("Parameters.AutomationAssumeRole[]",),
    "ssm.UpdateMaintenanceWindowTask": (
        "TaskInvocationParameters.Automation.Parameters.AutomationAssumeRole[]",
    ),
    "transfer.CreateConnector": ("LoggingRole",),
    "transfer.CreateServer": ("IdentityProviderDetails.InvocationRole", "LoggingRole"),
    "transfer.UpdateConnector": ("LoggingRole",),
    "transfer.UpdateServer": ("IdentityProviderDetails.InvocationRole", "LoggingRole"),
}  # fmt: skip

# Members that name a role which is not passed: one of another account that the service assumes by way of a passed one,
# one that the caller's own sessions assume, and names that are looked up in other accounts.
NOT_PASSED: Final = re.compile(
    r"cross.?account|assumable|ConsumerAccountRole|roleAliasArn|rolePrincipal|TargetLocations\[\]\.ExecutionRoleName|"
    r"^ExecutionRoleName$|LocalDeploymentExecutionRoleName",
    re.IGNORECASE,
)
PROFILE: Final = re.compile(r"instance.?profile|JobFlowRole", re.IGNORECASE)

# botocore service, service.Operation or service.Member -> iam:PassedToService, where it is not
# <endpoint prefix>.amazonaws.com. Service Authorization Reference, "API operations", has the values of most.
PASSED_TO: Final[Mapping[str, str]] = {
    "apigatewayv2": "apigateway",
    "apprunner.AccessRoleArn": "build.apprunner",
    "apprunner.InstanceRoleArn": "tasks.apprunner",
    "appstream": "appstream",
    "batch.executionRoleArn": "ecs-tasks",
    "batch.jobRoleArn": "ecs-tasks",
    "batch.spotIamFleetRole": "spotfleet",
    "batch.taskRoleArn": "ecs-tasks",
    "bedrock-agent": "bedrock",
    "bedrock-agentcore-control": "bedrock-agentcore",
    "bedrock.executionRole": "sagemaker",
    "chime-sdk-media-pipelines": "mediapipelines.chime",
    "cloudcontrol": "cloudformation",
    "cloudformation.ExecutionRoleArn": "resources.cloudformation",
    "cloudwatch.PutMetricStream": "streams.metrics.cloudwatch",
    "cloudwatch": "cloudwatch",
    "config.PutRemediationConfigurations": "ssm",
    "docdb": "rds",
    "ec2.CreateFlowLogs": "vpc-flow-logs",
    "ec2.IamFleetRole": "spotfleet",
    "ecs.executionRoleArn": "ecs-tasks",
    "ecs.taskRoleArn": "ecs-tasks",
    "eks.podExecutionRoleArn": "eks-fargate-pods",
    "eks.CreateCapability": "capabilities.eks",
    "eks.UpdateCapability": "capabilities.eks",
    "eks.CreatePodIdentityAssociation": "pods.eks",
    "eks.UpdatePodIdentityAssociation": "pods.eks",
    "eks.CreateAddon": "pods.eks",
    "eks.UpdateAddon": "pods.eks",
    "emr.AutoScalingRole": "application-autoscaling",
    "es": "opensearchservice",
    "eventbridgev2": "events",
    "guardduty": "malware-protection-plan.guardduty",
    "iot": "iot",
    "lexv2-models": "lexv2",
    "mailmanager": "ses",
    "neptune": "rds",
    "opensearch": "opensearchservice",
    "partnercentral-selling": "partnercentral",
    "pinpoint-email": "ses",
    "pinpoint-sms-voice": "sms-voice",
    "pipes.ExecutionRoleArn": "ecs-tasks",
    "pipes.TaskRoleArn": "ecs-tasks",
    "quicksight": "quicksight",
    "rds.MonitoringRoleArn": "monitoring.rds",
    "s3control.IAMRoleArn": "access-grants.s3",
    "s3control.PutBucketReplication": "s3-outposts",
    "s3control": "batchoperations.s3",
    "s3tables": "replication.s3tables",
    "sagemaker": "sagemaker",
    "ses": "ses",
    "sesv2": "ses",
    "shield": "drt.shield",
    "sms-voice": "sms-voice",
    "snowball": "importexport",
    "synthetics": "lambda",
}


def passes(model: Any, name: str, listed: Mapping[str, list[str]], types: dict[str, str]) -> Iterator[str]:
    """iam:PassRole for all roles and instance profiles that an operation passes to a service.

    The resource types that the checks need are added to `types`.
    """
    operation = f"{model.service_name}.{name}"
    for path in dict.fromkeys([*listed.get(operation, ()), *ALSO_PASSED.get(operation, ())]):
        path = re.sub(r"\{\}(?=\.|$)", "{=}", path).replace("{}[]", "{=}[]")
        if NOT_PASSED.search(path):
            continue
        if PROFILE.search(path):
            types["passed-profile"] = (
                "arn:aws:iam::*:instance-profile/{ProfileArn}{ProfileName} via iam_role_of_profile"
            )
            yield f"iam:PassRole passed-profile{{ProfileName={path}}} ?{path} iam:PassedToService='ec2.amazonaws.com'"
        else:
            types["passed-role"] = "arn:aws:iam::*:role{PassedRolePath}{PassedRole} via iam_role"
            to = passed_to(model, name, path)
            yield f"iam:PassRole passed-role{{PassedRole={path}}} ?{path} iam:PassedToService='{to}'"


def passed_to(model: Any, name: str, path: str) -> str:
    """The service principal that a role is passed to."""
    service, member = model.service_name, path.rpartition(".")[2].rstrip("[]")
    keys = (f"{service}.{member}", f"{service}.{name}", service)
    found = next((PASSED_TO[key] for key in keys if key in PASSED_TO), model.endpoint_prefix.split(".")[-1])
    return f"{found}.amazonaws.com"
