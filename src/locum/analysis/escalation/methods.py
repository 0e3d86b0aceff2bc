"""The methods by which a principal takes the permissions of another one, or gives itself more: a table.

Of "AWS IAM Privilege Escalation Methods" (Rhino Security Labs) and the Service Authorization Reference, actions of the
access level "Permissions management". IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
EVERYTHING: Final = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
NAME: Final = "locum-audit"
"""The name of what a method creates, where the policies of its principal do not ask for another one."""

Bindings = Mapping[str, str]
"""The values that stand for `{name}` in the parameters of a method's calls."""


class Act(NamedTuple):
    """One call of a method: botocore's names of service and operation, and the input, with `{name}` for bindings.

    `effect` names what it changes for the calls that follow (`effects.EFFECTS`). `passes` is the service that the call
    hands the role to where its input has the role in a place that the catalogue of permissions does not read.
    """

    service: str
    operation: str
    params: Mapping[str, Any]
    effect: str = ""
    passes: str = ""

    @property
    def name(self) -> str:
        """`iam:CreateAccessKey`."""
        return f"{self.service}:{self.operation}"

    def filled(self, bindings: Bindings) -> dict[str, Any]:
        """The input of the call, without members that are bound to nothing."""
        filled = {name: _filled(value, bindings) for name, value in self.params.items()}
        return {name: value for name, value in filled.items() if value != ""}


class Method(NamedTuple):
    """A method: all of its calls are needed, in their order.

    `binds` says what they are made on (`bindings.BINDERS`). `service` is the service principal that has to be able to
    assume the role of the target. `raises`: the target does not change hands, but becomes an administrator.
    """

    name: str
    acts: tuple[Act, ...]
    binds: str
    service: str = ""
    raises: bool = False

    @property
    def on_target(self) -> bool:
        """Whether the first call is on the target itself: its ARN is the resource."""
        return self.binds.startswith(("user", "role", "bound-"))

    def __hash__(self) -> int:
        return hash((self.name, self.binds))


def _filled(value: Any, bindings: Bindings) -> Any:
    if isinstance(value, str):
        return bindings[value[1:-1]] if value.startswith("{") and value[1:-1] in bindings else value
    if isinstance(value, Mapping):
        return {name: _filled(inner, bindings) for name, inner in value.items()}
    return [_filled(inner, bindings) for inner in value] if isinstance(value, list) else value


def _iam(operation: str, effect: str = "", /, **params: Any) -> Act:
    return Act("iam", operation, params, effect)


_ASSUME: Final = Act("sts", "AssumeRole", {"RoleArn": "{role}", "RoleSessionName": NAME, "ExternalId": "{external}"})
_CREATE_KEY: Final = _iam("CreateAccessKey", UserName="{user}")
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
    {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "IamInstanceProfile": _PROFILE},
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
        (_iam("DeleteAccessKey", UserName="{user}", AccessKeyId="{key}"), _CREATE_KEY),
        "user-without-room",
    ),
    Method("iam:CreateLoginProfile", (_iam("CreateLoginProfile", **_PASSWORD),), "user-without-password"),
    Method("iam:UpdateLoginProfile", (_iam("UpdateLoginProfile", **_PASSWORD),), "user-with-password"),
    Method(
        "iam:UpdateAssumeRolePolicy and sts:AssumeRole",
        (_iam("UpdateAssumeRolePolicy", "trust", RoleName="{role_name}", PolicyDocument="{trust}"), _ASSUME),
        "role",
    ),
    Method("iam:PassRole and ec2:RunInstances", (_LAUNCH,), "profile", "ec2.amazonaws.com"),
    Method(
        "iam:PassRole, iam:AddRoleToInstanceProfile and ec2:RunInstances",
        (
            _iam("CreateInstanceProfile", "profile", InstanceProfileName=NAME),
            _iam("AddRoleToInstanceProfile", "profile-role", InstanceProfileName=NAME, RoleName="{role_name}"),
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
        "sagemaker:CreatePresignedNotebookInstanceUrl",
        (Act("sagemaker", "CreatePresignedNotebookInstanceUrl", {"NotebookInstanceName": "{id}"}),),
        "sagemaker:notebook-instance",
    ),
)
"""Methods by which a principal becomes another one."""


def _raising(name: str, binds: str, *acts: Act) -> Method:
    return Method(name, acts, binds, raises=True)


def _of_kind(kind: str, name: str, binds: str) -> Iterable[Method]:
    """The methods that change the policies of a user or a role."""
    who = {f"{kind}Name": name}
    inline = _iam(f"Put{kind}Policy", "inline", **who, PolicyName=NAME, PolicyDocument="{everything}")
    attach = _iam(f"Attach{kind}Policy", "attach", **who, PolicyArn=ADMINISTRATOR)
    unbound = _iam(f"Delete{kind}PermissionsBoundary", "unbound", **who)
    wider = _iam(f"Put{kind}PermissionsBoundary", "wider", **who, PermissionsBoundary=ADMINISTRATOR)
    return (
        _raising(f"iam:Put{kind}Policy", binds, inline),
        _raising(f"iam:Attach{kind}Policy", binds, attach),
        _raising(f"iam:Delete{kind}PermissionsBoundary", f"bound-{binds}", unbound),
        _raising(f"iam:Put{kind}PermissionsBoundary", f"bound-{binds}", wider),
        *(
            _raising(f"iam:{lift.operation} and iam:{act.operation}", f"bound-{binds}", lift, act)
            for lift in (unbound, wider)
            for act in (inline, attach)
        ),
        _raising(
            f"iam:Delete{kind}Policy",
            f"{binds}-with-denying-inline",
            _iam(f"Delete{kind}Policy", "not-inline", **who, PolicyName="{policy_name}"),
        ),
        _raising(
            f"iam:Detach{kind}Policy",
            f"{binds}-with-denying-policy",
            _iam(f"Detach{kind}Policy", "detach", **who, PolicyArn="{policy}"),
        ),
    )


_VERSION: Final = _iam(
    "CreatePolicyVersion", "version", PolicyArn="{policy}", PolicyDocument="{everything}", SetAsDefault=True
)

RAISING: Final = (
    *_of_kind("User", "{user}", "user"),
    *_of_kind("Role", "{role_name}", "role"),
    _raising(
        "iam:PutGroupPolicy",
        "own-group",
        _iam("PutGroupPolicy", "group-inline", GroupName="{group}", PolicyName=NAME, PolicyDocument="{everything}"),
    ),
    _raising(
        "iam:AttachGroupPolicy",
        "own-group",
        _iam("AttachGroupPolicy", "group-attach", GroupName="{group}", PolicyArn=ADMINISTRATOR),
    ),
    _raising(
        "iam:AddUserToGroup", "other-group", _iam("AddUserToGroup", "join", GroupName="{group}", UserName="{user}")
    ),
    _raising("iam:CreatePolicyVersion", "policy-with-room", _VERSION),
    _raising(
        "iam:DeletePolicyVersion and iam:CreatePolicyVersion",
        "policy-without-room",
        _iam("DeletePolicyVersion", PolicyArn="{policy}", VersionId="{version}"),
        _VERSION,
    ),
    _raising(
        "iam:SetDefaultPolicyVersion",
        "policy-version",
        _iam("SetDefaultPolicyVersion", "default", PolicyArn="{policy}", VersionId="{version}"),
    ),
)
"""Methods by which a principal makes itself, or one that it can become, an administrator."""

METHODS: Final = (*BECOMING, *RAISING)
