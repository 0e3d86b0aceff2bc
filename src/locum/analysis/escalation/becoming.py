"""The methods by which a principal becomes another one: a table.

Of "AWS IAM Privilege Escalation Methods" (Rhino Security Labs) and the Service Authorization Reference. IAM User Guide,
"Grant a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.analysis.escalation.methods import NAME, Act, Method, iam

_ASSUME: Final = Act("sts", "AssumeRole", {"RoleArn": "{role}", "RoleSessionName": NAME, "ExternalId": "{external}"})
_CREATE_KEY: Final = iam("CreateAccessKey", UserName="{user}")
_PASSWORD: Final[Mapping[str, Any]] = {"UserName": "{user}", "Password": "{password}", "PasswordResetRequired": False}
_COMMAND: Final = Act(
    "ssm",
    "SendCommand",
    {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["{instance}"], "Parameters": {"commands": ["id"]}},
)
_SESSION: Final = Act("ssm", "StartSession", {"Target": "{instance}"})
_PROFILE: Final = {"Arn": "{profile}"}
_LAUNCH: Final = Act(
    "ec2",
    "RunInstances",
    {
        "ImageId": "{image}",
        "SubnetId": "{subnet}",
        "SecurityGroupIds": ["{security-group}"],
        "KeyName": "{key-pair}",
        "MinCount": 1,
        "MaxCount": 1,
        "IamInstanceProfile": _PROFILE,
    },
)
_CREATE_FUNCTION: Final = Act(
    "lambda",
    "CreateFunction",
    {"FunctionName": "{name}", "Role": "{role}", "Runtime": "python3.13", "Handler": "a.b",
     "Code": {"ZipFile": NAME}},
)  # fmt: skip
_STACK: Final = '{"Resources":{}}'
_BUILD: Final = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                 "computeType": "BUILD_GENERAL1_SMALL"}  # fmt: skip
_CLUSTER: Final = {"InstanceCount": 1, "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 1}
_PIPELINE: Final = {
    "pipelineId": "df-0123456789",
    "pipelineObjects": [
        {"id": "Default", "name": "Default", "fields": [{"key": "resourceRole", "stringValue": "{role_name}"}]}
    ],
}

BECOMING: Final = (
    Method("sts:AssumeRole", (_ASSUME,), "trusted-role"),
    Method("iam:CreateAccessKey", (_CREATE_KEY,), "user-with-room"),
    Method(
        "iam:DeleteAccessKey and iam:CreateAccessKey",
        (iam("DeleteAccessKey", UserName="{user}", AccessKeyId="{key}"), _CREATE_KEY),
        "user-without-room",
    ),
    Method("iam:CreateLoginProfile", (iam("CreateLoginProfile", **_PASSWORD),), "user-without-password"),
    Method("iam:UpdateLoginProfile", (iam("UpdateLoginProfile", **_PASSWORD),), "user-with-password"),
    Method(
        "iam:UpdateAssumeRolePolicy and sts:AssumeRole",
        (iam("UpdateAssumeRolePolicy", "trust", RoleName="{role_name}", PolicyDocument="{trust}"), _ASSUME),
        "role",
    ),
    Method("iam:PassRole and ec2:RunInstances", (_LAUNCH,), "profile", "ec2.amazonaws.com"),
    Method(
        "iam:PassRole, iam:AddRoleToInstanceProfile and ec2:RunInstances",
        (
            iam("CreateInstanceProfile", "profile", InstanceProfileName=NAME),
            iam("AddRoleToInstanceProfile", "profile-role", InstanceProfileName=NAME, RoleName="{role_name}"),
            _LAUNCH._replace(params={**_LAUNCH.params, "IamInstanceProfile": {"Name": NAME}}),
        ),
        "role-without-profile",
        "ec2.amazonaws.com",
    ),
    Method(
        "iam:PassRole and ec2:AssociateIamInstanceProfile",
        (
            Act("ec2", "AssociateIamInstanceProfile", {"InstanceId": "{instance}", "IamInstanceProfile": _PROFILE}),
            _COMMAND,
        ),
        "bare-instance-and-profile",
        "ec2.amazonaws.com",
    ),
    Method(
        "iam:PassRole and ec2:ReplaceIamInstanceProfileAssociation",
        (
            Act(
                "ec2",
                "ReplaceIamInstanceProfileAssociation",
                {"AssociationId": "{association}", "IamInstanceProfile": _PROFILE},
            ),
            _COMMAND,
        ),
        "instance-and-profile",
        "ec2.amazonaws.com",
    ),
    Method("ssm:SendCommand", (_COMMAND,), "instance"),
    Method("ssm:StartSession", (_SESSION,), "instance"),
    Method(
        "ec2:ModifyInstanceAttribute",
        (
            Act("ec2", "StopInstances", {"InstanceIds": ["{instance}"]}),
            Act("ec2", "ModifyInstanceAttribute", {"InstanceId": "{instance}", "UserData": {"Value": NAME}}),
            Act("ec2", "StartInstances", {"InstanceIds": ["{instance}"]}),
        ),
        "instance",
    ),
    Method(
        "iam:PassRole, autoscaling:CreateLaunchConfiguration and autoscaling:CreateAutoScalingGroup",
        (
            Act(
                "autoscaling",
                "CreateLaunchConfiguration",
                {
                    "LaunchConfigurationName": NAME,
                    "ImageId": "{image}",
                    "InstanceType": "t3.micro",
                    "IamInstanceProfile": "{profile}",
                },
            ),
            Act(
                "autoscaling",
                "CreateAutoScalingGroup",
                {"AutoScalingGroupName": NAME, "LaunchConfigurationName": NAME, "MinSize": 1, "MaxSize": 1},
            ),
        ),
        "profile",
        "ec2.amazonaws.com",
    ),
    Method(
        "ec2-instance-connect:SendSSHPublicKey",
        (
            Act(
                "ec2-instance-connect",
                "SendSSHPublicKey",
                {"InstanceId": "{instance}", "InstanceOSUser": "ec2-user", "SSHPublicKey": "ssh-ed25519 AAAA"},
            ),
        ),
        "instance",
    ),
    Method(
        "iam:PassRole, lambda:CreateFunction and lambda:InvokeFunction",
        (_CREATE_FUNCTION, Act("lambda", "Invoke", {"FunctionName": "{name}"})),
        "named-role",
        "lambda.amazonaws.com",
    ),
    Method(
        "iam:PassRole, lambda:CreateFunction and lambda:CreateEventSourceMapping",
        (
            _CREATE_FUNCTION,
            Act("lambda", "CreateEventSourceMapping", {"FunctionName": "{name}", "EventSourceArn": "{source}"}),
        ),
        "named-role",
        "lambda.amazonaws.com",
    ),
    Method(
        "iam:PassRole, lambda:CreateFunction and lambda:AddPermission",
        (
            _CREATE_FUNCTION,
            Act(
                "lambda",
                "AddPermission",
                {"FunctionName": "{name}", "StatementId": NAME, "Action": "lambda:InvokeFunction", "Principal": "*"},
            ),
        ),
        "named-role",
        "lambda.amazonaws.com",
    ),
    Method(
        "lambda:UpdateFunctionCode",
        (Act("lambda", "UpdateFunctionCode", {"FunctionName": "{arn}", "ZipFile": NAME}),),
        "lambda:function",
    ),
    Method(
        "iam:PassRole and cloudformation:CreateStack",
        (Act("cloudformation", "CreateStack", {"StackName": "{name}", "RoleARN": "{role}", "TemplateBody": _STACK}),),
        "named-role",
        "cloudformation.amazonaws.com",
    ),
    Method(
        "cloudformation:UpdateStack",
        (Act("cloudformation", "UpdateStack", {"StackName": "{arn}", "TemplateBody": _STACK}),),
        "cloudformation:stack",
    ),
    Method(
        "cloudformation:CreateChangeSet and cloudformation:ExecuteChangeSet",
        (
            Act(
                "cloudformation",
                "CreateChangeSet",
                {"StackName": "{arn}", "ChangeSetName": NAME, "TemplateBody": _STACK},
            ),
            Act("cloudformation", "ExecuteChangeSet", {"StackName": "{arn}", "ChangeSetName": NAME}),
        ),
        "cloudformation:stack",
    ),
    Method(
        "iam:PassRole and glue:CreateDevEndpoint",
        (Act("glue", "CreateDevEndpoint", {"EndpointName": "{name}", "RoleArn": "{role}"}),),
        "named-role",
        "glue.amazonaws.com",
    ),
    Method(
        "iam:PassRole, glue:CreateJob and glue:StartJobRun",
        (
            Act("glue", "CreateJob", {"Name": "{name}", "Role": "{role}", "Command": {"Name": "pythonshell"}}),
            Act("glue", "StartJobRun", {"JobName": "{name}"}),
        ),
        "named-role",
        "glue.amazonaws.com",
    ),
    Method(
        "iam:PassRole, ecs:RegisterTaskDefinition and ecs:RunTask",
        (
            Act(
                "ecs",
                "RegisterTaskDefinition",
                {"family": "{name}", "taskRoleArn": "{role}", "containerDefinitions": []},
            ),
            Act("ecs", "RunTask", {"taskDefinition": "{family}"}),
        ),
        "named-role",
        "ecs-tasks.amazonaws.com",
    ),
    Method(
        "iam:PassRole, codebuild:CreateProject and codebuild:StartBuild",
        (
            Act(
                "codebuild",
                "CreateProject",
                {
                    "name": "{name}",
                    "serviceRole": "{role}",
                    "source": {"type": "NO_SOURCE"},
                    "artifacts": {"type": "NO_ARTIFACTS"},
                    "environment": _BUILD,
                },
            ),
            Act("codebuild", "StartBuild", {"projectName": "{name}"}),
        ),
        "named-role",
        "codebuild.amazonaws.com",
    ),
    Method(
        "codebuild:StartBuild",
        (Act("codebuild", "StartBuild", {"projectName": "{id}", "buildspecOverride": "{}"}),),
        "codebuild:project",
    ),
    Method(
        "iam:PassRole and datapipeline:PutPipelineDefinition",
        (
            Act("datapipeline", "CreatePipeline", {"name": NAME, "uniqueId": NAME}),
            Act("datapipeline", "PutPipelineDefinition", _PIPELINE, passes="ec2.amazonaws.com"),
            Act("datapipeline", "ActivatePipeline", {"pipelineId": "df-0123456789"}),
        ),
        "role",
        "ec2.amazonaws.com",
    ),
    Method(
        "iam:PassRole and sagemaker:CreateNotebookInstance",
        (
            Act(
                "sagemaker",
                "CreateNotebookInstance",
                {"NotebookInstanceName": "{name}", "InstanceType": "ml.t3.medium", "RoleArn": "{role}"},
            ),
            Act("sagemaker", "CreatePresignedNotebookInstanceUrl", {"NotebookInstanceName": "{name}"}),
        ),
        "named-role",
        "sagemaker.amazonaws.com",
    ),
    Method(
        "iam:PassRole and sagemaker:CreateProcessingJob",
        (
            Act(
                "sagemaker",
                "CreateProcessingJob",
                {
                    "ProcessingJobName": "{name}",
                    "RoleArn": "{role}",
                    "AppSpecification": {"ImageUri": NAME},
                    "ProcessingResources": {"ClusterConfig": _CLUSTER},
                },
            ),
        ),
        "named-role",
        "sagemaker.amazonaws.com",
    ),
    Method(
        "iam:PassRole, states:CreateStateMachine and states:StartExecution",
        (
            Act("stepfunctions", "CreateStateMachine", {"name": "{name}", "definition": "{}", "roleArn": "{role}"}),
            Act("stepfunctions", "StartExecution", {"stateMachineArn": "{machine}"}),
        ),
        "named-role",
        "states.amazonaws.com",
    ),
    Method(
        "iam:PassRole and scheduler:CreateSchedule",
        (
            Act(
                "scheduler",
                "CreateSchedule",
                {
                    "Name": "{name}",
                    "ScheduleExpression": "rate(1 minute)",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {"Arn": "arn:aws:scheduler:::aws-sdk:iam:createUser", "RoleArn": "{role}"},
                },
            ),
        ),
        "named-role",
        "scheduler.amazonaws.com",
    ),
    Method(
        "iam:PassRole and ssm:StartAutomationExecution",
        (
            Act(
                "ssm",
                "StartAutomationExecution",
                {"DocumentName": "AWS-StopEC2Instance", "Parameters": {"AutomationAssumeRole": ["{role}"]}},
                passes="ssm.amazonaws.com",
            ),
        ),
        "role",
        "ssm.amazonaws.com",
    ),
    Method(
        "sagemaker:CreatePresignedNotebookInstanceUrl",
        (Act("sagemaker", "CreatePresignedNotebookInstanceUrl", {"NotebookInstanceName": "{id}"}),),
        "sagemaker:notebook-instance",
    ),
)
"""Methods by which a principal becomes another one."""
