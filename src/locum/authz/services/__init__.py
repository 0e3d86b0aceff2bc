"""The rules of single services, their functions, and the registry of the names that rules use.

`SERVICE.rules` has the permissions that the operations of a service take (the language: `locum.authz.rules`),
`SERVICE.py` has the functions (`locum.authz.functions`). Names are of all services together: the general
mapping uses them, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from locum.authz.functions import (
    EffectiveArn,
    Functions,
    Granted,
    KeyReader,
    OwnFacts,
    Planner,
    PolicyOf,
    Reader,
    Resolver,
    TagReader,
)
from locum.authz.services import (
    apigateway,
    autoscaling,
    cloudformation,
    cloudtrail,
    cloudwatch,
    codecommit,
    dynamodb,
    ec2,
    ecr,
    ecs,
    eks,
    elbv2,
    events,
    glue,
    iam,
    identified,
    kinesis,
    kms,
    lambda_,
    logs,
    organizations,
    rds,
    route53,
    s3,
    secretsmanager,
    ses,
    sns,
    sqs,
    ssm,
    states,
    sts,
    tagging,
)

RULES: Final = Path(__file__).parent
"""The directory of the rules."""

_SERVICES: Final[Mapping[str, Functions]] = {
    "apigateway": apigateway.FUNCTIONS,
    "autoscaling": autoscaling.FUNCTIONS,
    "cloudformation": cloudformation.FUNCTIONS,
    "cloudtrail": cloudtrail.FUNCTIONS,
    "cloudwatch": cloudwatch.FUNCTIONS,
    "codecommit": codecommit.FUNCTIONS,
    "dynamodb": dynamodb.FUNCTIONS,
    "ec2": ec2.FUNCTIONS,
    "ecr": ecr.FUNCTIONS,
    "ecs": ecs.FUNCTIONS,
    "eks": eks.FUNCTIONS,
    "elasticfilesystem": identified.FUNCTIONS,
    "elasticloadbalancing": elbv2.FUNCTIONS,
    "events": events.FUNCTIONS,
    "glue": glue.FUNCTIONS,
    "iam": iam.FUNCTIONS,
    "kinesis": kinesis.FUNCTIONS,
    "kms": kms.FUNCTIONS,
    "lambda": lambda_.FUNCTIONS,
    "logs": logs.FUNCTIONS,
    "organizations": organizations.FUNCTIONS,
    "rds": rds.FUNCTIONS,
    "route53": route53.FUNCTIONS,
    "s3": s3.FUNCTIONS,
    "secretsmanager": secretsmanager.FUNCTIONS,
    "ses": ses.FUNCTIONS,
    "sns": sns.FUNCTIONS,
    "sqs": sqs.FUNCTIONS,
    "ssm": ssm.FUNCTIONS,
    "states": states.FUNCTIONS,
    "sts": sts.FUNCTIONS,
    "tag": tagging.FUNCTIONS,
}
"""The functions by service, as in ARNs."""

T = TypeVar("T")


def _merged(part: Callable[[Functions], Mapping[str, T]]) -> dict[str, T]:
    """The names of all services, each of which has one meaning."""
    pairs = [pair for functions in _SERVICES.values() for pair in part(functions).items()]
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def _actions(part: Callable[[Functions], frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*map(part, _SERVICES.values()))


PLANNERS: Final[Mapping[str, Planner]] = _merged(lambda functions: functions.planners)
RESOLVERS: Final[Mapping[str, Resolver]] = _merged(lambda functions: functions.resolvers)
KEYS: Final[Mapping[str, KeyReader]] = _merged(lambda functions: functions.keys)
READERS: Final[Mapping[str, Reader]] = _merged(lambda functions: functions.readers)
TAGS: Final[Mapping[str, TagReader]] = _merged(lambda functions: functions.tags)

FACTS: Final[Mapping[str, OwnFacts]] = {name: f.facts for name, f in _SERVICES.items() if f.facts is not None}
EFFECTIVE_ARNS: Final[Mapping[str, EffectiveArn]] = {
    name: f.effective_arn for name, f in _SERVICES.items() if f.effective_arn is not None
}
GRANTED: Final[Mapping[str, Granted]] = {name: f.granted for name, f in _SERVICES.items() if f.granted is not None}
NAMES: Final = {name: f.names for name, f in _SERVICES.items() if f.names}
POLICIES: Final[Mapping[str, PolicyOf]] = {name: f.policy for name, f in _SERVICES.items() if f.policy is not None}

OWNER_ROOT_ACTIONS: Final = _actions(lambda functions: functions.owner_root_actions)
CALLER_ONLY_ACTIONS: Final = _actions(lambda functions: functions.caller_only_actions)
CALLER_ONLY_SERVICES: Final = frozenset(name for name, f in _SERVICES.items() if f.caller_only)
CREATING_ACTIONS: Final = _actions(lambda functions: functions.creating_actions)
TAGGED_AS_REQUESTED: Final = _actions(lambda functions: functions.tagged_as_requested)
UNSHARED_ACTIONS: Final = _actions(lambda functions: functions.unshared_actions)
