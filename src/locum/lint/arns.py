"""Resource and NotResource: whether an ARN can be one of its service's.

IAM User Guide, "Amazon Resource Names (ARNs)": arn:partition:service:region:account:resource. What a field may hold
is told by the ARNs of the service's resource types; where the resource could be of several, one that allows it is
enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from locum.lint.actions import SERVICES_OF
from locum.lint.catalogue import ResourceType
from locum.lint.finding import Location
from locum.lint.globs import is_free, overlaps
from locum.lint.reading import Node
from locum.lint.view import TRUST_POLICY, Issue, Policy, Statement, issue

FIELDS: Final = 6
MAX_ARN: Final = 2048
"""Characters; longer ones are not compared with resource types."""

_PARTITION, _SERVICE, _REGION, _ACCOUNT, _RESOURCE = range(1, FIELDS)
_ACCOUNT_ID: Final = re.compile(r"[0-9]{12}|aws")
"""A resource of AWS's own has `aws` for an account: arn:aws:iam::aws:policy/ReadOnlyAccess."""

# AWS's own resources that have no account: arn:aws:ssm:us-east-1::document/AWS-RunShellScript.
_WITHOUT_ACCOUNT: Final = {
    "resource-explorer-2": ("view/",),
    "ssm": ("automation-definition/", "document/", "parameter/"),
}
_COLONS: Final = re.compile(r"\$\{[^}]*\}|:")
# Resources that exist, and that the Service Authorization Reference does not list.
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
    """A resource as it is written, cut into fields: all six, and its candidates among the resource types."""

    node: Node
    fields: tuple[Field, ...]
    kinds: tuple[ResourceType, ...]

    def allowed(self, index: int) -> frozenset[str]:
        """What the candidates have in a field: text, placeholders, empty where they leave it out."""
        return frozenset([*kind.arn.split(":", FIELDS - 1), *[""] * FIELDS][index] for kind in self.kinds)


def cut(text: str) -> tuple[Field, ...]:
    """`text` cut at its first five colons, those of variables left alone."""
    fields: list[Field] = []
    start = 0
    for match in _COLONS.finditer(text):
        if len(fields) == FIELDS - 1:
            break
        if match.group() == ":":
            fields.append(Field(text[start : match.start()], start))
            start = match.end()
    return (*fields, Field(text[start:], start))


def _written(statement: Statement) -> Iterator[Node]:
    return (node for node in statement.texts("Resource", "NotResource") if node.text != "*")


def _candidates(policy: Policy, fields: tuple[Field, ...], length: int) -> tuple[ResourceType, ...]:
    """The resource types that the resource can be of; none where nothing can be told."""
    service = fields[_SERVICE].text
    if is_free(service) or length > MAX_ARN:
        return ()
    known = policy.catalogue.resources(service)
    return tuple(kind for kind in known if overlaps(fields[_RESOURCE].text, kind.arn.split(":", FIELDS - 1)[-1]))


def prefixes(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """INVALID_ARN_PREFIX."""
    for node in _written(statement):
        if not node.text.startswith("arn:"):
            yield issue("INVALID_ARN_PREFIX", policy.value(node))


def missing_fields(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """MISSING_ARN_FIELD."""
    for node in _written(statement):
        if node.text.startswith("arn:") and len(cut(node.text)) < FIELDS:
            yield issue("MISSING_ARN_FIELD", policy.value(node), fields=str(FIELDS))


def fields(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """What is wrong with the fields of the ARNs that have all of them."""
    for node in _written(statement):
        parts = cut(node.text)
        if parts[0].text != "arn" or len(parts) < FIELDS:
            continue
        arn = ArnText(node, parts, _candidates(policy, parts, len(node.text)))
        for check in (_partition, _service, _region, _account, _resource):
            yield from check(policy, arn)


def _partition(policy: Policy, arn: ArnText) -> Iterator[Issue]:
    """INVALID_PARTITION."""
    field = arn.fields[_PARTITION]
    known = policy.catalogue.partitions()
    if not is_free(field.text) and field.text not in known:
        words = {"service": arn.fields[_SERVICE].text, "partition": field.text, "partitions": ", ".join(known)}
        yield issue("INVALID_PARTITION", _place(policy, arn, field), **words)


def _service(policy: Policy, arn: ArnText) -> Iterator[Issue]:
    """INVALID_ARN_SERVICE_CASE, INVALID_SERVICE."""
    field = arn.fields[_SERVICE]
    if is_free(field.text) or _known(policy, field.text):
        return
    code = "INVALID_ARN_SERVICE_CASE" if _known(policy, field.text.lower()) else "INVALID_SERVICE"
    yield issue(code, _place(policy, arn, field), service=field.text)


def _region(policy: Policy, arn: ArnText) -> Iterator[Issue]:
    """ARN_REGION_NOT_ALLOWED, MISSING_ARN_REGION, INVALID_ARN_REGION."""
    field, allowed = arn.fields[_REGION], arn.allowed(_REGION)
    if is_free(field.text) or field.text in allowed:
        return
    if allowed == {""}:
        yield issue("ARN_REGION_NOT_ALLOWED", _place(policy, arn, field), service=arn.fields[_SERVICE].text)
    elif not field.text and allowed and "" not in allowed:
        yield issue("MISSING_ARN_REGION", policy.value(arn.node), service=arn.fields[_SERVICE].text)
    elif field.text and not any(field.text in names for names in policy.catalogue.partitions().values()):
        yield issue("INVALID_ARN_REGION", _place(policy, arn, field), region=field.text)


def _account(policy: Policy, arn: ArnText) -> Iterator[Issue]:
    """ARN_ACCOUNT_NOT_ALLOWED, MISSING_ARN_ACCOUNT, INVALID_ARN_ACCOUNT."""
    field, allowed = arn.fields[_ACCOUNT], arn.allowed(_ACCOUNT)
    if is_free(field.text) or field.text in allowed:
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
    """INVALID_ARN_RESOURCE."""
    service, field = arn.fields[_SERVICE].text, arn.fields[_RESOURCE]
    if is_free(service) or len(arn.node.text) > MAX_ARN or field.text.startswith(_UNLISTED.get(service, ())):
        return
    if policy.catalogue.resources(service) and not arn.kinds:
        yield issue("INVALID_ARN_RESOURCE", _place(policy, arn, field))


def _known(policy: Policy, service: str) -> bool:
    return service in policy.catalogue.prefixes() or bool(policy.catalogue.resources(service))


def _place(policy: Policy, arn: ArnText, field: Field) -> Location:
    return policy.part(arn.node, field.start, len(field.text))


def unsupported_resources(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """UNSUPPORTED_RESOURCE_ARN_IN_POLICY."""
    wanted = SERVICES_OF.get(policy.resource_type or "")
    if wanted is None or policy.resource_type == TRUST_POLICY:
        return
    for node in _written(statement):
        parts = cut(node.text)
        if len(parts) == FIELDS and parts[_SERVICE].text != wanted and not is_free(parts[_SERVICE].text):
            words = {"resource_type": str(policy.resource_type)}
            yield issue("UNSUPPORTED_RESOURCE_ARN_IN_POLICY", policy.value(node), **words)
