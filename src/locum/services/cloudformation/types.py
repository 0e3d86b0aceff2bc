"""The registry: the resource types of AWS, as their published schemas describe them.

CloudFormation API Reference, ListTypes and DescribeType. Nobody registers or activates types of their own here, so that
nothing is private.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from locum.core.arn import PARTITION, Arn
from locum.core.errors import Fault
from locum.services.cloudformation.schemas import published, published_types
from locum.services.pagination import Pagination
from locum.services.verbs import Context, Operation, Outcome, Params, computes

_MUTABLE: Final = {"create", "read", "delete", "update"}
_DOCUMENTATION: Final = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference"
_VERSION: Final = "00000001"
_LISTS: Final = Pagination("MaxResults", "NextToken", "NextToken", 100, lambda: _refused("Invalid NextToken"))


def list_types(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListTypes: "The default is PRIVATE" for Visibility, of which there are none."""
    filters = params.get("Filters") or {}
    found: list[str] = []
    ours = filters.get("Category", "AWS_TYPES") == "AWS_TYPES" and not filters.get("PublisherId")
    shown = params.get("Visibility", "PRIVATE") == "PUBLIC" and params.get("DeprecatedStatus", "LIVE") == "LIVE"
    if ours and shown and params.get("Type", "RESOURCE") == "RESOURCE":
        begin, way = filters.get("TypeNamePrefix", ""), params.get("ProvisioningType")
        found = [kind for kind in published_types() if kind.startswith(begin)]
        found = [kind for kind in found if way is None or _provisioning(_schema(kind)) == way]
    page = _LISTS.page(params, found, lambda kind: kind)
    return page.outcome("TypeSummaries", lambda kind: _summary(ctx, kind))


def describe_type(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeType. Raises Fault TypeNotFoundException."""
    kind = _named(params)
    schema = _schema(kind) if params.get("VersionId", _VERSION) == _VERSION else None
    if schema is None:
        raise Fault("TypeNotFoundException", f"The type '{kind}' cannot be found.", 404)
    answer: dict[str, Any] = {
        "Arn": _arn(ctx, kind),
        "Type": "RESOURCE",
        "TypeName": kind,
        "DefaultVersionId": _VERSION,
        "IsDefaultVersion": True,
        "Description": schema.get("description", ""),
        "Schema": json.dumps(schema),
        "ProvisioningType": _provisioning(schema),
        "DeprecatedStatus": "LIVE",
        "Visibility": "PUBLIC",
        "DocumentationUrl": f"{_DOCUMENTATION}/{_page(kind)}",
    }
    return Outcome(answer | ({"SourceUrl": schema["sourceUrl"]} if "sourceUrl" in schema else {}))


def list_type_versions(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListTypeVersions: the one version that a type has."""
    kind = _named(params)
    if _schema(kind) is None:
        raise Fault("TypeNotFoundException", f"The type '{kind}' cannot be found.", 404)
    version = {
        "Type": "RESOURCE",
        "TypeName": kind,
        "VersionId": _VERSION,
        "IsDefaultVersion": True,
        "Arn": f"{_arn(ctx, kind)}/{_VERSION}",
    }
    return Outcome({"TypeVersionSummaries": [version] if params.get("DeprecatedStatus", "LIVE") == "LIVE" else []})


def _named(params: Params) -> str:
    """The type that `params` name, by its name or ARN. Raises Fault."""
    if "Arn" in params:
        arn = Arn.find(params["Arn"])
        parts = arn.resource.split("/") if arn is not None else []
        if len(parts) < 3 or parts[:2] != ["type", "resource"]:
            raise _refused(f"The ARN '{params['Arn']}' is not valid.")
        return parts[2].replace("-", "::")
    if "TypeName" not in params or "Type" not in params:
        raise _refused("You must specify either the ARN, or both the type name and the type.")
    name = str(params["TypeName"])
    return name if params["Type"] == "RESOURCE" else f"{params['Type']} {name}"


def _schema(kind: str) -> Mapping[str, Any] | None:
    return published(kind) if kind in published_types() else None


def _provisioning(schema: Mapping[str, Any] | None) -> str:
    """CloudFormation API Reference, DescribeType, ProvisioningType: by the handlers that a type has."""
    handlers = (schema or {}).get("handlers", {})
    missing = _MUTABLE - handlers.keys()
    return "FULLY_MUTABLE" if not missing else "IMMUTABLE" if missing == {"update"} else "NON_PROVISIONABLE"


def _summary(ctx: Context, kind: str) -> dict[str, Any]:
    schema = _schema(kind) or {}
    return {
        "Type": "RESOURCE",
        "TypeName": kind,
        "DefaultVersionId": _VERSION,
        "TypeArn": _arn(ctx, kind),
        "Description": schema.get("description", ""),
    }


def _arn(ctx: Context, kind: str) -> str:
    return f"arn:{PARTITION}:cloudformation:{ctx.region}::type/resource/{kind.replace('::', '-')}"


def _page(kind: str) -> str:
    return f"aws-resource-{'-'.join(kind.lower().split('::')[1:])}.html"


def _refused(message: str) -> Fault:
    return Fault("CFNRegistryException", message, 400)


OPERATIONS: Final[dict[str, Operation]] = {
    "DescribeType": computes(describe_type),
    "ListTypeVersions": computes(list_type_versions),
    "ListTypes": computes(list_types),
}
