"""KMS: keys and aliases."""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Ending, Properties, Provider, Request, Resource
from locum.services.cloudformation.providers.steps import truth, without
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Part, Row, Shown, Tags, provider

_KEY: Final = {"KeyId": "{id}"}
_DEFAULT_WINDOW: Final = 30
"""Days until a key is deleted: Template Reference, "PendingWindowInDays"."""


def _shaped(properties: Properties) -> Properties:
    """The properties, of which those that are switches are there or not."""
    found = {"PendingWindowInDays": _DEFAULT_WINDOW, **properties}
    if not truth(found.get("EnableKeyRotation")):
        found = without(found, ("EnableKeyRotation", "RotationPeriodInDays"))
    if truth(found.pop("Enabled", None), default=True):
        return found
    return {**found, "Disabled": True}


_KEYS: Final = Row(
    service="kms",
    create=Call(
        "CreateKey",
        takes="BypassPolicyLockoutSafetyCheck Description KeySpec KeyUsage MultiRegion Origin Policy=KeyPolicy",
    ),
    physical="{c.KeyMetadata.KeyId}",
    attributes={"Arn": "{c.KeyMetadata.Arn}", "KeyId": "{it.KeyId|id}"},
    tags=Tags(
        add=Call("TagResource", {**_KEY, "Tags": "{tags}"}),
        remove=Call("UntagResource", {**_KEY, "TagKeys": "{keys}"}),
        key="TagKey",
        value="TagValue",
        reserved=False,
    ),
    settings=(
        Change(Call("UpdateKeyDescription", _KEY, "Description"), defaults={"Description": ""}),
        Change(
            Call("PutKeyPolicy", {**_KEY, "PolicyName": "default"}, "BypassPolicyLockoutSafetyCheck Policy=KeyPolicy")
        ),
        Change(
            Call("EnableKeyRotation", _KEY, "RotationPeriodInDays"),
            on="EnableKeyRotation",
            removed=Call("DisableKeyRotation", _KEY),
            at_creation=True,
        ),
        Change(Call("DisableKey", _KEY), on="Disabled", removed=Call("EnableKey", _KEY), at_creation=True),
    ),
    deletes=(Call("ScheduleKeyDeletion", _KEY, "PendingWindowInDays"),),
    shaped=_shaped,
    unused=frozenset({"PendingWindowInDays"}),
    shown=Shown(
        Call("DescribeKey", _KEY),
        "KeyMetadata",
        parts=(
            Part("KeyPolicy", Call("GetKeyPolicy", {**_KEY, "PolicyName": "default"}), "Policy"),
            Part("EnableKeyRotation", Call("GetKeyRotationStatus", _KEY), "KeyRotationEnabled"),
            Part(
                "Tags",
                Call("ListResourceTags", _KEY),
                "Tags",
                {"Key": "{item.TagKey}", "Value": "{item.TagValue}"},
            ),
        ),
        told="Description",
        ended={"KeyState": "PendingDeletion"},
        lists=Listing(Call("ListKeys"), "Keys", "{item.KeyId}"),
    ),
)


def _keys() -> Provider:
    """Keys. One that waits for its deletion is deleted."""
    row = provider(_KEYS)

    def delete(resource: Resource) -> Ending:
        try:
            yield from row.delete(resource)
        except Fault as fault:
            if fault.code != "KMSInvalidStateException":
                raise

    return row._replace(delete=delete)


_ALIAS: Final = {"AliasName": "{id}"}
_ALIASES: Final = Row(
    service="kms",
    create=Call("CreateAlias", takes="TargetKeyId"),
    name=Name("AliasName"),
    exists=frozenset({"AlreadyExistsException"}),
    physical="{name}",
    settings=(Change(Call("UpdateAlias", _ALIAS, "TargetKeyId")),),
    deletes=(Call("DeleteAlias", _ALIAS),),
    shown=Shown(
        Call("ListAliases"),
        "Aliases",
        where={"AliasName": "{id}"},
        lists=Listing(Call("ListAliases"), "Aliases", "{item.AliasName}"),
    ),
)


def _aliases() -> Provider:
    """Aliases. The deletion of one that is gone is denied, as nothing says of which key it is: its key is asked."""
    row = provider(_ALIASES)

    def delete(resource: Resource) -> Ending:
        try:
            yield from row.delete(resource)
        except Fault as fault:
            if fault.code != "AccessDeniedException":
                raise
            kept = yield Request("kms", "ListAliases", {"KeyId": resource.properties["TargetKeyId"]})
            if resource.physical in {alias["AliasName"] for alias in kept["Aliases"]}:
                raise

    return row._replace(delete=delete)


PROVIDERS: Final[dict[str, Provider]] = {"AWS::KMS::Alias": _aliases(), "AWS::KMS::Key": _keys()}
