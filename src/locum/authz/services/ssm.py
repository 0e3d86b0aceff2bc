"""AWS Systems Manager: parameters, documents, nodes and settings by what requests call them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Resolver, Values, own_arn
from locum.state import State


def _parameter(state: State, call: Call, values: Values) -> Iterable[str]:
    """A parameter by name or ARN, without its label or version. The slash at its beginning is not repeated in the ARN.

    SSM API Reference, GetParameter: "To query by parameter label, use Name: name:label. To query by parameter version,
    use Name: name:version". A path (GetParametersByPath) has no slash at its end in the ARN, but that of all
    parameters: "on resource: arn:aws:ssm:us-west-2:...:parameter/". Public parameters have no account:
    "arn:aws:ssm:us-east-1::parameter/aws/service/...".
    """
    name = values[0]
    if name is None:
        return (own_arn(call, "ssm", "parameter/", None),)
    if name.startswith("arn:"):
        return (":".join(name.split(":")[:6]),)
    path = name.partition(":")[0].removeprefix("/").rstrip("/")
    owner = "" if f"{path}/".startswith(_PUBLIC) else None
    return (own_arn(call, "ssm", f"parameter/{path}", account=owner),)


_PUBLIC: Final = "aws/service/"
"""The path of AWS's own parameters: Systems Manager User Guide, "Working with public parameters"."""


_AMAZONS: Final = ("aws", "amazon", "amzn")
"""Beginnings that only names of Amazon's documents have: SSM API Reference, CreateDocument, `Name`."""


def _document(state: State, call: Call, values: Values) -> Iterable[str]:
    """A document by name or ARN. Amazon's have no account: "on resource: arn:aws:ssm:us-east-1::document/AWS-..."."""
    name = values[0] or ""
    if name.startswith("arn:"):
        return (name,)
    owner = "" if name.lower().startswith(_AMAZONS) else None
    return (own_arn(call, "ssm", "document/", name, account=owner),)


def _node(prefix: str, service: str, kind: str) -> Resolver:
    """The resolver of nodes whose ids begin with `prefix`: a node of another kind has no such ARN."""

    def resolve(state: State, call: Call, values: Values) -> Iterable[str]:
        node = values[0]
        return () if node is not None and not node.startswith(prefix) else (own_arn(call, service, kind, node),)

    return resolve


def _setting(state: State, call: Call, values: Values) -> Iterable[str]:
    """A service setting by its path or ARN."""
    name = (values[0] or "").removeprefix("/")
    return (name if name.startswith("arn:") else own_arn(call, "ssm", "servicesetting/", name),)


_KINDS: Final[dict[str, str]] = {
    "Association": "association/",
    "Automation": "automation-execution/",
    "MaintenanceWindow": "maintenancewindow/",
    "ManagedInstance": "managed-instance/",
    "OpsItem": "opsitem/",
    "OpsMetadata": "opsmetadata/",
    "PatchBaseline": "patchbaseline/",
}


def _tagged(state: State, call: Call, values: Values) -> Iterable[str]:
    """A resource by its type and id, as the actions on tags name it: SSM API Reference, AddTagsToResource."""
    kind, name = values[0] or "", values[1]
    if kind in ("Document", "Parameter"):
        return (_document if kind == "Document" else _parameter)(state, call, (name,))
    if name is not None and name.startswith("arn:"):
        return (name,)
    return (own_arn(call, "ssm", _KINDS.get(kind), name),)


_ASSUMED: Final = re.compile(r"""["']?assumeRole["']?\s*:\s*["']?(arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+)""")


def _assumed_role(state: State, call: Call) -> Iterable[Check]:
    """iam:PassRole for a role that the content of an Automation runbook, JSON or YAML, names as the one to assume."""
    for role in _ASSUMED.findall(str(call.params.get("Content", ""))):
        yield Check("iam:PassRole", role, "role", {"iam:passedtoservice": "ssm.amazonaws.com"})


FUNCTIONS: Final = Functions(
    planners={"ssm_assumed_role": _assumed_role},
    resolvers={
        "ssm_document": _document,
        "ssm_instance": _node("i-", "ec2", "instance/"),
        "ssm_managed_instance": _node("mi-", "ssm", "managed-instance/"),
        "ssm_parameter": _parameter,
        "ssm_setting": _setting,
        "ssm_tagged": _tagged,
    },
)
