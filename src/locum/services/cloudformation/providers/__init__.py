"""The providers of resource types, by their names: `AWS::IAM::Role`.

The types of a service are in the module of its name in lower case, `iam`, and in those that begin with it, `ec2_vpc`.
A module is loaded when a type of its service is first asked for. `Custom::ANYTHING` is a custom resource. Types that
no module has are derived from published data where that says what to call (`derived`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Final

from locum.services.cloudformation.providers.base import Provider
from locum.services.cloudformation.providers.derived import derived, derived_rows
from locum.services.cloudformation.providers.read_by_calls import LISTED, SHOWN
from locum.services.cloudformation.providers.read_by_hand import READ
from locum.services.cloudformation.providers.reading import listable, readable

_MODULES: Final = (
    "accessanalyzer",
    "applicationautoscaling",
    "athena",
    "autoscaling",
    "backup",
    "batch",
    "cdk",
    "cloudformation",
    "cloudformation_sets",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "codebuild",
    "codedeploy",
    "cognito",
    "dynamodb",
    "dynamodb_global",
    "ec2_groups",
    "ec2_instances",
    "ec2_network",
    "ec2_parts",
    "ecr",
    "ecs",
    "efs",
    "eks",
    "elasticache",
    "elasticloadbalancing",
    "elasticloadbalancingv2",
    "elasticsearch",
    "events",
    "glue",
    "iam",
    "iam_federation",
    "iam_users",
    "iot",
    "kinesis",
    "kinesisfirehose",
    "kms",
    "lambda_functions",
    "logs",
    "opensearchservice",
    "organizations",
    "rds",
    "redshift",
    "rolesanywhere",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "wafv2",
    "scheduler",
    "route53",
    "apigatewayv2",
    "apigateway",
    "apigateway_parts",
)

CUSTOM: Final = "AWS::CloudFormation::CustomResource"
_CUSTOM: Final = "Custom::"


def is_custom(kind: str) -> bool:
    """Whether resources of the type `kind` are made by whoever the template names."""
    return kind == CUSTOM or kind.startswith(_CUSTOM)


class _Providers(Mapping[str, Provider]):
    """All providers, by type. Those that are derived are there, but not among what is iterated over."""

    def __getitem__(self, kind: str) -> Provider:
        kind = CUSTOM if kind.startswith(_CUSTOM) else kind
        found = _of_service(_service(kind)).get(kind)
        return found or derived(kind)

    def __contains__(self, kind: object) -> bool:
        return isinstance(kind, str) and (self._has_table(kind) or kind in derived_rows())

    def _has_table(self, kind: str) -> bool:
        return kind.startswith(_CUSTOM) or kind in _of_service(_service(kind))

    def __iter__(self) -> Iterator[str]:
        for service in dict.fromkeys(module.partition("_")[0] for module in _MODULES):
            yield from _of_service(service)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _service(kind: str) -> str:
    return kind.split("::")[1].lower() if kind.startswith("AWS::") else ""


@cache
def _of_service(service: str) -> Mapping[str, Provider]:
    modules = [module for module in _MODULES if module.partition("_")[0] == service]
    return {
        name: _shown(name, provider)
        for module in modules
        for name, provider in import_module(f"{__name__}.{module}").PROVIDERS.items()
    }


def _shown(kind: str, provider: Provider) -> Provider:
    """`provider` as it is read and listed, where the provider itself does not say it."""
    if kind in SHOWN:
        provider = readable(provider, *SHOWN[kind])
    if kind in LISTED:
        provider = listable(provider, *LISTED[kind])
    return provider._replace(read=READ[kind]) if kind in READ else provider


PROVIDERS: Final[Mapping[str, Provider]] = _Providers()

__all__ = ["CUSTOM", "PROVIDERS", "is_custom"]
