"""The resources that an analyzer of internal access looks at: those that an inclusion of its analysis rule takes.

Access Analyzer API Reference, InternalAccessAnalysisRuleCriteria; IAM User Guide, "Create an IAM Access Analyzer
internal access analyzer": "ARNs must be exact matches – wildcards are not supported. For Amazon S3, only bucket ARNs
are supported."
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from locum.core.arn import PARTITION
from locum.services.accessanalyzer.faults import invalid
from locum.services.accessanalyzer.zones import check_accounts

Criteria = Mapping[str, Any]

BUCKET: Final = "AWS::S3::Bucket"

_PLACE: Final = r"[a-z0-9-]+:\d{12}"
_NAME: Final = r"[^/:*?]+"
_FORMS: Final = {
    kind: re.compile(rf"(arn:{PARTITION}:{form})({rest})?", re.DOTALL)
    for kind, form, rest in (
        (BUCKET, f"s3:::{_NAME}", "/.*"),
        ("AWS::DynamoDB::Stream", f"dynamodb:{_PLACE}:table/{_NAME}/stream/[^/*?]+", "/.*"),
        ("AWS::DynamoDB::Table", f"dynamodb:{_PLACE}:table/{_NAME}", "/(?!stream/).*"),
        ("AWS::RDS::DBClusterSnapshot", f"rds:{_PLACE}:cluster-snapshot:[^*?]+", "(?!)"),
        ("AWS::RDS::DBSnapshot", f"rds:{_PLACE}:snapshot:[^*?]+", "(?!)"),
        ("AWS::S3Express::DirectoryBucket", f"s3express:{_PLACE}:bucket/{_NAME}", "/.*"),
    )
}
"""The ARNs of the types of resources, and what may follow for what is in a resource.

IAM User Guide, "Supported resource types for internal access".
"""
TYPES: Final = tuple(_FORMS)


def resource_at(arn: str) -> tuple[str, str] | None:
    """The type and the ARN of the resource that an ARN names, or that has what it names; None for others."""
    for kind, form in _FORMS.items():
        found = form.fullmatch(arn)
        if found is not None:
            return kind, found[1]
    return None


def configured(kind: str, _owner: str, given: Criteria) -> dict[str, Any]:
    """An InternalAccessConfiguration of an analyzer of the type `kind`. Raises Fault ValidationException."""
    rule = given.get("analysisRule")
    if rule is None:
        return {}
    return {"analysisRule": {"inclusions": [_checked(kind, it) for it in rule.get("inclusions") or ()]}}


def _checked(kind: str, given: Criteria) -> dict[str, Any]:
    accounts, types, arns = (given.get(name) or () for name in ("accountIds", "resourceTypes", "resourceArns"))
    check_accounts(kind, accounts)
    for it in types:
        if it not in TYPES:
            raise invalid("resourceTypes", f"{it} is none of the types that are supported: {', '.join(TYPES)}.")
    for it in arns:
        if (resource_at(it) or ("", ""))[1] != it:
            raise invalid("resourceArns", f"{it} is not the ARN of a resource of a supported type.")
    named = {"accountIds": list(accounts), "resourceTypes": list(types), "resourceArns": list(arns)}
    return {name: values for name, values in named.items() if values}


# -- what it means ---------------------------------------------------------------------------------------


def inclusions(configuration: Criteria) -> Sequence[Criteria]:
    """The inclusions of a configuration, of which one has to take a resource."""
    rule = (configuration.get("internalAccess") or {}).get("analysisRule") or {}
    found: Sequence[Criteria] = rule.get("inclusions") or ()
    return found


def takes(configuration: Criteria, kind: str, arn: str, owner: str) -> bool:
    """Whether a resource that the account `owner` has is looked at."""
    wanted = {"accountIds": owner, "resourceTypes": kind, "resourceArns": arn}
    return any(_fits(it, wanted) for it in inclusions(configuration))


def may_take(configuration: Criteria, kind: str, arn: str) -> bool:
    """Whether a resource would be looked at if an account had it that is not known."""
    wanted = {"resourceTypes": kind, "resourceArns": arn}
    return any(_fits(it, wanted) for it in inclusions(configuration))


def listed_types(configuration: Criteria, account: str) -> Iterator[str]:
    """The types of resources of which all that an account has may be looked at: those that are not named one by one."""
    unnamed = [it for it in inclusions(configuration) if not it.get("resourceArns")]
    for kind in TYPES:
        if any(_fits(it, {"accountIds": account, "resourceTypes": kind}) for it in unnamed):
            yield kind


def named_arns(configuration: Criteria) -> Iterator[str]:
    """The ARNs of resources that inclusions name."""
    for it in inclusions(configuration):
        yield from it.get("resourceArns") or ()


def _fits(criteria: Criteria, wanted: Mapping[str, str]) -> bool:
    """Whether criteria have each value that is wanted, or do not limit it."""
    return all(not criteria.get(name) or value in criteria[name] for name, value in wanted.items())
