"""Dynamic references: their forms, and the properties that may have secret ones of Systems Manager.

CloudFormation User Guide, "Get values stored in other services using dynamic references".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from locum.services.cloudformation.providers.base import Request
from locum.services.cloudformation.templates import invalid

_FORM: Final = re.compile(r"\{\{resolve:(?P<service>[a-z-]+):(?P<rest>[^{}]+)\}\}")
_SSM: Final = re.compile(r"(?P<name>(?:arn:[^:]*:ssm:[^:]*:[^:]*:)?[^:]+)(?::(?P<version>[0-9]+))?")
_SECURE: Final = frozenset(
    {
        "AWS::DirectoryService::MicrosoftAD/Properties/Password",
        "AWS::DirectoryService::SimpleAD/Properties/Password",
        "AWS::ElastiCache::ReplicationGroup/Properties/AuthToken",
        "AWS::IAM::User/Properties/LoginProfile/Password",
        "AWS::KinesisFirehose::DeliveryStream/Properties/RedshiftDestinationConfiguration/Password",
        "AWS::OpsWorks::App/Properties/AppSource/Password",
        "AWS::OpsWorks::Stack/Properties/CustomCookbooksSource/Password",
        "AWS::OpsWorks::Stack/Properties/RdsDbInstances/DbPassword",
        "AWS::RDS::DBCluster/Properties/MasterUserPassword",
        "AWS::RDS::DBInstance/Properties/MasterUserPassword",
        "AWS::Redshift::Cluster/Properties/MasterUserPassword",
    }
)
"""User Guide, "Resources that support dynamic parameter patterns for secure strings"."""


class DynamicReference(NamedTuple):
    """A dynamic reference: of Systems Manager with the name of a parameter and its version, empty for the latest."""

    service: str
    rest: str
    name: str = ""
    version: str = ""

    @property
    def latest(self) -> bool:
        """Whether it is the latest version of a parameter that is not secret, which is read again by every update."""
        return self.service == "ssm" and not self.version


def reference_of(written: str) -> DynamicReference:
    """What a whole `{{resolve:...}}` refers to. Raises Fault ValidationError where it is of no form."""
    found = _FORM.fullmatch(written)
    if found is None:
        raise invalid(f"Dynamic reference {written} is not valid")
    service, rest = found["service"], found["rest"]
    if service not in ("ssm", "ssm-secure"):
        return DynamicReference(service, rest)
    parts = _SSM.fullmatch(rest)
    if parts is None:
        raise invalid(f"Incorrect format is used in the following SSM reference: [{written}]")
    return DynamicReference(service, rest, parts["name"], parts["version"] or "")


def check_default(name: str, default: str) -> None:
    """Check that a default of a parameter names no latest version. Raises Fault ValidationError."""
    if any(reference_of(found.group()).latest for found in _FORM.finditer(default)):
        raise invalid(f"Template error: parameter {name} should not contain ssm versionless resolver")


def misplaced(kind: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, DynamicReference]]:
    """The secret references in properties of the type `kind` that may have none, with the paths of these."""
    left: list[tuple[str, Any]] = [(f"{kind}/Properties", properties)]
    while left:
        path, value = left.pop()
        if isinstance(value, Mapping):
            left += [(f"{path}/{name}", member) for name, member in value.items()]
        elif isinstance(value, list):
            left += [(path, item) for item in value]
        elif isinstance(value, str) and path not in _SECURE:
            found = [reference_of(it.group()) for it in _FORM.finditer(value)]
            yield from ((path, it) for it in found if it.service == "ssm-secure")


def misplaced_text(paths: list[str]) -> str:
    """What is told of secret references in these places."""
    return f"SSM Secure reference is not supported in: [{', '.join(dict.fromkeys(paths))}]"


class _Secret(NamedTuple):
    """SECRET-ID:SecretString:JSON-KEY:VERSION-STAGE:VERSION-ID; the id may be an ARN."""

    secret: str
    kind: str
    member: str
    stage: str
    version: str


def _secret_of(reference: DynamicReference) -> _Secret:
    parts = reference.rest.split(":")
    head = 7 if reference.rest.startswith("arn:") else 1
    kind, member, stage, version = [*parts[head:], "", "", "", ""][:4]
    return _Secret(":".join(parts[:head]), kind, member, stage, version)


def request_for(reference: DynamicReference) -> Request:
    """The request that is answered with what a reference refers to. Raises Fault ValidationError."""
    if reference.name:
        params = {"Names": [reference.rest], "WithDecryption": reference.service == "ssm-secure"}
        return Request("ssm", "GetParameters", params)
    if reference.service != "secretsmanager":
        raise invalid(f"Dynamic reference service {reference.service} is not supported")
    secret = _secret_of(reference)
    if secret.kind not in ("", "SecretString"):
        raise invalid(f"Could not find a value associated with {secret.kind} in SecretString")
    versions = {"VersionStage": secret.stage, "VersionId": secret.version}
    given = {name: value for name, value in versions.items() if value}
    return Request("secretsmanager", "GetSecretValue", {"SecretId": secret.secret, **given})


def answered(reference: DynamicReference, answer: Mapping[str, Any]) -> str:
    """The value of a reference whose request got `answer`. Raises Fault ValidationError."""
    return _parameter(reference, answer) if reference.name else _secret(_secret_of(reference), answer)


def _secret(reference: _Secret, answer: Mapping[str, Any]) -> str:
    text = str(answer.get("SecretString", ""))
    if not reference.member:
        return text
    try:
        values = json.loads(text)
    except ValueError as error:
        raise invalid("Could not parse SecretString JSON") from error
    try:
        return str(values[reference.member])
    except (KeyError, TypeError) as error:
        raise invalid("Could not find a value associated with JSONKey in SecretString") from error


def _parameter(reference: DynamicReference, answer: Mapping[str, Any]) -> str:
    found = answer.get("Parameters")
    if not found:
        raise invalid(f"Parameters: [{reference.service}:{reference.rest}] cannot be found.")
    if reference.service == "ssm" and found[0].get("Type") == "SecureString":
        raise invalid(f"Non-secure ssm prefix was used for secure parameter {reference.name}")
    return str(found[0]["Value"])
