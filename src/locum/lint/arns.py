"""Checks of Resource and NotResource: whether an ARN is valid for its service.

IAM User Guide, "Amazon Resource Names (ARNs)": arn:partition:service:region:account:resource. The ARNs of the service's
resource types decide what a field may contain; where a resource may be of several types, it is valid if it is valid
for one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from locum.lint.actions import SERVICES_OF
from locum.lint.catalogue import ResourceType
from locum.lint.finding import Location
from locum.lint.globs import is_open, overlaps
from locum.lint.reading import Node
from locum.lint.view import TRUST_POLICY, Issue, Policy, Statement, issue

FIELDS: Final = 6
MAX_ARN: Final = 2048
"""The longest ARN in characters that is compared with resource types."""

_PARTITION, _SERVICE, _REGION, _ACCOUNT, _RESOURCE = range(1, FIELDS)
_ACCOUNT_ID: Final = re.compile(r"[0-9]{12}|aws")
"""AWS's own resources have the account `aws`: arn:aws:iam::aws:policy/ReadOnlyAccess."""

# AWS's own resources that have no account: arn:aws:ssm:us-east-1::document/AWS-RunShellScript.
_WITHOUT_ACCOUNT: Final = {
    "resource-explorer-2": ("view/",),
    "ssm": ("automation-definition/", "document/", "parameter/"),
}
_COLONS: Final = re.compile(r"\$\{[^}]*\}|:")
# Resources that the Service Authorization Reference does not list.
_UNLISTED: Final = {
    "apigateway": ("/tags", "/v2/"),
    "backup": ("recovery-point:",),
    "cloudformation": ("transform/",),
    "waf": ("changetoken/",),
    "waf-regional": ("changetoken/",),
}


class Field(NamedTuple):
    """One field of an ARN, and the offset in the string at which it begins."""

    text: str
    start: int


class ArnText(NamedTuple):
    """An ARN in a document: its node, its six fields, and the resource types that it may be of."""

    node: Node
    fields: tuple[Field, ...]
    kinds: tuple[ResourceType, ...]

    def allowed(self, index: int) -> frozenset[str]:
        """The values of a field in the candidate types: text, placeholders, or empty where it is omitted."""
        return frozenset([*kind.arn.split(":", FIELDS - 1), *[""] * FIELDS][index] for kind in self.kinds)


def split_arn(text: str) -> tuple[Field, ...]:
    """Split `text` at its first five colons outside of variables."""
    fields: list[Field] = []
    start = 0
    for match in _COLONS.finditer(text):
        if len(fields) == FIELDS - 1:
            break
        if match.group() == ":":
            fields.append(Field(text[start : match.start()], start))
            start = match.end()
    return (*fields, Field(text[start:], start))


def _arn_nodes(statement: Statement) -> Iterator[Node]:
    return (node for node in statement.texts("Resource", "NotResource") if node.text != "*")


def _candidates(policy: Policy, fields: tuple[Field, ...], length: int) -> tuple[ResourceType, ...]:
    """The resource types that the resource may be of; empty where that is unknown."""
    service = fields[_SERVICE].text
    if is_open(service) or length > MAX_ARN:
        return ()
    known = policy.catalogue.resources(service)
    return tuple(kind for kind in known if overlaps(fields[_RESOURCE].text, kind.arn.split(":", FIELDS - 1)[-1]))


def prefixes(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_ARN_PREFIX."""
    for node in _arn_nodes(statement):
        if not node.text.startswith("arn:"):
            yield issue("INVALID_ARN_PREFIX", policy.value(node))


def missing_fields(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_ARN_FIELD."""
    for node in _arn_nodes(statement):
        if node.text.startswith("arn:") and len(split_arn(node.text)) < FIELDS:
            yield issue("MISSING_ARN_FIELD", policy.value(node), fields=str(FIELDS))


def fields(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check the fields of complete ARNs, each for its own codes."""
    for node in _arn_nodes(statement):
        parts = split_arn(node.text)
        if parts[0].text != "arn" or len(parts) < FIELDS:
            continue
        arn = ArnText(node, parts, _candidates(policy, parts, len(node.text)))
        for check in (_partition, _service, _region, _account, _resource):
            yield from check(policy, arn)


def _partition(policy: Policy, arn: ArnText) -> Iterator[Issue]:
    """Check for INVALID_PARTITION."""
    field = arn.fields[_PARTITION]
    known = policy.catalogue.partitions()
    if not is_open(field.text) and field.text not in known:
        words = {"service": arn.fields[_SERVICE].text, "partition": field.text, "partitions": ", ".join(known)}
        yield issue("INVALID_PARTITION", _place(policy, arn, field), **words)


def _service(policy: Policy, arn: ArnText) -> Iterator[Issue]:
    """Check for INVALID_ARN_SERVICE_CASE and INVALID_SERVICE."""
    field = arn.fields[_SERVICE]
    if is_open(field.text) or _known(policy, field.text):
        return
    code = "INVALID_ARN_SERVICE_CASE" if _known(policy, field.text.lower()) else "INVALID_SERVICE"
    yield issue(code, _place(policy, arn, field), service=field.text)


def _region(policy: Policy, arn: ArnText) -> Iterator[Issue]:
    """Check for ARN_REGION_NOT_ALLOWED, MISSING_ARN_REGION, INVALID_ARN_REGION."""
    field, allowed = arn.fields[_REGION], arn.allowed(_REGION)
    if is_open(field.text) or field.text in allowed:
        return
    if allowed == {""}:
        yield issue("ARN_REGION_NOT_ALLOWED", _place(policy, arn, field), service=arn.fields[_SERVICE].text)
    elif not field.text and allowed and "" not in allowed:
        yield issue("MISSING_ARN_REGION", policy.value(arn.node), service=arn.fields[_SERVICE].text)
    elif field.text and not any(field.text in names for names in policy.catalogue.partitions().values()):
        yield issue("INVALID_ARN_REGION", _place(policy, arn, field), region=field.text)


def _account(policy: Policy, arn: ArnText) -> Iterator[Issue]:
    """Check for ARN_ACCOUNT_NOT_ALLOWED, MISSING_ARN_ACCOUNT, INVALID_ARN_ACCOUNT."""
    field, allowed = arn.fields[_ACCOUNT], arn.allowed(_ACCOUNT)
    if is_open(field.text) or field.text in allowed:
        return
    if allowed == {""}:
        yield issue("ARN_ACCOUNT_NOT_ALLOWED", _place(policy, arn, field), service=arn.fields[_SERVICE].text)
    elif not field.text and allowed and "" not in allowed and not _is_awss_own(arn):
        yield issue("MISSING_ARN_ACCOUNT", policy.value(arn.node), resource=arn.kinds[0].name)
    elif field.text and not _ACCOUNT_ID.fullmatch(field.text):
        yield issue("INVALID_ARN_ACCOUNT", _place(policy, arn, field), account=field.text)


def _is_awss_own(arn: ArnText) -> bool:
    return arn.fields[_RESOURCE].text.startswith(_WITHOUT_ACCOUNT.get(arn.fields[_SERVICE].text, ()))


def _resource(policy: Policy, arn: ArnText) -> Iterator[Issue]:
    """Check for INVALID_ARN_RESOURCE."""
    service, field = arn.fields[_SERVICE].text, arn.fields[_RESOURCE]
    if is_open(service) or len(arn.node.text) > MAX_ARN or field.text.startswith(_UNLISTED.get(service, ())):
        return
    if policy.catalogue.resources(service) and not arn.kinds:
        yield issue("INVALID_ARN_RESOURCE", _place(policy, arn, field))


def _known(policy: Policy, service: str) -> bool:
    return service in policy.catalogue.prefixes() or bool(policy.catalogue.resources(service))


def _place(policy: Policy, arn: ArnText, field: Field) -> Location:
    return policy.part(arn.node, field.start, len(field.text))


def unsupported_resources(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for UNSUPPORTED_RESOURCE_ARN_IN_POLICY."""
    wanted = SERVICES_OF.get(policy.resource_type or "")
    if wanted is None or policy.resource_type == TRUST_POLICY:
        return
    for node in _arn_nodes(statement):
        parts = split_arn(node.text)
        if len(parts) == FIELDS and parts[_SERVICE].text != wanted and not is_open(parts[_SERVICE].text):
            words = {"resource_type": str(policy.resource_type)}
            yield issue("UNSUPPORTED_RESOURCE_ARN_IN_POLICY", policy.value(node), **words)
