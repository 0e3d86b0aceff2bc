"""Organizations: accounts, organizational units, policies, the organization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    or_undone,
)
from locum.services.cloudformation.providers.dates import dated
from locum.services.cloudformation.providers.steps import Steps, adopting, telling, until
from locum.services.cloudformation.providers.table import Call, Change, Each, Name, Row, Shown, Tags, provider
from locum.services.cloudformation.providers.templates import filled

_TAGS: Final = Tags(
    add=Call("TagResource", {"ResourceId": "{id}", "Tags": "{tags}"}),
    remove=Call("UntagResource", {"ResourceId": "{id}", "TagKeys": "{keys}"}),
)

# -- accounts --------------------------------------------------------------------------------------------

_SHOWN: Final = ("Arn", "JoinedMethod", "JoinedTimestamp", "Paths", "State", "Status")
_ACCOUNTS: Final = Row(
    service="organizations",
    create=Call("CreateAccount", takes="AccountName Email RoleName"),
    tags=_TAGS,
    read=Call("DescribeAccount", {"AccountId": "{id}"}),
    physical="{c.CreateAccountStatus.Id}",
    attributes={"AccountId": "{id}", **{name: f"{{r.Account.{name}}}" for name in _SHOWN}},
    deletes=(Call("CloseAccount", {"AccountId": "{id}"}),),
)


def _made_account(resource: Resource) -> Steps[str]:
    """The id of a new account; of one that was made before, where its creation is made again."""
    row = provider(replace(_ACCOUNTS, attributes={}, deletes=()))
    request = yield from row.create(replace(resource, properties=_but_parents(resource.properties)))
    asked = Request("organizations", "DescribeCreateAccountStatus", {"CreateAccountRequestId": request.physical})
    answer = yield from until(asked, lambda found: found["CreateAccountStatus"]["State"] != "IN_PROGRESS")
    status = answer["CreateAccountStatus"]
    if status["State"] == "SUCCEEDED":
        return str(status["AccountId"])
    if resource.again and status["FailureReason"] == "EMAIL_ALREADY_EXISTS":
        found = yield from _found("ListAccounts", "Accounts", {}, Email=resource.properties["Email"])
        if found:
            return str(found["Id"])
    raise Fault("CreateAccountFailed", f"Failed to create account: {status['FailureReason']}")


def _but_parents(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "ParentIds"}


def _moved(account: str, properties: Properties) -> Ending:
    """Move an account to the parent that it is to have, if any."""
    parents = properties.get("ParentIds") or ()
    if len(parents) > 1:
        raise Fault("InvalidRequest", "An account has one parent alone.")
    if not parents:
        return
    answer = yield Request("organizations", "ListParents", {"ChildId": account})
    once = answer["Parents"][0]["Id"]
    if once != parents[0]:
        moved = {"AccountId": account, "SourceParentId": once, "DestinationParentId": parents[0]}
        yield Request("organizations", "MoveAccount", moved)


def _accounts() -> Provider:
    """Accounts: made in the background, moved to their parent, closed in the end."""
    row = provider(_ACCOUNTS)
    row_update = row.update
    assert row_update is not None

    def create(resource: Resource) -> Work:
        made = replace(resource, physical=(yield from _made_account(resource)))
        return (yield from or_undone(settled(made), delete(made)))

    def settled(resource: Resource) -> Work:
        yield from _moved(resource.physical, resource.properties)
        answer = yield Request("organizations", "DescribeAccount", {"AccountId": resource.physical})
        found = filled(_ACCOUNTS.attributes, {"id": resource.physical, "r": answer})
        return Made(resource.physical, found)

    def update(resource: Resource, before: Properties) -> Work:
        yield from _moved(resource.physical, resource.properties)
        kept = replace(resource, properties=_but_parents(resource.properties))
        return (yield from row_update(kept, _but_parents(before)))

    def delete(resource: Resource) -> Ending:
        try:
            yield from row.delete(resource)
        except Fault as fault:
            if fault.code != "AccountAlreadyClosedException":
                raise

    return Provider(create, delete, update)


# -- units, policies -------------------------------------------------------------------------------------


def _found(operation: str, member: str, params: Mapping[str, Any], **wanted: Any) -> Steps[Mapping[str, Any] | None]:
    """The first of all that a listing has with the members `wanted`."""
    token: Mapping[str, Any] = {}
    while True:
        answer = yield Request("organizations", operation, {**params, **token})
        for item in answer[member]:
            if all(item.get(name) == value for name, value in wanted.items()):
                return dict(item)
        if not answer.get("NextToken"):
            return None
        token = {"NextToken": answer["NextToken"]}


_UNIT: Final = {"OrganizationalUnitId": "{id}"}
_UNITS: Final = Row(
    service="organizations",
    create=Call("CreateOrganizationalUnit", takes="ParentId"),
    name=Name("Name", 128),
    tags=_TAGS,
    read=Call("DescribeOrganizationalUnit", _UNIT),
    physical="{c.OrganizationalUnit.Id}",
    attributes={"Id": "{id}", **{name: f"{{r.OrganizationalUnit.{name}}}" for name in ("Arn", "Path")}},
    settings=(Change(Call("UpdateOrganizationalUnit", _UNIT, "Name")),),
    deletes=(Call("DeleteOrganizationalUnit", _UNIT),),
)


def _made_unit(resource: Resource) -> Steps[Mapping[str, Any] | None]:
    given, name = resource.properties, resource.properties["Name"]
    parent = {"ParentId": given["ParentId"]}
    found = yield from _found("ListOrganizationalUnitsForParent", "OrganizationalUnits", parent, Name=name)
    return {"OrganizationalUnit": found} if found else None


_POLICY: Final = {"PolicyId": "{id}"}
_TARGET: Final = {**_POLICY, "TargetId": "{item}"}
_POLICIES: Final = Row(
    service="organizations",
    create=Call("CreatePolicy", takes="Content Description Type"),
    name=Name("Name", 128),
    tags=_TAGS,
    physical="{c.Policy.PolicySummary.Id}",
    attributes={"Id": "{id}", **{name: f"{{c.Policy.PolicySummary.{name}}}" for name in ("Arn", "AwsManaged")}},
    settings=(Change(Call("UpdatePolicy", _POLICY, "Content Description Name")),),
    items=(Each("TargetIds", Call("AttachPolicy", _TARGET), Call("DetachPolicy", _TARGET), removed_first=True),),
    deletes=(Call("DeletePolicy", _POLICY),),
    shaped=lambda properties: {"Description": "", **properties},
    shown=Shown(
        Call("DescribePolicy", {"PolicyId": "{id}"}),
        "Policy.PolicySummary",
        members={"Content": "{r.Policy.Content}"},
    ),
)


def _made_policy(resource: Resource) -> Steps[Mapping[str, Any] | None]:
    """The policy that was made before. It is attached to nothing, as it is attached again."""
    given = resource.properties
    kind = {"Filter": given["Type"]}
    found = yield from _found("ListPolicies", "Policies", kind, Name=given["Name"])
    if found is None:
        return None
    targets = yield Request("organizations", "ListTargetsForPolicy", {"PolicyId": found["Id"]})
    for target in targets["Targets"]:
        detached = {"PolicyId": found["Id"], "TargetId": target["TargetId"]}
        yield Request("organizations", "DetachPolicy", detached)
    return {"Policy": {"PolicySummary": found}}


_RESOURCE_POLICIES: Final = Row(
    service="organizations",
    create=Call("PutResourcePolicy", takes="Content"),
    tags=_TAGS,
    physical="{c.ResourcePolicy.ResourcePolicySummary.Id}",
    attributes={"Id": "{id}", "Arn": "{c.ResourcePolicy.ResourcePolicySummary.Arn}"},
    settings=(Change(Call("PutResourcePolicy", takes="Content")),),
    deletes=(Call("DeleteResourcePolicy"),),
)

# -- the organization ------------------------------------------------------------------------------------

_ORGANIZATIONS: Final = Row(
    service="organizations",
    create=Call("CreateOrganization", takes="FeatureSet"),
    exists=frozenset({"AlreadyInOrganizationException"}),
    read=Call("DescribeOrganization"),
    physical="{c.Organization.Id|r.Organization.Id}",
    attributes={
        "Id": "{id}",
        "Arn": "{r.Organization.Arn}",
        "ManagementAccountArn": "{r.Organization.MasterAccountArn}",
        "ManagementAccountEmail": "{r.Organization.MasterAccountEmail}",
        "ManagementAccountId": "{r.Organization.MasterAccountId}",
    },
    settings=(Change(Call("EnableAllFeatures"), on="FeatureSet"),),
    deletes=(Call("DeleteOrganization"),),
)


def _root(_resource: Resource, _organization: str) -> Steps[Mapping[str, Any]]:
    answer = yield Request("organizations", "ListRoots", {})
    return {"RootId": answer["Roots"][0]["Id"]}


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::Organizations::Account": dated(_accounts(), "JoinedTimestamp"),
    "AWS::Organizations::Organization": telling(provider(_ORGANIZATIONS), _root),
    "AWS::Organizations::OrganizationalUnit": adopting(provider(_UNITS), _made_unit),
    "AWS::Organizations::Policy": adopting(provider(_POLICIES), _made_policy),
    "AWS::Organizations::ResourcePolicy": provider(_RESOURCE_POLICIES),
}
