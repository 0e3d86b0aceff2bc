"""Roles that the service they are handed over to may not assume, for the services that try it at the hand-over.

iam:PassRole is the caller's permission to hand a role over. Some services then assume the role at once, to tell the
caller of a trust policy that does not let them in (or of a role that does not exist) rather than fail when they act.
AWS documents it here and there only; the rows are those whose error is public. Whether the service may assume the role
is decided as its later AssumeRole is: by the trust policy, for the service principal and the resource it acts for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from locum.authz import catalogue
from locum.authz.call import Call, Plan
from locum.authz.deciding import decide
from locum.authz.paths import compile_path
from locum.core.actors import service_principal
from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.partial_arn import PartialArn
from locum.state import State

_SESSION_NAME: Final = "hand-over"


class Handover(NamedTuple):
    """The check of one service: `members` are paths to roles in the input, `principals` one of which must be let in.

    `{region}` in a principal is that of the call, `{role}` in the message the role's ARN.
    """

    principals: tuple[str, ...]
    members: tuple[str, ...]
    code: str
    message: str


_FIREHOSE: Final = Handover(
    ("firehose.amazonaws.com",),
    (
        "KinesisStreamSourceConfiguration.RoleARN",
        "MSKSourceConfiguration.AuthenticationConfiguration.RoleARN",
        "S3DestinationConfiguration.RoleARN",
        "ExtendedS3DestinationConfiguration.RoleARN",
        "ExtendedS3DestinationConfiguration.S3BackupConfiguration.RoleARN",
        "RedshiftDestinationConfiguration.RoleARN",
        "RedshiftDestinationConfiguration.S3Configuration.RoleARN",
        "ElasticsearchDestinationConfiguration.RoleARN",
        "ElasticsearchDestinationConfiguration.S3Configuration.RoleARN",
        "AmazonopensearchserviceDestinationConfiguration.RoleARN",
        "AmazonopensearchserviceDestinationConfiguration.S3Configuration.RoleARN",
        "AmazonOpenSearchServerlessDestinationConfiguration.RoleARN",
        "AmazonOpenSearchServerlessDestinationConfiguration.S3Configuration.RoleARN",
        "SplunkDestinationConfiguration.S3Configuration.RoleARN",
        "HttpEndpointDestinationConfiguration.RoleARN",
        "HttpEndpointDestinationConfiguration.S3Configuration.RoleARN",
        "SnowflakeDestinationConfiguration.RoleARN",
        "SnowflakeDestinationConfiguration.S3Configuration.RoleARN",
        "IcebergDestinationConfiguration.RoleARN",
        "IcebergDestinationConfiguration.S3Configuration.RoleARN",
    ),
    "InvalidArgumentException",
    "Firehose is unable to assume role {role}. Please check the role provided.",
)
_LAMBDA: Final = Handover(
    ("lambda.amazonaws.com",),
    ("Role",),
    "InvalidParameterValueException",
    "The role defined for the function cannot be assumed by Lambda.",
)
_RULE: Final = Handover(
    ("events.amazonaws.com",),
    ("RoleArn",),
    "ValidationException",
    "Provided role '{role}' cannot be assumed by principal 'events.amazonaws.com'.",
)
_SCHEDULE: Final = Handover(
    ("scheduler.amazonaws.com",),
    ("Target.RoleArn",),
    "ValidationException",
    "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
)
_STATE_MACHINE: Final = Handover(
    ("states.amazonaws.com", "states.{region}.amazonaws.com"),
    ("roleArn",),
    "AccessDeniedException",
    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the "
    "provided role.",
)
_STACK: Final = Handover(
    ("cloudformation.amazonaws.com",),
    ("RoleARN",),
    "ValidationError",
    "Role {role} is invalid or cannot be assumed",
)
_CLUSTER: Final = Handover(
    ("eks.amazonaws.com",),
    ("roleArn",),
    "InvalidParameterException",
    "Role with arn: {role}, could not be assumed because it does not exist or the trusted entity is not correct",
)
_MONITORING: Final = Handover(
    ("monitoring.rds.amazonaws.com",),
    ("MonitoringRoleArn",),
    "InvalidParameterValue",
    "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING",
)
_TRAIL: Final = Handover(
    ("cloudtrail.amazonaws.com",),
    ("CloudWatchLogsRoleArn",),
    "InvalidCloudWatchLogsRoleArnException",
    "Access denied. Check the trust relationships for your role.",
)
_PROJECT: Final = Handover(
    ("codebuild.amazonaws.com",),
    ("serviceRole",),
    "InvalidInputException",
    "CodeBuild is not authorized to perform: sts:AssumeRole on {role}",
)
_DEPLOYMENT_GROUP: Final = Handover(
    ("codedeploy.amazonaws.com", "codedeploy.{region}.amazonaws.com"),
    ("serviceRoleArn",),
    "InvalidRoleException",
    "AWS CodeDeploy does not have the permissions required to assume the role {role}.",
)
_API_ACCOUNT: Final = Handover(
    ("apigateway.amazonaws.com",),
    ("patchOperations[].value",),
    "BadRequestException",
    "The role ARN does not have required permissions configured. Please grant trust permission for API Gateway and add "
    "the required role policy.",
)

HANDOVERS: Final[dict[tuple[str, str], Handover]] = {
    ("apigateway", "UpdateAccount"): _API_ACCOUNT,
    ("cloudformation", "ContinueUpdateRollback"): _STACK,
    ("cloudformation", "CreateChangeSet"): _STACK,
    ("cloudformation", "CreateStack"): _STACK,
    ("cloudformation", "DeleteStack"): _STACK,
    ("cloudformation", "RollbackStack"): _STACK,
    ("cloudformation", "UpdateStack"): _STACK,
    ("cloudtrail", "CreateTrail"): _TRAIL,
    ("cloudtrail", "UpdateTrail"): _TRAIL,
    ("codebuild", "CreateProject"): _PROJECT,
    ("codebuild", "UpdateProject"): _PROJECT,
    ("codedeploy", "CreateDeploymentGroup"): _DEPLOYMENT_GROUP,
    ("codedeploy", "UpdateDeploymentGroup"): _DEPLOYMENT_GROUP,
    ("eks", "CreateCluster"): _CLUSTER,
    ("events", "PutRule"): _RULE,
    ("firehose", "CreateDeliveryStream"): _FIREHOSE,
    ("lambda", "CreateFunction"): _LAMBDA,
    ("lambda", "UpdateFunctionConfiguration"): _LAMBDA,
    ("rds", "CreateDBInstance"): _MONITORING,
    ("rds", "ModifyDBInstance"): _MONITORING,
    ("scheduler", "CreateSchedule"): _SCHEDULE,
    ("scheduler", "UpdateSchedule"): _SCHEDULE,
    ("stepfunctions", "CreateStateMachine"): _STATE_MACHINE,
    ("stepfunctions", "UpdateStateMachine"): _STATE_MACHINE,
}
"""By botocore's names of service and operation."""


def unassumable_role(state: State, call: Call, plan: Plan) -> Fault | None:
    """The service's error for the first role in `call` that the service may not assume; None where it may or trusts."""
    handover = HANDOVERS.get((call.service, call.operation))
    if handover is None:
        return None
    for role in _roles(call, handover):
        if not any(_may_assume(state, call, plan, role, principal) for principal in handover.principals):
            return Fault(handover.code, handover.message.format(role=role), 400)
    return None


def _roles(call: Call, handover: Handover) -> Iterator[str]:
    """The role ARNs in the members. What is no ARN is for the service to refuse."""
    for member in handover.members:
        for value in compile_path(member)(call.params, None):
            arn = Arn.find(value) if isinstance(value, str) else None
            if arn is not None and arn.service == "iam":
                yield value


def _may_assume(state: State, call: Call, plan: Plan, role: str, principal: str) -> bool:
    account = call.caller.account
    caller = service_principal(principal.format(region=call.region), account, _source(call, plan))
    params = {"RoleArn": role, "RoleSessionName": _SESSION_NAME}
    if call.service == "firehose":  # Firehose Developer Guide, "Controlling access": the account is its external id
        params["ExternalId"] = account
    assume = Call("sts", "AssumeRole", params, caller, call.region, call.now, source_ip="")
    return decide(state, assume, catalogue.plan(state, assume)).allowed


def _source(call: Call, plan: Plan) -> str:
    """The ARN of the resource that the service will act for, empty where the call does not say all of it.

    EventBridge Scheduler User Guide, "Confused deputy prevention": "The value of aws:SourceArn must be [...] schedule
    group ARN".
    """
    if call.service == "scheduler":
        group = call.params.get("GroupName") or "default"
        return f"arn:aws:scheduler:{call.region}:{call.caller.account}:schedule-group/{group}"
    resource = plan.checks[0].resource if plan.checks else ""
    return "" if isinstance(resource, PartialArn) else resource
